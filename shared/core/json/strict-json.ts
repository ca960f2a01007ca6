/**
 * Reads a request body as JSON that every later reader understands alike: the I-JSON profile (RFC 7493), with limits on
 * depth and number of values. `JSON.parse` builds the value. A pass over the bytes before it refuses what `JSON.parse` would
 * accept: a repeated key (the last would silently win), half of a surrogate pair, a number that would change.
 *
 * The rule not to break: no message quotes a value, because values are prompts. Key names are shown, cut short.
 */
import type { Json } from "./json.ts";
import type { JsonLimits, JsonProblem, JsonScanner, Span } from "./json-scanner.ts";

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
 * @param scanner has read `bytes`, or a part of them
 * @param onScanned called before the values are made. It may throw: nothing else does
 */
export function parseStrictJson(
	bytes: Uint8Array,
	scanner: JsonScanner,
	onScanned: (scanned: Scanned) => void = () => undefined,
): ParsedJson {
	const problem = scanner.firstProblem(bytes);
	if (problem !== null) return { ok: false, problem };
	const kept = shorten(bytes, scanner.longStrings);
	const chars = kept.reduce((sum, part) => sum + part.byteLength, 0);
	onScanned({ chars, keys: scanner.keys, values: scanner.values });
	const decoder = new TextDecoder();
	try {
		return { ok: true, value: JSON.parse(kept.map((part) => decoder.decode(part)).join('"')) };
	} catch {
		// Reached only if the scanner and JSON.parse disagree about the grammar. The error's message would quote the body.
		return { ok: false, problem: { message: "The body is not valid JSON.", path: "" } };
	}
}

/**
 * The parts that are kept; the closing quotes of long strings go between them. A schema looks at no string of megabytes: its
 * start is enough, and takes no memory.
 */
function shorten(bytes: Uint8Array, longStrings: readonly Span[]): Uint8Array[] {
	const parts: Uint8Array[] = [];
	let from = 0;
	for (const { start, end } of longStrings) {
		parts.push(bytes.subarray(from, endOfStart(bytes, start)));
		from = end;
	}
	return [...parts, bytes.subarray(from)];
}

const BACKSLASH = 0x5c;
const SMALL_U = 0x75;
/** How much of a long string is kept, its opening quote included. */
const KEPT_LENGTH = 4_000;
/** Only a string with as many characters may be the start of a longer one: each may take six bytes. */
export const SHORTENED_LENGTH = Math.floor(KEPT_LENGTH / 6);

/** Neither within an escape nor within a character. */
function endOfStart(bytes: Uint8Array, start: number): number {
	let at = start + 1;
	while (at < start + KEPT_LENGTH || isWithinCharacter(bytes[at])) {
		if (bytes[at] === BACKSLASH) at += bytes[at + 1] === SMALL_U ? 6 : 2;
		else at += 1;
	}
	return at;
}

function isWithinCharacter(byte = 0): boolean {
	return (byte & 0xc0) === 0x80;
}
