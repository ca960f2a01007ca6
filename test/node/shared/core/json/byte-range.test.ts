import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readByteRange } from "../../../../../shared/core/json/byte-range.ts";

const whole = { kind: "whole" };
const unsatisfiable = { kind: "unsatisfiable" };
const part = (offset: number, length: number) => ({ kind: "part", offset, length });

describe("readByteRange", () => {
	it.each([
		["bytes=0-0", part(0, 1)],
		["bytes=2-5", part(2, 4)],
		["bytes=9-9", part(9, 1)],
		["bytes=7-", part(7, 3)],
		["bytes=-3", part(7, 3)],
		["BYTES=0-1", part(0, 2)],
		["bytes= 0-1 ", part(0, 2)],
		["bytes=007-008", part(7, 2)],
	])("gives the part of ten bytes that %s names", (header, asked) => {
		expect(readByteRange(header, 10)).toEqual(asked);
	});

	it.each([
		["bytes=5-10", part(5, 5)],
		["bytes=0-999999999999999999999999", part(0, 10)],
		["bytes=-10", part(0, 10)],
		["bytes=-11", part(0, 10)],
		[`bytes=-${"9".repeat(400)}`, part(0, 10)],
	])("ends with the last of ten bytes where %.40s asks for more", (header, asked) => {
		expect(readByteRange(header, 10)).toEqual(asked);
	});

	it.each(["bytes=10-", "bytes=10-20", "bytes=11-12", "bytes=-0", `bytes=${"9".repeat(400)}-`])(
		"finds nothing of ten bytes in %.40s",
		(header) => {
			expect(readByteRange(header, 10)).toEqual(unsatisfiable);
		},
	);

	it.each([
		[null],
		[""],
		["bytes"],
		["bytes="],
		["bytes=-"],
		["bytes=5-2"],
		["bytes=a-b"],
		["bytes=1"],
		["bytes=1.5-2"],
		["bytes=--1"],
		["bytes=0x0-0x1"],
		["bytes 0-1"],
		["items=0-1"],
		["bytes=0-1,4-5"],
		["bytes=0-1, -1"],
		["bytes=٣-٤"],
	])("ignores %s", (header) => {
		expect(readByteRange(header, 10)).toEqual(whole);
	});

	it.each(["bytes=0-", "bytes=0-0", "bytes=-1"])("finds nothing of an empty body in %s", (header) => {
		expect(readByteRange(header, 0)).toEqual(unsatisfiable);
	});

	it("never gives an empty part, nor one beyond the end", () => {
		const edge = fc.option(fc.nat(40), { nil: "" });
		fc.assert(
			fc.property(edge, edge, fc.nat(20), (first, last, size) => {
				const asked = readByteRange(`bytes=${first}-${last}`, size);
				if (asked.kind !== "part") return true;
				return asked.length > 0 && asked.offset >= 0 && asked.offset + asked.length <= size;
			}),
		);
	});
});
