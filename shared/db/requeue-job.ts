/** Puts a leased job back in the queue: after a failure that may pass, or to be asked of its next model. */
import type { JobKey } from "../core/job.ts";
import type { StatusReason } from "../core/job-states.ts";
import { DOORBELL_GRACE_MS, QUEUE_WAIT_MS_MAX } from "../core/waits.ts";
import { type Database, NOW } from "./database.ts";
import type { JobProgress } from "./finish-jobs.ts";
import { jsonOrNull } from "./json-column.ts";

export interface Requeue extends JobKey {
	lease: number;
	reason: StatusReason;
	delayMs: number;
	/** What the call added; `model` is the one to ask next, and `attempt` counts those made on it. */
	progress: JobProgress;
}

/** True: done. False: the lease was no longer ours, and nothing was written. */
export async function requeueJob(db: Database, requeue: Requeue): Promise<boolean> {
	const due = `min(${NOW} + ?5, deadline_at)`;
	const grace = requeue.delayMs > QUEUE_WAIT_MS_MAX ? 0 : DOORBELL_GRACE_MS;
	const row = await db.first({
		sql: `UPDATE jobs
		   SET status = 'queued', status_reason = ?6, run_at = ${due}, sweep_at = min(${due} + ?7, deadline_at),
		       rings = 0, lease_expires_at = NULL, version = version + 1,
		       model = ?8, attempt = ?9, attempts = ?10, usage = ?11
		 WHERE tenant_id = ?2 AND id = ?3 AND lease = ?4 AND status = 'running'
		RETURNING id`,
		params: [
			db.clock(),
			requeue.tenantId,
			requeue.jobId,
			requeue.lease,
			requeue.delayMs,
			requeue.reason,
			grace,
			requeue.progress.model,
			requeue.progress.attempt,
			JSON.stringify(requeue.progress.attempts),
			jsonOrNull(requeue.progress.usage),
		],
	});
	return row !== null;
}
