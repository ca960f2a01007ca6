/** Decides what the sweeper does about an open job, from its row alone. */
import type { JobKey } from "./job.ts";
import { ENQUEUE_GRACE_MS, REDISPATCH_DELAY_MS_MAX, redispatchDelayMs } from "./wakeups.ts";

export interface SweptJob extends JobKey {
	status: "queued" | "running";
	fence: number;
	model: string;
	runAt: number;
	deadlineAt: number;
	leaseExpiresAt: number | null;
	isParked: boolean;
	hasSlot: boolean;
	/** Its history has a call whose end no holder may have recorded: R2 may have a result of it. */
	mayHaveResult: boolean;
	redispatches: number;
	sweepAt: number;
}

export type SweepDecision =
	/** Its deadline passed while it waited, or long ago while no holder could settle it. */
	| { kind: "expire" }
	/** It is due and has no slot: line it up with its tenant's jobs. */
	| { kind: "admit" }
	/** Its message seems lost: enqueue it, and check again at `sweepAt`. */
	| { kind: "enqueue"; sweepAt: number; redispatches: number }
	/** Nothing to do: check again at `sweepAt`. */
	| { kind: "look"; sweepAt: number; redispatches: number }
	/** Not due for a check. */
	| { kind: "leave" };

export interface QueueState {
	isEmpty: boolean;
	/** How many it has, those being processed included. Infinity: unknown. */
	messages: number;
	/** When the oldest message in the queue was sent. Null: unknown. */
	oldestAt: number | null;
}

/** After the deadline, holders have this long to take a job over and settle it. Then the sweeper ends it. */
export const UNSETTLED_MS_MAX = 3_600_000;

/**
 * So long a job whose holder died is enqueued once a minute: another message may be lost, and one call that takes long keeps the
 * queue from being empty. Those jobs are few. Later they are enqueued ever less often, like all others.
 */
const LAPSED_MS_RECENT = 600_000;

type Surroundings = Pick<QueueState, "isEmpty" | "oldestAt">;

export interface SweptDecision {
	job: SweptJob;
	decision: SweepDecision;
}

/**
 * @param missing how many messages less than slots there are. So many jobs have lost theirs: those that have been due for the
 * longest count as such, however old the oldest message is, because that may be the one of a call that takes long.
 */
export function decideSweeps(
	jobs: readonly SweptJob[],
	now: number,
	queue: Surroundings,
	missing: number,
): SweptDecision[] {
	const decided = jobs.map((job) => ({ job, decision: decideSweep(job, now, queue) }));
	const [lost, inLine] = [decided.filter(isRedispatch), decided.filter(({ job }) => isDue(job, now))];
	const late = inLine.filter(({ decision }) => decision.kind === "look").sort((a, b) => a.job.runAt - b.job.runAt);
	for (const one of late.slice(0, Math.max(0, missing - lost.length))) {
		one.decision = decideSweep(one.job, now, { ...queue, oldestAt: null });
	}
	return decided;
}

/** The job of a message that seems lost. */
export function isRedispatch({ job, decision }: SweptDecision): boolean {
	return job.status === "queued" && decision.kind === "enqueue";
}

export function decideSweep(job: SweptJob, now: number, queue: Surroundings): SweepDecision {
	return job.status === "running" ? sweepRunning(job, now, queue) : sweepQueued(job, now, queue);
}

function sweepRunning(job: SweptJob, now: number, queue: Surroundings): SweepDecision {
	const { redispatches, leaseExpiresAt } = job;
	const lapsedAt = leaseExpiresAt ?? now;
	const hasLapsed = lapsedAt <= now;
	if (hasLapsed && job.deadlineAt + UNSETTLED_MS_MAX <= now) return { kind: "expire" };
	if (job.sweepAt > now && !(hasLapsed && queue.isEmpty)) return { kind: "leave" };
	if (!hasLapsed) return { kind: "look", sweepAt: lapsedAt, redispatches };
	const isRecent = now - lapsedAt < LAPSED_MS_RECENT;
	return { kind: "enqueue", sweepAt: now + (isRecent ? ENQUEUE_GRACE_MS : asLongAgain(lapsedAt, now)), redispatches };
}

function isDue({ status, runAt, isParked }: SweptJob, now: number): boolean {
	return status === "queued" && runAt <= now && !isParked;
}

function sweepQueued(job: SweptJob, now: number, queue: Surroundings): SweepDecision {
	const { runAt, redispatches } = job;
	const byDeadline = (sweepAt: number) => Math.min(sweepAt, job.deadlineAt);
	if (job.deadlineAt <= now) return { kind: "expire" };
	if (job.sweepAt > now && !(isDue(job, now) && job.hasSlot && queue.isEmpty)) return { kind: "leave" };
	if (job.isParked) return { kind: "look", sweepAt: job.deadlineAt, redispatches };
	if (!isDue(job, now))
		return { kind: "look", sweepAt: byDeadline(runAt + (job.hasSlot ? ENQUEUE_GRACE_MS : 0)), redispatches };
	if (!job.hasSlot) return { kind: "admit" };
	if (isInLine(runAt, now, queue))
		return { kind: "look", sweepAt: byDeadline(now + asLongAgain(runAt, now)), redispatches };
	return {
		kind: "enqueue",
		sweepAt: byDeadline(now + redispatchDelayMs(redispatches + 1)),
		redispatches: redispatches + 1,
	};
}

/**
 * The queue still has messages as old as that of a job that was due at `runAt`; a message may be sent a little later. One that
 * is retried for hours stays old, so after an hour the job's own counts as lost all the same.
 */
function isInLine(runAt: number, now: number, { isEmpty, oldestAt }: Surroundings): boolean {
	if (isEmpty || oldestAt === null || now - runAt >= REDISPATCH_DELAY_MS_MAX) return false;
	return oldestAt <= runAt + ENQUEUE_GRACE_MS;
}

/** Waits ever longer, so that a backlog is seldom checked and little multiplied. */
function asLongAgain(dueAt: number, now: number): number {
	return Math.min(Math.max(now - dueAt, ENQUEUE_GRACE_MS), REDISPATCH_DELAY_MS_MAX);
}
