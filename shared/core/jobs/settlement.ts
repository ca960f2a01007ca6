/** How a lease ends, as data: what becomes of the job, and what its row records. The consumer writes it. */
import type { BreakerEvent } from "../upstreams/breaker.ts";
import type { Usage } from "../upstreams/failures.ts";
import { type Attempt, addUsage, withAttempt } from "./attempts.ts";
import { deadlineError, type FailureDecision, nextModelOf } from "./decide.ts";
import type { Job, JobError } from "./job.ts";
import type { StatusReason } from "./job-states.ts";

/** What a job's row records of its calls. */
export interface JobProgress {
	/** The model that gave the result or was called last. Of a queued job: the one to call next. */
	model: string;
	/** Counted attempts on `model`. */
	attempt: number;
	attempts: Attempt[];
	usage: Usage | null;
}

export interface FinalSettlement {
	status: "succeeded" | "failed" | "expired";
	reason: StatusReason | null;
	error: JobError | null;
	/** Null for all but `succeeded`. */
	resultBytes: number | null;
	progress: JobProgress;
}

export interface QueuedSettlement {
	status: "queued";
	reason: StatusReason;
	delayMs: number;
	progress: JobProgress;
	/** What the failure means for other calls to the same upstream: written in the same transaction. */
	breakerEvent: BreakerEvent | null;
}

export type Settlement = FinalSettlement | QueuedSettlement;

/** What R2 holds under the job's key. */
export interface StoredResult {
	/** The call that produced it: model, provider, times, usage, log id. Null: its metadata cannot be read. */
	attempt: Attempt | null;
	/** How many counted attempts had been made on its model, this one included. Null: unknown. */
	modelAttempt: number | null;
	bytes: number;
}

/** `stored` is the job's result, whichever holder stored it. */
export function afterResult(job: Job, stored: StoredResult, attempts = withStored(job, stored)): Settlement {
	// Another version's attempt may name none.
	const model = stored.attempt?.model || job.model;
	// The lease that finds a result may be one more than there are attempts.
	const attempt = stored.modelAttempt ?? Math.min(job.attempt, job.maxAttempts);
	const progress = { model, attempt, ...history(job, attempts) };
	return { status: "succeeded", reason: null, error: null, resultBytes: stored.bytes, progress };
}

function withStored({ attempts }: Job, { attempt }: StoredResult): Attempt[] {
	return attempt === null ? attempts : withAttempt(attempts, attempt);
}

/** Another holder's result was stored first. Our own call is recorded beside it in the history. */
export function afterOtherResult(job: Job, stored: StoredResult, own: Attempt): Settlement {
	const attempts = withAttempt(withStored(job, stored), own);
	const counted = own.counted ? job.attempt : job.attempt - 1;
	const modelAttempt = stored.attempt?.model === job.model ? counted : stored.modelAttempt;
	return afterResult(job, { ...stored, modelAttempt }, attempts);
}

export function afterFailure(
	job: Job,
	decision: FailureDecision,
	own: Attempt,
	breakerEvent: BreakerEvent | null,
): Settlement {
	const past = history(job, withAttempt(job.attempts, own));
	if (decision.next === "queued") {
		const { reason, delayMs, model, attempt } = decision;
		return { status: "queued", reason, delayMs, progress: { model, attempt, ...past }, breakerEvent };
	}
	const reason = decision.next === "expired" ? "deadline_passed" : decision.reason;
	const progress = { model: job.model, attempt: decision.attempt, ...past };
	return { status: decision.next, reason, error: decision.error, resultBytes: null, progress };
}

/** How a leased job without a stored result ends if it may make no further call. Null: it may. */
export function precheck(job: Job, now: number): Settlement | null {
	const end = { resultBytes: null, progress: progressWithoutCall(job) };
	if (now >= job.deadlineAt) {
		return { ...end, status: "expired", reason: "deadline_passed", error: deadlineError(job) };
	}
	if (job.attempt <= job.maxAttempts) return null;
	if (nextModelOf(job) !== undefined) return handBack(job, "retrying", true);
	const message = `The worker crashed or lost its lease on all ${job.maxAttempts} attempts.`;
	return { ...end, status: "failed", reason: "poisoned", error: errorWithoutCall(job, "poisoned", message) };
}

export function afterMissingInput(job: Job): Settlement {
	const message = "The stored input no longer exists; submit the job again.";
	const error = errorWithoutCall(job, "input_missing", message);
	return { status: "failed", reason: "permanent", error, resultBytes: null, progress: progressWithoutCall(job) };
}

/** The job may make no call of its model now. It is queued again for its next one, or waits like any other with this reason. */
export function handBack(job: Job, reason: StatusReason, movesOn = false): QueuedSettlement {
	const end = { status: "queued", delayMs: 0, breakerEvent: null } as const;
	const model = nextModelOf(job);
	const progress = progressWithoutCall(job);
	if (!movesOn || model === undefined) return { ...end, reason, progress };
	return { ...end, reason: "retrying", progress: { ...progress, model, attempt: 0 } };
}

/** Spread, so that jobs that were handed back together do not return together. */
const FULL_WAIT_MS = { least: 5_000, most: 15_000 };

/** The isolate has no memory for the job's input at present: another may, or this one soon. No attempt is used. */
export function afterFullIsolate(job: Job, random: () => number): Settlement {
	const { least, most } = FULL_WAIT_MS;
	return { ...handBack(job, "worker_full"), delayMs: Math.round(least + random() * (most - least)) };
}

/** The wait after our own storage failed to store a result or to load an input. */
const STORAGE_WAIT_MS = 30_000;
/** Doubled with each result lost in a row: each was paid for. */
const STORAGE_WAIT_MS_MAX = 900_000;

/** Our own storage failed: the job is retried soon, and no attempt is used. `own`: the call, if one was made. */
export function afterStorageFault(job: Job, own: Attempt | null): Settlement {
	const past = history(job, own === null ? job.attempts : withAttempt(job.attempts, own));
	const lostInARow = past.attempts.length - 1 - past.attempts.findLastIndex(({ outcome }) => outcome !== "not_stored");
	return {
		status: "queued",
		reason: "storage_unavailable",
		delayMs: Math.min(STORAGE_WAIT_MS * 2 ** Math.max(0, lostInARow - 1), STORAGE_WAIT_MS_MAX),
		progress: { ...progressWithoutCall(job), ...past },
		breakerEvent: null,
	};
}

/** Gives back the attempt that the lease counted in advance. */
function progressWithoutCall({ model, attempt, attempts, usage }: Job): JobProgress {
	return { model, attempt: attempt - 1, attempts, usage };
}

/** The history, and the tokens spent: the row's total, plus the usage of entries that are new or had none yet. */
function history(job: Job, attempts: Attempt[]) {
	const known = new Map(job.attempts.map((entry) => [entry.fence, entry]));
	const added = attempts.filter((entry) => (known.get(entry.fence)?.usage ?? null) === null);
	return { attempts, usage: added.reduce((spent, entry) => addUsage(spent, entry.usage), job.usage) };
}

function errorWithoutCall({ model }: Job, code: string, message: string): JobError {
	return { code, message, status: null, model };
}
