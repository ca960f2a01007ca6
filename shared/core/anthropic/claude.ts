/** What is known of Anthropic's models by their names. Sources: Cloudflare's model catalogue and Anthropic's Messages API. */

/** By family and version. `max_tokens` is required, and larger ones are refused. */
const OUTPUT_TOKENS_MAX: ReadonlyMap<string, number> = new Map([
	["haiku 3", 4_096],
	["haiku 3.5", 8_192],
	["sonnet 3.5", 8_192],
	["sonnet 3.7", 64_000],
	["opus 4", 32_000],
	["opus 4.1", 32_000],
	["sonnet 4", 64_000],
	["sonnet 4.5", 64_000],
	["haiku 4.5", 64_000],
	["opus 4.5", 64_000],
	["sonnet 4.6", 64_000],
	["opus 4.6", 128_000],
	["opus 4.7", 128_000],
	["opus 4.8", 128_000],
	["opus 5", 128_000],
	["opus 5.5", 128_000],
	["sonnet 5", 128_000],
	["sonnet 5.5", 128_000],
	["fable 5", 128_000],
	["fable 5.1", 128_000],
]);

const OUTPUT_TOKENS_OF_UNKNOWN = 8_192;

export interface Claude {
	outputTokensMax: number;
	/** What a request for thinking gives: an effort, a number of tokens, or nothing, because the model never thinks. */
	thinking: "effort" | "budget" | "never";
	/** Whether a request can switch thinking off. */
	mayNotThink: boolean;
	/** Whether it takes other values of `temperature`, `top_p` and `top_k` than the defaults. */
	takesSampling: boolean;
	/** Whether its effort may be "xhigh". */
	takesXhigh: boolean;
	/** Whether its answer can be held to a JSON Schema. */
	takesSchema: boolean;
}

/** Of an unknown name nothing is refused in advance. */
const UNKNOWN: Claude = {
	outputTokensMax: OUTPUT_TOKENS_OF_UNKNOWN,
	thinking: "effort",
	mayNotThink: true,
	takesSampling: true,
	takesXhigh: true,
	takesSchema: true,
};

/** `sonnet-4.5`, `sonnet-4-5-20250929`, `opus-4-20250514`: a date is no part of the version. */
const FAMILY_FIRST = /\b(haiku|sonnet|opus|fable|mythos)-(\d{1,2})(?:[.-](\d{1,2}))?(?!\d)/;
/** `3-7-sonnet-20250219`, `3.5-haiku`. */
const VERSION_FIRST = /\b(\d)(?:[.-](\d))?-(haiku|sonnet|opus)\b/;

export function claudeNamed(model: string): Claude {
	const named = nameOf(model);
	if (named === null) return UNKNOWN;
	const { family, major, minor } = named;
	const isFrom = (version: number) => major * 100 + minor >= version;
	const isAlwaysThinking = family === "fable" || family === "mythos" || isFrom(505);
	return {
		outputTokensMax:
			OUTPUT_TOKENS_MAX.get(`${family} ${minor === 0 ? major : `${major}.${minor}`}`) ?? OUTPUT_TOKENS_OF_UNKNOWN,
		thinking: isFrom(406) ? "effort" : isFrom(307) ? "budget" : "never",
		mayNotThink: !isAlwaysThinking,
		takesSampling: !isFrom(407),
		takesXhigh: isFrom(407),
		takesSchema: isFrom(401),
	};
}

function nameOf(model: string): { family: string; major: number; minor: number } | null {
	const [, family, major, minor] = FAMILY_FIRST.exec(model) ?? [];
	if (family !== undefined) return { family, major: Number(major), minor: Number(minor ?? 0) };
	const [, oldMajor, oldMinor, oldFamily] = VERSION_FIRST.exec(model) ?? [];
	return oldFamily === undefined ? null : { family: oldFamily, major: Number(oldMajor), minor: Number(oldMinor ?? 0) };
}
