/**
 * Translates the body of a chat completion into the body of Anthropic's Messages API, as the AI Gateway takes it for
 * `anthropic/*`. Nothing that would change the answer is left out in silence: what has no counterpart is refused, by its name.
 * Fields of Anthropic's own pass unchanged.
 */
import { type Json, type JsonObject, listOf, numberOf, objectOf, stringOf, wordOf } from "../json/json.ts";
import { type Claude, claudeNamed } from "./claude.ts";
import { Conversion, type Refuse, type Untranslatable } from "./conversion.ts";
import { conversationOf } from "./messages.ts";
import { refuseBesideThinking, thinkingFields } from "./thinking.ts";
import { toolFields } from "./tools.ts";

/** `param`: the first member that cannot be translated, such as `messages.0.content.1.type`. */
export type Translation = { ok: true; body: JsonObject } | ({ ok: false } & Untranslatable);

const ADVICE = "Change or remove it, or use another model.";

type IsNeutral = (value: Json) => boolean;
const isNever: IsNeutral = () => false;
const isZero: IsNeutral = (value) => value === 0;
const isFalse: IsNeutral = (value) => value === false;
const isEmpty: IsNeutral = (value) => Object.keys(objectOf(value) ?? listOf(value) ?? { any: value }).length === 0;

/** Fields without a counterpart, and the values that request nothing. */
const WITHOUT_COUNTERPART: ReadonlyMap<string, IsNeutral> = new Map([
	["n", (value: Json) => value === 1],
	["logprobs", isFalse],
	["top_logprobs", isZero],
	["logit_bias", isEmpty],
	["frequency_penalty", isZero],
	["presence_penalty", isZero],
	["modalities", (value: Json) => listOf(value)?.every((one) => one === "text") === true],
	["audio", isNever],
	["functions", isEmpty],
	["function_call", (value: Json) => value === "none" || value === "auto"],
	["verbosity", (value: Json) => value === "medium"],
	["web_search_options", isNever],
]);

/** What is translated only if it has this type. */
const TYPES: ReadonlyMap<string, (value: Json) => boolean> = new Map([
	["system", (value: Json) => typeof value === "string" || listOf(value)?.every(isText) === true],
	...["stop", "stop_sequences"].map((field) => [field, isStringOrList] as const),
	...["response_format", "thinking", "output_config"].map((field) => [field, isObject] as const),
	["service_tier", (value: Json) => typeof value === "string"],
	["parallel_tool_calls", (value: Json) => typeof value === "boolean"],
]);

function isText(part: Json): boolean {
	return typeof objectOf(part)?.text === "string";
}

function isStringOrList(value: Json): boolean {
	return (listOf(value) ?? [value]).every((text) => typeof text === "string");
}

function isObject(value: Json): boolean {
	return objectOf(value) !== null;
}

/** They change no answer, or promise nothing about it. */
const LEFT_OUT: ReadonlySet<string> = new Set([
	...["model", "stream_options", "simulate", "seed", "store", "prediction"],
	...["prompt_cache_key", "prompt_cache_retention"],
]);

/** They have a function of their own below. */
const TRANSLATED: ReadonlySet<string> = new Set([
	...["messages", "system", "max_tokens", "max_completion_tokens", "stop", "stop_sequences", "stream"],
	...["temperature", "top_p", "top_k", "tools", "tool_choice", "parallel_tool_calls"],
	...["reasoning_effort", "thinking", "output_config", "response_format"],
	...["user", "safety_identifier", "metadata", "service_tier"],
]);

/** @param model the name that the provider knows */
export function isAnthropic(model: string): boolean {
	return model.startsWith("anthropic/");
}

/**
 * @param model the name that the provider knows, such as `anthropic/claude-sonnet-5`
 * @param isShortened whether long texts and data lack their ends, as in a submission: then the body is not to be sent
 */
export function anthropicRequest(model: string, input: JsonObject, isShortened = false): Translation {
	const conversion = new Conversion(isShortened);
	const { refuse } = conversion;
	const claude = claudeNamed(model);
	const passed: JsonObject = {};
	for (const [field, value] of Object.entries(input)) {
		if (value !== null && TYPES.get(field)?.(value) === false) refuse(field, "Anthropic's models take another type.");
		const isNeutral = WITHOUT_COUNTERPART.get(field);
		if (isNeutral !== undefined) {
			if (value !== null && !isNeutral(value)) refuse(field, "Anthropic's models have no counterpart of it.");
		} else if (!LEFT_OUT.has(field) && !TRANSLATED.has(field)) passed[field] = value;
	}
	const maxTokens = input.max_completion_tokens ?? input.max_tokens ?? claude.outputTokensMax;
	const { instructions, turns } = conversationOf(listOf(input.messages) ?? [], conversion);
	const body: JsonObject = {
		...passed,
		max_tokens: maxTokens,
		...systemOf(input.system, instructions),
		messages: turns,
		...toolFields(input, refuse),
		...samplingOf(input, claude, refuse),
		...stopOf(input, refuse),
		...outputOf(input, claude, numberOf(maxTokens) ?? claude.outputTokensMax, refuse),
		...accountOf(input, refuse),
		...(input.stream === true ? { stream: true } : {}),
	};
	refuseBesideThinking(body, input, refuse);
	const { refused } = conversion;
	if (refused === null) return { ok: true, body };
	return { ok: false, param: refused.param, problem: `${refused.problem} ${ADVICE}` };
}

