import { describe, expect, it } from "vitest";
import { decideSweep, decideSweeps, type SweptJob } from "../../../../../shared/core/jobs/sweep.ts";
import { HOUR, jobOf, MINUTE, NOW, SECOND, sweptOf } from "../../../../support/job-of.ts";

const aJob = (overrides: Partial<SweptJob> = {}): SweptJob => ({
	...sweptOf(jobOf({ createdAt: NOW - MINUTE, deadlineMs: 24 * HOUR + MINUTE, sweepAt: NOW })),
	...overrides,
});

const running = (overrides: Partial<SweptJob> = {}) =>
	aJob({ status: "running", fence: 1, leaseExpiresAt: NOW, ...overrides });

const swept = (job: SweptJob, isEmpty = false, oldestAt: number | null = null) =>
	decideSweep(job, NOW, { isEmpty, oldestAt });

describe("a queued job that is due", () => {
	it.each([
		[0, 5],
		[1, 15],
		[2, 60],
		[3, 60],
		[40, 60],
	])("is redispatched ever more seldom: after %i redispatches, again in %i minutes", (redispatches, minutes) => {
		expect(swept(aJob({ redispatches }))).toEqual({
			kind: "enqueue",
			sweepAt: NOW + minutes * MINUTE,
			redispatches: redispatches + 1,
		});
	});

	it("is left alone until it asked to be looked at, while messages wait in the queue", () => {
		expect(swept(aJob({ sweepAt: NOW + 1 }))).toEqual({ kind: "leave" });
	});

	it("is redispatched at once when the queue is empty, however recently it was enqueued", () => {
		const job = aJob({ sweepAt: NOW + HOUR, redispatches: 3 });
		expect(swept(job, true)).toEqual({ kind: "enqueue", sweepAt: NOW + HOUR, redispatches: 4 });
	});

	it("is admitted if it has no slot, and only when it asked to be looked at", () => {
		expect(swept(aJob({ hasSlot: false }))).toEqual({ kind: "admit" });
		expect(swept(aJob({ hasSlot: false, sweepAt: NOW + 1 }), true)).toEqual({ kind: "leave" });
	});

	it("is not redispatched while the queue has messages as old as its own, for an hour", () => {
		const due = (forMs: number) => aJob({ runAt: NOW - forMs });
		const [inLine, lost] = [-5 * MINUTE + MINUTE, -5 * MINUTE + MINUTE + 1];
		expect(swept(due(5 * MINUTE), false, NOW + inLine)).toEqual({
			kind: "look",
			sweepAt: NOW + 5 * MINUTE,
			redispatches: 0,
		});
		expect(swept(due(5 * MINUTE), false, NOW + lost)).toMatchObject({ kind: "enqueue", redispatches: 1 });
		expect(swept(due(HOUR), false, NOW - HOUR)).toMatchObject({ kind: "enqueue" });
	});

	it("is redispatched, however old the oldest message is, if messages are missing and it has been due for the longest", () => {
		const jobs = [3, 5, 4, 90].map((minutes) => aJob({ runAt: NOW - minutes * MINUTE }));
		const enqueued = (missing: number) =>
			decideSweeps(jobs, NOW, { isEmpty: false, oldestAt: NOW - HOUR }, missing).map(({ decision }) => decision.kind);
		expect(enqueued(-1)).toEqual(["look", "look", "look", "enqueue"]);
		// The one that counts as lost anyway is one of those that are missing.
		expect(enqueued(1)).toEqual(["look", "look", "look", "enqueue"]);
		expect(enqueued(3)).toEqual(["look", "enqueue", "enqueue", "enqueue"]);
	});

	it("is looked at no later than its deadline", () => {
		expect(swept(aJob({ deadlineAt: NOW + MINUTE }))).toMatchObject({ kind: "enqueue", sweepAt: NOW + MINUTE });
	});

	it("expires when its deadline has come, even unlooked-for", () => {
		expect(swept(aJob({ deadlineAt: NOW }))).toEqual({ kind: "expire" });
		expect(swept(aJob({ deadlineAt: NOW, sweepAt: NOW + HOUR, isParked: true, runAt: NOW + HOUR }))).toEqual({
			kind: "expire",
		});
	});
});

describe("a queued job that is not due", () => {
	it("is looked at again when its message should have arrived", () => {
		const soon = aJob({ runAt: NOW + 10 * SECOND, redispatches: 2 });
		expect(swept(soon)).toEqual({ kind: "look", sweepAt: NOW + 10 * SECOND + MINUTE, redispatches: 2 });
		expect(swept(aJob({ runAt: NOW + HOUR, hasSlot: false }))).toMatchObject({ kind: "look", sweepAt: NOW + HOUR });
	});

	it("is left alone before that, even when the queue is empty", () => {
		expect(swept(aJob({ runAt: NOW + 1, sweepAt: NOW + MINUTE }), true)).toEqual({ kind: "leave" });
	});

	it("is left alone until its deadline while it is parked", () => {
		const parked = aJob({ isParked: true, redispatches: 1 });
		expect(swept(parked, true)).toEqual({ kind: "look", sweepAt: parked.deadlineAt, redispatches: 1 });
		expect(swept(aJob({ isParked: true, sweepAt: NOW + 1 }), true)).toEqual({ kind: "leave" });
		expect(swept(aJob({ isParked: true, deadlineAt: NOW + 1 }))).toMatchObject({ sweepAt: NOW + 1 });
	});
});

describe("a running job", () => {
	it("is redispatched as soon as its lease has expired, and again a minute later", () => {
		expect(swept(running())).toEqual({ kind: "enqueue", sweepAt: NOW + MINUTE, redispatches: 0 });
	});

	it("is looked at again when its lease would run out", () => {
		expect(swept(running({ leaseExpiresAt: NOW + 1 }))).toEqual({ kind: "look", sweepAt: NOW + 1, redispatches: 0 });
	});

	it("is left alone before that", () => {
		expect(swept(running({ leaseExpiresAt: NOW + 1, sweepAt: NOW + 1 }), true)).toEqual({ kind: "leave" });
	});

	it("whose lease has expired is left alone after a redispatch, while messages wait in the queue", () => {
		expect(swept(running({ sweepAt: NOW + 1 }))).toEqual({ kind: "leave" });
	});

	it("whose lease has run out is redispatched at once when the queue is empty, however recently it was enqueued", () => {
		expect(swept(running({ sweepAt: NOW + 1 }), true)).toEqual({
			kind: "enqueue",
			sweepAt: NOW + MINUTE,
			redispatches: 0,
		});
	});

	it("is its holders' to end for an hour after its deadline, and the sweeper's after that, once its lease has expired", () => {
		expect(swept(running({ deadlineAt: NOW - HOUR + 1 })).kind).toBe("enqueue");
		expect(swept(running({ deadlineAt: NOW - HOUR, leaseExpiresAt: NOW + SECOND })).kind).toBe("look");
		expect(swept(running({ deadlineAt: NOW - HOUR })).kind).toBe("expire");
	});

	it("is redispatched ever more seldom", () => {
		const lapsed = (forMs: number) => swept(running({ leaseExpiresAt: NOW - forMs }));
		expect(lapsed(10 * MINUTE)).toMatchObject({ sweepAt: NOW + 10 * MINUTE });
		expect(lapsed(3 * HOUR)).toMatchObject({ sweepAt: NOW + HOUR });
	});
});
