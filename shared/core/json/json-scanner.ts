/**
 * Finds the first problem in a JSON text while its bytes arrive. Walks the grammar of RFC 8259 with its own stack: it never
 * recurses, and it stops at the first problem, so the cost is bounded by the length of the text, however deeply it is nested.
 */
import { characterLength, numberEnd, stringEnd } from "./json-tokens.ts";

export interface JsonLimits {
	/** How many arrays and objects may be open at a time; the outermost is level 1. */
	depthMax: number;
	/** How many values of any kind, nested ones included: a value of two bytes may take forty in memory. */
	valuesMax: number;
	/** How many keys one object may have: while it is open, they are kept beside the text. */
	keysMax?: number;
	/** The member of the body that is found, and in which long texts are noted. Null: none is. */
	member?: string | null;
}

export interface JsonProblem {
	/** One sentence for the caller. Never a value from the body. */
	message: string;
	/** Where, dotted: `input.messages.0.content`. Empty: the body as a whole. */
	path: string;
}

/** From `start` to before `end`. */
export interface Span {
	start: number;
	end: number;
}

const SHOWN_KEY_LENGTH_MAX = 64;
const SHORT_BYTES = 64;
const LONG_STRING_LENGTH = 4_096;
/** What a name of an address looks like that holds its data. */
const DATA_URL = new TextEncoder().encode('"data:');
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** An array or object that is still open, and which of its members is being read. */
type OpenArray = { keys: null; step: number };
type OpenObject = { keys: Set<string>; step: string };

/** What is due next, or what the bytes so far end in. */
type Due = "value" | "item or end" | "key" | "key or end" | "colon" | "after value" | "string" | "key text" | "scalar";

export class JsonScanner {
	readonly #limits: JsonLimits;
	readonly #open: (OpenArray | OpenObject)[] = [];
	/** The long texts of the member, quotes included. */
	readonly longStrings: Span[] = [];
	/** The value of the member. Null: there is none. */
	member: Span | null = null;
	keys = 0;
	/** Of the objects that are open. */
	openKeys = 0;
	values = 0;
	#bytes: Uint8Array = new Uint8Array();
	#isWhole = false;
	#at = 0;
	/** Of the string or the scalar that is being read. */
	#start = 0;
	#due: Due = "value";
	#problem: JsonProblem | null = null;

	constructor(limits: JsonLimits) {
		this.#limits = limits;
	}

