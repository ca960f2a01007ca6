/** The fields of a request beside its items and tools: each is sent on, translated, kept here, or refused. */
import { type Json, type JsonObject, listOf, objectOf } from "../json/json.ts";
import { isFlag, isNumber, isObject, isText, isWhole, type Problem, type RequestCheck } from "./request-check.ts";
import { strictOf } from "./tools.ts";

/** Chat completions have them under the same names. */
const SENT: ReadonlyMap<string, Problem> = new Map([
	...["model", "user", "safety_identifier", "service_tier", "prompt_cache_key"].map((name) => [name, isText] as const),
	["prompt_cache_retention", isText],
	["prompt_cache_options", isObject],
	["temperature", isNumber(0, 2)],
	["top_p", isNumber(0, 1)],
	["presence_penalty", isNumber(-2, 2)],
	["frequency_penalty", isNumber(-2, 2)],
]);

/** They say how the job runs and what is kept of it. */
const KEPT: ReadonlyMap<string, Problem> = new Map([
	...["store", "background", "stream"].map((name) => [name, isFlag] as const),
	["previous_response_id", isText],
	["metadata", metadataProblem],
	["holdfast", isObject],
]);

const NOT_SERVED: ReadonlySet<string> = new Set([
	...["max_tool_calls", "conversation", "prompt", "moderation", "context_management", "access_programs", "image"],
]);

/** They have a function of their own. */
const TRANSLATED: ReadonlySet<string> = new Set([
	...["instructions", "input", "tools", "tool_choice", "parallel_tool_calls", "text", "reasoning"],
	...["max_output_tokens", "top_logprobs", "include", "stream_options", "truncation"],
]);

export type OutputLimitField = "max_completion_tokens" | "max_tokens";

/** @param limitField the name under which the model takes its limit of output tokens */
export function chatFields(request: JsonObject, limitField: OutputLimitField, check: RequestCheck): JsonObject {
	const fields: JsonObject = {};
	for (const [name, value] of Object.entries(request)) {
		const problemOf = SENT.get(name) ?? KEPT.get(name);
		if (problemOf !== undefined) {
			if (check.has(value, name, problemOf) && SENT.has(name)) fields[name] = value;
		} else if (NOT_SERVED.has(name)) {
			if (value !== null) check.unsupported(name, "Not served here. Remove it.");
		} else if (!TRANSLATED.has(name)) check.refuse(name, "No such parameter.", "unknown_parameter");
	}
	refuseTruncation(request, check);
	refuseStreamOptions(request, check);
	const limit = request.max_output_tokens;
	return {
		...fields,
		...textFields(request, check),
		...reasoningFields(request, check),
		...(check.has(limit, "max_output_tokens", isWhole(16)) ? { [limitField]: limit } : {}),
		...logprobFields(request, check),
	};
}

function metadataProblem(value: Json): string | null {
	const pairs = Object.entries(objectOf(value) ?? {});
	if (objectOf(value) === null || pairs.length > 16) return "Must be an object of at most 16 pairs.";
	const isSmall = pairs.every(([key, text]) => key.length <= 64 && typeof text === "string" && text.length <= 512);
	return isSmall ? null : "Keys may have 64 characters, and values must be strings of at most 512.";
}

/** Which of the input to drop is not ours to choose. */
function refuseTruncation({ truncation }: JsonObject, check: RequestCheck): void {
	if (truncation === "auto")
		check.unsupported("truncation", 'Only "disabled" is served: nothing of the input is dropped.');
	else if ((truncation ?? null) !== null && truncation !== "disabled")
		check.refuse("truncation", 'Must be "disabled".');
}

function refuseStreamOptions(request: JsonObject, check: RequestCheck): void {
	const options = check.object(request.stream_options, "stream_options") ?? {};
	check.members(options, "stream_options", new Set(["include_obfuscation"]));
	check.has(options.include_obfuscation, "stream_options.include_obfuscation", isFlag);
}

function textFields(request: JsonObject, check: RequestCheck): JsonObject {
	const text = check.object(request.text, "text") ?? {};
	check.members(text, "text", new Set(["format", "verbosity"]));
	const verbosity = check.string(text.verbosity, "text.verbosity");
	const format = check.object(text.format, "text.format");
	const responseFormat = format === null ? null : responseFormatOf(format, check);
	return {
		...(responseFormat === null ? {} : { response_format: responseFormat }),
		...(verbosity === null ? {} : { verbosity }),
	};
}

/** Null: plain text. */
function responseFormatOf(format: JsonObject, check: RequestCheck): JsonObject | null {
	const path = "text.format";
	if (format.type === "text") return null;
	if (format.type === "json_object") return { type: "json_object" };
	if (format.type !== "json_schema") {
		check.unsupported(`${path}.type`, 'Must be "text", "json_object" or "json_schema".');
		return null;
	}
	const schema = check.object(format.schema, `${path}.schema`);
	if (schema === null) check.refuse(`${path}.schema`, "Required: a JSON Schema.");
	const description = check.string(format.description, `${path}.description`);
	const jsonSchema = {
		name: check.word(format.name, `${path}.name`),
		schema: schema ?? {},
		...strictOf(format, path, check),
		...(description === null ? {} : { description }),
	};
	return { type: "json_schema", json_schema: jsonSchema };
}

const REASONING: ReadonlySet<string> = new Set(["effort", "summary", "generate_summary", "context", "mode"]);

/** Whether thoughts are summarized is the provider's decision: chat completions cannot ask for it. */
function reasoningFields(request: JsonObject, check: RequestCheck): JsonObject {
	const reasoning = check.object(request.reasoning, "reasoning") ?? {};
	check.members(reasoning, "reasoning", REASONING);
	const effort = check.string(reasoning.effort, "reasoning.effort");
	return effort === null ? {} : { reasoning_effort: effort };
}

const LOGPROBS = "message.output_text.logprobs";
const INCLUDABLE: ReadonlySet<Json> = new Set([
	...["file_search_call.results", "web_search_call.results", "web_search_call.action.sources"],
	...["message.input_image.image_url", "computer_call_output.output.image_url", "code_interpreter_call.outputs"],
	...["reasoning.encrypted_content", LOGPROBS],
]);

function logprobFields(request: JsonObject, check: RequestCheck): JsonObject {
	for (const [at, value] of check.list(request.include, "include").entries())
		if (!INCLUDABLE.has(value)) check.refuse(`include[${at}]`, "No such part of a Response.");
	check.has(request.top_logprobs, "top_logprobs", isWhole(0, 20));
	if (!wantsLogprobs(request)) return {};
	const count = request.top_logprobs ?? 0;
	return { logprobs: true, ...(count === 0 ? {} : { top_logprobs: count }) };
}

export function wantsLogprobs(request: JsonObject): boolean {
	return (request.top_logprobs ?? 0) !== 0 || listOf(request.include)?.includes(LOGPROBS) === true;
}
