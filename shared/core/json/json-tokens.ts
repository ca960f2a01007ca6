/** Finds where a string or a number of a JSON text ends (RFC 8259 §6, §7), and what is wrong with it. */

/** A double holds every integer of up to 15 digits exactly, and only some of those with more. */
const ALWAYS_EXACT_DIGITS = 15;

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SIMPLE_ESCAPES = '"\\/bfnrt';

/** `end`: where the token ends or, if it is malformed, where it breaks. */
interface Token<Fault> {
	end: number;
	fault: Fault | "malformed" | null;
}

/**
 * The string whose opening quote is at `start`. The text was decoded from valid UTF-8, so a lone surrogate can only come
 * from an escape (RFC 8259 §8.2, RFC 7493 §2.1).
 */
export function stringEnd(text: string, start: number): Token<"half a pair"> {
	let at = start + 1;
	for (;;) {
		at = specialFrom(text, at);
		const unit = text.charCodeAt(at);
		if (unit === QUOTE) return { end: at + 1, fault: null };
		if (unit !== BACKSLASH) return { end: at, fault: "malformed" };
		const length = escapeLength(text, at);
		if (length === "half a pair") return { end: at, fault: length };
		if (length === "malformed") return { end: at, fault: length };
		at += length;
	}
}

/** What ends a string, begins an escape, or may not stand in a string. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are the ones that may not.
const SPECIAL = /["\\\u0000-\u001f]/g;
const LOOKED_AT_FIRST = 32;

/**
 * The place of the next special character; the end of the text where there is none. A regular expression is three times as fast as
 * a loop, but slow to start: texts full of escapes are walked through.
 */
function specialFrom(text: string, from: number): number {
	for (let at = from; at < from + LOOKED_AT_FIRST; at++) {
		const unit = text.charCodeAt(at);
		if (unit === QUOTE || unit === BACKSLASH || !(unit >= SPACE)) return at;
	}
	SPECIAL.lastIndex = from + LOOKED_AT_FIRST;
	return SPECIAL.test(text) ? SPECIAL.lastIndex - 1 : text.length;
}

/** Both halves of a surrogate pair count as one escape. */
function escapeLength(text: string, at: number): 2 | 6 | 12 | "half a pair" | "malformed" {
	const kind = text.charAt(at + 1);
	if (kind !== "u") return kind !== "" && SIMPLE_ESCAPES.includes(kind) ? 2 : "malformed";
	const unit = fourHexDigits(text, at + 2);
	if (Number.isNaN(unit)) return "malformed";
	if (unit < 0xd800 || unit > 0xdfff) return 6;
	if (unit > 0xdbff || !text.startsWith("\\u", at + 6)) return "half a pair";
	const low = fourHexDigits(text, at + 8);
	return low >= 0xdc00 && low <= 0xdfff ? 12 : "half a pair";
}

/** NaN if these are not four hex digits. Written by hand for speed: a body may consist of escapes only. */
function fourHexDigits(text: string, start: number): number {
	let value = 0;
	for (let at = start; at < start + 4; at++) {
		const unit = text.charCodeAt(at);
		const letter = unit | 0x20;
		if (isDigit(unit)) value = value * 16 + unit - 0x30;
		else if (letter >= 0x61 && letter <= 0x66) value = value * 16 + letter - 0x57;
		else return Number.NaN;
	}
	return value;
}

/**
 * The number that starts at `start`. A number beyond the range of doubles is refused, and so is an integer that a double
 * would change (RFC 7493 §2.2). A number with a fraction or an exponent is meant as a double and may be rounded.
 */
export function numberEnd(text: string, start: number): Token<"too large" | "inexact"> {
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
