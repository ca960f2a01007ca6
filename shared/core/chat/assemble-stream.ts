/**
 * Assembles a chat completion from the chunks of a stream, as a fold. Each step takes over the chunk and the previous state,
 * and lists grow in place: copying 100,000 logprobs for each new one would take minutes. Half a completion is never a result.
 */
import { type Json, type JsonObject, listOf, numberOf, objectOf, parseJson, stringOf, wordOf } from "../json/json.ts";
import { contentText } from "./completion.ts";

interface ChoiceState {
	index: number;
	message: JsonObject;
	finishReason: string | null;
	/** Whether the message says anything yet. A role and empty texts say nothing. */
	hasSpoken: boolean;
	/** The finish reason may be the end. Some providers send one before the text, or in each chunk: theirs says nothing. */
	mayHaveEnded: boolean;
	/** `logprobs` and any other field beside the delta. */
	rest: JsonObject;
}

export interface StreamState {
	/** Fields beside the choices: id, model, created … */
	head: JsonObject;
	choices: readonly ChoiceState[];
	/** Raw counts; providers spread them over several chunks, and the last value wins. */
	usage: JsonObject | null;
	isDone: boolean;
	/** The last chunk that said anything held nothing but counts, as OpenAI's last one does. */
	endsInUsage: boolean;
	/** Characters of content so far: their growth is the stream's progress. */
	chars: number;
}

export const EMPTY_STREAM: StreamState = {
	...{ head: {}, choices: [], usage: null },
	...{ isDone: false, endsInUsage: false, chars: 0 },
};

/** Fields of a chunk that are no part of a completion. */
const CHUNK_ONLY: ReadonlySet<string> = new Set(["object", "obfuscation", "choices", "usage"]);

/** Most providers send these once, some in every chunk. The first value is kept. */
const SENT_ONCE: ReadonlySet<string> = new Set(["id", "created", "model"]);

/** Adds one chunk in OpenAI's form, `{choices: [{index, delta, finish_reason}], usage?}`. */
export function foldChunk(state: StreamState, chunk: JsonObject): StreamState {
	const head = { ...state.head };
	for (const [key, value] of Object.entries(chunk)) {
		if (CHUNK_ONLY.has(key) || value === null) continue;
		if (!SENT_ONCE.has(key) || head[key] === undefined) head[key] = value;
	}
	let { choices, chars } = state;
	const deltas = (listOf(chunk.choices) ?? []).map(objectOf).filter((choice) => choice !== null);
	for (const choice of deltas) {
		choices = foldChoice(choices, choice);
		chars += weightOf(said(choice)) + (wordOf(choice.finish_reason) === null ? 0 : 1) + weightOf(choice.logprobs);
	}
	const counted = objectOf(chunk.usage);
	const isUsage = counted !== null && deltas.length === 0;
	const endsInUsage = isUsage || (state.endsInUsage && !deltas.some((choice) => speaks(said(choice))));
	const usage = counted === null ? state.usage : withoutNulls(state.usage, counted);
	return { ...state, head, choices, chars, endsInUsage, usage };
}

/** Whether the stream said that it ends: by `[DONE]`, by finish reasons that may be the end, or by its usage after any. */
export function isEnded(state: StreamState, choicesRequested: number): boolean {
	if (state.isDone) return state.choices.length > 0;
	return (
		isFinished(state, choicesRequested) && (state.endsInUsage || state.choices.every((choice) => choice.mayHaveEnded))
	);
}

/** Whether every choice has a finish reason. `choicesRequested`: the request's `n`; a choice not yet begun counts as missing. */
export function isFinished({ choices }: StreamState, choicesRequested: number): boolean {
	return (
		choices.length > 0 &&
		choices.length >= choicesRequested &&
		choices.every(({ finishReason }) => finishReason !== null)
	);
}

/** No choice says anything or why it ends, and nothing was counted. */
export function saysNothing({ choices, usage }: StreamState): boolean {
	return usage === null && choices.every(({ hasSpoken, finishReason }) => !hasSpoken && finishReason === null);
}

