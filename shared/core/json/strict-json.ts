/**
 * Reads a request body as JSON that every later reader understands alike: the I-JSON profile (RFC 7493), with limits on
 * depth and number of values. `JSON.parse` builds the value. A pass over the text before it refuses what `JSON.parse` would
 * accept: a repeated key (the last would silently win), half of a surrogate pair, a number that would change.
 *
 * The rule not to break: no message quotes a value, because values are prompts. Key names are shown, cut short.
 */
import type { Json } from "./json.ts";
import { type JsonLimits, type JsonProblem, JsonScanner } from "./json-scanner.ts";

/**
 * The limits of a request body. 500,000 values are about 80,000 chat messages in parts, and at worst 60 MB of memory beside the
 * body (V8 of Node 24). Without this limit, 16 MiB of `[],` would take 220 MB, and an isolate has 128 MB for all its requests.
 */
export const BODY_LIMITS: JsonLimits = { depthMax: 64, valuesMax: 500_000, keysMax: 10_000 };

export type ParsedJson = { ok: true; value: Json } | { ok: false; problem: JsonProblem };

/** What `JSON.parse` is going to make of a text. */
export interface Scanned {
	chars: number;
	keys: number;
	values: number;
}

/**
 * Parses a body, or describes what the caller should fix.
 * @param onScanned called before the values are made. It may throw: nothing else does
 */
export function parseStrictJson(
	bytes: Uint8Array,
	limits: JsonLimits,
	onScanned: (scanned: Scanned) => void = () => undefined,
): ParsedJson {
	// RFC 8259 §8.1: no byte order mark. Dropping it would make two different bodies equal.
	if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
		return refused("The body must not start with a byte order mark.");
	}
	let text: string;
	try {
		text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch {
		return refused("The body is not valid UTF-8.");
	}
	const scanner = new JsonScanner(text, limits);
	const problem = scanner.firstProblem();
	if (problem !== null) return { ok: false, problem };
	const kept = shorten(text, scanner.longStrings);
	onScanned({ chars: kept.length, keys: scanner.keys, values: scanner.values });
	try {
		return { ok: true, value: JSON.parse(kept) };
	} catch {
		// Reached only if the scanner and JSON.parse disagree about the grammar. The error's message would quote the body.
		return refused("The body is not valid JSON.");
	}
}

/** A schema looks at no string of megabytes: its start is enough, and takes no memory. */
function shorten(text: string, longStrings: readonly { start: number; end: number }[]): string {
	let shortened = "";
	let from = 0;
	for (const { start, end } of longStrings) {
		shortened += `${text.slice(from, endOfStart(text, start))}"`;
		from = end;
	}
	return from === 0 ? text : shortened + text.slice(from);
}

/** How much of a long string is kept. */
const KEPT_LENGTH = 4_000;

/** Not within an escape. */
function endOfStart(text: string, start: number): number {
	let at = start + 1;
	while (at < start + KEPT_LENGTH) {
		if (text[at] === "\\") at += text[at + 1] === "u" ? 6 : 2;
		else at += 1;
	}
	return at;
}

function refused(message: string): ParsedJson {
	return { ok: false, problem: { message, path: "" } };
}
