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
	name: string;
	start: number;
	valueStart: number;
	end: number;
}

/** Undefined leaves the member out. */
export type Changes = Readonly<Record<string, Json | undefined>>;

export class JsonBody {
	readonly #bytes: Uint8Array;
	readonly #members: readonly Member[];
	readonly #changes: Changes;

	/** Throws unless `bytes` hold an object. What its members hold is not checked. */
	constructor(bytes: Uint8Array, members: readonly Member[] = membersOf(bytes), changes: Changes = {}) {
		this.#bytes = bytes;
		this.#members = members;
		this.#changes = changes;
	}

	/** The member's value; undefined: there is none. Of a repeated name the last counts, as for `JSON.parse`. */
	get(name: string): Json | undefined {
		if (Object.hasOwn(this.#changes, name)) return this.#changes[name];
		const member = this.#members.findLast((one) => one.name === name);
		return member === undefined ? undefined : parse(this.#bytes.subarray(member.valueStart, member.end));
	}

	/** The bytes of a member of the original; null: there is none. */
	bytesOf(name: string): Uint8Array | null {
		const member = this.#members.findLast((one) => one.name === name);
		return member === undefined ? null : this.#bytes.subarray(member.valueStart, member.end);
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
		const kept = this.#members.filter(({ name }) => !Object.hasOwn(this.#changes, name));
		const parts = [
			...(changed === "" ? [] : [new TextEncoder().encode(changed)]),
			...kept.map(({ start, end }) => this.#bytes.subarray(start, end)),
		];
		const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength + 1, parts.length === 0 ? 2 : 1));
		whole[0] = OPEN_OBJECT;
		let at = 1;
		for (const part of parts) {
			whole.set(part, at);
			at += part.byteLength;
			whole[at++] = COMMA;
		}
		whole[whole.byteLength - 1] = CLOSE_OBJECT;
		return whole;
	}
}

function parse(bytes: Uint8Array): Json {
	return JSON.parse(new TextDecoder().decode(bytes));
}

function membersOf(bytes: Uint8Array): Member[] {
	const members: Member[] = [];
	let at = expect(bytes, skipSpace(bytes, 0), OPEN_OBJECT);
	at = skipSpace(bytes, at);
	if (bytes[at] === CLOSE_OBJECT) return members;
	for (;;) {
		const start = at;
		const keyEnd = stringEnd(bytes, expect(bytes, start, QUOTE));
		const valueStart = skipSpace(bytes, expect(bytes, skipSpace(bytes, keyEnd), COLON));
		const end = valueEnd(bytes, valueStart);
		members.push({ name: String(parse(bytes.subarray(start, keyEnd))), start, valueStart, end });
		at = skipSpace(bytes, end);
		if (bytes[at] === CLOSE_OBJECT) return members;
		at = skipSpace(bytes, expect(bytes, at, COMMA));
	}
}

/** Returns where to go on. */
function expect(bytes: Uint8Array, at: number, byte: number): number {
	if (bytes[at] !== byte) throw new SyntaxError(`This is no JSON object: look at byte ${at}.`);
	return at + 1;
}

function skipSpace(bytes: Uint8Array, from: number): number {
	let at = from;
	while (isSpace(bytes[at])) at++;
	return at;
}

function isSpace(byte: number | undefined): boolean {
	return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** @param from after the opening quote */
function stringEnd(bytes: Uint8Array, from: number): number {
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
		if (depth === 0 && at > start && (byte === COMMA || byte === CLOSE_OBJECT || isSpace(byte))) return at;
		if (byte === QUOTE) at = stringEnd(bytes, at + 1);
		else at++;
		if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) depth++;
		if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth--;
		if (depth === 0 && (byte === QUOTE || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT)) return at;
	}
	throw new SyntaxError("This is no JSON object: it ends too early.");
}
