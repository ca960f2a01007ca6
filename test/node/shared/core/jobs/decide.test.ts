import { describe, expect, it } from "vitest";
import type { Attempt } from "../../../../../shared/core/jobs/attempts.ts";
import {
	ANSWER_UNREADABLE,
	deadlineError,
	decideFailure,
	MOVE_ON_MS,
	WAITS_MAX,
	WAITS_MS_MAX,
} from "../../../../../shared/core/jobs/decide.ts";
import { FAILURE_CODES, type ModelFailure } from "../../../../../shared/core/upstreams/failures.ts";
import { aFailure, anAttempt, jobOf, NOW, type StoredJob } from "../../../../support/job-of.ts";

const half = () => 0.5;
const running = (overrides: Partial<StoredJob> = {}) => jobOf({ status: "running", ...overrides });
const decided = (job: StoredJob, failure: ModelFailure, now = NOW) => decideFailure(job, failure, now, half);

describe("a transient failure", () => {
	it("puts the job back, to wait longer with each attempt", () => {
		const next = { next: "queued", reason: "retrying", model: "simulated/echo" };
		expect(decided(running({ attempt: 1 }), aFailure("transient"))).toEqual({
			...next,
			attempt: 1,
			counted: true,
			delayMs: 1_000,
		});
		expect(decided(running({ attempt: 4 }), aFailure("transient"))).toEqual({
			...next,
			attempt: 4,
			counted: true,
			delayMs: 8_000,
		});
	});

	it("fails the job with its own words when the last attempt is used up", () => {
		expect(decided(running({ attempt: 5, maxAttempts: 5 }), aFailure("transient"))).toEqual({
			next: "failed",
			reason: "attempts_exhausted",
			error: { code: "server_error", message: "It failed.", status: 500, model: "simulated/echo" },
			attempt: 5,
			counted: true,
		});
	});

	it("moves on to the next model when the last attempt on this one is used up", () => {
		const job = running({ models: ["a", "b", "c"], model: "b", attempt: 5, maxAttempts: 5 });
		const next = { next: "queued", reason: "retrying", delayMs: 0, model: "c", attempt: 0, counted: true };
		expect(decided(job, aFailure("transient"))).toEqual(next);
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
		const next = { next: "queued", reason: "retrying", delayMs: 0, model: "b", attempt: 0, counted: false };
		expect(decided(job, aFailure("blocked"))).toEqual(next);
		expect(decided({ ...job, model: "b" }, aFailure("blocked"))).toMatchObject({ reason: "blocked", model: "b" });
	});
});

describe("a permanent failure", () => {
	it("fails the job at once", () => {
		const decision = decided(running({ attempt: 1 }), aFailure("permanent", { code: "invalid_request", status: 400 }));
		expect(decision).toMatchObject({ next: "failed", reason: "permanent", attempt: 1, error: { status: 400 } });
	});

	it.each(FAILURE_CODES)("moves on to the next model, whatever it is: %s", (code) => {
		const job = running({ models: ["a", "b"] });
		const failure = aFailure("permanent", { code });
		expect(decided(job, failure)).toMatchObject({ next: "queued", model: "b", attempt: 0, delayMs: 0 });
		expect(decided({ ...job, model: "b" }, failure)).toMatchObject({ next: "failed", error: { model: "b" } });
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
			counted: kind === "transient" || kind === "permanent",
		};
		expect(decided(job, aFailure(kind), NOW + 1_000)).toEqual(expired);
		expect(decided(job, aFailure(kind), NOW + 999).next).not.toBe("expired");
	});
});

describe("waits that use no attempt", () => {
	/** A job that was refused `count` times in a row, the first time `agoMs` ago. */
	const refused = (count: number, agoMs: number, facts: Partial<StoredJob> = {}) =>
		running({
			attempt: 1,
			maxAttempts: 3,
			model: "a",
			models: ["a"],
			deadlineMs: 2 * WAITS_MS_MAX,
			attempts: Array.from({ length: count }, (_, index) =>
				anAttempt(index + 1, {
					outcome: index % 2 ? "blocked" : "throttled",
					counted: false,
					model: "a",
					endedAt: NOW - agoMs,
				}),
			),
			...facts,
		});
	const waits = { next: "queued", model: "a", attempt: 0, counted: false };
	const counts = { next: "queued", model: "a", attempt: 1, counted: true };
	const movesOn = { next: "queued", reason: "retrying", model: "b", attempt: 0, delayMs: 0 };
	const [two, last] = [{ models: ["a", "b"] }, { attempt: 3 }];
	const mixed = [
		anAttempt(1, { outcome: "throttled", model: "b" }),
		anAttempt(2, { outcome: "transient", model: "a" }),
	];

	it.each([
		["the first one", "throttled", refused(0, 0), null, waits],
		["the tenth one", "throttled", refused(WAITS_MAX - 1, 1), null, waits],
		["the eleventh one", "throttled", refused(WAITS_MAX, 1), null, counts],
		["the eleventh one that is blocked", "blocked", refused(WAITS_MAX, 1), null, counts],
		["just before an hour", "throttled", refused(1, WAITS_MS_MAX - 1), null, waits],
		["after an hour", "throttled", refused(1, WAITS_MS_MAX), null, counts],
		["after an hour, blocked", "blocked", refused(1, WAITS_MS_MAX), NOW - WAITS_MS_MAX - 1, counts],
		["after an hour in which a call succeeded", "throttled", refused(1, WAITS_MS_MAX), NOW - WAITS_MS_MAX, waits],
		[
			"the last attempt",
			"throttled",
			refused(WAITS_MAX, 1, last),
			null,
			{ next: "failed", reason: "attempts_exhausted" },
		],
		["the first one on this model", "throttled", refused(0, 0, { attempts: mixed.toReversed() }), null, waits],
		["the first one after another failure", "throttled", refused(0, 0, { attempts: mixed }), null, waits],
		["a minute's wait in sum, with a further model", "throttled", refused(1, MOVE_ON_MS, two), null, movesOn],
		["less than that", "throttled", refused(1, MOVE_ON_MS - 1, two), null, waits],
		["any number of blocks, with a further model", "blocked", refused(WAITS_MAX, 1, two), null, movesOn],
	] as const)("end in time: %s", (_, kind, job, succeededAt, expected) => {
		expect(decideFailure(job, aFailure(kind), NOW, half, succeededAt)).toMatchObject(expected);
	});

	it.each([
		[MOVE_ON_MS, movesOn],
		[MOVE_ON_MS - 10_000, waits],
	])("end at once where %i ms are requested and there is a further model", (retryAfterMs, expected) => {
		expect(decided(refused(0, 0, two), aFailure("throttled", { retryAfterMs }))).toMatchObject(expected);
	});
});
