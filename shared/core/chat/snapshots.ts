/** Some servers send in each chunk the whole text so far, and not only what is new. */
import { type Json, type JsonObject, listOf, numberOf, objectOf, parseJson, stringOf, wordOf } from "../json/json.ts";
import { contentText } from "./content.ts";

/** By field of the message. Null: its chunks are no snapshots. */
export type Snapshots = Readonly<Record<string, { text: string; chunks: number } | null>>;

/** Texts that may begin alike by chance are fewer. */
const CHUNKS_MIN = 3;
const FIELDS = ["content", "refusal", "reasoning_content", "reasoning", "reasoning_text", "thinking"] as const;

export function nextSnapshot(known: Snapshots, delta: JsonObject): Snapshots {
	let next = known;
	for (const [field, piece] of piecesOf(delta)) {
		const before = next[field];
		if (before === null || piece === undefined || piece === null || piece === "") continue;
		const text = wordOf(piece) ?? (isText(piece) ? contentText(piece) : null);
		next = { ...next, [field]: text === null ? null : afterPiece(before, text) };
	}
	return next;
}

/** Of the texts, and of the arguments of each call by its index. */
function piecesOf(delta: JsonObject): [field: string, piece: Json | undefined][] {
	const texts = FIELDS.map((field): [string, Json | undefined] => [field, delta[field]]);
	if (delta.tool_calls === undefined) return texts;
	const calls = (listOf(delta.tool_calls) ?? []).map(objectOf);
	return [
		...texts,
		...calls.map((call): [string, Json | undefined] => [callField(call), objectOf(call?.function)?.arguments]),
	];
}

function callField(call: JsonObject | null): string {
	return `call ${numberOf(call?.index) ?? 0}`;
}

function isText(piece: Json): boolean {
	return listOf(piece)?.every((part) => objectOf(part)?.type === "text") ?? false;
}

function afterPiece(before: Snapshots[string] | undefined, text: string): Snapshots[string] {
	if (before === undefined || before === null) return { text, chunks: 1 };
	if (text === before.text && before.chunks >= CHUNKS_MIN) return before;
	const isLonger = text.length > before.text.length && text.startsWith(before.text);
	return isLonger ? { text, chunks: before.chunks + 1 } : null;
}

/** The message with the last snapshot of each text whose chunks are snapshots. */
export function withSnapshots(message: JsonObject, snapshots: Snapshots): JsonObject {
	const texts = Object.entries(snapshots).flatMap(([field, last]) =>
		last !== null && last.chunks >= CHUNKS_MIN && !field.startsWith("call ") ? [[field, last.text]] : [],
	);
	const calls = listOf(message.tool_calls)?.map((call) => withLastArguments(objectOf(call), snapshots) ?? call);
	return { ...message, ...Object.fromEntries(texts), ...(calls === undefined ? {} : { tool_calls: calls }) };
}

/** Null: its arguments are no snapshots. */
function withLastArguments(call: JsonObject | null, snapshots: Snapshots): JsonObject | null {
	const named = objectOf(call?.function);
	const last = snapshots[callField(call)];
	if (call === null || named === null || last === undefined || last === null || last.chunks < 2) return null;
	const isRead = parseJson(stringOf(named.arguments) ?? "{}") !== undefined || parseJson(last.text) === undefined;
	return isRead ? null : { ...call, function: { ...named, arguments: last.text } };
}
