/**
 * Erases final jobs: row, history and R2 objects. The transaction leaves a tombstone with the R2 keys. The caller deletes the
 * objects at once, and the sweeper once more: a holder that lost its lease may still write one in between.
 */
import { z } from "zod";
import type { JobKey } from "../../core/jobs/job.ts";
import type { Actor } from "../../core/tenants/audit.ts";
import { resultKey } from "../../storage/keys.ts";
import { column } from "../columns.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { isListed, jobKeysFromRows, keyList } from "../key-list.ts";
import { isDeliveryOf } from "../outbox.ts";
import { audited } from "../tenants/audit-log.ts";

/** Longer than any invocation lives: after that, none is left that could write. */
const TOMBSTONE_MS = 20 * 60_000;

/** How long the record of an erased job's deliveries is kept, for the endpoint's owner. */
const ORPHANED_DELIVERY_MS = 7 * 24 * 3_600_000;

/** A job with pending deliveries at the end of its retention is checked again after this time. */
const STILL_PENDING_MS = 3_600_000;

/** All that is needed to find an erased job's R2 objects. */
export interface ErasedJob extends JobKey {
	inputKey: string | null;
}

export const ERASED_COLUMNS = "tenant_id, id, input_key";
const ErasedRow = z.object({ tenant_id: z.string(), id: z.string(), input_key: z.string().nullable() });

const LISTED = isListed("?2");
const FINAL = "finished_at IS NOT NULL";
const OF_JOB = `deliveries.tenant_id = jobs.tenant_id AND ${isDeliveryOf("jobs.id")}`;
const NOTHING_PENDING = `NOT EXISTS (SELECT 1 FROM deliveries WHERE ${OF_JOB} AND deliveries.status = 'pending')`;

/** Final jobs whose retention is over, oldest first. */
export async function findJobsToPrune(db: Database, limit: number): Promise<JobKey[]> {
	const rows = await db.all<Record<string, unknown>>("find jobs to prune", {
		sql: `SELECT tenant_id, id FROM jobs WHERE prune_at IS NOT NULL AND prune_at <= ${NOW} ORDER BY prune_at LIMIT ?2`,
		params: [db.clock(), limit],
	});
	return jobKeysFromRows(rows);
}

/**
 * Erases those of `jobs` without pending deliveries, and postpones the others. Returns the erased ones.
 * @param tombstoneId null: there is no room for a tombstone
 */
export async function pruneJobs(db: Database, jobs: JobKey[], tombstoneId: string | null): Promise<ErasedJob[]> {
	if (jobs.length === 0) return [];
	const over = `${LISTED} AND ${FINAL} AND prune_at <= ${NOW}`;
	const params = [db.clock(), keyList(jobs)];
	const rows = await db.transactNamed("prune jobs", {
		tombstone:
			tombstoneId === null
				? []
				: insertTombstone(db, jobs, { tombstoneId }, `${FINAL} AND prune_at <= ${NOW} AND ${NOTHING_PENDING}`),
		gone: { sql: `DELETE FROM jobs WHERE ${over} AND ${NOTHING_PENDING} RETURNING ${ERASED_COLUMNS}`, params },
		deliveries: {
			sql: `DELETE FROM deliveries WHERE (tenant_id, id) IN (
			        SELECT deliveries.tenant_id, deliveries.id
			          FROM (SELECT value ->> 0 AS tenant_id, value ->> 1 AS id FROM json_each(?1)) AS jobs CROSS JOIN deliveries
			         WHERE ${OF_JOB} AND deliveries.prune_at IS NULL AND (jobs.tenant_id, jobs.id) NOT IN (SELECT tenant_id, id FROM main.jobs AS kept WHERE
			               (tenant_id, id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1))))`,
			params: [keyList(jobs)],
		},
		postponed: { sql: `UPDATE jobs SET prune_at = ${NOW} + ${STILL_PENDING_MS} WHERE ${over}`, params },
	});
	return rows.gone.map(erasedFromRow);
}

/** Of a delivery's attempts, the times and statuses: what a receiver replied may repeat the result, and an error quotes hosts. */
const BLANKED_ATTEMPTS = `(SELECT json_group_array(json_set(value, '$.error', NULL, '$.response', NULL)) FROM json_each(attempts))`;
/** The origin of a URL: hook services have the secret in the path as often as in the query. */
const BLANKED_URL = "substr(url, 1, instr(substr(url, 9), '/') + 8)";

