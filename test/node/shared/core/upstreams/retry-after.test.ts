import { describe, expect, it } from "vitest";
import { RETRY_AFTER_MS_MAX, readRetryAfterMs } from "../../../../../shared/core/upstreams/retry-after.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const read = (headers: Record<string, string>) => readRetryAfterMs((name) => headers[name] ?? null, NOW);

describe("readRetryAfterMs", () => {
	it.each([
		["seconds", { "retry-after": "3" }, 3000],
		["fractions of seconds", { "retry-after": "1.5" }, 1500],
		["no wait", { "retry-after": "0" }, 0],
		["an HTTP date", { "retry-after": "Fri, 02 Jan 2026 03:04:35 GMT" }, 30_000],
		["milliseconds", { "retry-after-ms": "250" }, 250],
		["milliseconds before seconds", { "retry-after-ms": "250", "retry-after": "9" }, 250],
		["seconds where the milliseconds are nonsense", { "retry-after-ms": "NaN", "retry-after": "9" }, 9000],
		["fractions of milliseconds, never early", { "retry-after-ms": "0.2" }, 1],
		["a date that has just come", { "retry-after": "Fri, 02 Jan 2026 03:04:05 GMT" }, 0],
		["the longer of two", { "retry-after": "3, 5" }, 5000],
	])("reads %s", (_, headers: Record<string, string>, expected) => {
		expect(read(headers)).toBe(expected);
	});

	it.each(["1e9", "99999999", "Fri, 02 Jan 2099 03:04:35 GMT"])("believes no wait longer than a day: %s", (value) => {
		expect(read({ "retry-after": value })).toBe(RETRY_AFTER_MS_MAX);
	});

	it.each([
		"Infinity",
		"-5",
		"NaN",
		"soon",
		"",
		"1e999",
		"0x10",
		"Thu, 01 Jan 1970 00:00:00 GMT",
		"Friday, whenever",
		"2099-01-01",
	])("ignores %j", (value) => {
		expect(read({ "retry-after": value })).toBe(null);
		expect(read({ "retry-after-ms": value })).toBe(null);
	});

	it("is null if nothing valid was requested", () => {
		expect(read({})).toBe(null);
	});
});
