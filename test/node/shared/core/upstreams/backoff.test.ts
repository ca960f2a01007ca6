import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
	BACKOFF_BASE_MS,
	BACKOFF_CAP_MS,
	BLOCKED_WAIT_MS,
	backoffMs,
} from "../../../../../shared/core/upstreams/backoff.ts";
import type { FailureClass, ModelFailure } from "../../../../../shared/core/upstreams/failures.ts";
import { aFailure } from "../../../../support/job-of.ts";

const transient = aFailure("transient");
const least = () => 0;
const most = () => 0.999_999_999;

describe("backoffMs", () => {
	it.each([
		[1, 2_000],
		[2, 4_000],
		[3, 8_000],
		[8, 256_000],
		[9, 300_000],
		[20, 300_000],
		[100_000, 300_000],
	])("waits anything up to a cap that doubles with each failure: after %i, %i ms", (failures, cap) => {
		expect(backoffMs(transient, failures, least)).toBe(0);
		expect(backoffMs(transient, failures, () => 0.5)).toBe(cap / 2);
		expect(backoffMs(transient, failures, most)).toBe(cap);
	});

	it.each([
		{ status: 503, code: "unavailable" },
		{ status: null, code: "unreachable" },
	] as const)("gives a server that is starting two minutes at least, in five attempts: %j", (facts) => {
		const waits = (dice: () => number) =>
			[1, 2, 3, 4].map((failures) => backoffMs(aFailure("transient", facts), failures, dice));
		expect(waits(least)).toEqual([1_000, 5_000, 25_000, 125_000]);
		expect(waits(most)).toEqual([2_000, 10_000, 50_000, 250_000]);
		expect(waits(least).reduce((sum, wait) => sum + wait)).toBeGreaterThanOrEqual(120_000);
		expect(backoffMs(aFailure("transient", facts), 20, most)).toBe(BACKOFF_CAP_MS);
	});

	it("begins at two seconds and never waits more than five minutes of its own", () => {
		expect([BACKOFF_BASE_MS, BACKOFF_CAP_MS]).toEqual([2_000, 300_000]);
	});

	it("waits at least a minute where a bill has to be paid", () => {
		expect(backoffMs(aFailure("blocked"), 1, least)).toBe(BLOCKED_WAIT_MS);
		expect(backoffMs(aFailure("blocked"), 9, most)).toBe(BLOCKED_WAIT_MS + BACKOFF_CAP_MS);
		expect(backoffMs(aFailure("blocked", { retryAfterMs: 1_000 }), 1, least)).toBe(BLOCKED_WAIT_MS);
	});

	it("spreads those that a provider sent away together, by up to a tenth of what it asked", () => {
		const asked = aFailure("throttled", { retryAfterMs: 10_000 });
		expect(backoffMs(asked, 1, least)).toBe(10_000);
		expect(backoffMs(asked, 1, most)).toBe(11_000);
	});

	it("never comes back earlier than asked, whatever the failure, the count and the dice", () => {
		const failure = fc.record({
			class: fc.constantFrom<FailureClass>("transient", "throttled", "blocked"),
			retryAfterMs: fc.integer({ min: 0, max: 86_400_000 }),
		});
		const dice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
		fc.assert(
			fc.property(
				failure,
				fc.integer({ min: 1, max: 1_000 }),
				dice,
				({ class: kind, retryAfterMs }, failures, thrown) => {
					const asked: ModelFailure = aFailure(kind, { retryAfterMs });
					const waitMs = backoffMs(asked, failures, () => thrown);
					expect(waitMs).toBeGreaterThanOrEqual(retryAfterMs);
					expect(Number.isInteger(waitMs)).toBe(true);
				},
			),
		);
	});
});
