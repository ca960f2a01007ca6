/**
 * Finds the first problem in a JSON text. Walks the grammar of RFC 8259 with its own stack: it never recurses, and it stops
 * at the first problem, so the cost is bounded by the length of the text, however deeply it is nested.
 */
import { numberEnd, stringEnd } from "./json-tokens.ts";

export interface JsonLimits {
	/** How many arrays and objects may be open at a time; the outermost is level 1. */
	depthMax: number;
	/** How many values of any kind, nested ones included: a value of two bytes may take forty in memory. */
	valuesMax: number;
	/** How many keys one object may have: while it is open, they are kept beside the text. */
	keysMax?: number;
	/** The member of the body in which long texts are noted. Null: none are. */
	shortened?: string | null;
}

export interface JsonProblem {
	/** One sentence for the caller. Never a value from the body. */
	message: string;
	/** Where, dotted: `input.messages.0.content`. Empty: the body as a whole. */
	path: string;
}

const SHOWN_KEY_LENGTH_MAX = 64;
const LONG_STRING_LENGTH = 4_096;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** An array or object that is still open, and which of its members is being read. */
type OpenArray = { keys: null; step: number };
type OpenObject = { keys: Set<string>; step: string };

export class JsonScanner {
	readonly #text: string;
	readonly #limits: JsonLimits;
	readonly #open: (OpenArray | OpenObject)[] = [];
	/** Where the long texts of `shortened` begin and end, quotes included. */
	readonly longStrings: { start: number; end: number }[] = [];
	keys = 0;
	values = 0;
	#at = 0;
	#valueIsDue = true;

	constructor(text: string, limits: JsonLimits) {
		this.#text = text;
		this.#limits = limits;
	}

	/** Null: the text may go to `JSON.parse`. Call once. */
	firstProblem(): JsonProblem | null {
		for (;;) {
			const next = this.#skipSpace();
			const isWhole = !this.#valueIsDue && this.#open.length === 0 && this.#at === this.#text.length;
			if (isWhole) return null;
			const problem = this.#valueIsDue ? this.#value(next) : this.#afterValue(next);
			if (problem !== null) return problem;
		}
	}

	#value(next: number): JsonProblem | null {
		const { valuesMax } = this.#limits;
		if (++this.values > valuesMax) return this.#problem(`The body holds more than ${valuesMax} values.`);
		if (next === OPEN_OBJECT || next === OPEN_ARRAY) return this.#openLevel(next === OPEN_OBJECT);
		this.#valueIsDue = false;
		if (next === QUOTE) return this.#stringValue();
		if (next === MINUS || (next >= 0x30 && next <= 0x39)) return this.#number();
		for (const word of ["true", "false", "null"]) {
			if (!this.#text.startsWith(word, this.#at)) continue;
			this.#at += word.length;
			return null;
		}
		return this.#notJson();
	}

	#openLevel(isObject: boolean): JsonProblem | null {
		const { depthMax } = this.#limits;
		if (this.#open.length === depthMax) return this.#problem(`The body is more than ${depthMax} levels deep.`);
		this.#at++;
		if (this.#skipSpace() === (isObject ? CLOSE_OBJECT : CLOSE_ARRAY)) {
			this.#at++;
			this.#valueIsDue = false;
			return null;
		}
		if (!isObject) {
			this.#open.push({ keys: null, step: 0 });
			return null;
		}
		const object: OpenObject = { keys: new Set(), step: "" };
		this.#open.push(object);
		return this.#key(object);
	}

	#afterValue(next: number): JsonProblem | null {
		const level = this.#open.at(-1);
		if (level === undefined) return this.#notJson();
		if (next === (level.keys === null ? CLOSE_ARRAY : CLOSE_OBJECT)) {
			this.#at++;
			this.#open.pop();
			return null;
		}
		if (next !== COMMA) return this.#notJson();
		this.#at++;
		this.#valueIsDue = true;
		if (level.keys !== null) return this.#key(level);
		level.step++;
		return null;
	}

	#key(object: OpenObject): JsonProblem | null {
		if (this.#skipSpace() !== QUOTE) return this.#notJson();
		const start = this.#at;
		const problem = this.#string(this.#open.length - 1);
		if (problem !== null) return problem;
		const raw = this.#text.slice(start + 1, this.#at - 1);
		// An escaped key is the same key: "\u0061" repeats "a".
		const key = raw.includes("\\") ? String(JSON.parse(`"${raw}"`)) : raw;
		object.step = key;
		if (key === "__proto__") return this.#problem("The key `__proto__` is not allowed.");
		if (object.keys.has(key))
			return this.#problem(`The key ${JSON.stringify(shown(key))} appears twice in one object.`);
		object.keys.add(key);
		this.keys += 1;
		const { keysMax = Number.POSITIVE_INFINITY } = this.#limits;
		if (object.keys.size > keysMax) return this.#problem(`One object holds more than ${keysMax} keys.`);
		if (this.#skipSpace() !== COLON) return this.#notJson();
		this.#at++;
		return null;
	}

	#stringValue(): JsonProblem | null {
		const start = this.#at;
		const problem = this.#string(this.#open.length);
		const isLong = this.#at - start > LONG_STRING_LENGTH && this.#open[0]?.step === this.#limits.shortened;
		if (isLong && problem === null && this.#isContent(start)) this.longStrings.push({ start, end: this.#at });
		return problem;
	}

	/** Text or data. An address is not: a check of its host needs the whole. */
	#isContent(start: number): boolean {
		const step = this.#open.at(-1)?.step;
		return step === "text" || step === "content" || this.#text.startsWith('"data:', start);
	}

	/** Moves past a string. `levels`: how many steps of the path a problem names; a broken key has no step of its own. */
	#string(levels: number): JsonProblem | null {
		const { end, fault } = stringEnd(this.#text, this.#at);
		this.#at = end;
		if (fault === null) return null;
		if (fault === "malformed") return this.#notJson();
		return this.#problem("Text must not hold half of a surrogate pair: one of \\ud800 to \\udfff alone.", levels);
	}

	#number(): JsonProblem | null {
		const { end, fault } = numberEnd(this.#text, this.#at);
		this.#at = end;
		if (fault === null) return null;
		if (fault === "malformed") return this.#notJson();
		if (fault === "too large") return this.#problem("The number is too large: no double can hold it.");
		return this.#problem("The whole number has too many digits to be passed on unchanged: send it as a string.");
	}

	/** The first code unit that is not white space; NaN at the end of the text. */
	#skipSpace(): number {
		for (;;) {
			const unit = this.#text.charCodeAt(this.#at);
			if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return unit;
			this.#at++;
		}
	}

	#problem(message: string, levels = this.#open.length): JsonProblem {
		const steps = this.#open.slice(0, levels).map((level) => shown(String(level.step)));
		return { message, path: steps.join(".") };
	}

	#notJson(): JsonProblem {
		if (this.#at >= this.#text.length) return { message: "The body is not valid JSON: it ends too early.", path: "" };
		let line = 1;
		let lineStart = 0;
		for (let at = 0; at < this.#at; at++) {
			if (this.#text.charCodeAt(at) !== 0x0a) continue;
			line++;
			lineStart = at + 1;
		}
		const column = this.#at - lineStart + 1;
		return { message: `The body is not valid JSON: look at line ${line}, column ${column}.`, path: "" };
	}
}

/** `toWellFormed`, because the cut may halve a surrogate pair. */
function shown(key: string): string {
	return key.length > SHOWN_KEY_LENGTH_MAX ? `${key.slice(0, SHOWN_KEY_LENGTH_MAX).toWellFormed()}…` : key;
}