	/** @param arrived the text from its beginning, as far as it is known */
	scan(arrived: Uint8Array): void {
		this.#bytes = arrived;
		while (this.#problem === null && this.#step());
	}

	/** Call once, with all bytes. Null: the text may go to `JSON.parse`. */
	firstProblem(whole: Uint8Array): JsonProblem | null {
		// RFC 8259 §8.1: no byte order mark. Dropping it would make two different bodies equal.
		if (BYTE_ORDER_MARK.every((byte, at) => whole[at] === byte)) {
			return { message: "The body must not start with a byte order mark.", path: "" };
		}
		this.#isWhole = true;
		this.scan(whole);
		const isEnded = this.#due === "after value" && this.#open.length === 0 && this.#at === whole.byteLength;
		if (this.#problem === null && !isEnded) this.#refuseText();
		return this.#problem;
	}

	/** False: more bytes are needed, or a problem is found. */
	#step(): boolean {
		if (this.#due === "string" || this.#due === "key text") return this.#text();
		if (this.#due === "scalar") return this.#scalar();
		const next = this.#skipSpace();
		if (next === undefined) return false;
		switch (this.#due) {
			case "value":
				return this.#value(next);
			case "item or end":
				return next === CLOSE_ARRAY ? this.#close() : this.#value(next);
			case "key or end":
				return next === CLOSE_OBJECT ? this.#close() : this.#key(next);
			case "key":
				return this.#key(next);
			case "colon":
				return next === COLON ? this.#pass("value") : this.#refuseText();
			case "after value":
				return this.#afterValue(next);
		}
	}

	#value(next: number): boolean {
		const { depthMax, valuesMax } = this.#limits;
		if (++this.values > valuesMax) return this.#refuse(`The body holds more than ${valuesMax} values.`);
		if (this.#isMember()) this.member = { start: this.#at, end: this.#at };
		this.#start = this.#at;
		if (next === QUOTE) return this.#pass("string");
		if (next !== OPEN_OBJECT && next !== OPEN_ARRAY) {
			this.#due = "scalar";
			return isOfScalar(next) || this.#refuseText();
		}
		if (this.#open.length === depthMax) return this.#refuse(`The body is more than ${depthMax} levels deep.`);
		this.#open.push(next === OPEN_OBJECT ? { keys: new Set(), step: "" } : { keys: null, step: 0 });
		return this.#pass(next === OPEN_OBJECT ? "key or end" : "item or end");
	}

	#key(next: number): boolean {
		this.#start = this.#at;
		return next === QUOTE ? this.#pass("key text") : this.#refuseText();
	}

	#afterValue(next: number): boolean {
		const level = this.#open.at(-1);
		if (level === undefined) return this.#refuseText();
		if (next === (level.keys === null ? CLOSE_ARRAY : CLOSE_OBJECT)) return this.#close();
		if (next !== COMMA) return this.#refuseText();
		if (level.keys !== null) return this.#pass("key");
		level.step++;
		return this.#pass("value");
	}

	#close(): boolean {
		this.openKeys -= this.#open.pop()?.keys?.size ?? 0;
		this.#at++;
		return this.#endValue();
	}

	#endValue(): boolean {
		if (this.#isMember() && this.member !== null) this.member.end = this.#at;
		this.#due = "after value";
		return true;
	}

	/** Whether the value that begins or ends here is that of the member. */
	#isMember(): boolean {
		const { member = null } = this.#limits;
		return this.#open.length === 1 && member !== null && this.#open[0]?.step === member;
	}

	/** Moves on within a string, and past it. */
	#text(): boolean {
		const { end, fault } = stringEnd(this.#bytes, this.#at);
		this.#at = end;
		if (fault === "cut" && !this.#isWhole) return false;
		const isKey = this.#due === "key text";
		if (fault === "half a pair") {
			const message = "Text must not hold half of a surrogate pair: one of \\ud800 to \\udfff alone.";
			// A broken key has no step of its own.
			return this.#refuse(message, this.#open.length - (isKey ? 1 : 0));
		}
		if (fault !== null) return this.#refuseText();
		return isKey ? this.#endKey() : this.#endString();
	}

	#endKey(): boolean {
		const object = this.#open.at(-1);
		if (object === undefined || object.keys === null) return this.#refuseText();
		const key = keyOf(this.#bytes, this.#start + 1, this.#at - 1);
		object.step = key;
		if (key === "__proto__") return this.#refuse("The key `__proto__` is not allowed.");
		if (object.keys.has(key)) {
			return this.#refuse(`The key ${JSON.stringify(shown(key))} appears twice in one object.`);
		}
		object.keys.add(key);
		this.keys++;
		this.openKeys++;
		const { keysMax = Number.POSITIVE_INFINITY } = this.#limits;
		if (object.keys.size > keysMax) return this.#refuse(`One object holds more than ${keysMax} keys.`);
		this.#due = "colon";
		return true;
	}

	#endString(): boolean {
		const isLong = this.#at - this.#start > LONG_STRING_LENGTH && this.#open[0]?.step === this.#limits.member;
		if (isLong && this.#isContent()) this.longStrings.push({ start: this.#start, end: this.#at });
		return this.#endValue();
	}

	/** Text or data. An address is not: a check of its host needs the whole. */
	#isContent(): boolean {
		const step = this.#open.at(-1)?.step;
		return (
			step === "text" || step === "content" || DATA_URL.every((byte, nth) => this.#bytes[this.#start + nth] === byte)
		);
	}

	/** Moves on within a number, `true`, `false` or `null`, and past it. */
	#scalar(): boolean {
		while (isOfScalar(this.#bytes[this.#at])) this.#at++;
		if (this.#at === this.#bytes.byteLength && !this.#isWhole) return false;
		const literal = decode(this.#bytes, this.#start, this.#at);
		if (literal === "true" || literal === "false" || literal === "null") return this.#endValue();
		const { end, fault } = numberEnd(literal, 0);
		if (fault === "too large") return this.#refuse("The number is too large: no double can hold it.");
		if (fault === "inexact") {
			return this.#refuse("The whole number has too many digits to be passed on unchanged: send it as a string.");
		}
		if (fault === null && end === literal.length) return this.#endValue();
		this.#at = this.#start + end;
		return this.#refuseText();
	}

	#pass(due: Due): true {
		this.#at++;
		this.#due = due;
		return true;
	}

	/** The first byte that is not white space; undefined where the bytes end. */
	#skipSpace(): number | undefined {
		for (;;) {
			const byte = this.#bytes[this.#at];
			if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte;
			this.#at++;
		}
	}

	#refuse(message: string, levels = this.#open.length): false {
		const steps = this.#open.slice(0, levels).map((level) => shown(String(level.step)));
		this.#problem = { message, path: steps.join(".") };
		return false;
	}

	/** What is at this place does not belong there. */
	#refuseText(): false {
		this.#problem = { message: this.#whereItBreaks(), path: "" };
		return false;
	}

