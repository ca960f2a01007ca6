/** Some servers send in each chunk the whole text so far, and not only what is new. */
import { type JsonObject, wordOf } from "../json/json.ts";

/** By field of the message. Null: its chunks are no snapshots. */
export type Snapshots = Readonly<Record<string, { text: string; chunks: number } | null>>;

/** Texts that may begin alike by chance are fewer. */
const CHUNKS_MIN = 3;
const FIELDS = ["content", "reasoning_content"] as const;

export function nextSnapshot(known: Snapshots, delta: JsonObject): Snapshots {
	let next = known;
	for (const field of FIELDS) {
		const before = next[field];
		const piece = delta[field];
		if (before === null || piece === undefined || piece === null || piece === "") continue;
		const text = wordOf(piece);
		next = { ...next, [field]: text === null ? null : afterPiece(before, text) };
	}
	return next;
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
		last !== null && last.chunks >= CHUNKS_MIN ? [[field, last.text]] : [],
	);
	return { ...message, ...Object.fromEntries(texts) };
}
