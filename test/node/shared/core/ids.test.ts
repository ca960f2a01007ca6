import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isId, newHolder, newId, smallestIdAt } from "../../../../shared/core/ids.ts";
import { fakeRuntime, START_AT } from "../../../support/fake-runtime.ts";

const at = (startAt: number, seed = 1) => fakeRuntime({ startAt, seed });

describe("newId", () => {
	it("is a prefix and a lower-case ULID", () => {
		const id = newId("job", at(START_AT));
		expect(id).toMatch(/^job_[0-9a-hjkmnp-tv-z]{26}$/);
		expect(isId("job", id)).toBe(true);
	});

	it("sorts by time, to the millisecond", () => {
		const times = [0, 1, START_AT, START_AT + 1, Date.UTC(2099, 0, 1)];
		const ids = times.map((time, index) => newId("job", at(time, 100 - index)));
		expect(ids.toSorted()).toEqual(ids);
	});

	it("is another each time, in the same millisecond too", () => {
		const runtime = at(START_AT);
		const ids = Array.from({ length: 1_000 }, () => newId("job", runtime));
		expect(new Set(ids).size).toBe(1_000);
	});

	it("uses all 80 random bits", () => {
		const highest = { ...at(START_AT), randomBytes: (length: number) => new Uint8Array(length).fill(255) };
		const lowest = { ...at(START_AT), randomBytes: (length: number) => new Uint8Array(length) };
		expect(newId("job", highest).slice(-16)).toBe("z".repeat(16));
		expect(newId("job", lowest).slice(-16)).toBe("0".repeat(16));
	});
});

describe("isId", () => {
	const id = newId("job", at(START_AT));
	it.each([
		"",
		"job_",
		id.slice(0, -1),
		`${id}0`,
		id.toUpperCase(),
		`${id.slice(0, -1)}u`,
		`${id.slice(0, -1)}\n`,
		`job_8${id.slice(5)}`,
		id.replace("job_", "ten_"),
		id.replace("job_", "job-"),
		`${id.slice(0, -1)}/`,
	])("refuses %j", (text) => {
		expect(isId("job", text)).toBe(false);
	});

	it("refuses whatever else a caller may send", () => {
		fc.assert(fc.property(fc.string(), (text) => void expect(isId("job", text)).toBe(false)));
	});
});

describe("smallestIdAt", () => {
	it("is no larger than any id of its millisecond, and larger than any of the one before", () => {
		for (let seed = 0; seed < 50; seed++) {
			expect(smallestIdAt("job", START_AT) <= newId("job", at(START_AT, seed))).toBe(true);
			expect(smallestIdAt("job", START_AT) > newId("job", at(START_AT - 1, seed))).toBe(true);
		}
	});

	it("takes times before 1970 for the beginning", () => {
		expect(smallestIdAt("job", -5)).toBe(`job_${"0".repeat(26)}`);
	});
});

describe("newHolder", () => {
	it("is 16 hexadecimal digits, another each time", () => {
		const runtime = at(START_AT);
		const holders = [newHolder(runtime), newHolder(runtime)];
		expect(new Set(holders).size).toBe(2);
		for (const holder of holders) expect(holder).toMatch(/^[0-9a-f]{16}$/);
	});
});
