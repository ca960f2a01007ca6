/**
 * Finalizes jobs: the only way into a final state, for a consumer with a result, a caller who cancels, and the sweeper at a
 * deadline. The final state, its deliveries and the tenant's usage, which a trigger counts, are one transaction.
 */

import { keyText } from "../../core/ids.ts";
import type { Cancellation, JobError, JobKey } from "../../core/jobs/job.ts";
import type { FinalState, StatusReason } from "../../core/jobs/job-states.ts";
import type { JobProgress } from "../../core/jobs/settlement.ts";
import type { DeliveryKey } from "../../core/webhooks/delivery.ts";
import { releaseForTenants } from "../admission/release.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { jobKeysFromRows } from "../key-list.ts";
import { IS_UNCHANGED, insertFinalDeliveries, pendingFromRows } from "../outbox.ts";

export interface Finalization extends JobKey {
	/** The state and fence that the job must still have. If it does not, nothing is written. */
	from: "queued" | "running";
	fence: number;
	status: FinalState;
	reason: StatusReason | null;
	error: JobError | null;
	cancellation: Cancellation | null;
	/** The size of the result in R2; null for all but `succeeded`. */
	resultBytes: number | null;
	/** What the last call added. Null: no call was made, and the columns stay as they are. */
	progress: JobProgress | null;
}

/** What one finalization did. Not `done`: the job had moved on, and nothing was written. */
export interface Finished extends JobKey {
	done: boolean;
	/** Jobs released to the slots that the tenant's jobs gave back: enqueue them. Set on the tenant's first finalization. */
	released: JobKey[];
	/** Pending deliveries of this final state: enqueue them once. */
	deliveries: DeliveryKey[];
}

/**
 * All in one transaction, with as many statements as one finalization takes. Losing a race is ordinary: that job's entry is not
 * `done`. At most one finalization per job may be passed: a holder makes one, and
 * repeats it only after it failed.
 * @param deliveryWaitMs from the commit to the first attempt of a delivery
 */
export async function finishJobs(
	db: Database,
	finalizations: readonly Finalization[],
	deliveryWaitMs = 0,
): Promise<Finished[]> {
	if (finalizations.length === 0) return [];
	const tenants = finalizations.map(({ tenantId }) => tenantId);
	const rows = await db.transactNamed("finish jobs", {
		deliveries: insertFinalDeliveries(db, finalizations, deliveryWaitMs),
		finished: finishStatement(db, finalizations),
		released: releaseForTenants(db, tenants),
	});
	const jobOf = (row: Record<string, unknown>) => keyText(row.tenant_id, row.job_id);
	const done = new Set(rows.finished.map(jobOf));
	const deliveries = Map.groupBy(rows.deliveries, jobOf);
	const released = Map.groupBy(jobKeysFromRows(rows.released), ({ tenantId }) => tenantId);
	return finalizations.map(({ tenantId, jobId }) => {
		const job = keyText(tenantId, jobId);
		const releasedByTenant = released.get(tenantId) ?? [];
		released.delete(tenantId);
		const pending = pendingFromRows(deliveries.get(job) ?? []);
		return { tenantId, jobId, done: done.has(job), deliveries: pending, released: releasedByTenant };
	});
}

/**
 * From its submission, so that a submission whose response was lost finds its job when it is repeated: no request lives for so
 * long.
 */
const KEPT_MS_MIN = 20 * 60_000;

/** Null in `model`, `attempt`, `attempts` and `usage`: the column stays as it is. */
const FINISH = `UPDATE jobs
		   SET status = event ->> 'status', status_reason = event ->> 'reason', error = event ->> 'error',
		       cancellation = event ->> 'cancellation', result_bytes = event ->> 'resultBytes',
		       model = coalesce(event ->> '$.progress.model', model),
		       attempt = coalesce(event ->> '$.progress.attempt', attempt),
		       attempts = coalesce(event ->> '$.progress.attempts', attempts),
		       usage = coalesce(event ->> '$.progress.usage', usage),
		       finished_at = ${NOW}, prune_at = max(${NOW} + retain_ms, created_at + ${KEPT_MS_MIN}),
		       lease_expires_at = NULL, sweep_at = NULL, parked_on = NULL, slot = NULL, open_in = NULL, version = version + 1
		  FROM (SELECT value AS event FROM json_each(?2))
		 WHERE tenant_id = event ->> 'tenantId' AND jobs.id = event ->> 'jobId' AND ${IS_UNCHANGED}
		RETURNING tenant_id, id AS job_id`;

function finishStatement(db: Database, finalizations: readonly Finalization[]): Statement {
	return { sql: FINISH, params: [db.clock(), JSON.stringify(finalizations)] };
}
