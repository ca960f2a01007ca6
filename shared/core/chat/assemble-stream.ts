/**
 * Assembles a chat completion from the chunks of a stream, as a fold. Each step uses up the chunk and the state
 * it was given: lists grow in place, since to copy 100,000 logprobs for each new one would take minutes. A stream is whole
 * once it said `[DONE]` or gave every choice a finish reason; half an answer is never one.
 */
import type { Json, JsonObject } from "../json/json.ts";
import { listOf, numberOf, objectOf, stringOf, wordOf } from "../json/json-guards.ts";

interface ChoiceSoFar {
	index: number;
	message: JsonObject;
	finishReason: string | null;
	/** `logprobs` and whatever else stands beside the delta. */
	rest: JsonObject;
}

export interface StreamSoFar {
	/** What stands beside the choices: id, model, created … */
	head: JsonObject;
	choices: readonly ChoiceSoFar[];
	/** Raw counts; providers spread them over several chunks, the last word wins. */
	usage: JsonObject | null;
	isDone: boolean;
	/** Characters of the answer so far: its growth is the stream's progress. */
	chars: number;
}

export const EMPTY_STREAM: StreamSoFar = { head: {}, choices: [], usage: null, isDone: false, chars: 0 };

/** Fields of a chunk that are no part of an answer. */
const CHUNK_ONLY: ReadonlySet<string> = new Set(["object", "obfuscation", "choices", "usage"]);

/** Said once by most providers, in every chunk by some: the first word stands. */
const SAID_ONCE: ReadonlySet<string> = new Set(["id", "created", "model"]);

/** Adds one chunk in OpenAI's form, `{choices: [{index, delta, finish_reason}], usage?}`. */
export function foldChunk(so: StreamSoFar, chunk: JsonObject): StreamSoFar {
	const head = { ...so.head };
	for (const [key, value] of Object.entries(chunk)) {
		if (CHUNK_ONLY.has(key) || value === null) continue;
		if (!SAID_ONCE.has(key) || head[key] === undefined) head[key] = value;
	}
	let { choices, chars } = so;
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
	return { ...so, head, choices, chars, usage: counted === null ? so.usage : withoutNulls(so.usage, counted) };
}

/** Whether nothing of the answer is missing. `choicesRequested`: the request's `n`, so that a choice not yet begun is missed. */
export function isWhole(so: StreamSoFar, choicesRequested: number): boolean {
	if (so.choices.length === 0) return false;
	if (so.isDone) return true;
	return so.choices.length >= choicesRequested && so.choices.every((choice) => choice.finishReason !== null);
}

/** The body that the provider would have sent without streaming. */
export function bodyOf(so: StreamSoFar): JsonObject {
	const choices = so.choices
		.toSorted((a, b) => a.index - b.index)
		.map(({ index, message, finishReason, rest }) => ({
			...rest,
			index,
			message: finished(message),
			finish_reason: finishReason,
		}));
	return so.usage === null ? { ...so.head, choices } : { ...so.head, choices, usage: so.usage };
}

function foldChoice(choices: readonly ChoiceSoFar[], choice: JsonObject): readonly ChoiceSoFar[] {
	const { index: rawIndex, delta, message, text, finish_reason: reason, ...rest } = choice;
	const index = numberOf(rawIndex) ?? 0;
	const at = choices.findIndex((known) => known.index === index);
	const known = choices[at] ?? { index, message: {}, finishReason: null, rest: {} };
	const said = objectOf(delta) ?? (typeof text === "string" ? { content: text } : null);
	// A few providers close the stream with the whole message: it is news only if nothing was streamed before it.
	const whole = said === null && Object.keys(known.message).length === 0 ? objectOf(message) : null;
	const next = {
		index,
		message: whole ?? (said === null ? known.message : grow(known.message, said)),
		finishReason: wordOf(reason) ?? known.finishReason,
		rest: grow(known.rest, rest),
	};
	return at < 0 ? [...choices, next] : choices.with(at, next);
}

/** Names a thing rather than being a piece of its text: repeated by some providers in every chunk, never concatenated. */
const NAMES: ReadonlySet<string> = new Set(["id", "type", "role", "name", "index"]);

/** Adds what a delta says: text is appended, lists grow, objects grow within, anything else is replaced. */
function grow(known: JsonObject, delta: JsonObject): JsonObject {
	const grown = { ...known };
	for (const [key, more] of Object.entries(delta)) {
		const before = grown[key];
		if (key === "tool_calls") {
			if (more !== null) grown[key] = growCalls(listOf(before) ?? [], listOf(more) ?? []);
		} else if (before === undefined || before === null) grown[key] = more;
		else if (more !== null && more !== "") grown[key] = grownValue(key, before, more);
	}
	return grown;
}

function grownValue(key: string, before: Json, more: Json): Json {
	if (typeof before === "string" && typeof more === "string" && !NAMES.has(key)) return before + more;
	if (Array.isArray(before) && Array.isArray(more)) {
		for (const member of more) before.push(member);
		return before;
	}
	const [into, from] = [objectOf(before), objectOf(more)];
	return into !== null && from !== null ? grow(into, from) : more;
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
 * Where the call lives that a delta goes on with; -1 for a new one. Its `index` says so, except that some providers give
 * none, or 0 for all: then a named call under another id is a new one, and a nameless piece belongs to the last.
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
	const knownId = wordOf(objectOf(calls[at])?.id);
	return isNamed && id !== null && knownId !== null && knownId !== id ? -1 : at;
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
	if (named === null || stringOf(named.arguments)) return call;
	return { ...call, function: { ...named, arguments: "{}" } };
}

function withoutNulls(known: JsonObject | null, more: JsonObject): JsonObject {
	return { ...known, ...Object.fromEntries(Object.entries(more).filter(([, value]) => value !== null)) };
}

/** Characters of text in a delta, other members counting 8. A role alone weighs nothing: some send it to keep alive. */
function weightOf(value: Json | undefined): number {
	if (value === undefined || value === null) return 0;
	if (typeof value === "string") return value.length;
	if (typeof value !== "object") return 8;
	if (Array.isArray(value)) return value.reduce<number>((sum, member) => sum + weightOf(member), 0);
	return Object.entries(value).reduce((sum, [key, member]) => sum + (key === "role" ? 0 : weightOf(member)), 0);
}
