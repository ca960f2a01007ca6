/** What becomes of a job whose call failed, decided from data alone. */

import { backoffMs } from "../upstreams/backoff.ts";
import type { ModelFailure } from "../upstreams/failures.ts";
import type { Attempt } from "./attempts.ts";
import type { Job, JobError } from "./job.ts";
import type { StatusReason } from "./job-states.ts";

export type FailureDecision =
	/** Queued again, to run no earlier than in `delayMs`. `model` and `attempt` are those of the next call. */
	| { next: "queued"; reason: StatusReason; delayMs: number; model: string; attempt: number }
	| { next: "failed"; reason: StatusReason; error: JobError; attempt: number }
	| { next: "expired"; error: JobError; attempt: number };

/** The code of a response that cannot be parsed. It fails the job with a reason of its own. */
export const ANSWER_UNREADABLE = "answer_unreadable";

/** Whether a failed call used up one of `max_attempts`. A provider that says "later" is not the job's fault. */
export function usesAttempt(failure: ModelFailure): boolean {
	switch (failure.class) {
		case "transient":
		case "permanent":
			return true;
		case "throttled":
		case "blocked":
			return false;
	}
}

/** What becomes of a job whose call failed at `now`, by the database's clock. */
export function decideFailure(job: Job, failure: ModelFailure, now: number, random: () => number): FailureDecision {
	const attempt = usesAttempt(failure) ? job.attempt : job.attempt - 1;
	if (now >= job.deadlineAt) return { next: "expired", error: deadlineError(job), attempt };

	const isLastAttempt = usesAttempt(failure) && job.attempt >= job.maxAttempts;
	const isRefused = failure.class === "permanent" || failure.class === "blocked";
	const model = job.models[job.models.indexOf(job.model) + 1];
	const mayMoveOn = failure.nextModelMayHelp || failure.class !== "permanent";
	if (model !== undefined && mayMoveOn && (isRefused || isLastAttempt)) {
		return { next: "queued", reason: "retrying", delayMs: 0, model, attempt: 0 };
	}
	if (failure.class === "permanent" || isLastAttempt) {
		return { next: "failed", reason: failedReason(failure), error: errorOf(job, failure), attempt };
	}
	const delayMs = backoffMs(failure, failuresSoFar(job, failure), random);
	return { next: "queued", reason: queuedReason(failure), delayMs, model: job.model, attempt };
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
	if (failure.class === "transient") return "attempts_exhausted";
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

/** Of counted failures, the attempt; of uncounted ones, how many of the same class came in a row. */
function failuresSoFar(job: Job, failure: ModelFailure): number {
	if (usesAttempt(failure)) return job.attempt;
	const others = job.attempts.toReversed().findIndex((entry: Attempt) => entry.outcome !== failure.class);
	return (others < 0 ? job.attempts.length : others) + 1;
}
