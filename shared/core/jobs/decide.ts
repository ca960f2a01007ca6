/** What becomes of a job whose call failed, decided from data alone. */

import { backoffMs } from "../upstreams/backoff.ts";
import type { ModelFailure } from "../upstreams/failures.ts";
import type { Attempt } from "./attempts.ts";
import type { Job, JobError } from "./job.ts";
import type { StatusReason } from "./job-states.ts";

export type FailureDecision =
	/** Queued again, to run no earlier than in `delayMs`. `model` and `attempt` are those of the next call. */
	| (Count & { next: "queued"; reason: StatusReason; delayMs: number; model: string })
	| (Count & { next: "failed"; reason: StatusReason; error: JobError })
	| (Count & { next: "expired"; error: JobError });

interface Count {
	attempt: number;
	/** Whether the failed call used up one of `max_attempts`. */
	counted: boolean;
}

/** So many waits in a row for one model use no attempt, and for so long while no call of the model succeeds. */
export const WAITS_MAX = 10;
export const WAITS_MS_MAX = 60 * 60_000;
/** A job with a further model waits for no longer: neither ahead, nor since the model first refused it. */
export const MOVE_ON_MS = 60_000;

/** The code of a response that cannot be parsed. It fails the job with a reason of its own. */
export const ANSWER_UNREADABLE = "answer_unreadable";

/**
 * What becomes of a job whose call failed at `now`, by the database's clock.
 * @param succeededAt when a call of the model last succeeded, of any job; null: not known to have
 */
export function decideFailure(
	job: Job,
	failure: ModelFailure,
	now: number,
	random: () => number,
	succeededAt: number | null = null,
): FailureDecision {
	const waits = waitsOf(job);
	const counted = !isWait(failure.class) || areTooMany(waits, now, succeededAt);
	const attempt = counted ? job.attempt : job.attempt - 1;
	if (now >= job.deadlineAt) return { next: "expired", error: deadlineError(job), attempt, counted };

	const isLastAttempt = counted && job.attempt >= job.maxAttempts;
	const delayMs = backoffMs(failure, failuresSoFar(job, failure), random);
	const isTooLong = failure.class === "throttled" && Math.max(delayMs, now - (waits.since ?? now)) >= MOVE_ON_MS;
	const isRefused = failure.class === "permanent" || failure.class === "blocked" || isTooLong;
	const model = nextModelOf(job);
	if (model !== undefined && (isRefused || isLastAttempt)) {
		return { next: "queued", reason: "retrying", delayMs: 0, model, attempt: 0, counted };
	}
	if (failure.class === "permanent" || isLastAttempt) {
		return { next: "failed", reason: failedReason(failure), error: errorOf(job, failure), attempt, counted };
	}
	return { next: "queued", reason: queuedReason(failure), delayMs, model: job.model, attempt, counted };
}

/** A list of models is an instruction: what is final for one is no end while there is another. Undefined: there is none. */
export function nextModelOf({ models, model }: Pick<Job, "models" | "model">): string | undefined {
	const at = models.indexOf(model);
	return at < 0 ? undefined : models[at + 1];
}

/** A provider that says "later" is not the job's fault. */
function isWait(kind: Attempt["outcome"]): boolean {
	return kind === "throttled" || kind === "blocked";
}

/** The last calls of the job's model, as far as all were refused for later. */
function waitsOf({ attempts, model }: Job): { count: number; since: number | null } {
	const before = attempts.findLastIndex((entry: Attempt) => entry.model !== model || !isWait(entry.outcome));
	return { count: attempts.length - 1 - before, since: attempts[before + 1]?.endedAt ?? null };
}

function areTooMany({ count, since }: ReturnType<typeof waitsOf>, now: number, succeededAt: number | null): boolean {
	if (since === null) return false;
	return count >= WAITS_MAX || (now - since >= WAITS_MS_MAX && (succeededAt ?? 0) < since);
}

export function deadlineError(job: Pick<Job, "model">): JobError {
	return {
		code: "deadline_passed",
		message: "The deadline passed before the job got a result.",
		status: null,
		model: job.model,
	};
}

function failedReason(failure: ModelFailure): StatusReason {
	if (failure.class !== "permanent") return "attempts_exhausted";
	return failure.code === ANSWER_UNREADABLE ? "answer_unreadable" : "permanent";
}

function queuedReason(failure: ModelFailure): StatusReason {
	switch (failure.class) {
		case "throttled":
		case "blocked":
			return failure.class;
		case "transient":
		case "permanent":
			return "retrying";
	}
}

function errorOf(job: Job, failure: ModelFailure): JobError {
	return { code: failure.code, message: failure.message, status: failure.status, model: job.model };
}

/** Of a provider's refusals for later, how many of the same class came in a row; of other failures, the attempt. */
function failuresSoFar(job: Job, failure: ModelFailure): number {
	if (!isWait(failure.class)) return job.attempt;
	const others = job.attempts.toReversed().findIndex((entry: Attempt) => entry.outcome !== failure.class);
	return (others < 0 ? job.attempts.length : others) + 1;
}
