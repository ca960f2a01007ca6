import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../../../../shared/core/json/json.ts";
import { JsonScanner } from "../../../../../shared/core/json/json-scanner.ts";
import { BODY_LIMITS, parseStrictJson } from "../../../../../shared/core/json/strict-json.ts";

const encoder = new TextEncoder();
const parseBytes = (bytes: Uint8Array) => parseStrictJson(bytes, new JsonScanner(BODY_LIMITS));
/** As it arrives: each slice ends where one of `cuts` says, modulo the length. */
function parseSliced(bytes: Uint8Array, cuts: readonly number[]) {
	const scanner = new JsonScanner(BODY_LIMITS);
	const ends = cuts.map((cut) => cut % (bytes.byteLength + 1)).sort((a, b) => a - b);
	for (const end of ends) scanner.scan(bytes.slice(0, end));
	return parseStrictJson(bytes, scanner);
}
const parse = (text: string) => parseBytes(encoder.encode(text));

function jsonParsed(text: string): { value: Json } | null {
	try {
		return { value: JSON.parse(text) };
	} catch {
		return null;
	}
}

function problemOf(text: string) {
	const parsed = parse(text);
	return parsed.ok ? null : parsed.problem;
}

describe("what is accepted is what JSON.parse makes of it", () => {
	it.each([
		"null",
		" \t\r\n{ } \n",
		"[]",
		'""',
		"-0",
		"0.5e-7",
		"1E+5",
		'{"a":[1,{"b":[]},{}],"":{"a":null}}',
		'{"a":{"k":1},"b":{"k":1},"c":[{"k":1},{"k":1}]}',
		'"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u0000"',
		'"😀 \\ud83d\\ude00 \\uD83D\\uDE00"',
		'{"\\ud83d\\ude00":1}',
		'{"constructor":1,"prototype":2,"proto":3}',
		'{"a":1,"\ufeffa":2}',
		"9007199254740992",
		"-9007199254740991",
		"100000000000000000000",
		"1000000000000000000000000000000",
		"0.1000000000000000055511151231257827",
		"1e308",
		"1e-400",
	])("%s", (text) => {
		expect(parse(text)).toEqual({ ok: true, value: JSON.parse(text) });
	});
});

describe("a body that is not JSON is refused with the place to look at, and never quoted", () => {
	it.each([2, 3, 4])("also where a slice of %i bytes ends in what does not belong there", (end) => {
		const message = "The body is not valid JSON: look at line 1, column 2.";
		expect(parseSliced(encoder.encode("{“a”:1}"), [end])).toEqual({ ok: false, problem: { message, path: "" } });
	});

	it.each([
		["", "it ends too early."],
		["   ", "it ends too early."],
		['{"a":', "it ends too early."],
		['"abc', "it ends too early."],
		['"\\', "look at line 1, column 2."],
		["[1,]", "look at line 1, column 4."],
		['{"a":1,}', "look at line 1, column 8."],
		["{'a':1}", "look at line 1, column 2."],
		['{"a" 1}', "look at line 1, column 6."],
		["[1}", "look at line 1, column 3."],
		["[]]", "look at line 1, column 3."],
		["1 2", "look at line 1, column 3."],
		["NaN", "look at line 1, column 1."],
		["-Infinity", "look at line 1, column 2."],
		["{\n\t\n  nil}", "look at line 3, column 3."],
		["01", "look at line 1, column 2."],
		["1.", "it ends too early."],
		["[1.]", "look at line 1, column 4."],
		["[1e+]", "look at line 1, column 5."],
		["+1", "look at line 1, column 1."],
		['"a\nb"', "look at line 1, column 3."],
		['"\\x"', "look at line 1, column 2."],
		['"\\u12g4"', "look at line 1, column 2."],
		["\u00a0{}", "look at line 1, column 1."],
		["// no\n{}", "look at line 1, column 1."],
	])("%j", (text, rest) => {
		expect(problemOf(text)).toEqual({ message: `The body is not valid JSON: ${rest}`, path: "" });
	});
});

describe("bytes that are not UTF-8 text are refused", () => {
	it.each([
		["a byte order mark", [0xef, 0xbb, 0xbf, 0x7b, 0x7d], "The body must not start with a byte order mark."],
		["UTF-16 with its mark", [0xff, 0xfe, 0x7b, 0, 0x7d, 0], "The body is not valid UTF-8."],
		["UTF-16 without", [0x7b, 0, 0x7d, 0], "The body is not valid JSON: look at line 1, column 2."],
		["Latin-1", [0x22, 0xe9, 0x22], "The body is not valid UTF-8."],
		["an overlong slash", [0x22, 0xc0, 0xaf, 0x22], "The body is not valid UTF-8."],
		["a surrogate as three bytes", [0x22, 0xed, 0xa0, 0x80, 0x22], "The body is not valid UTF-8."],
		["a cut character", [0x22, 0xe2, 0x82], "The body is not valid UTF-8."],
	])("%s", (_name, bytes, message) => {
		expect(parseBytes(Uint8Array.from(bytes))).toEqual({ ok: false, problem: { message, path: "" } });
	});
});

