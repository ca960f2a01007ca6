/**
 * With which input a model is called. A call is streamed although its caller did not ask for it: then nothing between here and
 * the provider has to wait through a long silence, and the connection counts as waiting only until the headers. The stream is
 * assembled into the response that would have come whole; where it cannot be, the call is not streamed.
 */
import type { Json, JsonObject } from "../json/json.ts";
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

/** The caller's input, without what the route's server refuses. */
export function plainInput(route: ModelRoute, input: JsonBody): JsonBody {
	const isStreamLess = route.stream === "never" && input.get("stream") === true;
	const isOptionLess = isStreamLess || (route.stream_options === "never" && input.get("stream_options") !== undefined);
	if (!isOptionLess) return input;
	return input.with({ stream_options: undefined, ...(isStreamLess ? { stream: undefined } : {}) });
}

/**
 * What is added to `plain`, unless the caller decided about it: a stream, the token counts that streams omit by default, and that
 * OpenAI stores nothing.
 * @param model the name that the provider knows
 */
export function additionsTo(route: ModelRoute, model: string, plain: JsonBody): JsonObject {
	return { ...streamAdditions(route, model, plain), ...storeAddition(route, plain) };
}

function streamAdditions(route: ModelRoute, model: string, plain: JsonBody): JsonObject {
	const limits = STREAM_LIMITS.filter(
		({ provider, models }) => (provider === route.provider || provider === "any") && models.test(model),
	);
	const isWholeOnly = limits.some(
		({ wholeFor }) => wholeFor === "all" || wholeFor.some((field) => isGiven(plain.get(field))),
	);
	const decided = plain.get("stream") ?? null;
	if (!(decided ?? (route.stream !== "never" && !isWholeOnly))) return {};
	const isCounted =
		route.stream_options !== "never" &&
		limits.every(({ takesOptions }) => takesOptions) &&
		plain.get("stream_options") === undefined;
	return {
		...(decided === null ? { stream: true } : {}),
		...(isCounted ? { stream_options: { include_usage: true } } : {}),
	};
}

/** What OpenAI stores is out of reach of an erasure. Other servers may refuse the field. */
function storeAddition({ provider, base_url = "" }: ModelRoute, plain: JsonBody): JsonObject {
	const isOpenAi = provider === "openai-compatible" && URL.parse(base_url)?.hostname === "api.openai.com";
	return isOpenAi && plain.get("store") === undefined ? { store: false } : {};
}

function isGiven(value: Json | undefined): boolean {
	return value !== undefined && value !== null && value !== false && !(Array.isArray(value) && value.length === 0);
}
