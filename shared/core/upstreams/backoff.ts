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

/** A server that is starting, which may take minutes: five attempts reach over two minutes at least. */
const STARTING_GROWTH = 5;

/** Added to the wait that a provider requested, so that jobs throttled together do not retry together. */
const RETRY_AFTER_JITTER = 0.1;

/**
 * Milliseconds until the next call: full jitter over an exponential cap, as in "Exponential Backoff And Jitter" (AWS
 * Architecture Blog, 2015), but never earlier than the provider requested.
 * @param failures calls that failed before this wait, this one included; from 1
 */
export function backoffMs(failure: ModelFailure, failures: number, random: () => number): number {
	const own = ownWaitMs(failure, Math.min(failures - 1, 20), random());
	if (failure.retryAfterMs === null) return Math.ceil(own);
	return Math.ceil(Math.max(failure.retryAfterMs * (1 + RETRY_AFTER_JITTER * random()), own));
}

function ownWaitMs(failure: ModelFailure, before: number, dice: number): number {
	const isStarting = failure.class === "transient" && (failure.status === 503 || failure.code === "unreachable");
	const growth = isStarting ? STARTING_GROWTH : 2;
	const cap = Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * growth ** before);
	if (isStarting) return (cap / 2) * (1 + dice);
	return failure.class === "blocked" ? BLOCKED_WAIT_MS + dice * cap : dice * cap;
}
