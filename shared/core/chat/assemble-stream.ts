/**
 * Assembles a chat completion from the chunks of a stream, as a fold. Each step takes over the chunk and the previous state,
 * and lists grow in place: copying 100,000 logprobs for each new one would take minutes. A stream is whole once it sent
 * `[DONE]` or gave every choice a finish reason. Half a completion is never a result.
 */
import { type Json, type JsonObject, listOf, numberOf, objectOf, parseJson, stringOf, wordOf } from "../json/json.ts";

interface ChoiceState {
	index: number;
	message: JsonObject;
	finishReason: string | null;
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
	/** Characters of content so far: their growth is the stream's progress. */
	chars: number;
}

export const EMPTY_STREAM: StreamState = { head: {}, choices: [], usage: null, isDone: false, chars: 0 };

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
	for (const value of listOf(chunk.choices) ?? []) {
		const choice = objectOf(value);
		if (choice === null) continue;
		choices = foldChoice(choices, choice);
		chars +=
			weightOf(choice.delta ?? choice.text) +
			(wordOf(choice.finish_reason) === null ? 0 : 1) +
			weightOf(choice.logprobs);
	}
	const counted = objectOf(chunk.usage);
	return { ...state, head, choices, chars, usage: counted === null ? state.usage : withoutNulls(state.usage, counted) };
}

/** Whether the completion is whole. `choicesRequested`: the request's `n`, so that a choice not yet begun counts as missing. */
export function isWhole(state: StreamState, choicesRequested: number): boolean {
	if (state.choices.length === 0) return false;
	if (state.isDone) return true;
	return state.choices.length >= choicesRequested && state.choices.every((choice) => choice.finishReason !== null);
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
	const known = choices[at] ?? { index, message: {}, finishReason: null, rest: {} };
	const added = objectOf(delta) ?? (typeof text === "string" ? { content: text } : null);
	// A few providers close the stream with the whole message: it counts only if nothing was streamed before it.
	const whole = added === null && Object.keys(known.message).length === 0 ? objectOf(message) : null;
	const next = {
		index,
		message: whole ?? (added === null ? known.message : grow(known.message, added)),
		finishReason: wordOf(reason) ?? known.finishReason,
		rest: grow(known.rest, rest, replaced),
	};
	return at < 0 ? [...choices, next] : choices.with(at, next);
}

/** Fields that some providers repeat in every chunk: names rather than pieces of text, never concatenated. */
const NAMES: ReadonlySet<string> = new Set(["id", "type", "role", "name", "index"]);

type GrowText = (key: string, before: string, more: string) => string;

const appended: GrowText = (key, before, more) => (NAMES.has(key) ? more : before + more);
/** Beside a delta there are words, such as a filter's severity, and no pieces of text. */
const replaced: GrowText = (_key, _before, more) => more;

/** Adds a delta: text is appended, lists grow, objects grow within, anything else is replaced. */
function grow(known: JsonObject, delta: JsonObject, growText = appended): JsonObject {
	const grown = { ...known };
	for (const [key, more] of Object.entries(delta)) {
		const before = grown[key];
		if (key === "tool_calls") {
			if (more !== null) grown[key] = growCalls(listOf(before) ?? [], listOf(more) ?? []);
		} else if (before === undefined || before === null) grown[key] = more;
		else if (more !== null && more !== "") grown[key] = grownValue(key, before, more, growText);
	}
	return grown;
}

function grownValue(key: string, before: Json, more: Json, growText: GrowText): Json {
	if (typeof before === "string" && typeof more === "string") return growText(key, before, more);
	if (Array.isArray(before) && Array.isArray(more)) {
		for (const member of more) before.push(member);
		return before;
	}
	const [into, from] = [objectOf(before), objectOf(more)];
	return into !== null && from !== null ? grow(into, from, growText) : more;
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

/** Characters of text in a delta; any other value counts 8. A role counts nothing: some providers send it as a keep-alive. */
function weightOf(value: Json | undefined): number {
	if (value === undefined || value === null) return 0;
	if (typeof value === "string") return value.length;
	if (typeof value !== "object") return 8;
	if (Array.isArray(value)) return value.reduce<number>((sum, member) => sum + weightOf(member), 0);
	return Object.entries(value).reduce((sum, [key, member]) => sum + (key === "role" ? 0 : weightOf(member)), 0);
}
