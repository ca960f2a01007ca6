/** Open jobs: enqueues those that no consumer took, expires those whose deadline passed while they were queued. */
import { decideSweep, type SweptJob } from "../../shared/core/jobs/sweep.ts";
import { ENQUEUE_GRACE_MS, REDISPATCH_DELAY_MS_MAX } from "../../shared/core/jobs/wakeups.ts";
import { findJobsToSweep, noteSwept, type SweepCursor, type SweepPage } from "../../shared/db/jobs/sweep-jobs.ts";
import type { JobQueue } from "../../shared/queues/queue.ts";
import { logWarning } from "../log.ts";
import { expireJobs } from "./expire-jobs.ts";
import type { Budget, Sweeper } from "./sweeper.ts";

/** A page fits one queue call and one statement. The next sweep continues. */
const PAGE = 100;
const PAGES_MAX = 100;
/** For a page whose jobs all expire, each of another tenant: find, insert deliveries, finish, release per tenant, note. */
const STATEMENTS = PAGE + 4;

export async function sweepJobs(sweeper: Sweeper, budget: Budget) {
	const queueIsEmpty = await isEmpty(sweeper.jobQueue);
	const counts = { jobsEnqueued: 0, expired: 0 };
	// The next check of an enqueued job may be on a later page of this sweep. One message per sweep is enough.
	const seen = new Set<string>();
	let after: SweepCursor | null = null;
	let pages = 0;
	do {
		const page: SweepPage = await findJobsToSweep(sweeper.db, {
			aheadMs: queueIsEmpty ? REDISPATCH_DELAY_MS_MAX : 0,
			limit: PAGE,
			after,
		});
		const jobs = page.jobs.filter(({ jobId }) => !seen.has(jobId));
		for (const { jobId } of jobs) seen.add(jobId);
		const done = await sweepPage(sweeper, jobs, page.now, queueIsEmpty);
		counts.jobsEnqueued += done.jobsEnqueued;
		counts.expired += done.expired;
		after = page.next;
		pages += 1;
	} while (after !== null && pages < PAGES_MAX && budget.allows(STATEMENTS));
	return counts;
}

/** Enqueues first, then writes the next check: a crash in between enqueues a job twice, which is harmless, and loses none. */
async function sweepPage(sweeper: Sweeper, jobs: SweptJob[], now: number, queueIsEmpty: boolean) {
	const decided = jobs.map((job) => ({ job, decision: decideSweep(job, now, queueIsEmpty) }));
	const overdue = decided.filter(({ decision }) => decision.kind === "expire").map(({ job }) => job);
	const { expired, withResult } = await expireJobs(sweeper, overdue);
	const due = decided.filter(({ decision }) => decision.kind === "enqueue").map(({ job }) => job);
	await sweeper.jobQueue.enqueue([...due, ...withResult]);
	await noteSwept(sweeper.db, [
		...decided.flatMap(({ job, decision }) =>
			decision.kind === "enqueue" || decision.kind === "look" ? [{ job, ...decision }] : [],
		),
		...withResult.map((job) => ({ job, sweepAt: now + ENQUEUE_GRACE_MS, redispatches: job.redispatches })),
	]);
	return { jobsEnqueued: due.length + withResult.length, expired };
}

/** False if the queue does not respond: then no job is enqueued ahead of time. */
async function isEmpty(queue: JobQueue): Promise<boolean> {
	try {
		return (await queue.backlog()) === 0;
	} catch (error) {
		logWarning("queue.measure_failed", {}, error);
		return false;
	}
}
