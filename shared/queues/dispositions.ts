/** What becomes of a queue message: data that the actors decide and `workers/apply-dispositions.ts` carries out. */
import { queueDelaySeconds } from "../core/jobs/wakeups.ts";

export type Disposition = { kind: "ack" } | { kind: "retry"; delaySeconds: number };

export const ACK: Disposition = { kind: "ack" };

/** After a bug or a lost binding: long enough not to spin, short enough that the sweeper is not needed. */
export const CRASH_DELAY_SECONDS = 30;

export const AFTER_CRASH: Disposition = { kind: "retry", delaySeconds: CRASH_DELAY_SECONDS };

/** After the lease has expired, the retried message takes the job over, and finds its result in R2 if there is one. */
export function retryAfterLease(leaseMs: number): Disposition {
	return { kind: "retry", delaySeconds: Math.ceil(leaseMs / 1000) };
}

/** The same, spread over half a lease more: messages that a slow D1 sent back together must not return together. */
export function retryAfterLeaseSpread(leaseMs: number, random: () => number): Disposition {
	return retryAfterLease(leaseMs * (1 + random() / 2));
}

/** Retries the message when its row is due. For a long wait it is acked, and the sweeper enqueues another. */
export function retryWhenDue(waitMs: number): Disposition {
	const delaySeconds = queueDelaySeconds(waitMs);
	return delaySeconds === null ? ACK : { kind: "retry", delaySeconds };
}
