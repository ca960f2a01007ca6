/**
 * Assembles a chat completion from the chunks of a stream, as a fold: each step takes over the chunk and the previous state. Half
 * a completion is never a result.
 */
import { type Json, type JsonObject, listOf, numberOf, objectOf, wordOf } from "../json/json.ts";
import { speaks, weightOf } from "./content.ts";
import { grow, replaced } from "./grow-message.ts";
import { anthropicMessage, geminiMessage, geminiReasonBeside } from "./provider-shapes.ts";
import { nextSnapshot, type Snapshots, withSnapshots } from "./snapshots.ts";
import { rawUsageOf } from "./token-usage.ts";

interface ChoiceState {
	index: number;
	message: JsonObject;
	finishReason: string | null;
	/** Whether the message says anything yet. A role and empty texts say nothing. */
	hasSpoken: boolean;
	/** Whether nothing was said but under `message`. */
	isOfMessages: boolean;
	/** The finish reason may be the end. Some providers send one before the text, or in each chunk: theirs says nothing. */
	mayHaveEnded: boolean;
	/** `logprobs` and any other field beside the delta. */
	rest: JsonObject;
	snapshots: Snapshots;
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
	const counted = rawUsageOf(chunk);
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
	const choices = state.choices.toSorted((a, b) => a.index - b.index).map(wholeChoice);
	return state.usage === null ? { ...state.head, choices } : { ...state.head, choices, usage: state.usage };
}

function wholeChoice({ index, message, finishReason, rest, snapshots }: ChoiceState): JsonObject {
	const whole = wholeMessage(withSnapshots(message, snapshots));
	const isGemini = message.gemini_parts !== undefined;
	return {
		...rest,
		index,
		message: whole,
		finish_reason: isGemini ? geminiReasonBeside(whole, finishReason) : finishReason,
	};
}

/** Anthropic's blocks and Gemini's parts become what they become in a response that comes whole. */
function wholeMessage({
	content_blocks: blocks,
	gemini_parts: parts,
	tool_calls: calls,
	...message
}: JsonObject): JsonObject {
	if (blocks !== undefined) return { ...message, ...anthropicMessage((listOf(blocks) ?? []).map(withoutIndex)) };
	if (parts !== undefined) return { ...message, ...geminiMessage(listOf(parts) ?? []) };
	return calls === undefined ? message : { ...message, tool_calls: (listOf(calls) ?? []).map(withoutIndex) };
}

/** Outside a stream, neither a block nor a call has an index. */
function withoutIndex(value: Json): Json {
	const { index: _, ...rest } = objectOf(value) ?? {};
	return rest;
}

function foldChoice(choices: readonly ChoiceState[], choice: JsonObject): readonly ChoiceState[] {
	const { index: rawIndex, delta, message, text, finish_reason: reason, usage: _, ...rest } = choice;
	const index = numberOf(rawIndex) ?? 0;
	const at = choices.findIndex((known) => known.index === index);
	const known = choices[at] ?? newChoice(index);
	const bare = [delta, text].find((one) => typeof one === "string");
	const streamed = objectOf(delta) ?? (bare === undefined ? null : { content: bare });
	// A few providers send messages in the place of deltas.
	const isMessage = streamed === null && known.isOfMessages && objectOf(message) !== null;
	const added = isMessage ? objectOf(message) : streamed;
	const isSpeaking = speaks(said(choice));
	const hasSpoken = known.hasSpoken || isSpeaking;
	const isFirstReason = known.finishReason === null && wordOf(reason) !== null;
	const next = {
		index,
		message: added === null ? known.message : grow(known.message, added),
		// Others close the stream with the whole message: it counts only if nothing was streamed before it.
		isOfMessages: known.isOfMessages && (streamed === null || !speaks(streamed)),
		finishReason: isBareStop(known, wordOf(reason)) ? known.finishReason : (wordOf(reason) ?? known.finishReason),
		hasSpoken,
		mayHaveEnded: isFirstReason ? hasSpoken : known.mayHaveEnded && !isSpeaking,
		rest: grow(known.rest, rest, replaced),
		snapshots: added === null ? known.snapshots : nextSnapshot(known.snapshots, added),
	};
	return at < 0 ? [...choices, next] : choices.with(at, next);
}

function newChoice(index: number): ChoiceState {
	const said = { message: {}, finishReason: null, hasSpoken: false, isOfMessages: true, mayHaveEnded: false };
	return { index, ...said, rest: {}, snapshots: {} };
}

/** Some servers end every stream with "stop", in whatever words, behind the reason that says why. */
function isBareStop({ finishReason, message, mayHaveEnded }: ChoiceState, reason: string | null): boolean {
	if (!/^(stop|eos(_token)?|end(_turn)?|complete(d)?)$/i.test(reason ?? "")) return false;
	if (finishReason === "tool_calls") return message.tool_calls !== undefined;
	if (finishReason === "function_call") return message.function_call !== undefined;
	return mayHaveEnded && (finishReason === "length" || finishReason === "content_filter");
}

function withoutNulls(known: JsonObject | null, more: JsonObject): JsonObject {
	return { ...known, ...Object.fromEntries(Object.entries(more).filter(([, value]) => value !== null)) };
}

/** What a choice of a chunk says. */
function said({ delta, text, message }: JsonObject): Json | undefined {
	return delta ?? text ?? message;
}
