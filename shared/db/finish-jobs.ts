/**
 * Ends jobs: the only way into a final state, whoever asks (a consumer with an answer, a caller who cancels, the sweeper
 * at a deadline). The final state and the deliveries it owes are one transaction: nobody is told before the commit, and
 * nobody is forgotten after it.
 */
import type { Attempt } from "../core/attempts.ts";
import type { DeliveryKey } from "../core/delivery.ts";
import type { Usage } from "../core/failures.ts";
import type { Cancellation, JobError, JobKey } from "../core/job.ts";
import type { FinalState, StatusReason } from "../core/job-states.ts";
import { type Database, NOW, type Statement } from "./database.ts";
import { jsonOrNull } from "./json-column.ts";
import { owedFromRows, oweJobEvent } from "./owe-events.ts";
import { giveFreeSlots, jobKeysFromRows } from "./tenant-slots.ts";

export interface JobEnd extends JobKey {
	/** The state and the lease that the job must still have. Otherwise it has moved on, and nothing is written. */
	from: "queued" | "running";
	lease: number;
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

/** All in one transaction. Losing a race is ordinary and shows in the answer, one entry per end. */
export async function finishJobs(db: Database, ends: JobEnd[]): Promise<Finished[]> {
	if (ends.length === 0) return [];
	const tenants = [...new Set(ends.map(({ tenantId }) => tenantId))];
	const rows = await db.batch<Record<string, unknown>>([
		...ends.flatMap((end) => [finishStatement(db, end), oweStatement(db, end)]),
		...tenants.map((tenantId) => giveFreeSlots(db, tenantId)),
	]);
	const freed = new Map(tenants.map((tenantId, at) => [tenantId, jobKeysFromRows(rows[2 * ends.length + at] ?? [])]));
	const isFirst = (end: JobEnd, index: number) => ends.findIndex(({ tenantId }) => tenantId === end.tenantId) === index;
	return ends.map((end, index) => ({
		tenantId: end.tenantId,
		jobId: end.jobId,
		done: (rows[2 * index] ?? []).length > 0,
		owed: owedFromRows(rows[2 * index + 1] ?? []),
		freed: isFirst(end, index) ? (freed.get(end.tenantId) ?? []) : [],
	}));
}

function finishStatement(db: Database, end: JobEnd): Statement {
	const { progress } = end;
	return {
		sql: `UPDATE jobs
		   SET status = ?6, status_reason = ?7, error = ?8, cancellation = ?9, result_bytes = ?10,
		       model = coalesce(?11, model), attempt = coalesce(?12, attempt),
		       attempts = coalesce(?13, attempts), usage = coalesce(?14, usage),
		       finished_at = ${NOW}, prune_at = ${NOW} + retain_ms,
		       lease_expires_at = NULL, sweep_at = NULL, parked_on = NULL, slot = NULL, open_in = NULL, version = version + 1
		 WHERE tenant_id = ?2 AND id = ?3 AND status = ?4 AND lease = ?5
		RETURNING id`,
		params: [
			db.clock(),
			end.tenantId,
			end.jobId,
			end.from,
			end.lease,
			end.status,
			end.reason,
			jsonOrNull(end.error),
			end.cancellation,
			end.resultBytes,
			progress?.model ?? null,
			progress?.attempt ?? null,
			jsonOrNull(progress?.attempts ?? null),
			jsonOrNull(progress?.usage ?? null),
		],
	};
}

/**
 * Only if the statement just before it has ended the job: an end that arrives twice owes nothing to who has asked since.
 */
function oweStatement(db: Database, end: JobEnd): Statement {
	return oweJobEvent(db, end.status, {
		sql: "changes() > 0 AND jobs.tenant_id = ?4 AND jobs.id = ?5 AND jobs.status = ?6 AND jobs.lease = ?7",
		params: [end.tenantId, end.jobId, end.status, end.lease],
	});
}