	#whereItBreaks(): string {
		const [bytes, at] = [this.#bytes, this.#at];
		if (at >= bytes.byteLength) return "The body is not valid JSON: it ends too early.";
		const length = (bytes[at] ?? 0) > 0x7f ? characterLength(bytes, at) : 1;
		if (length === "malformed" || (length === "cut" && this.#isWhole)) return "The body is not valid UTF-8.";
		let line = 1;
		for (const byte of bytes.subarray(0, at)) if (byte === 0x0a) line++;
		const lineStart = bytes.lastIndexOf(0x0a, at - 1) + 1;
		const column = new TextDecoder().decode(bytes.subarray(lineStart, at)).length + 1;
		return `The body is not valid JSON: look at line ${line}, column ${column}.`;
	}
}

/** Whether a byte may be part of a number, of `true`, `false` or `null`. */
function isOfScalar(byte: number | undefined): boolean {
	if (byte === undefined) return false;
	const letter = byte | 0x20;
	return (
		(byte >= 0x30 && byte <= 0x39) ||
		(letter >= 0x61 && letter <= 0x7a) ||
		byte === 0x2d ||
		byte === 0x2b ||
		byte === 0x2e
	);
}

/** The text that JSON makes of what is between the quotes of a key. An escaped key is the same key: "\u0061" repeats "a". */
function keyOf(bytes: Uint8Array, start: number, end: number): string {
	const text = decode(bytes, start, end);
	return text.includes("\\") ? String(JSON.parse(`"${text}"`)) : text;
}

/** For a short text of ASCII, this is faster than a decoder. A byte order mark within the body is a character. */
function decode(bytes: Uint8Array, start: number, end: number): string {
	const units: number[] = [];
	for (let at = start; at < end && units.length < SHORT_BYTES; at++) {
		const byte = bytes[at] ?? 0;
		if (byte > 0x7f) break;
		units.push(byte);
	}
	const isWhole = units.length === end - start;
	return isWhole
		? String.fromCharCode(...units)
		: new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(bytes.subarray(start, end));
}

/** `toWellFormed`, because the cut may halve a surrogate pair. */
function shown(key: string): string {
	return key.length > SHOWN_KEY_LENGTH_MAX ? `${key.slice(0, SHOWN_KEY_LENGTH_MAX).toWellFormed()}…` : key;
}
