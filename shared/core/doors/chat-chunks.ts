/** A complete chat completion as the chunks in which a provider would have streamed it. */
import { type Json, type JsonObject, listOf, objectOf, stringOf } from "../json/json.ts";
import { PIECE_UNITS, textPieces } from "../responses/item-events.ts";

/** Of a long text, pieces are longer, so that the stream is not a multiple of the answer. */
const PIECES_MAX = 4_096;

/** Whose text comes in pieces, in the order in which models say it. */
const TEXTS = ["reasoning_content", "reasoning", "content", "refusal"] as const;
const IN_PIECES: readonly string[] = [...TEXTS, "role", "tool_calls", "function_call"];

/** `usage` is null in all chunks but the last, which has no choices: only if the caller asked for it. */
export function* chunksOf(completion: JsonObject, includeUsage: boolean): Generator<JsonObject, void> {
	const { choices, usage, ...rest } = completion;
	const head = { ...rest, object: "chat.completion.chunk", ...(includeUsage ? { usage: null } : {}) };
	for (const [at, choice] of (listOf(choices) ?? []).map((one) => objectOf(one) ?? {}).entries()) {
		const index = choice.index ?? at;
		for (const { delta, logprobs = null } of deltasOf(choice)) {
			yield { ...head, choices: [{ index, delta, logprobs, finish_reason: null }] };
		}
		yield { ...head, choices: [{ index, delta: {}, logprobs: null, finish_reason: choice.finish_reason ?? "stop" }] };
	}
	if (includeUsage) yield { ...head, choices: [], usage: usage ?? null };
}

interface Delta {
	delta: JsonObject;
	logprobs?: Json;
}

function* deltasOf({ message: said, logprobs }: JsonObject): Generator<Delta, void> {
	const message = objectOf(said) ?? {};
	yield { delta: { role: message.role ?? "assistant", content: "" }, ...(logprobs ? { logprobs } : {}) };
	for (const name of TEXTS) {
		const text = stringOf(message[name]) ?? "";
		for (const piece of inPieces(text)) yield { delta: { [name]: piece } };
	}
	for (const [index, call] of (listOf(message.tool_calls) ?? []).entries()) {
		for (const part of callParts(objectOf(call) ?? {})) yield { delta: { tool_calls: [{ index, ...part }] } };
	}
	const old = objectOf(message.function_call);
	if (old !== null) yield { delta: { function_call: old } };
	const others = Object.entries(message).filter(([name]) => !IN_PIECES.includes(name));
	if (others.length > 0) yield { delta: Object.fromEntries(others) };
}

/** First all of the call but its text, then that. */
function* callParts({ function: named, custom, ...call }: JsonObject): Generator<JsonObject, void> {
	const [kind, body, text] = objectOf(custom) === null ? ["function", named, "arguments"] : ["custom", custom, "input"];
	const whole = objectOf(body) ?? {};
	yield { ...call, [kind]: { ...whole, [text]: "" } };
	for (const piece of inPieces(stringOf(whole[text]) ?? "")) yield { [kind]: { [text]: piece } };
}

function inPieces(text: string): Generator<string, void> {
	const units = Math.ceil(text.length / PIECES_MAX);
	return textPieces(text, Math.max(units, PIECE_UNITS));
}
