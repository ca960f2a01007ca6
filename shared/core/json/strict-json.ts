/**
 * Reads a request body as JSON that means the same to everyone who reads it after us: the I-JSON profile (RFC 7493) and
 * a limit on depth. `JSON.parse` builds the value; before it, one pass over the text finds what it would let through: a
 * repeated key (the last would silently win), half of a surrogate pair, a number that would come out changed.
 *
 * The rule not to break: no message quotes a value, for values are prompts. Key names are shown, cut short.
 */
import type { Json } from "./json.ts";
import { type JsonLimits, type JsonProblem, JsonScanner } from "./json-scanner.ts";

/**
 * What a request body may be. 500,000 values are some 80,000 chat messages in parts, and 90 MB of memory at the worst
 * (V8 of Node 24); without that limit 16 MiB of `[],` would take 220, and an isolate with all its requests ends at 128.
 */
export const BODY_LIMITS: JsonLimits = { depthMax: 64, valuesMax: 500_000 };

export type ParsedJson = { ok: true; value: Json } | { ok: false; problem: JsonProblem };

/** Parses a body, or describes what the caller should fix. Never throws. */
export function parseStrictJson(bytes: Uint8Array, limits: JsonLimits): ParsedJson {
	// RFC 8259 §8.1: no byte order mark. A decoder that drops it would take two different bodies for the same.
	if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
		return refused("The body must not start with a byte order mark.");
	}
	let text: string;
	try {
		text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch {
		return refused("The body is not valid UTF-8.");
	}
	const problem = new JsonScanner(text, limits).firstProblem();
	if (problem !== null) return { ok: false, problem };
	try {
		return { ok: true, value: JSON.parse(text) };
	} catch {
		// Only if the scanner and JSON.parse disagreed about the grammar. The error's own message would quote the body.
		return refused("The body is not valid JSON.");
	}
}

function refused(message: string): ParsedJson {
	return { ok: false, problem: { message, path: "" } };
}
