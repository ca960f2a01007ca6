import { describe, expect, it } from "vitest";
import {
	isOverload,
	openMsByFailures,
	overloadMs,
	RECEIVER_OPEN_MS_MAX,
} from "../../../../../shared/core/webhooks/receiver-breaker.ts";

const MINUTE = 60_000;

describe("openMsByFailures", () => {
	it("pauses from the third failure on, and never beyond the next attempt of a receiver's only delivery", () => {
		const schedule = [0, 5_000, 5 * MINUTE, 30 * MINUTE, 120 * MINUTE];
		expect(openMsByFailures(schedule)).toEqual([0, 0, 5_000, 5 * MINUTE, RECEIVER_OPEN_MS_MAX]);
		for (const [failures, pause] of openMsByFailures(schedule).entries()) {
			expect(pause).toBeLessThanOrEqual(0.8 * (schedule[failures + 1] ?? Number.POSITIVE_INFINITY));
		}
	});
});

describe("isOverload", () => {
	it.each([429, 502, 503, 504])("is what %i says", (status) => {
		expect(isOverload({ status, timedOut: false })).toBe(true);
	});

	it("is what silence shows, and no other failure", () => {
		expect(isOverload({ status: null, timedOut: true })).toBe(true);
		for (const status of [null, 301, 400, 404, 410, 500]) expect(isOverload({ status, timedOut: false })).toBe(false);
	});
});

describe("overloadMs", () => {
	it.each([
		["the next step of its delivery", 503, null, 5 * MINUTE, 5 * MINUTE],
		["fifteen minutes, however long that step is", 503, null, 24 * 60 * MINUTE, RECEIVER_OPEN_MS_MAX],
		["what Retry-After requests", 429, 40 * MINUTE, 120 * MINUTE, 40 * MINUTE],
		["what Retry-After requests, if that is sooner than its next step", 429, 2_000, 120 * MINUTE, 2_000],
		["an hour, however long Retry-After is", 429, 48 * 60 * MINUTE, 24 * 60 * MINUTE, 60 * MINUTE],
		["nothing for another failure", 500, 40 * MINUTE, 120 * MINUTE, 0],
	])("is %s", (_, status, retryAfterMs, delayMs, expected) => {
		expect(overloadMs({ status, timedOut: false, retryAfterMs }, delayMs)).toBe(expected);
	});
});
