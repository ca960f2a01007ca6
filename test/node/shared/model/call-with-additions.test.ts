import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../../../shared/core/json/json.ts";
import { fakeRuntime, settled } from "../../../support/fake-runtime.ts";
import {
	aBody,
	asking,
	type CallFacts,
	COMPATIBLE,
	ending,
	eventStream,
	piece,
	sentIn,
	sseOf,
	watched,
} from "../../../support/model-calls.ts";
import { failedAs } from "../../../support/outcomes.ts";

const HI = {
	choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
	usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
};
const SAYS_HI = { ok: true, response: { completion: { choices: [{ message: { content: "Hi" } }] } } };
const ASK = { messages: [] };
const UNVERIFIED = "Your organization must be verified to stream this model.";

/** An upstream of its own, which is remembered by its route. */
function upstream(answer: (sent: JsonObject) => Response | Promise<Response>) {
	const sent: JsonObject[] = [];
	const runtime = fakeRuntime({
		async fetch(_, init) {
			const body = await sentIn(init);
			sent.push(body);
			return await answer(body);
		},
	});
	const ask = asking(runtime);
	const route = { ...COMPATIBLE };
	const askOf = (call: CallFacts = {}, signal?: AbortSignal) => ask({ route, input: ASK, ...call }, signal);
	return { sent, runtime, ask: askOf };
}

const refusing = (error: Json, status = 400) => Response.json(error, { status });
const ofStreams = (sent: JsonObject[]) => sent.map(({ stream = "unasked" }) => stream);

describe("a provider that refuses to stream", () => {
	it.each<[string, number, Json]>([
		["OpenAI to the unverified", 400, { error: { message: UNVERIFIED, param: "stream", code: "unsupported_value" } }],
		["vLLM", 400, { error: { message: "Streaming is not supported with beam search.", param: null } }],
		["a bare sentence", 400, { error: "stream is not supported" }],
		["models of Workers AI", 200, { result: {}, success: true, errors: [], messages: [] }],
		["Mistral's form", 422, { message: { detail: [{ loc: ["body", "stream"] }] } }],
		["a list under message", 422, { message: [{ msg: "Streaming is off.", path: ["stream"] }] }],
		["a router under a 200", 200, { error: { code: 400, message: "stream is not supported" } }],
		["a list of errors", 400, { errors: [{ message: "stream is not supported" }] }],
		["a list under error", 400, { error: [{ message: "stream is not supported" }] }],
		["an unknown field", 400, { error: { message: "Additional properties are not allowed" } }],
		["a body of nothing", 200, null],
	])(
		"(%s) is called again without, and after two jobs not asked for streams of that model any more",
		async (_, status, error) => {
			const answer = () => (error === null ? new Response("") : refusing(error, status));
			const { ask, sent } = upstream(({ stream }) => (stream ? answer() : Response.json(HI)));
			const remark = expect.stringMatching(
				status === 200 && !JSON.stringify(error).includes("400") ? /stream .* held nothing/ : /refused the stream/,
			);
			for (const jobId of ["job_1", "job_1", "job_2"])
				expect(await ask({ jobId })).toMatchObject({ ...SAYS_HI, response: { status: 200, remark } });
			const again = await ask();
			expect(again).toMatchObject(SAYS_HI);
			expect(again).not.toMatchObject({ response: { remark } });
			expect(ofStreams(sent)).toEqual([true, "unasked", true, "unasked", true, "unasked", "unasked"]);
			await ask({ model: "another" });
			expect(ofStreams(sent).slice(7)).toEqual([true, "unasked"]);
		},
	);

	it.each<[string, number, Json]>([
		["another parameter", 400, { error: { message: "The stream of tools is invalid.", param: "tools" } }],
		["another place", 422, { detail: [{ loc: ["body", "messages", 0], msg: "stream" }] }],
		["nothing of it", 400, { error: { message: "Invalid schema for function 'stream_video'." } }],
		["nothing of it in a 200", 200, { hello: 1 }],
		["an unknown field", 400, { error: { message: "Additional properties are not allowed ('seed' was unexpected)" } }],
		["it with another status", 403, { error: { message: UNVERIFIED, param: "stream" } }],
	])("names %s (%i): it is called once, and its refusal stands", async (_, status, error) => {
		const { ask, sent } = upstream(() => refusing(error, status));
		expect(await ask()).toMatchObject(failedAs({ status }));
		expect(sent).toHaveLength(1);
	});

	it("although the request itself is wrong is asked for streams again, and its last refusal is the call's", async () => {
		const { ask, sent } = upstream(({ stream }) =>
			refusing({ error: { message: stream ? "No stream of that." : "Too hot.", code: "too_hot" } }),
		);
		const message = expect.stringMatching(/^Too hot\. .*refused the stream/);
		for (let asked = 0; asked < 2; asked++) {
			expect(await ask()).toMatchObject(failedAs({ class: "permanent", providerCode: "too_hot", message }));
		}
		expect(ofStreams(sent)).toEqual([true, "unasked", true, "unasked"]);
	});

	it("by nothing at all is not called again for a caller that asked for a stream, or that has gone", async () => {
		const { ask, sent } = upstream(() => new Response("data: [DONE]\n\n"));
		expect(await ask({ input: { ...ASK, stream: true } })).toMatchObject({ failure: { code: "answer_empty" } });
		expect(sent).toHaveLength(1);
		const body = aBody();
		const stop = new AbortController();
		const leaving = upstream(() => new Response(body.stream));
		const outcome = leaving.ask({}, stop.signal);
		body.send("{}");
		await settled();
		stop.abort();
		expect(await outcome).toMatchObject({ ok: false });
		expect(leaving.sent).toHaveLength(1);
	});

	it("without success in the call without either is asked for streams again", async () => {
		const { ask, sent } = upstream(() => Response.json({}));
		for (const jobId of ["job_1", "job_2", "job_3"])
			expect(await ask({ jobId })).toMatchObject({ failure: { code: "answer_empty" } });
		expect(ofStreams(sent)).toEqual([true, "unasked", true, "unasked", true, "unasked"]);
	});

	it.each([
		["by an empty object", () => Response.json({})],
		["by a refusal", () => refusing({ error: "stream is not supported" })],
	])("%s is called again in the time that is left, and may be silent for as long", async (_, firstReply) => {
		let release: () => void = () => undefined;
		const { ask, runtime } = upstream(async ({ stream }) => {
			if (stream) return firstReply();
			await new Promise<void>((resolve) => (release = resolve));
			return Response.json(HI);
		});
		const outcome = watched(ask());
		await runtime.advance(599_000);
		expect(outcome.now()).toBe("waiting");
		release();
		await settled();
		expect(outcome.now()).toMatchObject(SAYS_HI);
		expect(runtime.pendingTimers()).toBe(0);
	});
});

