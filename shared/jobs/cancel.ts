/** Cancels a job. */
import { cancelled } from "../core/jobs/cancel.ts";
import type { JobKey, JobSummary } from "../core/jobs/job.ts";
import type { Runtime } from "../core/runtime.ts";
import { firstWaitMs } from "../core/webhooks/delivery-schedule.ts";
import type { Database } from "../db/database.ts";
import { findJobWithHistory } from "../db/jobs/find-job.ts";
import { finishJobs } from "../db/jobs/finish-jobs.ts";
import { type WakeBindings, wake } from "./wake.ts";

export interface CancelBindings extends WakeBindings {
	db: Database;
	runtime: Runtime;
	/** Runs work after the response. Its failure must not matter. */
	background(work: Promise<void>): void;
}

/**
 * Returns the job in its final state; not `cancelled` if it was final before. Null: there is no such job.
 *
 * Writes only if the job is still as it was read. If it changed in between, it is read again. Jobs only move forward, so this
 * ends.
 */
export async function cancel(bindings: CancelBindings, key: JobKey): Promise<JobSummary | null> {
	const { db, runtime, config, background } = bindings;
	for (;;) {
		const job = await findJobWithHistory(db, key);
		if (job === null || job.finishedAt !== null) return job;
		const [finished] = await finishJobs(db, [cancelled(job, runtime.now())], firstWaitMs(config.deliveryScheduleMs));
		if (finished?.done) background(wake(bindings, { deliveries: finished.deliveries, jobs: finished.released }));
	}
}
