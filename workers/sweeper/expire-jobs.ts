/** Expires jobs whose deadline passed while they were queued. */
import { deadlineError } from "../../shared/core/jobs/decide.ts";
import type { SweptJob } from "../../shared/core/jobs/sweep.ts";
import { firstWaitMs } from "../../shared/core/webhooks/delivery-schedule.ts";
import { finishJobs } from "../../shared/db/jobs/finish-jobs.ts";
import { wake } from "../../shared/jobs/wake.ts";
import { findStoredResult } from "../../shared/storage/results.ts";
import { logWarning } from "../log.ts";
import type { Sweeper } from "./sweeper.ts";

/**
 * Returns how many jobs were expired, and which were not because they have a stored result, which wins over expiry. Enqueue
 * those: their next holder settles them.
 */
export async function expireJobs(
	sweeper: Sweeper,
	overdue: SweptJob[],
): Promise<{ expired: number; withResult: SweptJob[] }> {
	// In parallel: if R2 hangs, a page takes no longer than one job.
	const looked = await Promise.all(overdue.map(async (job) => ({ job, has: await whatIsStored(sweeper, job) })));
	const having = (what: string) => looked.filter(({ has }) => has === what).map(({ job }) => job);
	return { expired: await expireOrLog(sweeper, having("nothing")), withResult: having("result") };
}

/** Only a job that was leased before can have a result. If R2 fails, the next sweep looks again. */
async function whatIsStored({ objects }: Sweeper, job: SweptJob): Promise<"result" | "nothing" | "unknown"> {
	if (job.fence === 0) return "nothing";
	try {
		return (await findStoredResult(objects, job)) === null ? "nothing" : "result";
	} catch (error) {
		logWarning("result.lookup_failed", { jobId: job.jobId }, error);
		return "unknown";
	}
}

/** Jobs that cannot be expired must not stop others from being enqueued. */
async function expireOrLog(sweeper: Sweeper, jobs: SweptJob[]): Promise<number> {
	try {
		return await expire(sweeper, jobs);
	} catch (error) {
		logWarning("jobs.expire_failed", { jobs: jobs.length }, error);
		return 0;
	}
}

/** Guarded by the fence that was read: a job that was leased or cancelled meanwhile does not change. */
async function expire(sweeper: Sweeper, jobs: SweptJob[]): Promise<number> {
	const finished = await finishJobs(
		sweeper.db,
		jobs.map((job) => ({
			tenantId: job.tenantId,
			jobId: job.jobId,
			from: "queued",
			fence: job.fence,
			status: "expired",
			reason: "deadline_passed",
			error: deadlineError(job),
			cancellation: null,
			resultBytes: null,
			progress: null,
		})),
		firstWaitMs(sweeper.config.deliveryScheduleMs),
	);
	await wake(sweeper, {
		deliveries: finished.flatMap(({ deliveries }) => deliveries),
		jobs: finished.flatMap(({ released }) => released),
	});
	return finished.filter(({ done }) => done).length;
}
