/** Expires jobs whose deadline passed while they were queued, or long ago while no holder could settle them. */
import { deadlineError } from "../../shared/core/jobs/decide.ts";
import type { SweptJob } from "../../shared/core/jobs/sweep.ts";
import { firstWaitMs } from "../../shared/core/webhooks/delivery-schedule.ts";
import { type Finalization, type Finished, finishJobs } from "../../shared/db/jobs/finish-jobs.ts";
import { wake } from "../../shared/jobs/wake.ts";
import { findResultBytes } from "../../shared/storage/results.ts";
import { logWarning } from "../log.ts";
import type { Sweeper } from "./sweeper.ts";

export interface Expired {
	expired: number;
	/** Queued jobs with a stored result, which wins over expiry. Enqueue them: their next holder settles them. */
	withResult: SweptJob[];
	/** R2 did not say whether they have a result. */
	unknown: SweptJob[];
	/** They could not be written. */
	left: SweptJob[];
}

/** @param r2Responds false: jobs that may have a result are not looked up */
export async function expireJobs(sweeper: Sweeper, overdue: SweptJob[], r2Responds: boolean): Promise<Expired> {
	// In parallel: if R2 hangs, a page takes no longer than one job.
	const looked = await Promise.all(
		overdue.map(async (job) => ({ job, bytes: await bytesStored(sweeper, job, r2Responds) })),
	);
	const ends: { job: SweptJob; end: Finalization }[] = [];
	const withResult: SweptJob[] = [];
	const unknown: SweptJob[] = [];
	const left: SweptJob[] = [];
	for (const { job, bytes } of looked) {
		if (bytes === "unknown") unknown.push(job);
		else if (bytes !== null && job.status === "queued") withResult.push(job);
		else ends.push({ job, end: endOf(job, bytes) });
	}
	const finished = await finishEach(sweeper, ends, left);
	await wake(sweeper, {
		deliveries: finished.flatMap(({ deliveries }) => deliveries),
		jobs: finished.flatMap(({ released }) => released),
	});
	return { expired: finished.filter(({ done }) => done).length, withResult, unknown, left };
}

/** Null: the job has no stored result. If R2 fails, a later sweep looks again. */
async function bytesStored(
	{ objects }: Sweeper,
	job: SweptJob,
	r2Responds: boolean,
): Promise<number | null | "unknown"> {
	if (!job.mayHaveResult) return null;
	if (!r2Responds) return "unknown";
	try {
		return await findResultBytes(objects, job);
	} catch (error) {
		logWarning("result.lookup_failed", { jobId: job.jobId }, error);
		return "unknown";
	}
}

/**
 * Guarded by the fence that was read: a job that was leased or cancelled meanwhile does not change. A running job with a result
 * succeeds here, because no holder could settle it: its row may be one that cannot be read.
 */
function endOf(job: SweptJob, bytes: number | null): Finalization {
	const { tenantId, jobId, status: from, fence } = job;
	const end =
		bytes === null
			? { status: "expired" as const, reason: "deadline_passed" as const, error: deadlineError(job) }
			: { status: "succeeded" as const, reason: null, error: null };
	return { tenantId, jobId, from, fence, ...end, cancellation: null, resultBytes: bytes, progress: null };
}

/** In groups, so that a row that cannot be written keeps no other from its end. */
async function finishEach(
	{ db, config }: Sweeper,
	ends: { job: SweptJob; end: Finalization }[],
	left: SweptJob[],
): Promise<Finished[]> {
	const group = db.grouped((group: Finalization[]) => finishJobs(db, group, firstWaitMs(config.deliveryScheduleMs)));
	const settled = await Promise.allSettled(ends.map(({ end }) => group.commit(end)));
	const finished: Finished[] = [];
	for (const [at, one] of settled.entries()) {
		const job = ends[at]?.job;
		if (one.status === "fulfilled") finished.push(one.value);
		else if (job !== undefined) {
			logWarning("job.expire_failed", { jobId: job.jobId }, one.reason);
			left.push(job);
		}
	}
	return finished;
}
