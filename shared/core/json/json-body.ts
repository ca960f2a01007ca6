/**
 * A JSON object as its bytes, with some of its members replaced or left out. Neither parsed nor serialized as a whole: a body of
 * megabytes would then exist several times over.
 */
import type { Json, JsonObject } from "./json.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Where a member lies: its key with the quotes from `start`, and its value from `valueStart` to `end`. */
interface Member {
	start: number;
	valueStart: number;
	end: number;
}

/** Three numbers a member: half a million objects would take more memory than the body. */
class Members {
	#at = new Uint32Array(3 * 64);
	length = 0;

	push({ start, valueStart, end }: Member): void {
		if (3 * this.length === this.#at.length) {
			const wider = new Uint32Array(2 * this.#at.length);
			wider.set(this.#at);
			this.#at = wider;
		}
		this.#at.set([start, valueStart, end], 3 * this.length++);
	}

	get(index: number): Member {
		const [start = 0, valueStart = 0, end = 0] = this.#at.subarray(3 * index, 3 * index + 3);
		return { start, valueStart, end };
	}
}

/** Undefined leaves the member out. */
export type Changes = Readonly<Record<string, Json | undefined>>;

export class JsonBody {
	readonly #bytes: Uint8Array;
	readonly #members: Members;
	readonly #changes: Changes;

	/** Throws unless `bytes` hold an object. What its members hold is not checked. */
	constructor(bytes: Uint8Array, members: Members = membersOf(bytes), changes: Changes = {}) {
		this.#bytes = bytes;
		this.#members = members;
		this.#changes = changes;
	}

	/** As it came, without the changes. */
	get original(): Uint8Array {
		return this.#bytes;
	}

	/** The member's value; undefined: there is none. Of a repeated name the last counts, as for `JSON.parse`. */
	get(name: string): Json | undefined {
		if (Object.hasOwn(this.#changes, name)) return this.#changes[name];
		const bytes = this.bytesOf(name);
		return bytes === null ? undefined : parse(bytes);
	}

	/** The bytes of a member of the original; null: there is none. */
	bytesOf(name: string): Uint8Array | null {
		for (let index = this.#members.length - 1; index >= 0; index--) {
			const { start, valueStart, end } = this.#members.get(index);
			if (this.#isNamed(start, name)) return this.#bytes.subarray(valueStart, end);
		}
		return null;
	}

	with(changes: Changes): JsonBody {
		return new JsonBody(this.#bytes, this.#members, { ...this.#changes, ...changes });
	}

	toObject(): JsonObject {
		const object: JsonObject = JSON.parse(new TextDecoder().decode(this.#bytes));
		for (const [name, value] of Object.entries(this.#changes)) {
			if (value === undefined) delete object[name];
			else object[name] = value;
		}
		return object;
	}

	/** The changed members first, then the others as they are. */
	toBytes(): Uint8Array<ArrayBuffer> {
		const changed = JSON.stringify(this.#changes).slice(1, -1);
		const first = new TextEncoder().encode(changed);
		// What lies between the members takes as many bytes as the commas do, or more.
		const whole = new Uint8Array(first.byteLength + this.#bytes.byteLength + 3);
		whole[0] = OPEN_OBJECT;
		let at = 1;
		const add = (part: Uint8Array) => {
			whole.set(part, at);
			at += part.byteLength;
			whole[at++] = COMMA;
		};
		if (first.byteLength > 0) add(first);
		const changedNames = Object.keys(this.#changes);
		for (let index = 0; index < this.#members.length; index++) {
			const { start, end } = this.#members.get(index);
			if (!changedNames.some((name) => this.#isNamed(start, name))) add(this.#bytes.subarray(start, end));
		}
		if (at === 1) at = 2;
		whole[at - 1] = CLOSE_OBJECT;
		return whole.subarray(0, at);
	}

	/** Whether the key that starts at `start` is `name`: compared byte by byte, and parsed only if it is escaped. */
	#isNamed(start: number, name: string): boolean {
		for (let at = 0; ; at++) {
			const byte = this.#bytes[start + 1 + at];
			if (byte === QUOTE) return at === name.length;
			if (byte === BACKSLASH || (byte !== undefined && byte > 0x7f)) break;
			if (byte !== name.charCodeAt(at)) return false;
		}
		return parse(this.#bytes.subarray(start, stringEnd(this.#bytes, start + 1))) === name;
	}
}

function parse(bytes: Uint8Array): Json {
	return JSON.parse(new TextDecoder().decode(bytes));
}

function membersOf(bytes: Uint8Array): Members {
	const members = new Members();
	let at = expect(bytes, skipSpace(bytes, 0), OPEN_OBJECT);
	at = skipSpace(bytes, at);
	if (bytes[at] === CLOSE_OBJECT) return members;
	for (;;) {
		const start = at;
		const keyEnd = stringEnd(bytes, expect(bytes, start, QUOTE));
		const valueStart = skipSpace(bytes, expect(bytes, skipSpace(bytes, keyEnd), COLON));
		const end = valueEnd(bytes, valueStart);
		members.push({ start, valueStart, end });
		at = skipSpace(bytes, end);
		if (bytes[at] === CLOSE_OBJECT) return members;
		at = skipSpace(bytes, expect(bytes, at, COMMA));
	}
}

/** The elements of a list, each as the bytes from its start to its end. */
export function elementsOf(list: Uint8Array): Uint8Array[] {
	const elements: Uint8Array[] = [];
	let at = skipSpace(list, expect(list, skipSpace(list, 0), OPEN_ARRAY));
	while (list[at] !== CLOSE_ARRAY) {
		const end = valueEnd(list, at);
		elements.push(list.subarray(at, end));
		at = skipSpace(list, end);
		if (list[at] === COMMA) at = skipSpace(list, at + 1);
	}
	return elements;
}

/** Returns where to go on. */
function expect(bytes: Uint8Array, at: number, byte: number): number {
	if (bytes[at] !== byte) throw new SyntaxError(`This is no JSON object: look at byte ${at}.`);
	return at + 1;
}

export function skipSpace(bytes: Uint8Array, from: number): number {
	let at = from;
	while (isSpace(bytes[at])) at++;
	return at;
}

function isSpace(byte: number | undefined): boolean {
	return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** @param from after the opening quote */
export function stringEnd(bytes: Uint8Array, from: number): number {
	for (let at = from; ; at++) {
		at = bytes.indexOf(QUOTE, at);
		if (at < 0) throw new SyntaxError("This is no JSON object: a string has no end.");
		let backslashes = 0;
		while (at - backslashes > from && bytes[at - 1 - backslashes] === BACKSLASH) backslashes++;
		if (backslashes % 2 === 0) return at + 1;
	}
}

function valueEnd(bytes: Uint8Array, start: number): number {
	let depth = 0;
	let at = start;
	while (at < bytes.byteLength) {
		const byte = bytes[at];
		if (depth === 0 && at > start && (byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_ARRAY || isSpace(byte)))
			return at;
		if (byte === QUOTE) at = stringEnd(bytes, at + 1);
		else at++;
		if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) depth++;
		if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth--;
		if (depth === 0 && (byte === QUOTE || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT)) return at;
	}
	throw new SyntaxError("This is no JSON object: it ends too early.");
}
