/**
 * Leaves a receiver alone that fails, so that it is not hammered and that nobody else waits for it.
 *
 * After three failures in a row, or when it says that it is overloaded, a receiver is paused; its other deliveries are
 * parked. When the pause is over one of them is sent: its answer ends the pause, or begins a longer one. One that takes
 * more than a moment to answer is asked for nothing else until it has.
 */

/** One failure is an accident, and the second may be the same one. */
export const FAILURES_TO_OPEN = 3;
/** Longer would keep a receiver that is back waiting; shorter would send to a dead one more often than it is worth. */
export const RECEIVER_OPEN_MS_MAX = 15 * 60_000;
/**
 * How long a batch waits for its slowest receiver, and others wait for a receiver: most answer sooner. Shorter would take a
 * cold start for trouble; longer would let those that hang occupy the consumers that others need, and be asked for more.
 */
export const PATIENCE_MS = 2_000;
/** While one delivery probes, nobody else sends: longer than an attempt and its record take. */
export const RECEIVER_PROBE_MS = 60_000;
/** An endpoint that has failed for so long is disabled, and a delivery that old is given up. */
export const FAILING_MS_MAX = 5 * 24 * 3_600_000;
/** Failures that lie further apart are not one trouble: the longest step of the schedule is a day. */
export const FAILURES_APART_MS_MAX = 2 * 24 * 3_600_000;

/** Whether the receiver said, or showed, that it is asked for too much (Standard Webhooks: 429, 502 and 504 throttle). */
export function isOverload(answer: { status: number | null; timedOut: boolean }): boolean {
	return answer.timedOut || [429, 502, 503, 504].includes(answer.status ?? 0);
}

/**
 * How long a receiver is paused after its first, second, … failure in a row; the last stands for all later ones. The steps
 * are the schedule's own, two behind: a receiver with one delivery is never kept from its next attempt.
 */
export function openMsByFailures(scheduleMs: readonly number[]): number[] {
	return scheduleMs.map((_, at) => {
		const step = scheduleMs[at - FAILURES_TO_OPEN + 2] ?? 0;
		return at + 1 < FAILURES_TO_OPEN ? 0 : Math.min(step, RECEIVER_OPEN_MS_MAX);
	});
}
