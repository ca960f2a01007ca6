/** Through a gateway that was not written here: what it changes on the way, and that nothing of it is misread. */
import { afterAll, beforeAll, describe, expect, inject } from "vitest";
import {
	type Answer,
	answering,
	answeringText,
	breakingAfter,
	completion,
	endingAfter,
	refusing,
	streaming,
	USAGE,
} from "../support/answers.ts";
import { ending, sseOf } from "../support/model-calls.ts";
import { startPortkeyGateway } from "./support/portkey-gateway.ts";
import { it, PROMPT } from "./support/scenario.ts";
import { PROVIDER_KEYS } from "./support/start-service.ts";

let stop: () => Promise<void>;
beforeAll(async () => {
	stop = await startPortkeyGateway(inject("service").gatewayPort);
});
afterAll(() => stop());

const CALL = { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Ulm"}' } };
const CALLING = { role: "assistant", content: null, tool_calls: [CALL] };
const CALLED = { message: CALLING, finish_reason: "tool_calls" };
const called = answering({ ...completion(""), choices: [{ index: 0, ...CALLED }] });

const calledInPieces = answeringText(
	200,
	`${sseOf(
		{
			choices: [
				{ index: 0, delta: { tool_calls: [{ index: 0, ...CALL, function: { name: "weather", arguments: '{"ci' } }] } },
			],
		},
		{ choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: 'ty":"Ulm"}' } }] } }] },
		{ choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] },
		{ choices: [], usage: USAGE },
	)}data: [DONE]\n\n`,
	"text/event-stream",
);
const overloaded = answeringText(
	200,
	sseOf({ error: { message: "Overloaded", type: "overloaded_error", code: 503 } }),
	"text/event-stream",
);
const page = answeringText(502, "<html>502 Bad Gateway</html>", "text/html");
const pageOfSuccess = answeringText(200, "<html>Welcome</html>", "text/html");
const hungUp: Answer = (response) => response.destroy();

const whole = answering(completion("All of it"));
const streamed = streaming("All ", "of it");
const SAYING = { message: { content: "All of it" }, finish_reason: "stop" };
const done = { outcome: "succeeded", counted: true, status: 200 };

describe.concurrent("Portkey's gateway", () => {
	it.for<[string, object, Answer, object]>([
		["a whole answer", { stream: false }, whole, SAYING],
		["a whole answer where a stream was requested", {}, whole, SAYING],
		["a stream", {}, streamed, SAYING],
		["tool calls", { stream: false }, called, CALLED],
		["streamed tool calls", {}, calledInPieces, CALLED],
	])("passes on %s", async ([, input, answer, choice], { scenario }) => {
		const { api, provider, submit } = scenario;
		const model = scenario.model("gateway/right");
		provider.script(model, answer);
		const { id } = await submit({ model, max_attempts: 1, input: { ...PROMPT, ...input } });
		expect(await api.finalJob(id)).toMatchObject({ status: "succeeded", attempt: 1, usage: USAGE });
		expect(await api.result(id)).toMatchObject({ choices: [choice], usage: USAGE });
		expect(await api.attempts(id)).toMatchObject([{ ...done, message: null }]);
	});

	it.for<[string, Answer, object]>([
		[
			"a 429 with its Retry-After",
			refusing(429, { message: "Slow down." }, { "retry-after": "1" }),
			{ outcome: "throttled", counted: false, status: 429, message: "openai error: Slow down.", retry_after_ms: 1_000 },
		],
		["a stream that is cut", breakingAfter("Half "), { outcome: "transient", code: "stream_cut", status: 200 }],
		["a stream that ends early", endingAfter("Half "), { outcome: "transient", code: "stream_cut", status: 200 }],
		["an error in a stream", overloaded, { outcome: "transient", status: 200, message: "Overloaded" }],
		["a page for an error", page, { outcome: "transient", status: 502, message: "The provider responded with 502." }],
		["a page for an answer", pageOfSuccess, { outcome: "transient", code: "answer_empty", status: 200 }],
		// The gateway says 500, and quotes the network's own words.
		["no answer at all", hungUp, { outcome: "transient", status: 500, message: "The provider responded with 500." }],
	])("passes on %s, and the next call has the answer", async ([, answer, attempt], { scenario }) => {
		const { api, provider, submit } = scenario;
		const model = scenario.model("gateway/again");
		provider.script(model, answer, streamed);
		const { id } = await submit({ model, max_attempts: 2 });
		expect(await api.finalJob(id)).toMatchObject({ status: "succeeded" });
		expect(await api.result(id)).toMatchObject({ choices: [SAYING] });
		expect(await api.attempts(id)).toMatchObject([attempt, done]);
	});

	it.for<[string, Answer, object]>([
		[
			"a 400",
			refusing(400, { message: "Too hot.", param: "temperature" }),
			{ status: 400, message: "openai error: Too hot." },
		],
		[
			"a context that is too long",
			refusing(400, { message: "The maximum context length is 10 tokens.", code: "context_length_exceeded" }),
			{ status: 400, code: "context_length_exceeded" },
		],
		[
			"a refused key",
			refusing(401, { message: `Incorrect API key: ${PROVIDER_KEYS.SCRIPTED_KEY}.` }),
			{ status: 401, message: expect.stringContaining("rejected the credential") },
		],
		// It makes "openai error: undefined" of it.
		[
			"a sentence that it does not find",
			answeringText(400, '{"error":"No tools here."}'),
			{ status: 400, message: "The provider responded with 400." },
		],
	])("passes on %s, which is final", async ([, answer, error], { scenario }) => {
		const { api, provider, submit } = scenario;
		const model = scenario.model("gateway/refused");
		provider.script(model, answer);
		const { id } = await submit({ model });
		expect(await api.finalJob(id)).toMatchObject({ status: "failed", attempt: 1, error });
		expect(await api.attempts(id)).toMatchObject([{ outcome: "permanent", ...error }]);
		expect(JSON.stringify([await api.job(id), await api.attempts(id)])).not.toContain("sk-");
	});

	it("drops fields that it does not know, sends its own headers, and passes on that stream_options are refused", async ({
		scenario,
	}) => {
		const { api, provider, submit } = scenario;
		const model = scenario.model("gateway/picky");
		const detail = [
			{ type: "extra_forbidden", loc: ["body", "stream_options"], msg: "Extra inputs are not permitted" },
		];
		provider.script(
			model,
			answeringText(422, JSON.stringify({ detail })),
			answeringText(
				200,
				sseOf({ choices: [{ delta: { content: "Hi" } }] }, { ...ending, usage: USAGE }),
				"text/event-stream",
			),
		);
		const { id } = await submit({ model, max_attempts: 1, input: { ...PROMPT, seed: 7, min_p: 0.1 } });
		expect(await api.finalJob(id)).toMatchObject({ status: "succeeded", usage: USAGE });
		expect(await api.attempts(id)).toMatchObject([
			{ ...done, message: expect.stringContaining("refused `stream_options`") },
		]);
		const [first, second] = provider.callsOf(model);
		const sent = { ...PROMPT, model, seed: 7, stream: true };
		expect(JSON.parse(first?.text ?? "")).toEqual({ ...sent, stream_options: { include_usage: true } });
		expect(JSON.parse(second?.text ?? "")).toEqual(sent);
		expect(first?.headers).toMatchObject({
			authorization: `Bearer ${PROVIDER_KEYS.SCRIPTED_KEY}`,
			"user-agent": "node",
		});
		expect(first?.headers).not.toHaveProperty("x-portkey-config");
	});
});