/**
 * Erases one job as its owner requested. Its pending deliveries are skipped; of all, ids, times and statuses stay. Null: it is
 * not final, or does not exist.
 */
export async function eraseJob(db: Database, job: JobKey, tombstoneId: string, by: Actor): Promise<ErasedJob | null> {
	const params = [db.clock(), keyList([job])];
	const rows = await db.transactNamed("erase job", {
		tombstone: insertTombstone(db, [job], { tombstoneId, erasedJob: job.jobId }, FINAL),
		deliveries: {
			sql: `UPDATE deliveries
			   SET prune_at = ${NOW} + ${ORPHANED_DELIVERY_MS}, next_attempt_at = NULL, sweep_at = NULL, parked_on = NULL,
			       finished_at = coalesce(finished_at, ${NOW}),
			       status = CASE WHEN status = 'pending' THEN 'skipped' ELSE status END,
			       url = ${BLANKED_URL}, attempts = ${BLANKED_ATTEMPTS}
			 WHERE (tenant_id, id) IN (SELECT deliveries.tenant_id, deliveries.id FROM jobs CROSS JOIN deliveries
			                            WHERE (jobs.tenant_id, jobs.id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2))
			                              AND jobs.${FINAL} AND ${OF_JOB})`,
			params,
		},
		gone: { sql: `DELETE FROM jobs WHERE ${LISTED} AND ${FINAL} RETURNING ${ERASED_COLUMNS}`, params },
		// Right after the deletion: it reads `changes()`.
		audited: audited(db, by, { action: "job.erased", tenantId: job.tenantId, target: job.jobId }),
	});
	return rows.gone.map(erasedFromRow)[0] ?? null;
}

/** With the R2 keys of the jobs that the following statements erase: `condition` must be theirs. */
export function insertTombstone(
	db: Database,
	jobs: JobKey[],
	{ tombstoneId, erasedJob = null }: { tombstoneId: string; erasedJob?: string | null },
	condition: string,
): Statement {
	return {
		sql: `INSERT INTO tombstones (delete_at, id, keys, erased_job)
		SELECT ${NOW} + ${TOMBSTONE_MS}, ?3, json_group_array(key.value), ?4
		  FROM json_each(?2) AS listed
		 CROSS JOIN jobs ON jobs.tenant_id = listed.value ->> 0 AND jobs.id = listed.value ->> 1
		 CROSS JOIN json_each(json_array(listed.value ->> 2, jobs.input_key)) AS key
		 WHERE key.value IS NOT NULL AND ${condition} HAVING count(*) > 0`,
		params: [
			db.clock(),
			JSON.stringify(jobs.map((job) => [job.tenantId, job.jobId, resultKey(job)])),
			tombstoneId,
			erasedJob,
		],
	};
}

export interface Tombstone {
	deleteAt: number;
	id: string;
	/** R2 keys. */
	keys: string[];
	/** The job that its owner erased. Null: a page of jobs. */
	erasedJob: string | null;
}

const TombstoneRow = z.object({
	delete_at: z.number(),
	id: z.string(),
	keys: column(z.array(z.string())),
	erased_job: z.string().nullable(),
});

/** Tombstones whose time has come, oldest first. */
export async function findTombstones(db: Database, limit: number): Promise<Tombstone[]> {
	const rows = await db.all("find tombstones", {
		sql: `SELECT delete_at, id, keys, erased_job FROM tombstones WHERE delete_at <= ${NOW} ORDER BY delete_at LIMIT ?2`,
		params: [db.clock(), limit],
	});
	return rows.map((raw) => {
		const row = TombstoneRow.parse(raw);
		return { deleteAt: row.delete_at, id: row.id, keys: row.keys, erasedJob: row.erased_job };
	});
}

export async function removeTombstones(db: Database, tombstones: readonly Tombstone[]): Promise<void> {
	if (tombstones.length === 0) return;
	await db.all("remove tombstones", {
		sql: `DELETE FROM tombstones
		       WHERE (delete_at, id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1))`,
		params: [JSON.stringify(tombstones.map(({ deleteAt, id }) => [deleteAt, id]))],
	});
}

export function erasedFromRow(raw: unknown): ErasedJob {
	const row = ErasedRow.parse(raw);
	return { tenantId: row.tenant_id, jobId: row.id, inputKey: row.input_key };
}
