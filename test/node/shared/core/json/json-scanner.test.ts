import { describe, expect, it } from "vitest";
import { type JsonLimits, JsonScanner } from "../../../../../shared/core/json/json-scanner.ts";
import { BODY_LIMITS, parseStrictJson } from "../../../../../shared/core/json/strict-json.ts";

const MEBIBYTE = 1024 * 1024;
const encoder = new TextEncoder();
const parseWithin = (limits: JsonLimits, text: string) =>
	parseStrictJson(encoder.encode(text), new JsonScanner(limits));
const parse = (text: string) => parseWithin(BODY_LIMITS, text);

function problemOf(text: string) {
	const parsed = parse(text);
	return parsed.ok ? null : parsed.problem;
}

it("takes no key that begins with a byte order mark for the one without", () => {
	const scanner = new JsonScanner({ ...BODY_LIMITS, member: "input" });
	expect([scanner.firstProblem(encoder.encode('{"\ufeffinput":{}}')), scanner.member]).toEqual([null, null]);
});

describe("no body costs more than its length", () => {
	const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

	it("accepts 64 levels and refuses the 65th", () => {
		expect(parse(nested(64)).ok).toBe(true);
		expect(problemOf(nested(65))).toEqual({
			message: "The body is more than 64 levels deep.",
			path: Array(64).fill(0).join("."),
		});
		expect(problemOf(`{"a":${'{"b":'.repeat(64)}1`)?.path).toBe(`a${".b".repeat(63)}`);
	});

	it("counts a level only while it is open", () => {
		expect(parse(`[${Array(1000).fill(nested(63)).join(",")}]`).ok).toBe(true);
	});

	it("accepts as many values as the limit says and refuses one more", () => {
		const limits = { depthMax: 64, valuesMax: 3 };
		expect(parseWithin(limits, '{"a":1,"b":[]}').ok).toBe(true);
		expect(parseWithin(limits, '{"a":1,"b":[2]}')).toEqual({
			ok: false,
			problem: { message: "The body holds more than 3 values.", path: "b.0" },
		});
	});

	const fill = (open: string, unit: string, close: string) =>
		open + unit.repeat(Math.floor((16 * MEBIBYTE - open.length - close.length) / unit.length)) + close;
	it.each([
		["500,000 levels of arrays", "[".repeat(500_000)],
		["500,000 levels of objects", '{"a":'.repeat(500_000)],
		["16 MiB of text", fill('{"a":"', "lorem ipsum dolor ", '"}')],
		["16 MiB of escapes", fill('"', "\\ud83d\\ude00", '"')],
		["16 MiB of digits", fill("", "9", "")],
		["16 MiB of zeros", fill("", "0", "")],
		["16 MiB of white space", fill("", " ", "1")],
		["16 MiB of lines", fill("", "\n", "!")],
		["16 MiB of empty arrays", fill("[", "[],", "[]]")],
		["16 MiB of one-key objects", fill("[", '{"a":1},', "1]")],
		["16 MiB with no end", fill('{"a":"', "x", "")],
		["a key of 16 MiB", fill('{"', "x", '":1}')],
	])("%s take well under a second", (_name, text) => {
		const bytes = encoder.encode(text);
		// The time of this thread alone: what runs beside the test does not count.
		const before = process.threadCpuUsage();
		parseStrictJson(bytes, new JsonScanner(BODY_LIMITS));
		const spent = process.threadCpuUsage(before);
		expect((spent.user + spent.system) / 1000).toBeLessThan(800);
	});
});
