/** What Ollama and vLLM answer at their OpenAI-compatible routes: whole, streamed, and refused. */
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../../../shared/core/json/json.ts";
import { fakeRuntime } from "../../../support/fake-runtime.ts";
import { asking, COMPATIBLE, sseOf } from "../../../support/model-calls.ts";
import { failedAs } from "../../../support/outcomes.ts";

/** Asks a server that answers every call alike. */
function askServer(answer: () => Response, input: JsonObject = {}) {
	const runtime = fakeRuntime({ fetch: async () => answer() });
	const route = { ...COMPATIBLE, base_url: "http://127.0.0.1:11434/v1" };
	return asking(runtime)({ route, input: { messages: [{ role: "user", content: "Hello!" }], ...input } });
}

const streamed = (text: string) => () =>
	new Response(text, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
const refused = (status: number, body: Json) => () => Response.json(body, { status });
const DONE = "data: [DONE]\n\n";

describe("Ollama", () => {
	const answer = {
		id: "chatcmpl-730",
		object: "chat.completion",
		created: 1_788_158_498,
		model: "gpt-oss:20b",
		system_fingerprint: "fp_ollama",
		choices: [
			{
				index: 0,
				message: { role: "assistant", content: "Hello!", reasoning: "The user greets me." },
				finish_reason: "stop",
			},
		],
		usage: { prompt_tokens: 73, completion_tokens: 78, total_tokens: 151 },
	};
	const usage = { promptTokens: 73, completionTokens: 78, totalTokens: 151 };

	it("gives its answer as it is, its reasoning included", async () => {
		expect(await askServer(() => Response.json(answer))).toMatchObject({
			ok: true,
			response: { completion: answer, usage },
		});
	});

	it("gives a stream as the same answer", async () => {
		const chunk = (delta: JsonObject, finish_reason: string | null = null): JsonObject => ({
			...answer,
			object: "chat.completion.chunk",
			choices: [{ index: 0, delta: { role: "assistant", ...delta }, finish_reason }],
			usage: null,
		});
		const chunks = [
			chunk({ content: "", reasoning: "The user " }),
			chunk({ content: "", reasoning: "greets me." }),
			chunk({ content: "Hel" }),
			chunk({ content: "lo!" }),
			chunk({ content: "" }, "stop"),
			{ ...chunk({}), choices: [], usage: answer.usage },
		];
		expect(await askServer(streamed(sseOf(...chunks) + DONE), { stream: true })).toMatchObject({
			ok: true,
			response: { completion: answer, usage },
		});
	});

	it("gives tool calls", async () => {
		const call = {
			id: "call_y9wzw3f8",
			index: 0,
			type: "function",
			function: { name: "weather", arguments: '{"city":"Ulm"}' },
		};
		const message = { role: "assistant", content: "", tool_calls: [call] };
		const body = { ...answer, choices: [{ index: 0, message, finish_reason: "tool_calls" }] };
		expect(await askServer(() => Response.json(body))).toMatchObject({ ok: true, response: { completion: body } });
	});

	it.each([
		[404, "not_found_error", "model 'llama9' not found", "permanent"],
		[400, "invalid_request_error", "registry.ollama.ai/library/x does not support tools", "permanent"],
		[500, "api_error", "model runner has unexpectedly stopped", "transient"],
		[503, "api_error", "server busy, please try again.  maximum pending requests exceeded", "transient"],
	])("that answers %d %s (%s) fails as %s", async (status, type, message, failureClass) => {
		const failure = { class: failureClass, status, message: message.replace(/ +/g, " ") };
		const compatible = { error: { message, type, param: null, code: null } };
		expect(await askServer(refused(status, compatible))).toMatchObject(failedAs(failure));
		expect(await askServer(refused(status, { error: message }))).toMatchObject(failedAs(failure));
	});
});

describe("vLLM", () => {
	const answer = {
		id: "chatcmpl-2c0fa1b0",
		object: "chat.completion",
		created: 1_758_000_000,
		model: "Qwen/Qwen3-8B",
		choices: [
			{
				index: 0,
				message: {
					role: "assistant",
					content: "Hello!",
					refusal: null,
					annotations: null,
					audio: null,
					function_call: null,
					tool_calls: [],
					reasoning_content: null,
				},
				logprobs: null,
				finish_reason: "stop",
				stop_reason: null,
			},
		],
		service_tier: null,
		system_fingerprint: null,
		usage: { prompt_tokens: 9, total_tokens: 12, completion_tokens: 3, prompt_tokens_details: null },
		prompt_logprobs: null,
		kv_transfer_params: null,
	};
	const usage = { promptTokens: 9, completionTokens: 3, totalTokens: 12 };
	const chunk = (delta: JsonObject, finish_reason: string | null = null): JsonObject => ({
		id: answer.id,
		object: "chat.completion.chunk",
		created: answer.created,
		model: answer.model,
		choices: [{ index: 0, delta, logprobs: null, finish_reason }],
	});

	it("gives its answer as it is, the nulls included", async () => {
		expect(await askServer(() => Response.json(answer))).toMatchObject({
			ok: true,
			response: { completion: answer, usage },
		});
	});

	it("gives a stream, its reasoning apart from its content", async () => {
		const chunks = [
			chunk({ role: "assistant", content: "" }),
			chunk({ reasoning_content: "A greeting." }),
			chunk({ content: "Hel" }),
			chunk({ content: "lo!" }, "stop"),
			{ ...chunk({}), choices: [], usage: answer.usage },
		];
		const message = { role: "assistant", content: "Hello!", reasoning_content: "A greeting." };
		expect(await askServer(streamed(sseOf(...chunks) + DONE), { stream: true })).toMatchObject({
			ok: true,
			response: { completion: { object: "chat.completion", choices: [{ message, finish_reason: "stop" }] }, usage },
		});
	});

	it.each([
		[404, "NotFoundError", "The model `x` does not exist.", "permanent"],
		[400, "BadRequestError", "This model's maximum context length is 4096 tokens.", "permanent"],
		[400, "BadRequestError", "temperature must be non-negative, got -1.0.", "permanent"],
		[500, "InternalServerError", "Internal server error", "transient"],
		[503, "ServiceUnavailableError", "EngineCore is dead.", "transient"],
	])("that answers %d %s (%s) fails as %s", async (code, type, message, failureClass) => {
		const failure = { class: failureClass, status: code, message };
		const error = { message, type, param: null, code };
		expect(await askServer(refused(code, { error }))).toMatchObject(failedAs(failure));
		// As versions before 0.10 say it.
		expect(await askServer(refused(code, { object: "error", ...error }))).toMatchObject(failedAs(failure));
	});

	it("that reports an error under a 200 fails by the code inside", async () => {
		const body = { object: "error", message: "The model `x` does not exist.", type: "NotFoundError", code: 404 };
		expect(await askServer(() => Response.json(body))).toMatchObject(
			failedAs({ class: "permanent", code: "model_not_found", message: body.message }),
		);
	});

	it("that refuses the key fails for good", async () => {
		expect(await askServer(refused(401, { error: "Unauthorized" }))).toMatchObject(
			failedAs({ class: "permanent", code: "unauthorized", status: 401 }),
		);
	});

	it("that fails in the middle of a stream gives no result, although it ends with [DONE]", async () => {
		const begun = sseOf(chunk({ role: "assistant", content: "" }), chunk({ content: "Hel" }));
		const error = { message: "EngineCore is dead.", type: "InternalServerError", param: null, code: 500 };
		for (const sent of [{ error }, { error: { object: "error", ...error } }, { object: "error", ...error }]) {
			expect(await askServer(streamed(begun + sseOf(sent) + DONE), { stream: true })).toMatchObject(
				failedAs({ class: "transient", message: "EngineCore is dead." }),
			);
		}
	});
});
