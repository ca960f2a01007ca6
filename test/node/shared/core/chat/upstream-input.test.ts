import { describe, expect, it } from "vitest";
import { plainInput, streamedInput } from "../../../../../shared/core/chat/upstream-input.ts";
import type { JsonObject } from "../../../../../shared/core/json/json.ts";
import type { ModelRoute } from "../../../../../shared/core/upstreams/model-routes.ts";
import { jsonBody } from "../../../../support/model-calls.ts";

const COMPATIBLE: ModelRoute = { match: "*", provider: "openai-compatible", base_url: "https://provider.test/v1" };
const GATEWAY: ModelRoute = { match: "*", provider: "workers-ai" };
const ASK: JsonObject = { messages: [], seed: 1 };
const STREAMED = { stream: true, stream_options: { include_usage: true } };

function inputFor(route: ModelRoute, model: string, more: JsonObject = {}) {
	const input = jsonBody({ ...ASK, ...more });
	const streamed = streamedInput(route, model, plainInput(route, input));
	return streamed === input ? "as it is" : streamed.toObject();
}

describe("a call whose caller decided nothing about streams", () => {
	it.each<[string, ModelRoute, string, JsonObject]>([
		["any server", COMPATIBLE, "llama", {}],
		["any server with tools", COMPATIBLE, "gpt", { tools: [{}], response_format: {}, n: 2, logprobs: true }],
		["any server under a maker's name", COMPATIBLE, "anthropic/claude", {}],
		["any server without sound", COMPATIBLE, "gpt", { audio: null, modalities: [], use_beam_search: false }],
		["OpenAI behind the gateway", GATEWAY, "openai/gpt-5.5", { tools: [{}] }],
		["a model of Workers AI", GATEWAY, "@cf/meta/llama", { tools: [] }],
		["Google behind the gateway", GATEWAY, "google/gemini", { tools: [{}] }],
	])("is streamed by %s, with its token counts", (_, route, model, more) => {
		expect(inputFor(route, model, more)).toEqual({ ...ASK, ...more, ...STREAMED });
	});

	it("is streamed by Anthropic behind the gateway, whose streams always count", () => {
		expect(inputFor(GATEWAY, "anthropic/claude")).toEqual({ ...ASK, stream: true });
	});

	it.each<[string, ModelRoute, string, JsonObject]>([
		["the simulated provider", { match: "*", provider: "simulated" }, "simulated/echo", {}],
		["Workers AI with tools", GATEWAY, "@cf/meta/llama", { tools: [{}] }],
		["Workers AI in JSON mode", GATEWAY, "@cf/meta/llama", { response_format: { type: "json_object" } }],
		["a server that is asked for sound", COMPATIBLE, "gpt-audio", { modalities: ["text", "audio"] }],
		["vLLM with the prompt's logprobs", COMPATIBLE, "qwen", { prompt_logprobs: 0 }],
		["a route that cannot stream", { ...COMPATIBLE, stream: "never" }, "llama", {}],
	])("is not streamed by %s", (_, route, model, more) => {
		expect(inputFor(route, model, more)).toBe("as it is");
	});
});

describe("the caller's own word", () => {
	it("against a stream stands", () => {
		expect(inputFor(COMPATIBLE, "gpt", { stream: false })).toBe("as it is");
	});

	it("for a stream stands, and its token counts are requested where the maker knows how", () => {
		const stream_options = { include_usage: false, x: 1 };
		expect(inputFor(GATEWAY, "@cf/x/y", { stream: true, tools: [{}], stream_options })).toEqual({
			...{ ...ASK, tools: [{}], stream: true },
			stream_options: { include_usage: true, x: 1 },
		});
		expect(inputFor(GATEWAY, "anthropic/claude", { stream: true })).toBe("as it is");
	});

	it("for a stream yields where the route's server cannot", () => {
		const asked = { stream: true, stream_options: { include_usage: true } };
		expect(inputFor({ ...COMPATIBLE, stream: "never" }, "llama", asked)).toEqual(ASK);
	});
});
