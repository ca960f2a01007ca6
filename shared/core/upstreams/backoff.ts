/** How long to wait before the next call. */
import type { ModelFailure } from "./failures.ts";

/** A first wait that outlasts a hiccup, and a cap at which a provider in trouble is asked every few minutes at most. */
export const BACKOFF_BASE_MS = 2_000;
export const BACKOFF_CAP_MS = 300_000;

/** A spent quota comes back when somebody pays: asked again after a minute at the earliest, then ever more seldom. */
export const BLOCKED_WAIT_MS = 60_000;

/** On top of what a provider asked for, so that those it sent away together do not come back together. */
const ASKED_JITTER = 0.1;

/**
 * Milliseconds until the next call: full jitter over an exponential cap, as in "Exponential Backoff And Jitter" (AWS
 * Architecture Blog, 2015), but never earlier than the provider asked.
 * @param failures calls that failed before this wait, this one included; from 1
 */
export function backoffMs(failure: ModelFailure, failures: number, random: () => number): number {
	const cap = Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** Math.min(failures - 1, 20));
	const own = failure.class === "blocked" ? BLOCKED_WAIT_MS + random() * cap : random() * cap;
	if (failure.retryAfterMs === null) return Math.ceil(own);
	return Math.ceil(Math.max(failure.retryAfterMs * (1 + ASKED_JITTER * random()), own));
}
