/**
 * Brings a whole response of another provider into OpenAI's shape, `{choices: [{index, message, finish_reason}], usage}`.
 * Other fields stay where they were. A finish reason that the provider did not send stays null.
 */
import { type Json, type JsonObject, listOf, objectOf, parseJson, stringOf, wordOf } from "../json/json.ts";

/** The body with `choices`; null where no shape fits. */
export function chatOf(body: JsonObject): JsonObject | null {
	if (Array.isArray(body.choices)) return body;
	if (Array.isArray(body.candidates)) return ofGemini(body);
	if (Array.isArray(body.content)) return ofAnthropic(body);
	if (typeof body.text === "string") return ofText(body);
	if (body.response !== undefined) return ofWorkersAi(body);
	return null;
}

function ofText({ text, finish_reason: reason, ...rest }: JsonObject): JsonObject {
	return {
		...rest,
		choices: [{ index: 0, message: { role: "assistant", content: text ?? null }, finish_reason: reason ?? null }],
	};
}

/** `{response, tool_calls?, usage?}`. When a JSON schema was requested, `response` is an object. */
function ofWorkersAi({ response, tool_calls: calls, finish_reason: reason, ...rest }: JsonObject): JsonObject {
	const message: JsonObject = { role: "assistant", content: response ?? null };
	if (listOf(calls)?.length) message.tool_calls = workersAiToolCalls(calls);
	return { ...rest, choices: [{ index: 0, message, finish_reason: reason ?? null }] };
}

/** Workers AI's own models give `{name, arguments}`; others already use OpenAI's form, which is kept. */
export function workersAiToolCalls(calls: Json | undefined): Json[] {
	return (listOf(calls) ?? []).map((value, position) => {
		const call = objectOf(value);
		const name = wordOf(call?.name);
		return call === null || name === null ? value : toolCall(name, call.arguments, wordOf(call.id), position);
	});
}

const ANTHROPIC_REASONS: ReadonlyMap<string, string> = new Map([
	["end_turn", "stop"],
	["stop_sequence", "stop"],
	["max_tokens", "length"],
	["model_context_window_exceeded", "length"],
	["tool_use", "tool_calls"],
	["refusal", "content_filter"],
]);

/** OpenAI's word for Anthropic's `stop_reason`; a word without a counterpart is kept. */
export function anthropicReason(reason: Json | undefined): string | null {
	const word = stringOf(reason);
	return word === null ? null : (ANTHROPIC_REASONS.get(word) ?? word);
}

function ofAnthropic({ content, role, type: _, usage, ...rest }: JsonObject): JsonObject {
	const message = { role: role ?? "assistant", ...anthropicMessage(listOf(content) ?? []) };
	const counts = objectOf(usage);
	return {
		...withoutNulls(rest),
		...(counts === null ? {} : { usage: withoutNulls(counts) }),
		object: "chat.completion",
		choices: [{ index: 0, message, finish_reason: anthropicReason(rest.stop_reason) }],
	};
}

/**
 * The fields of a message, out of Anthropic's blocks. A stream has the input of a tool as `partial_json`: this text is that of the
 * call, because numbers of many digits change when they are parsed.
 */
export function anthropicMessage(values: readonly Json[]): JsonObject {
	const blocks = values.map(objectOf).filter((block) => block !== null);
	const texts = blocks.filter((block) => block.type === "text").map((block) => stringOf(block.text) ?? "");
	const thoughts = blocks.flatMap((block) => (block.type === "thinking" ? (wordOf(block.thinking) ?? []) : []));
	const calls = blocks
		.filter((block) => block.type === "tool_use")
		.map((block, position) =>
			toolCall(stringOf(block.name) ?? "", wordOf(block.partial_json) ?? block.input, wordOf(block.id), position),
		);

	const message: JsonObject = { content: texts.length > 0 ? texts.join("") : null };
	if (calls.length > 0) message.tool_calls = calls;
	if (thoughts.length > 0) message.reasoning_content = thoughts.join("");
	// Signatures, citations and server tools do not fit in OpenAI's message: such messages also keep their blocks.
	const isPlain = blocks.every(
		(block) =>
			block.type === "tool_use" || Object.keys(block).every((key) => PLAIN_KEYS.has(key) || block[key] === null),
	);
	if (!isPlain) message.content_blocks = blocks.map(wholeBlock);
	return message;
}

