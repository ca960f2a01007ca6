/**
 * With which input a model is called. A call is streamed although its caller did not ask for it: then nothing between here and
 * the provider has to wait through a long silence, and the connection counts as waiting only until the headers. The stream is
 * assembled into the response that would have come whole; where it cannot be, the call is not streamed.
 */
import { type Json, objectOf } from "../json/json.ts";
import type { JsonBody } from "../json/json-body.ts";
import type { ModelRoute, ProviderName } from "../upstreams/model-routes.ts";

interface StreamLimit {
	provider: ProviderName | "any";
	models: RegExp;
	/** Which inputs are not streamed by default: all, or those with one of these fields. */
	wholeFor: "all" | readonly string[];
	/** Whether a stream is asked for its token counts by `stream_options`. */
	takesOptions: boolean;
}

/** What a stream would lose, or what servers refuse to stream. */
const STREAM_LIMITS: readonly StreamLimit[] = [
	// In process, and its latency is what the job asks for. It always counts.
	{ provider: "simulated", models: /^/, wholeFor: "all", takesOptions: false },
	// Its streams always count.
	{ provider: "workers-ai", models: /^anthropic\//, wholeFor: [], takesOptions: false },
	// Its JSON mode does not stream, nor do the tool calls of all models: developers.cloudflare.com/workers-ai/features/json-mode/
	{ provider: "workers-ai", models: /^@/, wholeFor: ["response_format", "tools", "functions"], takesOptions: true },
	// Sound and images come in pieces of another encoding. vLLM streams neither of the last two.
	{
		provider: "any",
		models: /^/,
		wholeFor: ["modalities", "audio", "prompt_logprobs", "use_beam_search"],
		takesOptions: true,
	},
];

/** The caller's input, without its stream where the route's server cannot. */
export function plainInput(route: ModelRoute, input: JsonBody): JsonBody {
	if (route.stream !== "never" || input.get("stream") !== true) return input;
	return input.with({ stream: undefined, stream_options: undefined });
}

/**
 * `plain` with what is added to it: a stream, unless the caller decided about it, and the token counts that streams omit by
 * default. `plain` itself: nothing is added.
 * @param model the name that the provider knows
 */
export function streamedInput(route: ModelRoute, model: string, plain: JsonBody): JsonBody {
	const limits = STREAM_LIMITS.filter(
		({ provider, models }) => (provider === route.provider || provider === "any") && models.test(model),
	);
	const isWholeOnly = limits.some(
		({ wholeFor }) => wholeFor === "all" || wholeFor.some((field) => isGiven(plain.get(field))),
	);
	const isStreamed = plain.get("stream") ?? (route.stream !== "never" && !isWholeOnly);
	if (isStreamed !== true) return plain;
	if (limits.some(({ takesOptions }) => !takesOptions)) {
		return plain.get("stream") === true ? plain : plain.with({ stream: true });
	}
	return plain.with({
		stream: true,
		stream_options: { ...objectOf(plain.get("stream_options")), include_usage: true },
	});
}

function isGiven(value: Json | undefined): boolean {
	return value !== undefined && value !== null && value !== false && !(Array.isArray(value) && value.length === 0);
}
