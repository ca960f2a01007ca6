import { describe, expect, it } from "vitest";
import { additionsTo, plainInput } from "../../../../../shared/core/chat/upstream-input.ts";
import type { JsonObject } from "../../../../../shared/core/json/json.ts";
import type { ModelRoute } from "../../../../../shared/core/upstreams/model-routes.ts";
import { jsonBody } from "../../../../support/model-calls.ts";

const COMPATIBLE: ModelRoute = { match: "*", provider: "openai-compatible", base_url: "https://provider.test/v1" };
const GATEWAY: ModelRoute = { match: "*", provider: "workers-ai" };
const ASK: JsonObject = { messages: [], seed: 1 };
const STREAMED = { stream: true, stream_options: { include_usage: true } };

function inputFor(route: ModelRoute, model: string, more: JsonObject = {}) {
	const input = jsonBody({ ...ASK, ...more });
	const plain = plainInput(route, input);
	const added = additionsTo(route, model, plain);
	return plain === input && Object.keys(added).length === 0 ? "as it is" : plain.with(added).toObject();
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
		const own = { stream: false, stream_options: { include_usage: true } };
		expect(inputFor(COMPATIBLE, "gpt", own)).toBe("as it is");
		expect(inputFor(COMPATIBLE, "gpt", { stream: false })).toBe("as it is");
	});

	it("for a stream stands, and its token counts are requested where the maker knows how and the caller says nothing", () => {
		expect(inputFor(GATEWAY, "@cf/x/y", { stream: true, tools: [{}] })).toEqual({ ...ASK, tools: [{}], ...STREAMED });
		expect(inputFor(GATEWAY, "anthropic/claude", { stream: true })).toBe("as it is");
		for (const stream_options of [{ include_usage: false }, {}, { x: 1 }, null]) {
			expect(inputFor(COMPATIBLE, "gpt", { stream: true, stream_options })).toBe("as it is");
			expect(inputFor(COMPATIBLE, "gpt", { stream_options })).toEqual({ ...ASK, stream_options, stream: true });
		}
		expect(inputFor(COMPATIBLE, "gpt", { stream: null })).toEqual({ ...ASK, ...STREAMED });
	});

	it("for token counts yields where the route's server takes no stream_options", () => {
		const route: ModelRoute = { ...COMPATIBLE, stream_options: "never" };
		expect(inputFor(route, "mistral", { stream: true })).toBe("as it is");
		for (const more of [{}, STREAMED]) expect(inputFor(route, "mistral", more)).toEqual({ ...ASK, stream: true });
		expect(inputFor(route, "mistral", { stream: false })).toBe("as it is");
	});

	it("for a stream yields where the route's server cannot", () => {
		const asked = { stream: true, stream_options: { include_usage: true } };
		expect(inputFor({ ...COMPATIBLE, stream: "never" }, "llama", asked)).toEqual(ASK);
	});
});
