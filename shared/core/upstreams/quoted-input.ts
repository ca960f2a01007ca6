/**
 * Leaves out of a provider's sentence what it quotes of the input: whole strings of it, parts of them that are longer than a few
 * words, and whatever the sentence itself puts in quotes or behind its last colon. The quotation may be escaped as JSON, once or
 * more, and may have other white space. Names of fields stay: they say what to change.
 */
import { stringValues } from "../json/string-values.ts";

const INSTEAD = "[input]";

/** Members whose values the interface defines, and no caller. */
const DEFINED: ReadonlySet<string> = new Set([
	...["role", "type", "model", "tool_choice", "reasoning_effort", "service_tier", "detail", "format", "modalities"],
]);

/** Bytes that a sentence and an input have in common by chance: in a long input, any few words. */
const COMMON_BYTES = 10;
const COMMON_BYTES_LONG = 20;
const LONG_INPUT_BYTES = 4_096;

/** Characters of the input that are compared with what a sentence presents as quoted. Beyond, all of it counts as found. */
const COMPARISONS_MAX = 100_000_000;
/** What each call of `includes` counts beside the characters. */
const COMPARISONS_AROUND = 16;

/** A value is read in pieces of this size, which overlap by more than a few words with all their escapes. */
const PIECE_BYTES = 65_536;
const OVERLAP_BYTES = 512;

export function withoutInput(text: string, input: Uint8Array): string {
	const sentence = new Sentence(text, input.byteLength > LONG_INPUT_BYTES ? COMMON_BYTES_LONG : COMMON_BYTES);
	for (const { key, value } of stringValues(input)) {
		if (!DEFINED.has(key)) for (const piece of piecesOf(value)) sentence.compare(piece);
	}
	return sentence.withoutQuotations();
}

function* piecesOf(value: Uint8Array): Generator<string, void> {
	const decoder = new TextDecoder();
	for (let at = 0; at === 0 || at + OVERLAP_BYTES < value.byteLength; at += PIECE_BYTES - OVERLAP_BYTES)
		yield decoder.decode(value.subarray(at, at + PIECE_BYTES));
}