describe("what readers would take differently is refused, at its path", () => {
	const twice = (key: string) => `The key ${JSON.stringify(key)} appears twice in one object.`;
	const proto = "The key `__proto__` is not allowed.";
	const half = "Text must not hold half of a surrogate pair: one of \\ud800 to \\udfff alone.";
	const tooLarge = "The number is too large: no double can hold it.";
	const inexact = "The whole number has too many digits to be passed on unchanged: send it as a string.";
	it.each([
		['{"input":{"temperature":1,"temperature":1}}', twice("temperature"), "input.temperature"],
		['{"a":1,"b":{"a":1},"a":2}', twice("a"), "a"],
		['{"a":1,"\\u0061":2}', twice("a"), "a"],
		['{"":1,"":2}', twice(""), ""],
		['[0,{"😀":1,"\\ud83d\\ude00":2}]', twice("😀"), "1.😀"],
		['{"input":{"__proto__":{}}}', proto, "input.__proto__"],
		['{"\\u005f_proto__":1}', proto, "__proto__"],
		['{"input":{"messages":[{"content":"\\ud800"}]}}', half, "input.messages.0.content"],
		['["a","\\udc00\\ud800"]', half, "1"],
		['["\\ud83d😀"]', half, "0"],
		['["\\ud83d\\u0041"]', half, "0"],
		['["\\ud83d\\ud83d\\ude00"]', half, "0"],
		['{"a":{"\\udfff":1}}', half, "a"],
		['{"input":{"max_tokens":1e400}}', tooLarge, "input.max_tokens"],
		["[1,-1e400]", tooLarge, "1"],
		["9".repeat(400), tooLarge, ""],
		['{"input":{"seed":9007199254740993}}', inexact, "input.seed"],
		["[-9007199254740993]", inexact, "0"],
		["12345678901234567168", inexact, ""],
		["9999999999999999999999", inexact, ""],
	])("%s", (text, message, path) => {
		expect(problemOf(text)).toEqual({ message, path });
	});

	it("shows no more than 64 characters of a key, and no half of a character", () => {
		const key = `${"k".repeat(63)}😀${"k".repeat(1000)}`;
		const problem = problemOf(`{"${key}":{"a":1,"a":2}, "x":1}`);
		expect(problem?.path).toBe(`${"k".repeat(63)}\ufffd….a`);
		expect(problemOf(`{"${key}":1,"${key}":2}`)?.message).toBe(
			`The key "${"k".repeat(63)}\ufffd…" appears twice in one object.`,
		);
	});
});

describe("for any body", () => {
	/** Derived from the parsed value, independently of the scanner. */
	const isOffending = (value: unknown): boolean =>
		typeof value === "object" && value !== null
			? Object.entries(value).some(([key, inner]) => key === "__proto__" || isOffending(inner))
			: typeof value === "number" && Number.isInteger(value) && JSON.stringify(value).length > 15;

	it("the value equals that of JSON.parse, unless a part of it offends", () => {
		fc.assert(
			fc.property(
				fc.jsonValue({ maxDepth: 6, stringUnit: "binary" }),
				fc.nat(2),
				fc.array(fc.nat()),
				(value, indent, cuts) => {
					const text = JSON.stringify(value, null, indent);
					fc.pre(!isOffending(JSON.parse(text)));
					const bytes = encoder.encode(text);
					expect(parseBytes(bytes)).toEqual({ ok: true, value: JSON.parse(text) });
					expect(parseSliced(bytes, cuts)).toEqual({ ok: true, value: JSON.parse(text) });
				},
			),
			{ numRuns: 1000 },
		);
	});

	it("any mutation of it is answered, never thrown at, and accepted only if JSON.parse agrees", () => {
		const piece = fc.constantFrom('"', "\\", "\\u", "\\ud800", "{", "}", "[", "]", ",", ":", "-", "e9", ".", "0", "\n");
		const mutation = fc.record({
			at: fc.nat(),
			length: fc.nat(3),
			piece: fc.oneof(piece, fc.string({ maxLength: 3 })),
		});
		fc.assert(
			fc.property(
				fc.jsonValue(),
				fc.array(mutation, { minLength: 1, maxLength: 4 }),
				fc.array(fc.nat()),
				(value, mutations, cuts) => {
					let text = JSON.stringify(value);
					for (const { at, length, piece } of mutations) {
						const from = at % (text.length + 1);
						text = text.slice(0, from) + piece + text.slice(from + length);
					}
					const ours = parse(text);
					expect(parseSliced(encoder.encode(text), cuts)).toEqual(ours);
					const theirs = jsonParsed(text.toWellFormed());
					if (ours.ok) expect(theirs).toEqual({ value: ours.value });
					if (theirs === null) expect(ours.ok).toBe(false);
					// What JSON.parse accepts is never called invalid JSON.
					else expect(ours.ok || !ours.problem.message.includes("not valid JSON")).toBe(true);
				},
			),
			{ numRuns: 5000 },
		);
	});

	it("any bytes are answered, never thrown at", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
				expect(typeof parseBytes(bytes).ok).toBe("boolean");
			}),
			{ numRuns: 2000 },
		);
	});

	it("no problem quotes a string of the body", () => {
		const secret = "PROMPT-TEXT";
		const body = JSON.stringify({ a: [secret, { b: secret }, 1, "\u0001"], c: { d: secret } });
		fc.assert(
			fc.property(fc.nat(body.length), fc.constantFrom("", '"', "\\ud800", "\\x", "1e999", ",", "{"), (at, piece) => {
				const parsed = parse(body.slice(0, at) + piece + body.slice(at + 1));
				if (!parsed.ok) expect(JSON.stringify(parsed.problem)).not.toMatch(/PROMPT|TEXT/);
			}),
			{ numRuns: 1000 },
		);
	});
});
