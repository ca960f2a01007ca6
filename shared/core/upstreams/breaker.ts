/** What a failed call means for all other calls to the same upstream: circuit breakers, per credential and per model. */
import { BACKOFF_BASE_MS, BACKOFF_CAP_MS, BLOCKED_WAIT_MS } from "./backoff.ts";
import { credentialKeyOf, modelKeyOf, ownKeyOf } from "./credentials.ts";
import type { ModelFailure } from "./failures.ts";

/**
 * How long a probe may take before another call is admitted: long enough for most responses, and at most a minute's loss if
 * its consumer died.
 */
export const PROBE_MS = 30_000;

/** Permits that a successful probe adds: more than it used, so that the load on a recovered upstream grows exponentially. */
export const PERMITS_EARNED = 2;

/** Successes in a row that close a breaker. */
export const SUCCESSES_TO_RECOVER = 8;

/** An upstream is unavailable if at least ten calls, and most of the calls, failed within a minute. */
export const OBSERVED_MS = 60_000;
export const FAILURES_TO_TRIP = 10;
/** Of one tenant's failures, so many count in the breaker that all tenants share: it takes two tenants to trip it. */
export const FAILURES_SHARED = FAILURES_TO_TRIP / 2;
export const UNAVAILABLE_MS_FIRST = 30_000;

/** The shortest and the longest time that a breaker opens for if the provider requested none. */
export const OPEN_MS_FIRST = BACKOFF_BASE_MS;
export const OPEN_MS_MAX = BACKOFF_CAP_MS;

/** No request of a provider keeps a model from its callers for longer: after that one call tries it. */
export const OPEN_MS_REQUESTED_MAX = 15 * 60_000;

/**
 * How long the refusal of one tenant's call counts as evidence for all, from the time that its next call was due. It outlasts a
 * sweep, so that the two calls need not be made at once.
 */
export const WITNESS_MS = 60_000;

interface Observation {
	/** The key of the tenant's own breaker. */
	key: string;
	/** The key of the breaker that all tenants of this upstream share. */
	sharedKey: string;
	/** When the failed call was leased. If the breaker has tripped since, the failure counts as part of that trip. */
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
	job: { tenantId: string; credential: string; model: string; leasedAt: number },
	failure: ModelFailure,
	waitMs: number,
): BreakerEvent | null {
	if (failure.isCut) return null;
	const { leasedAt } = job;
	const isRequested = failure.retryAfterMs !== null;
	const keys = (sharedKey: string) => ({ key: ownKeyOf(job.tenantId, sharedKey), sharedKey });
	const ofModel = keys(modelKeyOf(job.credential, job.model));
	// The job itself may have moved on to its next model without a wait.
	const throttledMs = Math.max(waitMs, failure.retryAfterMs ?? 0);
	switch (failure.class) {
		case "throttled":
			return { kind: "trip", ...ofModel, leasedAt, reason: "throttled", waitMs: openMs(throttledMs), isRequested };
		case "blocked": {
			const blockedMs = Math.max(waitMs, BLOCKED_WAIT_MS, failure.retryAfterMs ?? 0);
			const ofCredential = keys(credentialKeyOf(job.credential));
			return { kind: "trip", ...ofCredential, leasedAt, reason: "blocked", waitMs: openMs(blockedMs), isRequested };
		}
		case "transient":
			return { kind: "failure", ...ofModel, leasedAt };
		case "permanent":
			return null;
	}
}

function openMs(waitMs: number): number {
	return Math.min(waitMs, OPEN_MS_REQUESTED_MAX);
}

/** One breaker of a model. */
export interface BreakerState {
	key: string;
	reason: "throttled" | "blocked" | "unavailable";
	isOpen: boolean;
	openUntil: number;
	/** Null: it only observes. */
	permits: number | null;
	trips: number;
}

export interface ModelState {
	state: "healthy" | BreakerState["reason"] | "recovering";
	/** Null: calls may start. */
	openUntil: number | null;
	/** How many calls may start. Null: any number. */
	permits: number | null;
	trips: number;
}

/** What the breakers of a model mean for its next call, which needs all of them. */
export function modelStateOf(breakers: readonly BreakerState[]): ModelState {
	const trips = Math.max(0, ...breakers.map((one) => one.trips));
	const [last] = breakers.filter(({ isOpen }) => isOpen).sort((a, b) => b.openUntil - a.openUntil);
	if (last !== undefined) return { state: last.reason, openUntil: last.openUntil, permits: 0, trips };
	const admitted = breakers.flatMap(({ permits }) => permits ?? []);
	if (admitted.length === 0) return { state: "healthy", openUntil: null, permits: null, trips };
	return { state: "recovering", openUntil: null, permits: Math.min(...admitted), trips };
}
