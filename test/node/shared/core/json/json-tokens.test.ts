import { describe, expect, it } from "vitest";
import { numberEnd, stringEnd } from "../../../../../shared/core/json/json-tokens.ts";

const encoder = new TextEncoder();

describe("a string ends at its quote, or is at fault where it goes wrong", () => {
	it.each([
		['""', 2, null],
		['"a","b"', 3, null],
		['"\\""', 4, null],
		['"\\uFFfd"', 8, null],
		['"\\ud800\\udc00"', 14, null],
		['"\\udbff\\udfff"', 14, null],
		['"\\ud7ff\\ue000"', 14, null],
		['"a\\ud800"', 2, "half a pair"],
		['"\\udc00\\udc00"', 1, "half a pair"],
		['"\\ud800\\udbff"', 1, "half a pair"],
		['"\\ud800\\ue000"', 1, "half a pair"],
		['"\\ud800\\n"', 1, "half a pair"],
		['"\\u00"', 1, "malformed"],
		['"\\u00G0"', 1, "malformed"],
		['"\\u', 1, "cut"],
		['"\\ud83d\\ude', 1, "cut"],
		['"\\', 1, "cut"],
		['"\\a"', 1, "malformed"],
		['"\\U0041"', 1, "malformed"],
		['"a\u001f"', 2, "malformed"],
		['"a', 2, "cut"],
	])("%j", (text, end, fault) => {
		expect(stringEnd(encoder.encode(text), 1)).toEqual({ end, fault });
	});

	it("at any length of the text before it", () => {
		for (let length = 0; length <= 100; length++) {
			const text = `"${"é".repeat(length)}`;
			const end = 1 + 2 * length;
			const ends = (rest: string) => stringEnd(encoder.encode(text + rest), 1);
			expect(ends('"x')).toEqual({ end: end + 1, fault: null });
			expect(ends('\\n"')).toEqual({ end: end + 3, fault: null });
			expect(ends('\u0000"')).toEqual({ end, fault: "malformed" });
			expect(ends("")).toEqual({ end, fault: "cut" });
		}
	});
});

describe("a number ends where its grammar does, and is at fault if it would be passed on as another", () => {
	it.each([
		["0", 1, null],
		["-0,", 2, null],
		["00", 1, null],
		["12.50e+10]", 9, null],
		["1E5", 3, null],
		["-", 1, "malformed"],
		["-a", 1, "malformed"],
		["-.5", 1, "malformed"],
		["1.e5", 2, "malformed"],
		["1e", 2, "malformed"],
		["1e+,", 3, "malformed"],
		["9007199254740991", 16, null],
		["9007199254740992", 16, null],
		["9007199254740993", 16, "inexact"],
		["-9007199254740993", 17, "inexact"],
		["9007199254740993.0", 18, null],
		["9007199254740993e0", 18, null],
		["1000000000000000000000000", 25, null],
		["1000000000000000000000001", 25, "inexact"],
		["1.7976931348623157e308", 22, null],
		["1.7976931348623159e308", 22, "too large"],
		["-1e400", 6, "too large"],
		["0e999", 5, null],
	])("%s", (text, end, fault) => {
		expect(numberEnd(text, 0)).toEqual({ end, fault });
	});
});
