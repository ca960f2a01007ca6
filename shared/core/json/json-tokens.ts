/** Finds where a string or a number of a JSON text ends (RFC 8259 §6, §7), and what is wrong with it. */

/** A double holds every integer of up to 15 digits exactly, and only some of those with more. */
const ALWAYS_EXACT_DIGITS = 15;

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SMALL_U = 0x75;
/** The first byte of a character of several bytes is not less. */
const FIRST_LONG = 0x80;
/** Where the bytes end. */
const CUT = -1;
const SIMPLE_ESCAPES = '"\\/bfnrt';

/** `end`: where the token ends or, if it is at fault, where it goes wrong. */
interface Token<Fault> {
	end: number;
	fault: Fault | null;
}

/** "cut": the bytes end within it. */
type Broken = "malformed" | "cut";

/** The bytes that stand for themselves in a string: not its end, not an escape, not part of a longer character. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
	byte >= SPACE && byte < FIRST_LONG && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
);

/**
 * The string that goes on at `from`, which is behind its opening quote, or where the bytes ended before. Text that is not valid
 * UTF-8 is malformed, so a lone surrogate can only come from an escape (RFC 8259 §8.2, RFC 7493 §2.1).
 */
export function stringEnd(bytes: Uint8Array, from: number): Token<Broken | "half a pair"> {
	for (let at = from; ; ) {
		at = plainEnd(bytes, at);
		const byte = bytes[at] ?? CUT;
		if (byte === QUOTE) return { end: at + 1, fault: null };
		const length = byte === BACKSLASH ? escapeLength(bytes, at) : characterLength(bytes, at);
		if (typeof length !== "number") return { end: at, fault: length };
		at += length;
	}
}

/** In a function of its own, this loop runs twice as fast: most of a large body passes through it. */
function plainEnd(bytes: Uint8Array, from: number): number {
	let at = from;
	while (at < bytes.length && PLAIN[bytes[at] ?? QUOTE] === 1) at++;
	return at;
}

/** Both halves of a surrogate pair count as one escape. */
function escapeLength(bytes: Uint8Array, at: number): number | Broken | "half a pair" {
	const kind = bytes[at + 1] ?? CUT;
	if (kind === CUT) return "cut";
	if (kind !== SMALL_U) return SIMPLE_ESCAPES.includes(String.fromCharCode(kind)) ? 2 : "malformed";
	const unit = fourHexDigits(bytes, at + 2);
	if (typeof unit !== "number") return unit;
	if (unit < 0xd800 || unit > 0xdfff) return 6;
	if (unit > 0xdbff || (bytes[at + 6] ?? BACKSLASH) !== BACKSLASH || (bytes[at + 7] ?? SMALL_U) !== SMALL_U) {
		return "half a pair";
	}
	const low = fourHexDigits(bytes, at + 8);
	if (low === "cut") return "cut";
	return typeof low === "number" && low >= 0xdc00 && low <= 0xdfff ? 12 : "half a pair";
}

/** Written by hand for speed: a body may consist of escapes only. */
function fourHexDigits(bytes: Uint8Array, start: number): number | Broken {
	let value = 0;
	for (let at = start; at < start + 4; at++) {
		const byte = bytes[at] ?? CUT;
		const letter = byte | 0x20;
		if (byte === CUT) return "cut";
		if (isDigit(byte)) value = value * 16 + byte - 0x30;
		else if (letter >= 0x61 && letter <= 0x66) value = value * 16 + letter - 0x57;
		else return "malformed";
	}
	return value;
}

/** How many bytes the character at `at` has in UTF-8 (RFC 3629): one unless it begins like a longer one. */
export function characterLength(bytes: Uint8Array, at: number): number | Broken {
	const first = bytes[at] ?? CUT;
	if (first === CUT) return "cut";
	if (first < SPACE || (first >= FIRST_LONG && first < 0xc2) || first > 0xf4) return "malformed";
	const length = first < FIRST_LONG ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	for (let nth = 1; nth < length; nth++) {
		const byte = bytes[at + nth] ?? CUT;
		if (byte === CUT) return "cut";
		if ((byte & 0xc0) !== 0x80 || (nth === 1 && !maySecond(first, byte))) return "malformed";
	}
	return length;
}

/** Neither longer than needed, nor a surrogate, nor beyond U+10FFFF. */
function maySecond(first: number, second: number): boolean {
	if (first === 0xe0) return second >= 0xa0;
	if (first === 0xed) return second < 0xa0;
	if (first === 0xf0) return second >= 0x90;
	return first !== 0xf4 || second < 0x90;
}

/**
 * The number that starts at `start`. A number beyond the range of doubles is refused, and so is an integer that a double
 * would change (RFC 7493 §2.2). A number with a fraction or an exponent is meant as a double and may be rounded.
 */
export function numberEnd(text: string, start: number): Token<"malformed" | "too large" | "inexact"> {
	const digits = text.charCodeAt(start) === 0x2d ? start + 1 : start;
	const integerEnd = text.charCodeAt(digits) === 0x30 ? digits + 1 : digitsEnd(text, digits);
	if (integerEnd === digits) return { end: integerEnd, fault: "malformed" };
	let end = integerEnd;
	if (text.charCodeAt(end) === 0x2e) {
		const fraction = end + 1;
		end = digitsEnd(text, fraction);
		if (end === fraction) return { end, fault: "malformed" };
	}
	if ((text.charCodeAt(end) | 0x20) === 0x65) {
		const sign = text.charCodeAt(end + 1);
		const exponent = sign === 0x2b || sign === 0x2d ? end + 2 : end + 1;
		end = digitsEnd(text, exponent);
		if (end === exponent) return { end, fault: "malformed" };
	}
	if (end - start <= ALWAYS_EXACT_DIGITS && end === integerEnd) return { end, fault: null };
	const literal = text.slice(start, end);
	const value = Number(literal);
	if (!Number.isFinite(value)) return { end, fault: "too large" };
	if (end === integerEnd && significantDigits(literal) !== significantDigits(String(value))) {
		return { end, fault: "inexact" };
	}
	return { end, fault: null };
}

function digitsEnd(text: string, start: number): number {
	let at = start;
	while (isDigit(text.charCodeAt(at))) at++;
	return at;
}

function isDigit(unit: number): boolean {
	return unit >= 0x30 && unit <= 0x39;
}

/** An integer's digits without trailing zeros: the same for `1e+21` and 1000000000000000000000. */
function significantDigits(literal: string): string {
	return literal.replace(/^-|\.|e.*$/g, "").replace(/0+$/, "");
}
