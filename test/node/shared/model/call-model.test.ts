import { describe, expect, it } from "vitest";
import { fakeRuntime, START_AT, settled } from "../../../support/fake-runtime.ts";
import {
	aBody,
	asking,
	COMPATIBLE,
	ending,
	eventStream,
	piece,
	sentIn,
	sseOf,
	watched,
} from "../../../support/model-calls.ts";
import { failedAs, saying } from "../../../support/outcomes.ts";
import { streamOf } from "../../../support/stream-of.ts";
import exampleOutput from "../../fixtures/example-output.text.json" with { type: "json" };

/** A runtime whose provider gives these answers, one a call; `calls` counts them and keeps their signals. */
function provided(...answers: (Response | Error)[]) {
	const calls: { url: string; init: RequestInit }[] = [];
	const runtime = fakeRuntime({
		async fetch(url, init) {
			calls.push({ url, init });
			const answer = answers[calls.length - 1];
			if (answer instanceof Response) return answer;
			throw answer ?? new Error("called too often");
		},
	});
	return { runtime, calls, ask: asking(runtime) };
}

const text = (body: string, init: ResponseInit = {}) => new Response(body, init);

describe("an answer", () => {
	it("of the published example is a completion with its text, under the job's name for what was left out", async () => {
		const { ask, runtime } = provided(Response.json(exampleOutput, { headers: { "cf-aig-log-id": "log_1" } }));
		expect(await ask()).toEqual({
			ok: true,
			response: {
				completion: {
					id: "chatcmpl-job_1",
					object: "chat.completion",
					created: Math.floor(START_AT / 1000),
					model: "maker/model",
					choices: [{ index: 0, message: { role: "assistant", content: exampleOutput.text }, finish_reason: null }],
				},
				usage: null,
				status: 200,
				logId: "log_1",
			},
		});
		expect(runtime.pendingTimers()).toBe(0);
	});

	it("keeps the provider's own name for the model", async () => {
		const { ask } = provided(Response.json({ text: "Hi", model: "maker/model-2026-01" }));
		expect(await ask()).toMatchObject({ ok: true, response: { completion: { model: "maker/model-2026-01" } } });
	});

	it("of 5 MB is read whole", async () => {
		const long = "x".repeat(5 * 1024 * 1024);
		const { ask } = provided(Response.json({ text: long }));
		expect(await ask()).toMatchObject(saying(long));
	});

	it("that is whole is taken although its connection stays open behind [DONE]", async () => {
		const body = aBody();
		const { ask, runtime } = provided(eventStream(body.stream));
		body.send(`${sseOf(piece("Hi"), ending)}data: [DONE]\n\n`);
		expect(await ask()).toMatchObject({ ok: true });
		expect(body.isCancelled()).toBe(true);
		expect(runtime.pendingTimers()).toBe(0);
	});

	it("that lacks only [DONE] is taken after a short wait for its usage", async () => {
		const body = aBody();
		const { ask, runtime } = provided(eventStream(body.stream));
		body.send(sseOf(piece("Hi"), ending));
		const outcome = watched(ask());
		await runtime.advance(14_999);
		expect(outcome.now()).toBe("waiting");
		await runtime.advance(1);
		expect(outcome.now()).toMatchObject({ ok: true });
		expect(body.isCancelled()).toBe(true);
	});

	it("whose finish reasons came too early is taken when its connection ends, and is stalled in silence", async () => {
		const early = { choices: [{ index: 0, delta: { content: "Hi" }, finish_reason: "stop" }] };
		for (const isEnded of [true, false]) {
			const body = aBody();
			const { ask, runtime } = provided(eventStream(body.stream));
			const outcome = watched(ask());
			body.send(sseOf(early, early));
			await runtime.advance(119_999);
			expect(outcome.now()).toBe("waiting");
			if (isEnded) body.end();
			await runtime.advance(1);
			const content = { completion: { choices: [{ message: { content: "HiHi" } }] } };
			expect(outcome.now()).toMatchObject(isEnded ? { ok: true, response: content } : { failure: { code: "stalled" } });
		}
	});

	it("that is whole is taken although its connection broke", async () => {
		const body = aBody();
		const { ask } = provided(eventStream(body.stream));
		const outcome = ask();
		body.send(sseOf(piece("Hi"), ending));
		await settled();
		body.breakOff();
		expect(await outcome).toMatchObject({ ok: true });
	});
});

