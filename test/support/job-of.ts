/** Jobs for tests, not stored anywhere: a test names only what it is about, and what its status requires is filled in. */

import { type IdPrefix, smallestIdAt } from "../../shared/core/ids.ts";
import type { Attempt } from "../../shared/core/jobs/attempts.ts";
import { type Job, type JobKey, NATIVE } from "../../shared/core/jobs/job.ts";
import { isFinal } from "../../shared/core/jobs/job-states.ts";
import type { SweptJob } from "../../shared/core/jobs/sweep.ts";
import { type FailureClass, type ModelFailure, newFailure } from "../../shared/core/upstreams/failures.ts";
import type { Finalization } from "../../shared/db/jobs/finish-jobs.ts";
import type { JobFilter } from "../../shared/db/jobs/list-jobs.ts";
import type { NewJob } from "../../shared/db/jobs/submit-jobs.ts";
import { START_AT } from "./fake-runtime.ts";

/** What every job passes. */
export const ANY_JOB: JobFilter = {
	statuses: null,
	statusReason: null,
	model: null,
	retryOf: null,
	createdAfter: null,
	createdBefore: null,
	finishedAfter: null,
	finishedBefore: null,
	door: null,
	isStored: null,
	metadata: {},
};

export const NOW = START_AT;
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const LEASE_MS = 90 * SECOND;

/** A job with the columns that only SQL looks at. */
export interface StoredJob extends Job {
	parkedOn: string | null;
	redispatches: number;
	sweepAt: number | null;
	pruneAt: number | null;
}

let idsMade = 0;

/** Well-formed, unique within the test file, and sorted by when it was made. */
export function anId(prefix: IdPrefix, at = NOW): string {
	idsMade += 1;
	return smallestIdAt(prefix, at).slice(0, -6) + String(idsMade).padStart(6, "0");
}

/** Queued and due at once unless the test says otherwise. Times follow from `createdAt`. */
export function jobOf(overrides: Partial<StoredJob> = {}): StoredJob {
	const status = overrides.status ?? "queued";
	const createdAt = overrides.createdAt ?? NOW;
	const deadlineMs = overrides.deadlineMs ?? DAY;
	const retainMs = overrides.retainMs ?? 30 * DAY;
	const runAt = overrides.runAt ?? createdAt;
	const wasLeased = status === "running" || status === "succeeded" || status === "failed";
	const leasedAt = overrides.leasedAt ?? (wasLeased ? createdAt : null);
	const finishedAt = overrides.finishedAt ?? (isFinal(status) ? createdAt : null);
	const wentWrong = status === "failed" || status === "expired";
	const models = overrides.models ?? ["simulated/echo"];
	return {
		tenantId: "ten_00000000000000000000000000",
		jobId: anId("job", createdAt),
		status,
		statusReason: status === "failed" ? "permanent" : status === "expired" ? "deadline_passed" : null,
		version: 1,
		models,
		credential: "simulated",
		input: overrides.inputKey ? null : '{"messages":[{"role":"user","content":"Why?"}]}',
		inputKey: null,
		inputBytes: 47,
		webhook: null,
		gateway: null,
		metadata: null,
		priority: 5,
		timeoutMs: 10 * MINUTE,
		maxAttempts: 5,
		retainMs,
		retryOf: null,
		origin: "https://jobs.test",
		createdAt,
		deadlineMs,
		deadlineAt: Math.max(createdAt, runAt) + deadlineMs,
		runAt,
		model: models[0] ?? "",
		attempt: wasLeased ? 1 : 0,
		fence: wasLeased ? 1 : 0,
		holder: wasLeased ? "0123456789abcdef" : null,
		leasedAt,
		leaseExpiresAt: status === "running" && leasedAt !== null ? leasedAt + LEASE_MS : null,
		attempts: [],
		usage: null,
		tokensReserved: null,
		startedAt: leasedAt,
		parkedOn: null,
		redispatches: 0,
		sweepAt: isFinal(status) ? null : Math.max(createdAt, runAt) + MINUTE,
		finishedAt,
		pruneAt: finishedAt === null ? null : finishedAt + retainMs,
		error: wentWrong ? { code: "server_error", message: "It failed.", status: 500, model: null } : null,
		cancellation: status === "cancelled" ? "before_start" : null,
		resultBytes: status === "succeeded" ? 2 : null,
		finish: null,
		...NATIVE,
		...overrides,
	};
}

/** A failed call. Another model may help, unless the test says otherwise. */
export function aFailure(failureClass: FailureClass, overrides: Partial<ModelFailure> = {}): ModelFailure {
	return newFailure({
		class: failureClass,
		code: "server_error",
		message: "It failed.",
		status: 500,
		...overrides,
	});
}

/** The one-off webhook of a job. */
export const WEBHOOK = { url: "https://receiver.test/hook", events: null, payload: "full" as const };

/** Held by an open job that is due soon after its submission, and not parked. */
export function slotOf({ tenantId, status, parkedOn, runAt, createdAt }: StoredJob): string | null {
	return !isFinal(status) && parkedOn === null && runAt <= createdAt + MINUTE ? tenantId : null;
}

/** What the sweeper reads of an open job. */
export function sweptOf(job: StoredJob): SweptJob {
	const { tenantId, jobId, fence, model, runAt, deadlineAt, leaseExpiresAt, redispatches } = job;
	const read = { tenantId, jobId, fence, model, runAt, deadlineAt, leaseExpiresAt, redispatches };
	const status = job.status === "running" ? "running" : "queued";
	const held = { isParked: job.parkedOn !== null, hasSlot: slotOf(job) !== null, mayHaveResult: false };
	return { ...read, status, ...held, sweepAt: job.sweepAt ?? 0 };
}

/** As intake hands a job over: to run at once, without an idempotency key, unless the test says otherwise. */
export function aNewJob(overrides: Partial<NewJob> = {}): NewJob {
	const { redispatches: _, parkedOn: __, sweepAt: ___, pruneAt: ____, ...job } = jobOf();
	return {
		...job,
		models: ["simulated/echo"],
		start: { delayMs: 0 },
		idempotency: null,
		tokensEstimated: 4_100,
		...overrides,
	};
}

/** A counted call that failed, and might succeed another time, unless the test says otherwise. */
export function anAttempt(number = 1, overrides: Partial<Attempt> = {}): Attempt {
	return {
		number,
		fence: number,
		counted: true,
		model: "simulated/echo",
		provider: "simulated",
		startedAt: NOW,
		endedAt: NOW,
		outcome: "transient",
		status: 500,
		code: "server_error",
		providerCode: null,
		message: "It failed.",
		excerpt: null,
		retryAfterMs: null,
		logId: null,
		usage: null,
		...overrides,
	};
}

/** What a call that succeeded has of its own. */
export const SUCCEEDED = { outcome: "succeeded", status: 200, code: null, message: null } as const;

export const USAGE = { promptTokens: 3, completionTokens: 4, totalTokens: 7 };

/** What a job that was cancelled while it was queued has of its own. */
export const CANCELLED = {
	from: "queued",
	status: "cancelled",
	cancellation: "before_start",
	resultBytes: null,
} as const;

/** A running job has succeeded, unless the test says otherwise. */
export function finalizationOf(
	{ tenantId, jobId, fence }: JobKey & { fence: number },
	overrides: Partial<Finalization> = {},
): Finalization {
	return {
		tenantId,
		jobId,
		fence,
		from: "running",
		status: "succeeded",
		reason: null,
		error: null,
		cancellation: null,
		resultBytes: 2,
		progress: null,
		...overrides,
	};
}
