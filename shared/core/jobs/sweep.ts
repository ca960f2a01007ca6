/** Decides what the sweeper does about an open job, from its row alone. */
import type { JobKey } from "./job.ts";
import { ENQUEUE_GRACE_MS, redispatchDelayMs, sweepAtFor } from "./wakeups.ts";

export interface SweptJob extends JobKey {
	status: "queued" | "running";
	fence: number;
	model: string;
	runAt: number;
	deadlineAt: number;
	leaseExpiresAt: number | null;
	isParked: boolean;
	redispatches: number;
	sweepAt: number;
}

export type SweepDecision =
	/** Its deadline passed while it waited. */
	| { kind: "expire" }
	/** Its message seems lost: enqueue it, and check again at `sweepAt`. */
	| { kind: "enqueue"; sweepAt: number; redispatches: number }
	/** Nothing to do: check again at `sweepAt`. */
	| { kind: "look"; sweepAt: number; redispatches: number }
	/** Not due for a check. */
	| { kind: "leave" };

/** @param queueIsEmpty no message waits, so a job that is due has lost its own, however recently it was enqueued */
export function decideSweep(job: SweptJob, now: number, queueIsEmpty: boolean): SweepDecision {
	return job.status === "running" ? sweepRunning(job, now, queueIsEmpty) : sweepQueued(job, now, queueIsEmpty);
}

/** The holder handles the deadline. The sweeper only redispatches when the lease has expired. */
function sweepRunning(job: SweptJob, now: number, queueIsEmpty: boolean): SweepDecision {
	const leaseExpiresAt = job.leaseExpiresAt ?? now;
	const isExpired = leaseExpiresAt <= now;
	if (job.sweepAt > now && !(isExpired && queueIsEmpty)) return { kind: "leave" };
	if (!isExpired) return { kind: "look", sweepAt: leaseExpiresAt, redispatches: job.redispatches };
	return { kind: "enqueue", sweepAt: now + ENQUEUE_GRACE_MS, redispatches: job.redispatches };
}

function sweepQueued(job: SweptJob, now: number, queueIsEmpty: boolean): SweepDecision {
	if (job.deadlineAt <= now) return { kind: "expire" };
	const isDue = job.runAt <= now && !job.isParked;
	if (job.sweepAt > now && !(isDue && queueIsEmpty)) return { kind: "leave" };
	const byDeadline = (sweepAt: number) => Math.min(sweepAt, job.deadlineAt);
	if (isDue)
		return {
			kind: "enqueue",
			sweepAt: byDeadline(now + redispatchDelayMs(job.redispatches + 1)),
			redispatches: job.redispatches + 1,
		};
	// Releasing a parked job sets a new time; until then only its deadline matters.
	return {
		kind: "look",
		sweepAt: byDeadline(job.isParked ? job.deadlineAt : sweepAtFor(job.runAt, now)),
		redispatches: job.redispatches,
	};
}