/** The body that the provider would have sent without streaming. */
export function bodyOf(state: StreamState): JsonObject {
	const choices = state.choices
		.toSorted((a, b) => a.index - b.index)
		.map(({ index, message, finishReason, rest }) => ({
			...rest,
			index,
			message: finished(message),
			finish_reason: finishReason,
		}));
	return state.usage === null ? { ...state.head, choices } : { ...state.head, choices, usage: state.usage };
}

function foldChoice(choices: readonly ChoiceState[], choice: JsonObject): readonly ChoiceState[] {
	const { index: rawIndex, delta, message, text, finish_reason: reason, ...rest } = choice;
	const index = numberOf(rawIndex) ?? 0;
	const at = choices.findIndex((known) => known.index === index);
	const known = choices[at] ?? newChoice(index);
	const added = objectOf(delta) ?? (typeof text === "string" ? { content: text } : null);
	// A few providers close the stream with the whole message: it counts only if nothing was streamed before it.
	const whole = added === null && !known.hasSpoken ? objectOf(message) : null;
	const isSpeaking = speaks(said(choice));
	const hasSpoken = known.hasSpoken || isSpeaking;
	const isFirstReason = known.finishReason === null && wordOf(reason) !== null;
	const next = {
		index,
		message: whole ?? (added === null ? known.message : grow(known.message, added)),
		finishReason: wordOf(reason) ?? known.finishReason,
		hasSpoken,
		mayHaveEnded: isFirstReason ? hasSpoken : known.mayHaveEnded && !isSpeaking,
		rest: grow(known.rest, rest, replaced),
	};
	return at < 0 ? [...choices, next] : choices.with(at, next);
}

function newChoice(index: number): ChoiceState {
	return { index, message: {}, finishReason: null, hasSpoken: false, mayHaveEnded: false, rest: {} };
}

/** Fields of a delta that come in pieces of text. Any other string, such as a name, is repeated or replaced by the last one. */
const TEXTS: ReadonlySet<string> = new Set([
	...["content", "text", "refusal", "arguments", "transcript", "data"],
	...["reasoning", "reasoning_content", "reasoning_text", "thinking", "summary"],
]);

type GrowText = (key: string, before: Json, more: Json) => Json;

const appended: GrowText = (key, before, more) => (TEXTS.has(key) ? appendText(key, before, more) : more);
/** Beside a delta there are words, such as a filter's severity, and no pieces of text. */
const replaced: GrowText = (_key, _before, more) => more;

/** Adds a delta: text is appended, lists grow, objects grow within, anything else is replaced. */
function grow(known: JsonObject, delta: JsonObject, growText = appended): JsonObject {
	const grown = { ...known };
	for (const [key, more] of Object.entries(delta)) {
		const before = grown[key];
		if (key === "tool_calls") {
			if (more !== null) grown[key] = growCalls(listOf(before) ?? [], listOf(more) ?? [more]);
		} else if (before === undefined || before === null || before === "") grown[key] = more ?? before ?? null;
		else if (more !== null && more !== "") grown[key] = grownValue(key, before, more, growText);
	}
	return grown;
}

function grownValue(key: string, before: Json, more: Json, growText: GrowText): Json {
	if (Array.isArray(before) && Array.isArray(more)) {
		for (const member of more) growList(before, member, growText);
		return before;
	}
	const [into, from] = [objectOf(before), objectOf(more)];
	if (into === null || from === null || (key === "content" && hasParts(before))) return growText(key, before, more);
	return grow(into, from, growText);
}

/** A member with an index of its own, or with a name as its id, continues the one that has the same. */
function growList(list: Json[], value: Json, growText: GrowText): void {
	const member = objectOf(value);
	const key = member === null ? null : ownKey(member);
	const isSame = (known: JsonObject | null) => known !== null && ownKey(known) === key && known.type === member?.type;
	const at = key === null ? -1 : list.findLastIndex((known) => isSame(objectOf(known)));
	const known = objectOf(list[at]);
	if (known === null || member === null) list.push(value);
	else list[at] = grow(known, member, growText);
}

/** Some servers send a token's number as the id of its logprobs, where it comes more than once. */
function ownKey({ index, id }: JsonObject): number | string | null {
	return numberOf(index) ?? wordOf(id);
}