/** The text is none or empty where a tool has no parameters. */
function wholeBlock({ partial_json: json, ...block }: JsonObject): JsonObject {
	const text = wordOf(json);
	return text === null ? block : { ...block, input: parseJson(text) ?? text };
}

/** A stream has none of these members, which say nothing. */
function withoutNulls(object: JsonObject): JsonObject {
	return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}

const PLAIN_KEYS: ReadonlySet<string> = new Set(["type", "text"]);

const GEMINI_REASONS: ReadonlyMap<string, string> = new Map([
	["STOP", "stop"],
	["MAX_TOKENS", "length"],
	["SAFETY", "content_filter"],
	["RECITATION", "content_filter"],
	["BLOCKLIST", "content_filter"],
	["PROHIBITED_CONTENT", "content_filter"],
	["SPII", "content_filter"],
]);

/** OpenAI's word for Gemini's `finishReason`; any other word in lower case. */
export function geminiReason(reason: Json | undefined): string | null {
	const word = stringOf(reason);
	return word === null ? null : (GEMINI_REASONS.get(word) ?? word.toLowerCase());
}

function ofGemini({ candidates, usageMetadata, responseId, modelVersion, ...rest }: JsonObject): JsonObject {
	const chat: JsonObject = { ...rest, choices: (listOf(candidates) ?? []).map(geminiChoice) };
	if (usageMetadata !== undefined) chat.usage = usageMetadata;
	if (responseId !== undefined) chat.id = responseId;
	if (modelVersion !== undefined) chat.model = modelVersion;
	return chat;
}

function geminiChoice(value: Json, position: number): Json {
	const { content, finishReason, index, ...rest } = objectOf(value) ?? {};
	const message = { role: "assistant", ...geminiMessage(listOf(objectOf(content)?.parts) ?? []) };
	return {
		...rest,
		index: index ?? position,
		message,
		finish_reason: geminiReasonBeside(message, geminiReason(finishReason)),
	};
}

/** Gemini stops for a call as for any other end. */
export function geminiReasonBeside(message: JsonObject, reason: string | null): string | null {
	return message.tool_calls !== undefined && reason === "stop" ? "tool_calls" : reason;
}

/** The fields of a message, out of Gemini's parts: text, reasoning and tool calls. */
export function geminiMessage(values: readonly Json[]): JsonObject {
	const parts = values.map(objectOf).filter((part) => part !== null);
	const texts = parts.filter((part) => typeof part.text === "string" && part.thought !== true);
	const thoughts = parts.filter((part) => typeof part.text === "string" && part.thought === true);
	const calls = parts
		.map((part) => objectOf(part.functionCall))
		.filter((call) => call !== null)
		.map((call, position) => toolCall(stringOf(call.name) ?? "", call.args, wordOf(call.id), position));
	const message: JsonObject = { content: texts.length > 0 ? texts.map((part) => part.text).join("") : null };
	if (thoughts.length > 0) message.reasoning_content = thoughts.map((part) => part.text).join("");
	if (calls.length > 0) message.tool_calls = calls;
	// Images, signatures and code do not fit in OpenAI's message: such messages also keep their parts.
	if (!parts.every((part) => Object.keys(part).every((key) => PLAIN_PART_KEYS.has(key)))) message.content_parts = parts;
	return message;
}

const PLAIN_PART_KEYS: ReadonlySet<string> = new Set(["text", "thought", "functionCall"]);

/** OpenAI's form of a call: its arguments are JSON text. */
function toolCall(name: string, args: Json | undefined, id: string | null, position: number): JsonObject {
	const text = typeof args === "string" ? args : JSON.stringify(args ?? {});
	return { id: id ?? `call_${position}`, type: "function", function: { name, arguments: text } };
}

/** An empty `error` is no error: some providers send the field with every response. */
export function hasError({ error }: JsonObject): boolean {
	return wordOf(error) !== null || Object.keys(objectOf(error) ?? {}).length > 0;
}