describe("a provider that refuses what else we add", () => {
	const detail = { type: "extra_forbidden", msg: "Extra inputs are not permitted", input: { include_usage: true } };

	it.each<[string, number, Json]>([
		["Mistral", 422, { detail: [{ ...detail, loc: ["body", "stream_options"] }] }],
		["Mistral later", 422, { message: { detail: [{ ...detail, loc: ["body", "stream_options", "include_usage"] }] } }],
		["a union of bodies", 422, { detail: [{ ...detail, loc: ["body", "ChatRequest", "stream_options"] }] }],
		["a place that is the body", 422, { detail: [{ msg: "stream_options: extra field", loc: ["body"] }] }],
		["a pointer", 400, { errors: [{ pointer: "/stream_options", detail: "unknown" }] }],
		["Go", 400, { error: 'json: unknown field "stream_options"' }],
		["OpenAI's words", 400, { error: { message: "Unrecognized request argument supplied: stream_options" } }],
		["an object for a message", 400, { error: { message: { text: "no", error: "`streamOptions` is unknown" } } }],
		["JSON in a message", 400, { error: { message: '{"message":"unsupported: include_usage"}' } }],
		["a router under a 200", 200, { error: { code: 422, message: "stream_options is not allowed" } }],
	])(
		"(%s: stream_options) still streams, in the same call, and no call of its route sends them again",
		async (_, status, error) => {
			const { ask, sent } = upstream(({ stream_options }) =>
				stream_options ? refusing(error, status) : Response.json(HI),
			);
			const remark = "The provider refused `stream_options`, so the call was repeated without it.";
			expect(await ask()).toMatchObject({ ...SAYS_HI, response: { remark } });
			expect(await ask({ model: "another", input: { ...ASK, stream: true } })).not.toMatchObject({
				response: { remark },
			});
			expect(ofStreams(sent)).toEqual([true, true, true]);
			expect(sent.map(({ stream_options = null }) => stream_options)).toEqual([{ include_usage: true }, null, null]);
		},
	);

	it("(stream_options, then the stream, then store) is called without each, and gets store again in the next call", async () => {
		const route = { ...COMPATIBLE, base_url: "https://api.openai.com/v1" };
		const { ask, sent } = upstream((body) => {
			const name = ["stream_options", "stream", "store"].find((each) => each in body);
			return name ? refusing({ error: { message: "No.", param: name } }) : Response.json(HI);
		});
		const remark = expect.stringMatching(/`stream_options`.* the stream .*`store`/);
		expect(await ask({ route })).toMatchObject({ ...SAYS_HI, response: { remark } });
		expect(await ask({ route })).toMatchObject({
			...SAYS_HI,
			response: { remark: expect.not.stringContaining("stream_options") },
		});
		const members = sent.map((body) =>
			Object.keys(body)
				.filter((name) => /^st/.test(name))
				.sort(),
		);
		expect(members).toEqual([
			["store", "stream", "stream_options"],
			["store", "stream"],
			["store"],
			[],
			["store", "stream"],
			["store"],
			[],
		]);
	});

	it("is not called again for what is the caller's own word", async () => {
		for (const own of [{ stream: true, stream_options: { include_usage: false } }, { stream_options: {} }]) {
			const { ask, sent } = upstream(() => refusing({ error: { message: "No stream_options." } }));
			expect(await ask({ input: { ...ASK, ...own } })).toMatchObject(
				failedAs({ status: 400, message: "No stream_options." }),
			);
			expect(sent).toEqual([expect.objectContaining(own)]);
		}
		const { ask, sent } = upstream(() => refusing({ error: { message: "No stream." } }));
		expect(await ask({ input: { ...ASK, stream: false } })).toMatchObject(failedAs({ status: 400 }));
		expect(sent).toHaveLength(1);
	});

	it("is not called again after an error in a stream, which may have cost", async () => {
		const error = { code: 400, message: "The stream broke." };
		const { ask, sent } = upstream(
			() => new Response(sseOf(piece("Hi"), { error }), { headers: { "content-type": "text/event-stream" } }),
		);
		expect(await ask()).toMatchObject({ ok: false });
		expect(sent).toHaveLength(1);
	});

	it("without success in the call without is sent the same again", async () => {
		const { ask, sent } = upstream(({ stream_options }) =>
			refusing({ error: { message: stream_options ? "No stream_options." : "Too hot." } }),
		);
		const message = expect.stringMatching(/^Too hot\. .*refused `stream_options`/);
		for (let asked = 0; asked < 2; asked++) expect(await ask()).toMatchObject(failedAs({ message }));
		expect(sent.map(({ stream_options }) => stream_options !== undefined)).toEqual([true, false, true, false]);
	});
});

