import { describe, expect, it } from "vitest";
import {
	ENQUEUE_GRACE_MS,
	QUEUE_WAIT_MS_MAX,
	queueDelaySeconds,
	REDISPATCH_DELAY_MS_MAX,
	redispatchDelayMs,
	sweepAtFor,
} from "../../../../../shared/core/jobs/wakeups.ts";

const MINUTE = 60_000;

describe("queueDelaySeconds", () => {
	it.each([
		[-5_000, 0],
		[0, 0],
		[1, 1],
		[1_000, 1],
		[1_001, 2],
		[15 * MINUTE, 900],
	])("puts a wait of %i ms in the queue as %i s, so that no message comes early", (waitMs, seconds) => {
		expect(queueDelaySeconds(waitMs)).toBe(seconds);
	});

	it("leaves a wait of more than fifteen minutes to the sweeper", () => {
		expect(QUEUE_WAIT_MS_MAX).toBe(15 * MINUTE);
		expect(queueDelaySeconds(15 * MINUTE + 1)).toBeNull();
	});
});

describe("sweepAtFor", () => {
	it("gives a queue message a minute, counted from when the row is due", () => {
		expect(ENQUEUE_GRACE_MS).toBe(MINUTE);
		expect(sweepAtFor(1_000, 1_000)).toBe(1_000 + MINUTE);
		expect(sweepAtFor(5_000, 1_000)).toBe(5_000 + MINUTE);
		expect(sweepAtFor(500, 1_000)).toBe(1_000 + MINUTE);
	});

	it("is the very time for which no queue keeps a message", () => {
		expect(sweepAtFor(15 * MINUTE, 0)).toBe(16 * MINUTE);
		expect(sweepAtFor(15 * MINUTE + 1, 0)).toBe(15 * MINUTE + 1);
	});
});

describe("redispatchDelayMs", () => {
	it("redispatches after 1, 5, 15 and 60 minutes, then hourly", () => {
		expect([0, 1, 2, 3, 4, 99].map((redispatches) => redispatchDelayMs(redispatches) / MINUTE)).toEqual([
			1, 5, 15, 60, 60, 60,
		]);
		expect(REDISPATCH_DELAY_MS_MAX).toBe(60 * MINUTE);
	});
});
