/** Short waits are delays in the queue, long ones are left to the sweeper, so that no message lives for hours. */

/** The longest delay of a queue message. */
export const QUEUE_WAIT_MS_MAX = 15 * 60_000;

/**
 * A queued job whose time comes within this may hold a slot, and a delayed message, until then. Any later job holds neither, and
 * the sweeper admits it when it is due: jobs that only wait would use up their tenant's slots, or else fill the queue.
 */
export const SLOT_WAIT_MS = 60_000;

/** How long a message may take before the sweeper redispatches its job. */
export const ENQUEUE_GRACE_MS = 60_000;

/** Redispatch after 1, 5, 15 and 60 minutes, then hourly, so that waiting jobs do not multiply the messages of a backlog. */
const REDISPATCH_DELAYS_MS = [60_000, 300_000, 900_000, 3_600_000] as const;
export const REDISPATCH_DELAY_MS_MAX = 3_600_000;

/** When the sweeper checks a row that is due at `dueAt`, if a message was enqueued at `now` for a near `dueAt`. */
export function sweepAtFor(dueAt: number, now: number): number {
	return dueAt - now > QUEUE_WAIT_MS_MAX ? dueAt : Math.max(dueAt, now) + ENQUEUE_GRACE_MS;
}

/** Milliseconds until the next redispatch of a job that was redispatched `redispatches` times. */
export function redispatchDelayMs(redispatches: number): number {
	return REDISPATCH_DELAYS_MS[redispatches] ?? REDISPATCH_DELAY_MS_MAX;
}

/** The delay of a message whose job is due in `waitMs`, in seconds. Null: too long, left to the sweeper. */
export function queueDelaySeconds(waitMs: number): number | null {
	if (waitMs > QUEUE_WAIT_MS_MAX) return null;
	return Math.ceil(Math.max(0, waitMs) / 1000);
}
