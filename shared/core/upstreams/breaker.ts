/** What a failed call means for everybody else who would ask the same upstream. */
import { BACKOFF_BASE_MS, BACKOFF_CAP_MS } from "./backoff.ts";
import { modelKeyOf } from "./credentials.ts";
import type { ModelFailure } from "./failures.ts";

/**
 * How long a probe may take before another is let in: long enough for most answers, and no more than a minute's loss when
 * its consumer died.
 */
export const PROBE_MS = 30_000;

/** What a probe that succeeded earns: more calls than it used, so that a recovered upstream fills up exponentially. */
export const PERMITS_EARNED = 2;

/** So many successes in a row, and an upstream is healthy again. */
export const SUCCESSES_TO_RECOVER = 8;

/** An upstream is unavailable when, of the calls seen in a minute, ten or more and most failed. */
export const OBSERVED_MS = 60_000;
export const FAILURES_TO_TRIP = 10;
export const UNAVAILABLE_MS_FIRST = 30_000;

interface News {
	key: string;
	/** When the failed call was leased. What was known of `key` by then let it through; what came since did not. */
	leasedAt: number;
}

export type BreakerEvent =
	/** Leave `key` alone for `waitMs`. `isAsked`: by the provider; else it doubles with each strike. */
	| (News & { kind: "strike"; reason: "throttled" | "blocked"; waitMs: number; isAsked: boolean })
	/** One more failure to count against `key`. */
	| (News & { kind: "observe" });

/** Null: the failure says nothing about the upstream. `waitMs`: how long the failed job itself will wait. */
export function breakerEventFor(
	job: { credential: string; model: string; leasedAt: number },
	failure: ModelFailure,
	waitMs: number,
): BreakerEvent | null {
	const { leasedAt } = job;
	const isAsked = failure.retryAfterMs !== null;
	switch (failure.class) {
		case "throttled":
			return {
				kind: "strike",
				key: modelKeyOf(job.credential, job.model),
				leasedAt,
				reason: "throttled",
				waitMs,
				isAsked,
			};
		case "blocked":
			return { kind: "strike", key: job.credential, leasedAt, reason: "blocked", waitMs, isAsked };
		case "transient":
			return { kind: "observe", key: modelKeyOf(job.credential, job.model), leasedAt };
		case "permanent":
			return null;
	}
}

/** The shortest and the longest wait that a strike without word from the provider makes. */
export const OPEN_MS_FIRST = BACKOFF_BASE_MS;
export const OPEN_MS_MAX = BACKOFF_CAP_MS;
