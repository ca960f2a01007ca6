/** How long to wait before the next call. */
import type { ModelFailure } from "./failures.ts";

/** A first wait that outlasts a hiccup, and a cap at which a failing provider is called every few minutes at most. */
export const BACKOFF_BASE_MS = 2_000;
export const BACKOFF_CAP_MS = 300_000;

/**
 * A spent quota returns only when it is paid for: the next call comes after a minute at the earliest, later ones at growing
 * intervals.
 */
export const BLOCKED_WAIT_MS = 60_000;

/** Added to the wait that a provider requested, so that jobs throttled together do not retry together. */
const RETRY_AFTER_JITTER = 0.1;

/**
 * Milliseconds until the next call: full jitter over an exponential cap, as in "Exponential Backoff And Jitter" (AWS
 * Architecture Blog, 2015), but never earlier than the provider requested.
 * @param failures calls that failed before this wait, this one included; from 1
 */
export function backoffMs(failure: ModelFailure, failures: number, random: () => number): number {
	const cap = Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** Math.min(failures - 1, 20));
	const own = failure.class === "blocked" ? BLOCKED_WAIT_MS + random() * cap : random() * cap;
	if (failure.retryAfterMs === null) return Math.ceil(own);
	return Math.ceil(Math.max(failure.retryAfterMs * (1 + RETRY_AFTER_JITTER * random()), own));
}