/** Text after text; where one of them has another type, the text of both in order. Content that has parts keeps them. */
function appendText(key: string, before: Json, more: Json): Json {
	if (typeof before === "string" && typeof more === "string") return before + more;
	if (key !== "content" || !(hasParts(before) || hasParts(more))) return textOf(before) + textOf(more);
	const parts = partsOf(before);
	const last = objectOf(parts.at(-1));
	if (typeof more === "string" && last?.type === "text" && typeof last.text === "string") last.text += more;
	else for (const part of partsOf(more)) parts.push(part);
	return parts;
}

function hasParts(content: Json): boolean {
	return Array.isArray(content) || typeof objectOf(content)?.type === "string";
}

function partsOf(content: Json): Json[] {
	return listOf(content) ?? [hasParts(content) ? content : { type: "text", text: textOf(content) }];
}

function textOf(value: Json): string {
	const isNothing = Object.keys(objectOf(value) ?? { any: value }).length === 0;
	return isNothing ? "" : (contentText(value) ?? "");
}

function growCalls(known: readonly Json[], deltas: readonly Json[]): Json[] {
	let calls = [...known];
	for (const value of deltas) {
		const delta = objectOf(value);
		if (delta === null) continue;
		const at = callOf(calls, delta);
		const call = objectOf(calls[at]);
		calls = call === null ? [...calls, delta] : calls.with(at, grow(call, delta));
	}
	return calls;
}

/**
 * The position of the call that a delta continues; -1 for a new one. Its `index` decides. Some providers send no index, or 0
 * for every call: then a name with another id, or after arguments that are complete, starts a new call, and a piece without a
 * name continues the last one.
 */
function callOf(calls: readonly Json[], delta: JsonObject): number {
	const index = numberOf(delta.index);
	const id = wordOf(delta.id);
	const isNamed = wordOf(objectOf(delta.function)?.name) !== null;
	if (index === null) {
		if (id !== null) return calls.findLastIndex((call) => objectOf(call)?.id === id);
		return isNamed ? -1 : calls.length - 1;
	}
	const at = calls.findLastIndex((call) => objectOf(call)?.index === index);
	const known = objectOf(calls[at]);
	const knownId = wordOf(known?.id);
	const isOther = id !== null && knownId !== null && knownId !== id;
	return isNamed && (isOther || (argumentsOf(delta) !== "" && isComplete(argumentsOf(known)))) ? -1 : at;
}

function argumentsOf(call: JsonObject | null): string {
	return stringOf(objectOf(call?.function)?.arguments) ?? "";
}

function isComplete(args: string): boolean {
	return args.endsWith("}") && parseJson(args) !== undefined;
}

/** Outside a stream a call has no index, and one without arguments has `{}`. */
function finished(message: JsonObject): JsonObject {
	const calls = listOf(message.tool_calls);
	if (calls === null) return message;
	return { ...message, tool_calls: calls.map(finishedCall) };
}

function finishedCall(value: Json): Json {
	const { index: _, ...call } = objectOf(value) ?? {};
	const named = objectOf(call.function);
	if (named === null || stringOf(named.arguments) || objectOf(named.arguments)) return call;
	return { ...call, function: { ...named, arguments: "{}" } };
}

function withoutNulls(known: JsonObject | null, more: JsonObject): JsonObject {
	return { ...known, ...Object.fromEntries(Object.entries(more).filter(([, value]) => value !== null)) };
}

/** What a choice of a chunk says. */
function said({ delta, text, message }: JsonObject): Json | undefined {
	return delta ?? text ?? message;
}

const SILENT: ReadonlySet<string> = new Set(["role", "id", "type"]);

/** Whether there is any text in it, such as content or the name of a tool. */
function speaks(value: Json | undefined): boolean {
	if (typeof value !== "object" || value === null) return wordOf(value) !== null;
	return Object.entries(value).some(([key, member]) => !SILENT.has(key) && speaks(member));
}

/** Characters of text in a delta; any other value counts 8. A role counts nothing: some providers send it as a keep-alive. */
function weightOf(value: Json | undefined): number {
	if (value === undefined || value === null) return 0;
	if (typeof value === "string") return value.length;
	if (typeof value !== "object") return 8;
	if (Array.isArray(value)) return value.reduce<number>((sum, member) => sum + weightOf(member), 0);
	return Object.entries(value).reduce((sum, [key, member]) => sum + (key === "role" ? 0 : weightOf(member)), 0);
}
