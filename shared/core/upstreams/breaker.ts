/** What a failed call means for all other calls to the same upstream: circuit breakers, per credential and per model. */
import { BACKOFF_BASE_MS, BACKOFF_CAP_MS } from "./backoff.ts";
import { credentialKeyOf, modelKeyOf } from "./credentials.ts";
import type { ModelFailure } from "./failures.ts";

/**
 * How long a probe may take before another is let through: long enough for most responses, and no more than a minute's loss if
 * its consumer died.
 */
export const PROBE_MS = 30_000;

/** What a successful probe earns: more calls than it used, so that a recovered upstream fills up exponentially. */
export const PERMITS_EARNED = 2;

/** Successes in a row that close a breaker. */
export const SUCCESSES_TO_RECOVER = 8;

/** An upstream is unavailable if, of the calls seen in a minute, ten or more and most failed. */
export const OBSERVED_MS = 60_000;
export const FAILURES_TO_TRIP = 10;
export const UNAVAILABLE_MS_FIRST = 30_000;

/** The shortest and the longest time that a breaker opens for without a request of the provider. */
export const OPEN_MS_FIRST = BACKOFF_BASE_MS;
export const OPEN_MS_MAX = BACKOFF_CAP_MS;

interface Observation {
	/** Of the breaker. */
	key: string;
	/** When the failed call was leased. It was let through by what was known then; a later trip it knows nothing of. */
	leasedAt: number;
}

/** No call for `waitMs`. `isRequested`: by the provider; otherwise the time doubles with each trip. */
export interface Trip extends Observation {
	kind: "trip";
	reason: "throttled" | "blocked";
	waitMs: number;
	isRequested: boolean;
}

/** One more failure to count; many of them trip the breaker. */
interface CountedFailure extends Observation {
	kind: "failure";
}

export type BreakerEvent = Trip | CountedFailure;

/** Null: the failure says nothing about the upstream. `waitMs`: how long the failed job itself will wait. */
export function breakerEventFor(
	job: { credential: string; model: string; leasedAt: number },
	failure: ModelFailure,
	waitMs: number,
): BreakerEvent | null {
	const { leasedAt } = job;
	const isRequested = failure.retryAfterMs !== null;
	const modelKey = modelKeyOf(job.credential, job.model);
	switch (failure.class) {
		case "throttled":
			return { kind: "trip", key: modelKey, leasedAt, reason: "throttled", waitMs, isRequested };
		case "blocked":
			return { kind: "trip", key: credentialKeyOf(job.credential), leasedAt, reason: "blocked", waitMs, isRequested };
		case "transient":
			return { kind: "failure", key: modelKey, leasedAt };
		case "permanent":
			return null;
	}
}
