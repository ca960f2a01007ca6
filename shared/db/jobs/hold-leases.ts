/** What a holder does while its calls run, for its whole batch at once: extend its leases, and notice lost ones. */
import type { JobKey } from "../../core/jobs/job.ts";
import { type Database, NOW } from "../database.ts";
import { DELETED_TENANTS } from "../deleted-tenants.ts";

export interface HeldLease extends JobKey {
	fence: number;
	/** Its call has begun, or begins right after this: if the holder dies, the attempt counts. */
	isCalled?: boolean;
}

/** Joins the leases bound as `list` with their jobs, as far as the leases are still in force. */
const heldIn = (list: "?1" | "?3") =>
	`(SELECT value ->> 0 AS tenant_id, value ->> 1 AS id, value ->> 2 AS fence, value ->> 3 AS is_called
	    FROM json_each(${list})) AS held
	  WHERE jobs.tenant_id = held.tenant_id AND jobs.id = held.id AND jobs.fence = held.fence AND jobs.status = 'running'
	    AND jobs.tenant_id NOT IN ${DELETED_TENANTS}`;

/**
 * Heartbeat: extends the leases and records which of them have begun their calls. Returns the ids of the jobs that are still
 * ours, by fence and state alone: a late heartbeat still counts.
 */
export async function extendLeases(db: Database, leases: HeldLease[], leaseMs: number): Promise<Set<string>> {
	const rows = await db.all<{ id: string }>("extend leases", {
		sql: `UPDATE jobs
		   SET lease_expires_at = ${NOW} + ?2, called_fence = iif(held.is_called, held.fence, called_fence)
		  FROM ${heldIn("?3")} RETURNING jobs.id`,
		params: [db.clock(), leaseMs, leaseList(leases)],
	});
	return new Set(rows.map((row) => row.id));
}

/** The ids of the jobs that are still ours. The call of a job that was cancelled or taken over is aborted. */
export async function findHeldLeases(db: Database, leases: HeldLease[]): Promise<Set<string>> {
	const rows = await db.all<{ id: string }>("find held leases", {
		sql: `SELECT jobs.id FROM jobs JOIN ${heldIn("?1")}`,
		params: [leaseList(leases)],
	});
	return new Set(rows.map((row) => row.id));
}

function leaseList(leases: HeldLease[]): string {
	return JSON.stringify(
		leases.map(({ tenantId, jobId, fence, isCalled = false }) => [tenantId, jobId, fence, isCalled]),
	);
}
