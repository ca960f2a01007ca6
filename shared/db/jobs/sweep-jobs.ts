/** Finds the open jobs that are due for a check, page by page. */
import { ATTEMPTS_KEPT } from "../../core/jobs/attempts.ts";
import type { JobKey } from "../../core/jobs/job.ts";
import type { SweptJob } from "../../core/jobs/sweep.ts";
import { type Database, NOW } from "../database.ts";

/** Where the last page of slots ended. */
export type SlotCursor = JobKey;

/** Where the last page ended. */
export interface SweepCursor extends JobKey {
	sweepAt: number;
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
	has_slot: number;
	may_have_result: number;
	redispatches: number;
	sweep_at: number;
	now: number;
}

/** Where a row is among those that were looked at, from 1. */
interface Place {
	nth: number;
}

/**
 * Read for overdue jobs only: an entry that was dropped from a full history may have been such a call. A running job has one
 * anyway.
 */
const MAY_HAVE_RESULT = `deadline_at <= ${NOW} AND (status = 'running' OR json_array_length(attempts) >= ${ATTEMPTS_KEPT}
	OR EXISTS (SELECT 1 FROM json_each(attempts) AS made WHERE made.value ->> 'outcome' IN ('abandoned', 'not_stored')))`;

const COLUMNS = `tenant_id, id, status, fence, model, run_at, deadline_at, lease_expires_at, parked_on IS NOT NULL AS is_parked,
	slot IS NOT NULL AS has_slot, ${MAY_HAVE_RESULT} AS may_have_result, redispatches, sweep_at, ${NOW} AS now`;

export interface DuePage {
	limit: number;
	after: SweepCursor | null;
	/** How many due jobs are looked at for the page. */
	window: number;
	/** Of one tenant, the page has no more jobs of a window. */
	tenantMax: number;
	/** Tenants whose jobs are passed over. */
	except: readonly string[];
}

/**
 * Open jobs whose next check is due, the longest overdue first. Of each job that is passed over only an entry of the index is
 * read. The last job of a full window is on its page, whatever its tenant.
 */
export async function findJobsToSweep(db: Database, page: DuePage): Promise<SweepPage> {
	const { after, limit, window } = page;
	const rows = await db.all<Row & Place>("find jobs to sweep", {
		sql: `SELECT ${COLUMNS}, nth
		  FROM (SELECT tenant_id, id, row_number() OVER (ORDER BY sweep_at, tenant_id, id) AS nth,
		               row_number() OVER (PARTITION BY tenant_id ORDER BY sweep_at, id) AS nth_of_tenant
		          FROM (SELECT sweep_at, tenant_id, id FROM jobs
		                 WHERE sweep_at IS NOT NULL AND sweep_at <= ${NOW} AND (sweep_at, tenant_id, id) > (?2, ?3, ?4)
		                 ORDER BY sweep_at, tenant_id, id LIMIT ?5)) AS due
		 CROSS JOIN jobs USING (tenant_id, id)
		 WHERE nth = ?5 OR (nth_of_tenant <= ?6 AND tenant_id NOT IN (SELECT value FROM json_each(?7)))
		 ORDER BY nth LIMIT ?8`,
		params: [
			db.clock(),
			after?.sweepAt ?? 0,
			after?.tenantId ?? "",
			after?.jobId ?? "",
			window,
			page.tenantMax,
			JSON.stringify(page.except),
			limit,
		],
	});
	const last = rows.at(-1);
	return pageOf(rows, rows.length === limit || last?.nth === window ? last : undefined);
}

/**
 * Of the jobs with a slot, in the order of the slots: those whose lease has expired, and if the queue is empty also those that
 * are due, whose messages are lost then. However many other jobs are due, none of them is read.
 */
export async function findStrandedJobs(
	db: Database,
	page: { queueIsEmpty: boolean; limit: number; after: SlotCursor | null },
): Promise<SweepPage> {
	const { after } = page;
	const rows = await db.all<Row & Place>("find stranded jobs", {
		sql: `SELECT ${COLUMNS}, nth
		  FROM (SELECT tenant_id, id, row_number() OVER (ORDER BY slot, tenant_id, id) AS nth
		          FROM (SELECT slot, tenant_id, id FROM jobs
		                 WHERE slot IS NOT NULL AND (slot, tenant_id, id) > (?3, ?3, ?4) ORDER BY slot, tenant_id, id LIMIT ?5)) AS held
		 CROSS JOIN jobs USING (tenant_id, id)
		 WHERE (status = 'running' AND lease_expires_at <= ${NOW} AND (?2 OR sweep_at <= ${NOW}))
		    OR (status = 'queued' AND ?2 AND run_at <= ${NOW})
		    OR nth = ?5`,
		params: [db.clock(), page.queueIsEmpty ? 1 : 0, after?.tenantId ?? "", after?.jobId ?? "", page.limit],
	});
	return pageOf(
		rows,
		rows.find(({ nth }) => nth === page.limit),
	);
}

/** How many slots are taken: as many messages should be in the queue. Counts no further than `limit`. */
export async function countSlots(db: Database, limit: number): Promise<number> {
	const row = await db.first<{ slots: number }>("count slots", {
		sql: "SELECT count(*) AS slots FROM (SELECT 1 FROM jobs WHERE slot > '' LIMIT ?1)",
		params: [limit],
	});
	return row?.slots ?? 0;
}

/** @param last where the next page begins; undefined: there is none */
function pageOf(rows: Row[], last: Row | undefined): SweepPage {
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
			hasSlot: row.has_slot === 1,
			mayHaveResult: row.may_have_result === 1,
			redispatches: row.redispatches,
			sweepAt: row.sweep_at,
		})),
		now: rows[0]?.now ?? 0,
		next: last === undefined ? null : { sweepAt: last.sweep_at, tenantId: last.tenant_id, jobId: last.id },
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
