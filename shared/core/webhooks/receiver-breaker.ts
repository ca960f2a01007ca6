/**
 * The circuit breaker of a receiver: a failing receiver is not hammered, and no other receiver waits for it.
 *
 * After three failures in a row, or when the receiver says that it is overloaded, its breaker opens and its other deliveries
 * are parked. When the open time ends, one delivery is sent as a probe: its reply closes the breaker, or opens it for longer.
 * While a receiver takes more than a moment to reply, no other delivery is sent to it.
 */

/** One failure is an accident, and the second may be the same one. */
export const FAILURES_TO_OPEN = 3;
/** A longer time would delay deliveries to a recovered receiver; a shorter one would send to a dead receiver too often. */
export const RECEIVER_OPEN_MS_MAX = 15 * 60_000;
/** How long the breaker opens at most for a receiver that sent `Retry-After`. */
export const RECEIVER_RETRY_AFTER_MS_MAX = 60 * 60_000;
/**
 * How long a queue batch waits for its slowest receiver, and when a receiver's breaker opens while it has not replied. Most
 * reply sooner. A shorter time would mistake a cold start for a failure. A longer one would let hanging receivers occupy
 * consumers that others need, and would send more to them.
 */
export const RECEIVER_SLOW_MS = 2_000;
/**
 * How fast a receiver that has recovered gets what it missed. Many receivers take no more, and one that just came back should
 * not be overloaded again.
 */
export const RELEASED_A_SECOND = 10;
/** While one delivery probes, no other is sent: longer than an attempt and its record take. */
export const RECEIVER_PROBE_MS = 60_000;
/** An endpoint that has failed for so long is disabled, and a delivery that old is exhausted. */
export const FAILING_MS_MAX = 5 * 24 * 3_600_000;
/** Failures further apart than this count as separate: the longest step of the schedule is a day. */
export const FAILURES_APART_MS_MAX = 2 * 24 * 3_600_000;

/** Whether the receiver said or showed that it is overloaded (Standard Webhooks: 429, 502 and 504 throttle). */
export function isOverload(reply: { status: number | null; timedOut: boolean }): boolean {
	return reply.timedOut || [429, 502, 503, 504].includes(reply.status ?? 0);
}

/**
 * How long an overloaded receiver gets nothing: as long as its `Retry-After` says, or as the delivery that failed waits, up to
 * the longest time of a breaker. 0: the receiver is not overloaded.
 * @param delayMs until the next attempt of that delivery, which may be a day
 */
export function overloadMs(
	reply: { status: number | null; timedOut: boolean; retryAfterMs: number | null },
	delayMs: number,
): number {
	if (!isOverload(reply)) return 0;
	if (reply.retryAfterMs) return Math.min(reply.retryAfterMs, RECEIVER_RETRY_AFTER_MS_MAX);
	return Math.min(delayMs, RECEIVER_OPEN_MS_MAX);
}

/**
 * How long the breaker opens after the first, second, … failure in a row; the last entry also applies to all later ones. The
 * steps are those of the schedule, two entries behind, so that the breaker never delays the next attempt of a receiver's
 * only delivery.
 */
export function openMsByFailures(scheduleMs: readonly number[]): number[] {
	return scheduleMs.map((_, at) => {
		const step = scheduleMs[at - FAILURES_TO_OPEN + 2] ?? 0;
		return at + 1 < FAILURES_TO_OPEN ? 0 : Math.min(step, RECEIVER_OPEN_MS_MAX);
	});
}
