/**
 * Ends jobs: the only way into a final state, whoever asks (a consumer with an answer, a caller who cancels, the sweeper
 * at a deadline). The final state and the deliveries it owes are one transaction: nobody is told before the commit, and
 * nobody is forgotten after it.
 */

import type { Attempt } from "../../core/jobs/attempts.ts";
import type { Cancellation, JobError, JobKey } from "../../core/jobs/job.ts";
import type { FinalState, StatusReason } from "../../core/jobs/job-states.ts";
import type { Usage } from "../../core/upstreams/failures.ts";
import type { DeliveryKey } from "../../core/webhooks/delivery.ts";
import { releaseForTenant } from "../admission/release.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { jobKeysFromRows } from "../key-list.ts";
import { insertJobDeliveries, type JobEvent, jobDeliveriesSql, pendingFromRows } from "../outbox.ts";

export interface Finalization extends JobKey {
	/** The state and the lease that the job must still have. Otherwise it has moved on, and nothing is written. */
	from: "queued" | "running";
	fence: number;
	status: FinalState;
	reason: StatusReason | null;
	error: JobError | null;
	cancellation: Cancellation | null;
	/** Null for all but `succeeded`: the bytes that R2 holds under the job's key. */
	resultBytes: number | null;
	/** What the last call added. Null: no call was made, and these stay as they are. */
	progress: JobProgress | null;
}

export interface JobProgress {
	/** The model that answered, or was asked last. */
	model: string;
	attempt: number;
	attempts: Attempt[];
	usage: Usage | null;
}

/** What one end did. Not `done`: the job had moved on, and nothing was written. */
export interface Finished extends JobKey {
	done: boolean;
	/** Jobs of the tenant that have the slots now which it gave up: ring for them. Told with its first end. */
	freed: JobKey[];
	/** Deliveries that this end owes: ring for them once. What a disabled endpoint misses is not among them. */
	owed: DeliveryKey[];
}

/**
 * All in one transaction, and in as many statements as one end takes. Losing a race is ordinary and shows in the answer, one
 * entry per end. At most one end a job: a holder has one, and comes with it again only once it has failed.
 */
export async function finishJobs(db: Database, ends: readonly Finalization[]): Promise<Finished[]> {
	if (ends.length === 0) return [];
	const tenants = [...new Set(ends.map(({ tenantId }) => tenantId))];
	const [owed = [], done = [], ...given] = await db.transact<Record<string, unknown>>("finish jobs", [
		insertFinalDeliveries(db, ends),
		finishStatement(db, ends),
		...tenants.map((tenantId) => releaseForTenant(db, tenantId)),
	]);
	const freed = new Map(tenants.map((tenantId, at) => [tenantId, jobKeysFromRows(given[at] ?? [])]));
	const jobOf = (row: Record<string, unknown>) => `${row.tenant_id} ${row.job_id}`;
	const doneJobs = new Set(done.map(jobOf));
	const deliveriesByJob = Map.groupBy(owed, jobOf);
	return ends.map(({ tenantId, jobId }) => {
		const job = `${tenantId} ${jobId}`;
		const told = { done: doneJobs.has(job), owed: pendingFromRows(deliveriesByJob.get(job) ?? []) };
		const freedByTenant = freed.get(tenantId) ?? [];
		freed.delete(tenantId);
		return { tenantId, jobId, ...told, freed: freedByTenant };
	});
}

/** What one end makes of its row. Null in `model`, `attempt`, `attempts`, `usage`: it stays as it is. */
function endRow({
	tenantId,
	jobId,
	from,
	fence,
	status,
	reason,
	error,
	cancellation,
	resultBytes,
	progress,
}: Finalization) {
	const { model = null, attempt = null, attempts = null, usage = null } = progress ?? {};
	return {
		tenantId,
		jobId,
		from,
		fence,
		status,
		reason,
		error,
		cancellation,
		resultBytes,
		model,
		attempt,
		attempts,
		usage,
	};
}

/** The job has neither moved on nor ended. */
const IS_OURS = (from: string, fence: string) => `jobs.status = ${from} AND jobs.fence = ${fence}`;

/** What the statements read of an end. */
type EndRow = ReturnType<typeof endRow>;

const FINAL_DELIVERIES = jobDeliveriesSql<Pick<EndRow, "tenantId" | "jobId" | "from" | "fence"> & JobEvent>((told) =>
	IS_OURS(told("from"), told("fence")),
);

/** Before the statement that ends them, which finds the very same jobs: nobody is owed an end that came twice. */
function insertFinalDeliveries(db: Database, ends: readonly Finalization[]): Statement {
	const news = ends.map(({ tenantId, jobId, from, fence, status }) => ({
		tenantId,
		jobId,
		from,
		fence,
		happening: status,
	}));
	return insertJobDeliveries(db, FINAL_DELIVERIES, news);
}

const ended = (name: keyof EndRow) => `ended.value ->> '${name}'`;

const FINISH = `UPDATE jobs
		   SET status = ${ended("status")}, status_reason = ${ended("reason")}, error = ${ended("error")},
		       cancellation = ${ended("cancellation")}, result_bytes = ${ended("resultBytes")},
		       model = coalesce(${ended("model")}, model), attempt = coalesce(${ended("attempt")}, attempt),
		       attempts = coalesce(${ended("attempts")}, attempts), usage = coalesce(${ended("usage")}, usage),
		       finished_at = ${NOW}, prune_at = ${NOW} + retain_ms,
		       lease_expires_at = NULL, sweep_at = NULL, parked_on = NULL, slot = NULL, open_in = NULL, version = version + 1
		  FROM json_each(?2) AS ended
		 WHERE tenant_id = ${ended("tenantId")} AND jobs.id = ${ended("jobId")}
		   AND ${IS_OURS(ended("from"), ended("fence"))}
		RETURNING tenant_id, id AS job_id`;

function finishStatement(db: Database, ends: readonly Finalization[]): Statement {
	return { sql: FINISH, params: [db.clock(), JSON.stringify(ends.map(endRow))] };
}
