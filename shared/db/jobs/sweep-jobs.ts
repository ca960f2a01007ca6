/** Finds the open jobs that are due for a check, page by page. */
import type { SweptJob } from "../../core/jobs/sweep.ts";
import { type Database, NOW } from "../database.ts";

/** Where the last page ended. */
export interface SweepCursor {
	sweepAt: number;
	tenantId: string;
	jobId: string;
}

export interface SweepPage {
	jobs: SweptJob[];
	/** The database's clock at the time of reading. */
	now: number;
	/** Null: this was the last page. */
	next: SweepCursor | null;
}

interface Row {
	tenant_id: string;
	id: string;
	status: "queued" | "running";
	fence: number;
	model: string;
	run_at: number;
	deadline_at: number;
	lease_expires_at: number | null;
	is_parked: number;
	redispatches: number;
	sweep_at: number;
	now: number;
}

/** @param aheadMs includes jobs whose `sweep_at` is up to so much later */
export async function findJobsToSweep(
	db: Database,
	page: { aheadMs: number; limit: number; after: SweepCursor | null },
): Promise<SweepPage> {
	const { after } = page;
	const rows = await db.all<Row>("find jobs to sweep", {
		sql: `SELECT tenant_id, id, status, fence, model, run_at, deadline_at, lease_expires_at,
		       parked_on IS NOT NULL AS is_parked, redispatches, sweep_at, ${NOW} AS now
		  FROM jobs
		 WHERE sweep_at IS NOT NULL AND sweep_at <= ${NOW} + ?2 AND (sweep_at, tenant_id, id) > (?3, ?4, ?5)
		 ORDER BY sweep_at, tenant_id, id LIMIT ?6`,
		params: [db.clock(), page.aheadMs, after?.sweepAt ?? 0, after?.tenantId ?? "", after?.jobId ?? "", page.limit],
	});
	const last = rows.at(-1);
	return {
		jobs: rows.map((row) => ({
			tenantId: row.tenant_id,
			jobId: row.id,
			status: row.status,
			fence: row.fence,
			model: row.model,
			runAt: row.run_at,
			deadlineAt: row.deadline_at,
			leaseExpiresAt: row.lease_expires_at,
			isParked: row.is_parked === 1,
			redispatches: row.redispatches,
			sweepAt: row.sweep_at,
		})),
		now: last?.now ?? 0,
		next:
			last === undefined || rows.length < page.limit
				? null
				: { sweepAt: last.sweep_at, tenantId: last.tenant_id, jobId: last.id },
	};
}

/** Notes when to check next. A job that was queued or swept again meanwhile has set its own time, which is kept. */
export async function noteSwept(
	db: Database,
	swept: { job: SweptJob; sweepAt: number; redispatches: number }[],
): Promise<void> {
	if (swept.length === 0) return;
	await db.all("note swept", {
		sql: `UPDATE jobs SET sweep_at = swept.next, redispatches = swept.redispatches
		  FROM (SELECT value ->> 0 AS tenant_id, value ->> 1 AS id, value ->> 2 AS seen, value ->> 3 AS status,
		               value ->> 4 AS fence, value ->> 5 AS next, value ->> 6 AS redispatches FROM json_each(?1)) AS swept
		 WHERE jobs.tenant_id = swept.tenant_id AND jobs.id = swept.id AND jobs.sweep_at = swept.seen
		   AND jobs.status = swept.status AND jobs.fence = swept.fence`,
		params: [
			JSON.stringify(
				swept.map(({ job, sweepAt, redispatches }) => [
					job.tenantId,
					job.jobId,
					job.sweepAt,
					job.status,
					job.fence,
					sweepAt,
					redispatches,
				]),
			),
		],
	});
}
