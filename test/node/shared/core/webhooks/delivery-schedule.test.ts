import { describe, expect, it } from "vitest";
import { decideDelivery } from "../../../../../shared/core/webhooks/delivery-schedule.ts";

const SCHEDULE = [0, 10_000, 100_000];
const least = () => 0;
const middle = () => 0.5;
const most = () => 0.999_999_999;

const decided = (status: number | null, number = 1, retryAfterMs: number | null = null, random = middle) =>
	decideDelivery({ status, retryAfterMs }, { number, ageMs: 0 }, SCHEDULE, random);

describe("decideDelivery", () => {
	it.each([200, 201, 202, 204, 299])("takes %i for success, on any attempt", (status) => {
		expect(decided(status)).toEqual({ next: "delivered" });
		expect(decided(status, 3)).toEqual({ next: "delivered" });
	});

	// 403, 525, 526 and 530 are what the edge itself answers for a host that it cannot reach, or may not.
	const failures = [null, 100, 199, 300, 301, 304, 400, 401, 403, 404, 409, 429, 500, 503, 525, 526, 530];
	it.each(failures)("tries again after %s", (status) => {
		expect(decided(status)).toEqual({ next: "pending", delayMs: 10_000 });
		expect(decided(status, 2)).toEqual({ next: "pending", delayMs: 100_000 });
	});

	it("is exhausted when the schedule is", () => {
		expect(decided(500, 3)).toEqual({ next: "exhausted" });
		expect(decideDelivery({ status: null, retryAfterMs: null }, { number: 1, ageMs: 0 }, [0], middle)).toEqual({
			next: "exhausted",
		});
	});

	it("is exhausted after five days, however many attempts are left", () => {
		const failed = (ageMs: number) =>
			decideDelivery({ status: 500, retryAfterMs: null }, { number: 1, ageMs }, SCHEDULE, middle);
		expect(failed(5 * 86_400_000 - 7)).toEqual({ next: "pending", delayMs: 7 });
		expect(failed(5 * 86_400_000).next).toBe("exhausted");
	});

	it("is exhausted at once when the receiver is gone", () => {
		expect(decided(410)).toEqual({ next: "exhausted" });
	});

	it("spreads each step by a fifth to either side", () => {
		expect(decided(500, 1, null, least)).toEqual({ next: "pending", delayMs: 8_000 });
		expect(decided(500, 1, null, most)).toEqual({ next: "pending", delayMs: 12_000 });
	});

	it.each([
		[0, 10_000],
		[9_000, 10_000],
		[15_000, 15_000],
		[20_000, 20_000],
		[86_400_000, 20_000],
	])("lets a receiver that asks for %i ms wait %i ms: one step at least, two at most", (asked, delayMs) => {
		expect(decided(503, 1, asked, least)).toEqual({ next: "pending", delayMs });
	});
});