const ESCAPE = /\\+(?:u([0-9a-f]{4})|[nrtbf])?/gi;
/** One escape, or the two halves of a pair, or one character. */
const CHARACTER = /(?:\\+u[0-9a-f]{4})+|\\+[nrtbf]|[\s\S]/giu;
const IGNORED = /[\s\p{Cc}"'`\\]+/gu;
const IN_QUOTES = /(?<!\w)(["'`])(.+?)\1(?!\w)|[“‘«]([^”’»]+)[”’»]/g;
const IN_A_WORD = /[\p{L}\p{N}_]{2}/u;
const BEHIND_LAST_COLON = /:\s+([^:]+)$/;

/** Without escapes, white space and quotes. A character for each byte, so that lengths are those of the bytes. */
function normalized(text: string): string {
	const unescaped = (_: string, code?: string) =>
		code === undefined ? "" : String.fromCharCode(Number.parseInt(code, 16));
	const read = text.includes("\\") ? text.replace(ESCAPE, unescaped) : text;
	const kept = read.replace(IGNORED, "");
	if (/^\p{ASCII}*$/u.test(kept)) return kept;
	return Array.from(new TextEncoder().encode(kept), (byte) => String.fromCharCode(byte)).join("");
}

const HASH_BASE = 257;
const HASHES = 1 << 16;

function hashOf(text: string): number {
	let hash = 0;
	for (let at = 0; at < text.length; at++) hash = (hash * HASH_BASE + text.charCodeAt(at)) % HASHES;
	return hash;
}

class Sentence {
	readonly #text: string;
	/** The normalized text, and by its characters where each stands in the text, and whether it is quoted. */
	readonly #normalized: string;
	readonly #places: { start: number; end: number }[] = [];
	readonly #isQuoted: boolean[] = [];
	readonly #commonBytes: number;
	/** The parts of it as long as `commonBytes` that are not quoted yet, with their places, and a filter of their hashes. */
	readonly #parts = new Map<string, number[]>();
	readonly #filter = new Uint8Array(HASHES);
	/** The short values that were looked for. */
	readonly #words = new Set<string>();
	/** What the first character of a part counts in its hash. */
	readonly #first: number;
	/** What the sentence itself presents as quoted, and was not found in the input yet. */
	readonly #presented: Set<string>;
	#comparisonsLeft = COMPARISONS_MAX;

	constructor(text: string, commonBytes: number) {
		this.#text = text;
		this.#commonBytes = commonBytes;
		this.#first = hashOf(`\u0001${"\0".repeat(commonBytes - 1)}`);
		let whole = "";
		for (const match of text.matchAll(CHARACTER)) {
			const part = normalized(match[0]);
			for (const _ of part) this.#places.push({ start: match.index, end: match.index + match[0].length });
			whole += part;
		}
		this.#normalized = whole;
		for (let at = 0; at + commonBytes <= whole.length; at++) {
			const part = whole.slice(at, at + commonBytes);
			const places = this.#parts.get(part);
			if (places === undefined) this.#parts.set(part, [at]);
			else places.push(at);
			this.#filter[hashOf(part)] = 1;
		}
		const inQuotes = [...text.matchAll(IN_QUOTES)].map(([, , plain, curly]) => plain ?? curly ?? "");
		const presented = [...inQuotes, BEHIND_LAST_COLON.exec(text)?.[1] ?? ""].map(withoutDots);
		this.#presented = new Set(presented.filter((one) => one !== "" && one.length < commonBytes));
	}

	/** @param raw a string of the input, or a piece of one, as it stands in its JSON */
	compare(raw: string): void {
		const value = normalized(raw);
		if (value.length >= this.#commonBytes) this.#compareParts(value);
		else if (value.length > 1) this.#quoteWords(value);
		this.#comparisonsLeft -= this.#presented.size * (value.length + COMPARISONS_AROUND);
		for (const one of this.#presented) {
			if (this.#comparisonsLeft > 0 && !value.includes(one)) continue;
			this.#quoteWords(one);
			this.#presented.delete(one);
		}
	}

	#compareParts(value: string): void {
		const length = this.#commonBytes;
		let hash = hashOf(value.slice(0, length));
		for (let end = length; ; end++) {
			if (this.#filter[hash] === 1) this.#quotePart(value.slice(end - length, end));
			if (end >= value.length) return;
			hash = this.#rolled(hash, value.charCodeAt(end - length), value.charCodeAt(end));
		}
	}

	#quotePart(part: string): void {
		for (const at of this.#parts.get(part) ?? []) this.#quote(at, part.length);
		this.#parts.delete(part);
	}

	/** The hash of the part that begins one character later. */
	#rolled(hash: number, gone: number, added: number): number {
		const rest = hash + HASHES * HASH_BASE - ((gone * this.#first) % HASHES);
		return (rest * HASH_BASE + added) % HASHES;
	}

	/** Wherever it stands as a word of its own. */
	#quoteWords(value: string): void {
		if (this.#words.has(value)) return;
		this.#words.add(value);
		for (let at = this.#normalized.indexOf(value); at >= 0; at = this.#normalized.indexOf(value, at + 1))
			if (this.#isWord(at, value.length)) this.#quote(at, value.length);
	}

	#isWord(at: number, length: number): boolean {
		const start = this.#places[at]?.start ?? 0;
		const end = this.#places[at + length - 1]?.end ?? 0;
		return ![start, end].some((edge) => IN_A_WORD.test(this.#text.slice(Math.max(0, edge - 1), edge + 1)));
	}

	#quote(at: number, length: number): void {
		for (let each = at; each < at + length; each++) this.#isQuoted[each] = true;
	}

	withoutQuotations(): string {
		let shown = "";
		let from = 0;
		for (let at = 0; at < this.#normalized.length; at++) {
			if (this.#isQuoted[at] !== true) continue;
			const start = at;
			while (this.#isQuoted[at + 1] === true) at++;
			shown += `${this.#text.slice(from, this.#places[start]?.start)}${INSTEAD}`;
			from = this.#places[at]?.end ?? from;
		}
		return shown + this.#text.slice(from);
	}
}

/** Of what was cut off. */
function withoutDots(quoted: string): string {
	return normalized(quoted.replace(/^[.…]+|[.…!?]+$/g, ""));
}
