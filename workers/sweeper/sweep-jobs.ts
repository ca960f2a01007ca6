/** Open jobs: admits those that are due, enqueues those that no consumer took, expires those whose deadline passed. */
import { z } from "zod";
import type { JobKey } from "../../shared/core/jobs/job.ts";
import {
	decideSweeps,
	isRedispatch,
	type QueueState,
	type SweepDecision,
	type SweptDecision,
	type SweptJob,
} from "../../shared/core/jobs/sweep.ts";
import { ENQUEUE_GRACE_MS } from "../../shared/core/jobs/wakeups.ts";
import { admitJobs } from "../../shared/db/admission/release.ts";
import type { Database } from "../../shared/db/database.ts";
import {
	countSlots,
	findJobsToSweep,
	findStrandedJobs,
	noteSwept,
	type SlotCursor,
	type SweepCursor,
	type SweepPage,
} from "../../shared/db/jobs/sweep-jobs.ts";
import { readNote, writeNote } from "../../shared/db/upkeep/sweeper-notes.ts";
import { type JobQueue, MESSAGES_PER_CALL_MAX } from "../../shared/queues/queue.ts";
import { logWarning } from "../log.ts";
import { expireJobs } from "./expire-jobs.ts";
import type { Budget, Sweeper } from "./sweeper.ts";

const PAGE = 200;
/** For a page whose jobs expire in groups and are admitted: find, park and release, note twice, and three for each group. */
const STATEMENTS = 5 + 3 * 5;
/** For a page: a look at each job's result, and messages for jobs and deliveries. */
const CALLS = PAGE + 10;

/** A page of slots, most of which need nothing. */
const SLOTS = 2_000;
/** For such a page, none of whose jobs expires: find and note, and two for where the walk stopped. */
const SLOT_STATEMENTS = 4;
const SLOT_CALLS = SLOTS / MESSAGES_PER_CALL_MAX + 1;

/** So many due jobs are looked at for a page at most, and so many of one tenant are taken, while jobs of others may be due. */
const WINDOW = 10_000;
const TENANT_MAX = 20;

/** With more messages in the queue, no slots are counted: it would read too much. */
const MESSAGES_COUNTED_MAX = 10_000;
/** So many messages are missed at most. */
const MISSING_MAX = 1_000;

/**
 * Jobs with a slot whose holders died. Where the queue is empty, also those whose messages it lost. With more slots than one
 * sweep can walk, the next one goes on where this one stopped.
 */
export async function rescueJobs(sweeper: Sweeper, budget: Budget) {
	const { db } = sweeper;
	const queue = await stateOf(sweeper.jobQueue);
	const noted = (await readNote(db, "slot_cursor")) ?? "";
	let after: SlotCursor | null = noted === "" ? null : SlotCursorNote.parse(JSON.parse(noted));
	let jobsRescued = 0;
	do {
		if (!budget.allows(SLOT_STATEMENTS, SLOT_CALLS)) break;
		const page = await findStrandedJobs(db, { queueIsEmpty: queue.isEmpty, limit: SLOTS, after });
		// Those that expire need more than a look. They are due for `sweepJobs` as well.
		const decided = decideSweeps(page.jobs, page.now, queue, 0);
		jobsRescued += await enqueueLost(sweeper, decided);
		after = page.next;
	} while (after !== null);
	const note = after === null ? "" : JSON.stringify({ tenantId: after.tenantId, jobId: after.jobId });
	if (note !== noted) await writeNote(db, "slot_cursor", note);
	return { jobsRescued };
}

const SlotCursorNote = z.object({ tenantId: z.string(), jobId: z.string() });

export async function sweepJobs(sweeper: Sweeper, budget: Budget) {
	const counts = { jobsEnqueued: 0, jobsAdmitted: 0, expired: 0 };
	const queue = await stateOf(sweeper.jobQueue);
	let surroundings: Surroundings = { queue, missing: await countMissing(sweeper, queue), r2Responds: true };
	// The next check of an enqueued job may be on a later page of this sweep. One message per sweep is enough.
	const seen = new Set<string>();
	for await (const page of pagesOf(sweeper.db, budget)) {
		const jobs = page.jobs.filter(({ jobId }) => !seen.has(jobId));
		for (const { jobId } of jobs) seen.add(jobId);
		const done = await sweepPage(sweeper, jobs, page.now, surroundings);
		surroundings = done.surroundings;
		counts.jobsEnqueued += done.jobsEnqueued;
		counts.jobsAdmitted += done.jobsAdmitted;
		counts.expired += done.expired;
	}
	return counts;
}

