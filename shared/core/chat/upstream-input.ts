/**
 * With which input a model is called. A call is streamed although its caller did not ask for it: then nothing between here and
 * the provider has to wait through a long silence, and the connection counts as waiting only until the headers. The stream is
 * assembled into the response that would have come whole; where it cannot be, the call is not streamed.
 */
import { type Json, type JsonObject, objectOf } from "../json/json.ts";
import type { ModelRoute, ProviderName } from "../upstreams/model-routes.ts";

interface WholeOnly {
	provider: ProviderName | "any";
	models: RegExp;
	/** Fields of the input that require a whole response; null: each call does. */
	fields: readonly string[] | null;
}

/** What a stream would lose, or what servers refuse to stream. */
const WHOLE_ONLY: readonly WholeOnly[] = [
	// In process, and its latency is what the job asks for.
	{ provider: "simulated", models: /^/, fields: null },
	// Signatures, citations and server tools of the one, ids of calls and token counts of the other.
	{ provider: "workers-ai", models: /^(anthropic|google)\//, fields: null },
	// Its JSON mode does not stream, nor do the tool calls of all models: developers.cloudflare.com/workers-ai/features/json-mode/
	{ provider: "workers-ai", models: /^@/, fields: ["response_format", "tools", "functions"] },
	// Sound and images come in pieces of another encoding. vLLM streams neither of the last two.
	{ provider: "any", models: /^/, fields: ["modalities", "audio", "prompt_logprobs", "use_beam_search"] },
];

/** Makers served through their own API, not OpenAI's: it refuses unknown fields. */
const WITHOUT_STREAM_OPTIONS = /^(anthropic|google)\//;

/** The caller's input, without its stream where the route's server cannot. */
export function plainInput(route: ModelRoute, input: JsonObject): JsonObject {
	if (route.stream !== false || input.stream !== true) return input;
	const { stream: _, stream_options: __, ...whole } = input;
	return whole;
}

/**
 * `plain` with what is added to it: a stream, unless the caller decided about it, and the token counts that streams omit by
 * default. `plain` itself: nothing is added.
 * @param model the name that the provider knows
 */
export function streamedInput(route: ModelRoute, model: string, plain: JsonObject): JsonObject {
	const isStreamed = plain.stream ?? (route.stream !== false && !isWholeOnly(route.provider, model, plain));
	if (isStreamed !== true || route.provider === "simulated") return plain;
	const streamed = { ...plain, stream: true };
	if (route.provider === "workers-ai" && WITHOUT_STREAM_OPTIONS.test(model)) return plain.stream ? plain : streamed;
	return { ...streamed, stream_options: { ...objectOf(plain.stream_options), include_usage: true } };
}

function isWholeOnly(provider: ProviderName, model: string, input: JsonObject): boolean {
	return WHOLE_ONLY.some((row) => {
		if ((row.provider !== provider && row.provider !== "any") || !row.models.test(model)) return false;
		return row.fields === null || row.fields.some((field) => isGiven(input[field]));
	});
}

function isGiven(value: Json | undefined): boolean {
	return value !== undefined && value !== null && value !== false && !(Array.isArray(value) && value.length === 0);
}
