import { describe, expect, it } from "vitest";
import type { Attempt } from "../../../../../shared/core/jobs/attempts.ts";
import {
	ANSWER_UNREADABLE,
	deadlineError,
	decideFailure,
	usesAttempt,
} from "../../../../../shared/core/jobs/decide.ts";
import type { ModelFailure } from "../../../../../shared/core/upstreams/failures.ts";
import { aFailure, anAttempt, jobOf, NOW, type StoredJob } from "../../../../support/job-of.ts";

const half = () => 0.5;
const running = (overrides: Partial<StoredJob> = {}) => jobOf({ status: "running", ...overrides });
const decided = (job: StoredJob, failure: ModelFailure, now = NOW) => decideFailure(job, failure, now, half);

describe("a transient failure", () => {
	it("puts the job back, to wait longer with each attempt", () => {
		const next = { next: "queued", reason: "retrying", model: "simulated/echo" };
		expect(decided(running({ attempt: 1 }), aFailure("transient"))).toEqual({ ...next, attempt: 1, delayMs: 1_000 });
		expect(decided(running({ attempt: 4 }), aFailure("transient"))).toEqual({ ...next, attempt: 4, delayMs: 8_000 });
	});

	it("fails the job with its own words when the last attempt is used up", () => {
		expect(decided(running({ attempt: 5, maxAttempts: 5 }), aFailure("transient"))).toEqual({
			next: "failed",
			reason: "attempts_exhausted",
			error: { code: "server_error", message: "It failed.", status: 500, model: "simulated/echo" },
			attempt: 5,
		});
	});

	it("moves on to the next model when the last attempt on this one is used up", () => {
		const job = running({ models: ["a", "b", "c"], model: "b", attempt: 5, maxAttempts: 5 });
		const next = { next: "queued", reason: "retrying", delayMs: 0, model: "c", attempt: 0 };
		expect(decided(job, aFailure("transient", { nextModelMayHelp: false }))).toEqual(next);
		expect(decided({ ...job, model: "c" }, aFailure("transient"))).toMatchObject({ next: "failed" });
	});
});

describe("a throttled or blocked failure", () => {
	it.each(["throttled", "blocked"] as const)("gives the attempt back and says why it waits: %s", (kind) => {
		const job = running({ attempt: 5, maxAttempts: 5 });
		expect(decided(job, aFailure(kind))).toMatchObject({ next: "queued", reason: kind, attempt: 4 });
	});

	it("waits longer the more of its kind came in a row", () => {
		const outcomes = (...kinds: Attempt["outcome"][]) =>
			running({
				attempts: kinds.map((outcome, index) => anAttempt(index + 1, { outcome, counted: false, model: "a" })),
			});
		const delayOf = (job: StoredJob) => decided(job, aFailure("throttled"));
		expect(delayOf(outcomes())).toMatchObject({ delayMs: 1_000 });
		expect(delayOf(outcomes("throttled", "throttled"))).toMatchObject({ delayMs: 4_000 });
		expect(delayOf(outcomes("throttled", "transient", "throttled"))).toMatchObject({ delayMs: 2_000 });
		expect(delayOf(outcomes("throttled", "transient"))).toMatchObject({ delayMs: 1_000 });
	});

	it("moves on to another model at once where it is blocked, and waits where it is throttled", () => {
		const job = running({ models: ["a", "b"], attempt: 5, maxAttempts: 5 });
		expect(decided(job, aFailure("throttled"))).toMatchObject({ next: "queued", model: "a" });
		const next = { next: "queued", reason: "retrying", delayMs: 0, model: "b", attempt: 0 };
		for (const nextModelMayHelp of [true, false])
			expect(decided(job, aFailure("blocked", { nextModelMayHelp }))).toEqual(next);
		expect(decided({ ...job, model: "b" }, aFailure("blocked"))).toMatchObject({ reason: "blocked", model: "b" });
	});
});

describe("a permanent failure", () => {
	it("fails the job at once", () => {
		const decision = decided(running({ attempt: 1 }), aFailure("permanent", { code: "invalid_request", status: 400 }));
		expect(decision).toMatchObject({ next: "failed", reason: "permanent", attempt: 1, error: { status: 400 } });
	});

	it("tries the next model where that may help, and only there", () => {
		const job = running({ models: ["a", "b"] });
		expect(decided(job, aFailure("permanent"))).toMatchObject({ next: "queued", model: "b", attempt: 0, delayMs: 0 });
		expect(decided(job, aFailure("permanent", { nextModelMayHelp: false }))).toMatchObject({ next: "failed" });
		expect(decided({ ...job, model: "b" }, aFailure("permanent"))).toMatchObject({
			next: "failed",
			error: { model: "b" },
		});
	});

	it("has its own name where no reader can use the answer", () => {
		const unreadable = aFailure("permanent", { code: ANSWER_UNREADABLE });
		expect(decided(running(), unreadable)).toMatchObject({ next: "failed", reason: "answer_unreadable" });
	});
});

describe("the deadline", () => {
	it.each(["transient", "throttled", "blocked", "permanent"] as const)("comes before a %s failure", (kind) => {
		const job = running({ models: ["a", "b"], attempt: 2, deadlineMs: 1_000 });
		const expired = {
			next: "expired",
			error: deadlineError(job),
			attempt: kind === "transient" || kind === "permanent" ? 2 : 1,
		};
		expect(decided(job, aFailure(kind), NOW + 1_000)).toEqual(expired);
		expect(decided(job, aFailure(kind), NOW + 999).next).not.toBe("expired");
	});
});

describe("usesAttempt", () => {
	it("counts what was the job's own bad luck, not a provider's `later`", () => {
		const counted = (["transient", "permanent", "throttled", "blocked"] as const).map((kind) =>
			usesAttempt(aFailure(kind)),
		);
		expect(counted).toEqual([true, true, false, false]);
	});
});
