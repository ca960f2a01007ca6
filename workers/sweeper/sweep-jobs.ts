/** Jobs under way: rings for those nobody comes for, expires those whose deadline passed while they waited. */
import { deadlineError } from "../../shared/core/decide.ts";
import { decideSweep, type SweptJob } from "../../shared/core/sweep.ts";
import { RING_AGAIN_MS_MAX } from "../../shared/core/waits.ts";
import { finishJobs } from "../../shared/db/finish-jobs.ts";
import { findJobsToSweep, noteSwept, type SweepCursor, type SweepPage } from "../../shared/db/sweep-jobs.ts";
import { ringForDeliveries, ringForJobs } from "../../shared/queues/ring.ts";
import { logTrouble } from "../log.ts";
import type { Sweeper } from "./sweeper.ts";

/** A page fits one queue call and one statement; the time box leaves the rest of the minute to the other steps. */
const PAGE = 100;
const SWEEP_MS_MAX = 20_000;

export async function sweepJobs(sweeper: Sweeper): Promise<{ rung: number; expired: number; looked: number }> {
	const stopAt = sweeper.runtime.now() + SWEEP_MS_MAX;
	const queueIsEmpty = await isEmpty(sweeper.jobQueue);
	const counts = { rung: 0, expired: 0, looked: 0 };
	let after: SweepCursor | null = null;
	do {
		const page: SweepPage = await findJobsToSweep(sweeper.db, {
			aheadMs: queueIsEmpty ? RING_AGAIN_MS_MAX : 0,
			limit: PAGE,
			after,
		});
		const done = await sweepPage(sweeper, page, queueIsEmpty);
		counts.rung += done.rung;
		counts.expired += done.expired;
		counts.looked += page.jobs.length;
		after = page.next;
	} while (after !== null && sweeper.runtime.now() < stopAt);
	return counts;
}

/** Rings first and notes it after: a death in between rings twice, which is harmless, and never not at all. */
async function sweepPage(sweeper: Sweeper, page: SweepPage, queueIsEmpty: boolean) {
	const decided = page.jobs.map((job) => ({ job, decision: decideSweep(job, page.now, queueIsEmpty) }));
	const overdue = decided.filter(({ decision }) => decision.kind === "expire").map(({ job }) => job);
	const expired = await expire(sweeper, overdue);
	const due = decided.filter(({ decision }) => decision.kind === "ring").map(({ job }) => job);
	await ringForJobs(sweeper.jobQueue, due);
	await noteSwept(
		sweeper.db,
		decided.flatMap(({ job, decision }) =>
			decision.kind === "ring" || decision.kind === "look" ? [{ job, ...decision }] : [],
		),
	);
	return { rung: due.length, expired };
}

/** Guarded by the lease seen: a job that was leased or cancelled meanwhile is left to whoever did that. */
async function expire({ db, deliveryQueue }: Sweeper, jobs: SweptJob[]): Promise<number> {
	const finished = await finishJobs(
		db,
		jobs.map((job) => ({
			tenantId: job.tenantId,
			jobId: job.jobId,
			from: "queued",
			lease: job.lease,
			status: "expired",
			reason: "deadline_passed",
			error: deadlineError(job),
			cancellation: null,
			resultBytes: null,
			progress: null,
		})),
	);
	const owed = finished.flatMap(({ tenantId, deliveryIds }) =>
		deliveryIds.map((deliveryId) => ({ tenantId, deliveryId })),
	);
	if (owed.length > 0) await ringForDeliveries(deliveryQueue, owed);
	return finished.filter(({ done }) => done).length;
}

/** Where the queue will not say, it may be full: nobody is rung for ahead of time. */
async function isEmpty(queue: Queue): Promise<boolean> {
	try {
		return (await queue.metrics()).backlogCount === 0;
	} catch (error) {
		logTrouble("queue.not_measured", {}, error);
		return false;
	}
}