/**
 * Pages of due jobs. First a few of each tenant, so that none waits behind thousands of another one's. Then the others, in the
 * order in which they were due.
 */
async function* pagesOf(db: Database, budget: Budget): AsyncGenerator<SweepPage> {
	const served = new Map<string, number>();
	const isServed = ([, jobs]: [string, number]) => jobs >= TENANT_MAX;
	const few = { limit: PAGE, window: WINDOW, tenantMax: TENANT_MAX };
	let after: SweepCursor | null = null;
	do {
		if (!budget.allows(STATEMENTS, CALLS)) return;
		const except = [...served].filter(isServed).map(([tenantId]) => tenantId);
		const page: SweepPage = await findJobsToSweep(db, { ...few, after, except });
		for (const { tenantId } of page.jobs) served.set(tenantId, (served.get(tenantId) ?? 0) + 1);
		yield page;
		after = page.next;
	} while (after !== null);
	if (![...served].some(isServed)) return;
	do {
		if (!budget.allows(STATEMENTS, CALLS)) return;
		const page: SweepPage = await findJobsToSweep(db, {
			limit: PAGE,
			window: PAGE,
			tenantMax: PAGE,
			after,
			except: [],
		});
		yield page;
		after = page.next;
	} while (after !== null);
}

interface Surroundings {
	queue: QueueState;
	/** How many messages less than slots the queue has. */
	missing: number;
	/** False: an earlier page found that it does not. */
	r2Responds: boolean;
}

/**
 * Enqueues first, then writes the next check: a crash in between enqueues a job twice, which is harmless, and loses none. Jobs
 * expire last, because that waits for R2.
 */
async function sweepPage(sweeper: Sweeper, jobs: SweptJob[], now: number, surroundings: Surroundings) {
	const { queue, missing, r2Responds } = surroundings;
	const decided = decideSweeps(jobs, now, queue, missing);
	const having = (kind: SweepDecision["kind"]) =>
		decided.filter(({ decision }) => decision.kind === kind).map(({ job }) => job);
	const admitted = await admitJobs(sweeper.db, having("admit"));
	const jobsEnqueued = await enqueueLost(sweeper, decided, admitted);
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
		jobsEnqueued: jobsEnqueued + withResult.length,
		jobsAdmitted: admitted.length,
		expired,
		surroundings: {
			queue,
			missing: missing - decided.filter(isRedispatch).length,
			r2Responds: r2Responds && unknown.length === 0,
		},
	};
}

/** Returns how many were enqueued besides the `admitted` ones. */
async function enqueueLost(
	{ db, jobQueue }: Sweeper,
	decided: readonly SweptDecision[],
	admitted: readonly JobKey[] = [],
): Promise<number> {
	const lost = decided.filter(({ decision }) => decision.kind === "enqueue").map(({ job }) => job);
	await jobQueue.enqueue([...lost, ...admitted]);
	await noteSwept(
		db,
		decided.flatMap(({ job, decision }) =>
			decision.kind === "enqueue" || decision.kind === "look" ? [{ job, ...decision }] : [],
		),
	);
	return lost.length;
}

/**
 * If messages seem to be missing, the queue is measured again after the slots are counted: those of jobs that were submitted in
 * between are there then.
 */
async function countMissing({ db, jobQueue }: Sweeper, { isEmpty, messages }: QueueState): Promise<number> {
	if (isEmpty || messages > MESSAGES_COUNTED_MAX) return 0;
	const slots = await countSlots(db, messages + MISSING_MAX);
	return slots <= messages ? 0 : Math.max(0, slots - (await stateOf(jobQueue)).messages);
}

/** If the queue does not respond, no job is enqueued ahead of time. */
async function stateOf(queue: JobQueue): Promise<QueueState> {
	try {
		return await queue.state();
	} catch (error) {
		logWarning("queue.measure_failed", {}, error);
		return { isEmpty: false, messages: Number.POSITIVE_INFINITY, oldestAt: null };
	}
}
