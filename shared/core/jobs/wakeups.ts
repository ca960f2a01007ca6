/** Who keeps a wait: the queue a short one, the sweeper a long one, so that no message lives for hours. */

/** Longest wait that is put in a queue. */
export const QUEUE_WAIT_MS_MAX = 15 * 60_000;

/** How long a doorbell may take before the sweeper redispatches again. */
export const ENQUEUE_GRACE_MS = 60_000;

/** Rung again after 1, 5, 15 and 60 minutes, then hourly: a backlog is not multiplied by those who wait in it. */
const REDISPATCH_DELAYS_MS = [60_000, 300_000, 900_000, 3_600_000] as const;
export const REDISPATCH_DELAY_MS_MAX = 3_600_000;

/** When the sweeper looks for a row that is due at `dueAt`, given that `now` a doorbell is rung for it if it is near. */
export function sweepAtFor(dueAt: number, now: number): number {
	return dueAt - now > QUEUE_WAIT_MS_MAX ? dueAt : Math.max(dueAt, now) + ENQUEUE_GRACE_MS;
}

/** Milliseconds until the sweeper redispatches again for a job it has rung for `redispatches` times before. */
export function redispatchDelayMs(redispatches: number): number {
	return REDISPATCH_DELAYS_MS[redispatches] ?? REDISPATCH_DELAY_MS_MAX;
}

/** What to tell the queue about a message whose job is due in `waitMs`: seconds of delay, or null for "the sweeper's". */
export function queueDelaySeconds(waitMs: number): number | null {
	if (waitMs > QUEUE_WAIT_MS_MAX) return null;
	return Math.ceil(Math.max(0, waitMs) / 1000);
}
