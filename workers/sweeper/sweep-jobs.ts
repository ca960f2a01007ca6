/** Open jobs: admits those that are due, enqueues those that no consumer took, expires those whose deadline passed. */
import { decideSweep, type QueueState, type SweepDecision, type SweptJob } from "../../shared/core/jobs/sweep.ts";
import { ENQUEUE_GRACE_MS } from "../../shared/core/jobs/wakeups.ts";
import { admitJobs } from "../../shared/db/admission/release.ts";
import {
	findJobsToSweep,
	findStrandedJobs,
	noteSwept,
	type SweepCursor,
	type SweepPage,
} from "../../shared/db/jobs/sweep-jobs.ts";
import type { JobQueue } from "../../shared/queues/queue.ts";
import { logWarning } from "../log.ts";
import { expireJobs } from "./expire-jobs.ts";
import type { Budget, Sweeper } from "./sweeper.ts";

const PAGE = 200;
/** A page of slots, most of which need nothing. */
const SLOTS = 1_000;
/** For a page whose jobs expire in groups and are admitted: find, park and release, note twice, and three for each group. */
const STATEMENTS = 5 + 3 * 5;
/** For a page: a look at each job's result, and messages for jobs and deliveries. */
const CALLS = PAGE + 10;

/** Jobs with a slot whose holders died. Where the queue is empty, also those whose messages it lost. */
export async function rescueJobs(sweeper: Sweeper, budget: Budget) {
	const queue = await stateOf(sweeper.jobQueue);
	const { jobsEnqueued, jobsAdmitted, expired } = await sweepPages(sweeper, budget, queue, (after) =>
		findStrandedJobs(sweeper.db, { queueIsEmpty: queue.isEmpty, limit: SLOTS, after }),
	);
	return { jobsRescued: jobsEnqueued + jobsAdmitted + expired };
}

export async function sweepJobs(sweeper: Sweeper, budget: Budget) {
	const queue = await stateOf(sweeper.jobQueue);
	return await sweepPages(sweeper, budget, queue, (after) => findJobsToSweep(sweeper.db, { limit: PAGE, after }));
}

async function sweepPages(
	sweeper: Sweeper,
	budget: Budget,
	queue: QueueState,
	find: (after: SweepCursor | null) => Promise<SweepPage>,
) {
	const counts = { jobsEnqueued: 0, jobsAdmitted: 0, expired: 0 };
	// The next check of an enqueued job may be on a later page of this sweep. One message per sweep is enough.
	const seen = new Set<string>();
	let after: SweepCursor | null = null;
	let r2Responds = true;
	do {
		if (!budget.allows(STATEMENTS, CALLS)) break;
		const page: SweepPage = await find(after);
		const jobs = page.jobs.filter(({ jobId }) => !seen.has(jobId));
		for (const { jobId } of jobs) seen.add(jobId);
		const done = await sweepPage(sweeper, jobs, page.now, { queue, r2Responds });
		r2Responds = done.r2Responds;
		counts.jobsEnqueued += done.jobsEnqueued;
		counts.jobsAdmitted += done.jobsAdmitted;
		counts.expired += done.expired;
		after = page.next;
	} while (after !== null);
	return counts;
}

interface Surroundings {
	queue: QueueState;
	/** False: an earlier page found that it does not. */
	r2Responds: boolean;
}

/**
 * Enqueues first, then writes the next check: a crash in between enqueues a job twice, which is harmless, and loses none. Jobs
 * expire last, because that waits for R2.
 */
async function sweepPage(sweeper: Sweeper, jobs: SweptJob[], now: number, { queue, r2Responds }: Surroundings) {
	const decided = jobs.map((job) => ({ job, decision: decideSweep(job, now, queue) }));
	const having = (kind: SweepDecision["kind"]) =>
		decided.filter(({ decision }) => decision.kind === kind).map(({ job }) => job);
	const admitted = await admitJobs(sweeper.db, having("admit"));
	const due = having("enqueue");
	await sweeper.jobQueue.enqueue([...due, ...admitted]);
	await noteSwept(
		sweeper.db,
		decided.flatMap(({ job, decision }) =>
			decision.kind === "enqueue" || decision.kind === "look" ? [{ job, ...decision }] : [],
		),
	);
	const { expired, withResult, left, unknown } = await expireJobs(sweeper, having("expire"), r2Responds);
	await sweeper.jobQueue.enqueue(withResult);
	await noteSwept(
		sweeper.db,
		[...withResult, ...left, ...unknown].map((job) => ({
			job,
			sweepAt: now + ENQUEUE_GRACE_MS,
			redispatches: job.redispatches,
		})),
	);
	return {
		jobsEnqueued: due.length + withResult.length,
		jobsAdmitted: admitted.length,
		expired,
		r2Responds: r2Responds && unknown.length === 0,
	};
}

/** If the queue does not respond, no job is enqueued ahead of time. */
async function stateOf(queue: JobQueue): Promise<QueueState> {
	try {
		return await queue.state();
	} catch (error) {
		logWarning("queue.measure_failed", {}, error);
		return { isEmpty: false, oldestAt: null };
	}
}