describe("a 200 that is no answer", () => {
	it.each<[string, () => Response]>([
		["malformed JSON", () => text('{"text":Hi}')],
		["50 MB", () => text(`{"text":"${"x".repeat(50 * 1024 * 1024)}"}`)],
	])("%s was paid for and is not bought again", async (_, answer) => {
		const { ask, calls } = provided(answer());
		expect(await ask()).toMatchObject(failedAs({ class: "permanent", code: "answer_unreadable", status: 200 }));
		expect(calls[0]?.init.signal?.aborted).toBe(true);
	});

	it("keeps its first 2 KiB, without the key, and not those of an answer or an error", async () => {
		const long = `{"text":very-secret\u0001 ${"é".repeat(3_000)}`;
		const cut = eventStream(streamOf(sseOf(piece("Hi"))));
		const ask = (reply: Response) =>
			asking(fakeRuntime({ fetch: async () => reply }), { secret: () => "very-secret" })({
				route: { ...COMPATIBLE, api_key_secret: "PROVIDER_KEY" },
			});
		const excerptOf = async (reply: Response) => {
			const outcome = await ask(reply);
			return outcome.ok ? null : outcome.failure.excerpt;
		};
		const kept = (await excerptOf(text(long))) ?? "";
		expect(kept).toMatch(/^\{"text":\[secret\] {2}é+$/);
		expect(kept.length).toBeGreaterThan(1_000);
		expect(await excerptOf(cut)).toContain("Hi");
		expect(await excerptOf(text(`${"x".repeat(2_043)}very-secret`))).not.toContain("very");
		const account = { organization: "my-shop-1234", of: "org-AbC123", key: "sk-…wxyz" };
		expect(await excerptOf(Response.json({ account: JSON.stringify(account, null, 1) }))).not.toMatch(/1234|AbC|wxyz/);
		expect(await excerptOf(Response.json({ error: "No." }))).toBeNull();
		expect(await excerptOf(Response.json(exampleOutput))).toBeNull();
	});

	it.each<[string, () => Response]>([
		["HTML", () => text("<html></html>", { headers: { "content-type": "text/html" } })],
		["JSON of another shape", () => Response.json({ hello: 1 })],
	])("%s was not paid for, and is tried again", async (_, answer) => {
		const { ask } = provided(answer());
		expect(await ask()).toMatchObject(
			failedAs({ class: "transient", code: "answer_empty", status: 200, mayBeBilled: false }),
		);
	});

	it.each<[string, () => Response]>([
		["an empty body", () => text("")],
		["no body", () => new Response(null, { status: 204 })],
		["a stream of comments", () => text(": ping\n\n")],
		["a stream with nothing but its end", () => text("data: [DONE]\n\n")],
	])("%s is requested once more without a stream, then it is tried again", async (_, answer) => {
		const { ask, calls } = provided(answer(), answer());
		expect(await ask({ route: { ...COMPATIBLE } })).toMatchObject({
			ok: false,
			failure: { class: "transient", code: "answer_empty" },
		});
		const sent = await Promise.all(calls.map(({ init }) => sentIn(init)));
		expect(sent.map(({ stream }) => stream)).toEqual([true, undefined]);
	});

	it.each<[string, () => Response]>([
		["cut JSON", () => text('{"text":"Hi')],
		["a stream without end", () => eventStream(new Response(sseOf(piece("Hi"))).body ?? aBody().stream)],
	])("%s is a cut answer, tried again", async (_, answer) => {
		const { ask } = provided(answer());
		expect(await ask()).toMatchObject(failedAs({ class: "transient", code: "stream_cut", mayBeBilled: true }));
	});

	it("that breaks off is a cut answer", async () => {
		const body = aBody();
		const { ask, runtime } = provided(eventStream(body.stream));
		const outcome = ask();
		body.send(sseOf(piece("Hi")));
		await settled();
		body.breakOff();
		expect(await outcome).toMatchObject(failedAs({ class: "transient", code: "stream_cut", status: 200 }));
		expect(runtime.pendingTimers()).toBe(0);
	});

	it("but an error is that error, and its stream is stopped", async () => {
		const body = aBody();
		const { ask } = provided(eventStream(body.stream));
		body.send(sseOf(piece("Hi"), { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }));
		expect(await ask()).toMatchObject(
			failedAs({ class: "transient", providerCode: "overloaded_error", message: "Overloaded", status: 200 }),
		);
		expect(body.isCancelled()).toBe(true);
	});
});

describe("silence", () => {
	it("of 120 s in the middle of a stream ends the call and its connection", async () => {
		const body = aBody();
		const { ask, runtime, calls } = provided(eventStream(body.stream));
		const outcome = watched(ask());
		body.send(sseOf(piece("Hi")));
		await runtime.advance(100_000);
		body.send(sseOf(piece(" there")));
		await runtime.advance(119_999);
		expect(outcome.now()).toBe("waiting");
		await runtime.advance(1);
		expect(outcome.now()).toMatchObject(failedAs({ class: "transient", code: "stalled", status: 200 }));
		expect(body.isCancelled()).toBe(true);
		expect(calls[0]?.init.signal?.aborted).toBe(true);
		expect(runtime.pendingTimers()).toBe(0);
	});

	it("is silence in spite of comments that keep the connection alive", async () => {
		const body = aBody();
		const { ask, runtime } = provided(eventStream(body.stream));
		const outcome = watched(ask());
		body.send(sseOf(piece("Hi")));
		for (let second = 0; second < 119; second++) {
			await runtime.advance(1000);
			body.send(": keep-alive\n\n");
		}
		expect(outcome.now()).toBe("waiting");
		await runtime.advance(1000);
		expect(outcome.now()).toMatchObject(failedAs({ code: "stalled" }));
	});

	it("is none while there is no memory for more of it, when it is not read on", async () => {
		const body = aBody();
		const { ask, runtime } = provided(eventStream(body.stream));
		const room = Promise.withResolvers<void>();
		const outcome = watched(ask({ roomFor: (chars) => (chars > 3 ? room.promise : null) }));
		body.send(sseOf(piece("Hi"), piece(" there")));
		await runtime.advance(300_000);
		expect(outcome.now()).toBe("waiting");
		body.send(sseOf(ending));
		room.resolve();
		body.end();
		await runtime.advance(0);
		expect(outcome.now()).toMatchObject(saying("Hi there"));
	});

	it("limits are configurable", async () => {
		const body = aBody();
		const runtime = fakeRuntime({ fetch: async () => eventStream(body.stream) });
		const outcome = watched(asking(runtime, { limits: { idleMs: 1000 } })());
		body.send(sseOf(piece("Hi")));
		await runtime.advance(1000);
		expect(outcome.now()).toMatchObject(failedAs({ code: "stalled" }));
	});

	it("before an answer in one piece lasts as long as the call may", async () => {
		const body = aBody();
		const { ask, runtime } = provided(new Response(body.stream));
		const outcome = watched(ask());
		await runtime.advance(599_000);
		body.send('{"text":"Hi"}');
		body.end();
		await settled();
		expect(outcome.now()).toMatchObject({ ok: true });
	});
});

describe("the call", () => {
	it("is timed out and aborted after its time, though pieces keep coming", async () => {
		const body = aBody();
		const { ask, runtime, calls } = provided(eventStream(body.stream));
		const outcome = watched(ask({ timeoutMs: 3000 }));
		for (let second = 0; second < 3; second++) {
			body.send(sseOf(piece("Hi")));
			await runtime.advance(1000);
		}
		expect(outcome.now()).toMatchObject(failedAs({ class: "transient", code: "timed_out", status: 200, isCut: true }));
		expect(calls[0]?.init.signal?.aborted).toBe(true);
		expect(body.isCancelled()).toBe(true);
	});

	it("is timed out although the provider sends no headers and does not listen to the signal", async () => {
		const late = aBody();
		let answer: (response: Response) => void = () => undefined;
		const runtime = fakeRuntime({ fetch: () => new Promise((resolve) => (answer = resolve)) });
		const outcome = watched(asking(runtime)({ timeoutMs: 1000 }));
		await runtime.advance(1000);
		expect(outcome.now()).toMatchObject(failedAs({ class: "transient", code: "timed_out", status: null, isCut: true }));
		answer(eventStream(late.stream));
		await settled();
		expect(late.isCancelled()).toBe(true);
	});

	it.each(["before it is made", "before its headers", "in its answer"])("ends at an abort %s", async (when) => {
		const body = aBody();
		const stop = new AbortController();
		if (when === "before it is made") stop.abort();
		const runtime = fakeRuntime({
			fetch: async () =>
				when === "before its headers" ? new Promise<Response>(() => undefined) : eventStream(body.stream),
		});
		const outcome = asking(runtime)({}, stop.signal);
		await settled();
		stop.abort();
		expect(await outcome).toMatchObject(failedAs({ class: "transient", code: "aborted", isCut: true }));
		expect(runtime.pendingTimers()).toBe(0);
		await settled();
		if (when !== "before its headers") expect(body.isCancelled()).toBe(true);
	});

	it("that reaches no provider is unreachable, and names no address", async () => {
		const refused = Object.assign(new Error("connect ECONNREFUSED 10.0.0.1:443"), { code: "ECONNREFUSED" });
		const { ask } = provided(new TypeError("fetch failed", { cause: refused }));
		const outcome = await ask();
		expect(outcome).toMatchObject(failedAs({ class: "transient", code: "unreachable", status: null }));
		expect(JSON.stringify(outcome)).toContain("ECONNREFUSED");
		expect(JSON.stringify(outcome)).not.toContain("10.0.0.1");
	});

	it("is made once, whatever comes of it", async () => {
		const { ask, calls } = provided(text("", { status: 500 }));
		await ask();
		expect(calls.length).toBe(1);
	});
});

describe("a refusal", () => {
	it("carries the provider's word, sentence, wait and log id", async () => {
		const error = { message: "Slow down.", type: "requests", code: "rate_limit_exceeded" };
		const headers = { "retry-after": "3", "cf-aig-log-id": "log_1" };
		const { ask } = provided(Response.json({ error }, { status: 429, headers }));
		expect(await ask()).toEqual({
			ok: false,
			failure: {
				class: "throttled",
				code: "rate_limited",
				providerCode: "rate_limit_exceeded",
				excerpt: null,
				message: "Slow down.",
				status: 429,
				retryAfterMs: 3000,
				isCallMade: true,
				isCut: false,
				mayBeBilled: false,
				logId: "log_1",
				usage: null,
			},
		});
	});

	it.each([301, 302, 303, 307, 308])("by redirect (%i) is an error, and its target is not visited", async (status) => {
		const { ask, calls } = provided(new Response(null, { status, headers: { location: "https://elsewhere.test/" } }));
		expect(await ask()).toMatchObject(failedAs({ class: "permanent", code: "redirected", status }));
		expect(calls.map(({ url, init }) => [url, init.redirect])).toEqual([
			["https://provider.test/v1/chat/completions", "manual"],
		]);
	});

	it("whose body never ends is classified by its status within seconds", async () => {
		const body = aBody();
		const { ask, runtime } = provided(new Response(body.stream, { status: 503, headers: { "retry-after": "7" } }));
		body.send("{");
		const outcome = watched(ask());
		await runtime.advance(5000);
		expect(outcome.now()).toMatchObject(failedAs({ class: "transient", status: 503, retryAfterMs: 7000 }));
		expect(body.isCancelled()).toBe(true);
	});

	it("never shows the key, though the provider quotes it", async () => {
		const error = { message: "Incorrect API key provided: very-secret.", code: "very-secret" };
		const runtime = fakeRuntime({ fetch: async () => Response.json({ error }, { status: 400 }) });
		const ask = asking(runtime, { secret: () => "very-secret" });
		const outcome = await ask({ route: { ...COMPATIBLE, api_key_secret: "PROVIDER_KEY" } });
		expect(outcome).toMatchObject(failedAs({ class: "permanent", status: 400 }));
		expect(JSON.stringify(outcome)).not.toContain("very-secret");
	});
});