describe("a call that is streamed by default", () => {
	it("takes a whole response from a server that ignores the request for a stream", async () => {
		const { ask, sent } = upstream(() => Response.json(HI));
		expect(await ask()).toMatchObject(SAYS_HI);
		expect(ofStreams(sent)).toEqual([true]);
	});

	it("waits for the first piece as long as the call may take, in spite of an empty delta and comments", async () => {
		const body = aBody();
		const { ask, runtime } = upstream(() => eventStream(body.stream));
		const outcome = watched(ask({ timeoutMs: 780_000 }));
		body.send(`: thinking\n\n${sseOf({ choices: [{ index: 0, delta: { role: "assistant", content: "" } }] })}`);
		await runtime.advance(779_000);
		expect(outcome.now()).toBe("waiting");
		body.send(`${sseOf(piece("Hi"), ending)}data: [DONE]\n\n`);
		await settled();
		expect(outcome.now()).toMatchObject(SAYS_HI);
	});

	it("without token counts is the last one of its model, unless its caller wanted none", async () => {
		const answer = `${sseOf(piece("Hi"), ending)}data: [DONE]\n\n`;
		const { ask, sent } = upstream(({ stream }) => (stream ? new Response(answer) : Response.json(HI)));
		for (const own of [{ stream: true }, { stream_options: { include_usage: false } }, {}])
			expect(await ask({ input: { ...ASK, ...own } })).toMatchObject({ ...SAYS_HI, response: { usage: null } });
		expect(await ask()).toMatchObject({ ...SAYS_HI, response: { usage: { totalTokens: 2 } } });
		expect(ofStreams(sent)).toEqual([true, true, true, "unasked"]);
	});

	it("is not streamed where the gateway's cache may be used, since it caches no streams", async () => {
		const { ask, sent } = upstream(() => Response.json(HI));
		await ask({ gateway: { cacheTtlSeconds: 60, skipCache: null } });
		await ask({ gateway: { cacheTtlSeconds: 60, skipCache: true } });
		expect(ofStreams(sent)).toEqual(["unasked", true]);
	});
});