/** The gateway's schema takes a string only. A list of Anthropic's own passes unless messages have to be added. */
function systemOf(own: Json | undefined, instructions: readonly string[]): JsonObject {
	if (instructions.length === 0) return own === undefined || own === null ? {} : { system: own };
	const before = stringOf(own) ?? (listOf(own) ?? []).map((part) => stringOf(objectOf(part)?.text) ?? "").join("\n\n");
	return { system: [before, ...instructions].filter((text) => text !== "").join("\n\n") };
}

/** Defaults are left out: newer models refuse the fields. */
function samplingOf(input: JsonObject, { takesSampling }: Claude, refuse: Refuse): JsonObject {
	const fields: JsonObject = {};
	for (const field of ["temperature", "top_p", "top_k"]) {
		const value = input[field] ?? null;
		if (value === null || (value === 1 && field !== "top_k")) continue;
		if (!takesSampling) refuse(field, "The model takes the default only, which is also used without it.");
		else if (field === "temperature" && Number(value) > 1) refuse(field, "Anthropic's models take at most 1.");
		else fields[field] = value;
	}
	return fields;
}

function stopOf({ stop, stop_sequences: own }: JsonObject, refuse: Refuse): JsonObject {
	const texts = listOf(own ?? stop) ?? [own ?? stop ?? null];
	const sequences = texts.flatMap((text) => wordOf(text) ?? []);
	if (sequences.some((text) => text.trim() === ""))
		refuse(own === undefined ? "stop" : "stop_sequences", "Anthropic's models do not stop at white space.");
	return sequences.length === 0 ? {} : { stop_sequences: sequences };
}

/** `thinking` and `output_config`. What the caller says in Anthropic's own words stands. */
function outputOf(input: JsonObject, claude: Claude, maxTokens: number, refuse: Refuse): JsonObject {
	const { thinking, effort } = thinkingFields(input, claude, maxTokens, refuse);
	const format = formatOf(input.response_format, claude, refuse);
	const config = {
		...(effort === undefined ? {} : { effort }),
		...(format === null ? {} : { format }),
		...objectOf(input.output_config),
	};
	const chosen = objectOf(input.thinking) ?? thinking;
	return {
		...(chosen === undefined ? {} : { thinking: chosen }),
		...(Object.keys(config).length === 0 ? {} : { output_config: config }),
	};
}

function formatOf(value: Json | undefined, { takesSchema }: Claude, refuse: Refuse): JsonObject | null {
	const format = objectOf(value);
	if (format === null || format.type === "text") return null;
	const schema = objectOf(objectOf(format.json_schema)?.schema);
	if (format.type !== "json_schema") {
		refuse("response_format.type", 'Anthropic\'s models take "text" or "json_schema".');
	} else if (schema === null) {
		refuse("response_format.json_schema.schema", "Anthropic's models need the schema.");
	} else if (!takesSchema) {
		refuse("response_format", "The model cannot be held to a schema.");
	} else return { type: "json_schema", schema };
	return null;
}

const SERVICE_TIERS: ReadonlyMap<Json, string> = new Map([
	["auto", "auto"],
	["default", "standard_only"],
	["standard_only", "standard_only"],
]);

/** Who asks, and at which price. Other metadata would only label what OpenAI stores. */
function accountOf(input: JsonObject, refuse: Refuse): JsonObject {
	const user = wordOf(objectOf(input.metadata)?.user_id) ?? wordOf(input.safety_identifier) ?? wordOf(input.user);
	const tier = SERVICE_TIERS.get(input.service_tier ?? "");
	if (wordOf(input.service_tier) !== null && tier === undefined)
		refuse("service_tier", 'Anthropic\'s models take "auto" or "default".');
	return {
		...(user === null ? {} : { metadata: { user_id: user } }),
		...(tier === undefined ? {} : { service_tier: tier }),
	};
}
