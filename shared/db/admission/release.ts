/** Releases parked jobs: the one way back to the queue, whatever key they are parked on. */
import type { JobKey } from "../../core/jobs/job.ts";
import { ENQUEUE_GRACE_MS } from "../../core/jobs/wakeups.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { distinctKeys } from "../distinct-keys.ts";
import { jobKeysFromRows, keyList, REQUESTED } from "../key-list.ts";
import { callsAdmitted } from "./breakers.ts";
import { tenantKey, tenantOfKey } from "./keys.ts";
import { slotsToGive } from "./tenant-limits.ts";

/** How many jobs one statement releases at most, where the caller names no other limit. The sweeper releases the rest. */
export const RELEASED_MAX = 100;

/** How many jobs parked on `key` may be released now, up to `limit`: as its tenant has free slots, or as its breaker admits. */
const room = (key: string, limit: string) => `CASE WHEN ${tenantOfKey(key)} IS NOT NULL
	THEN min(${limit}, ${slotsToGive(tenantOfKey(key))}) ELSE ${callsAdmitted(key, limit)} END`;

/** What a released job becomes: queued, and soon in the queue. */
const RELEASED = `parked_on = NULL, status_reason = NULL, version = version + 1, redispatches = 0,
	run_at = ${NOW}, sweep_at = min(${NOW} + ${ENQUEUE_GRACE_MS}, deadline_at)`;

/** Releases the most urgent jobs parked on `?2`, then the oldest. A job released by its tenant takes the slot it waited for. */
function releaseStatement(db: Database, key: string, limit: number): Statement {
	return {
		sql: `UPDATE jobs
		   SET ${RELEASED}, slot = ${tenantOfKey("?2")}
		 WHERE (tenant_id, id) IN (
		       SELECT tenant_id, id FROM jobs WHERE parked_on = ?2 ORDER BY priority DESC, id
		        LIMIT ${room("?2", "?3")})
		RETURNING tenant_id, id`,
		params: [db.clock(), key, limit],
	};
}

/** Priorities are 0 to 9. */
const ABOVE_ANY = 10;

/** The job that follows `last` among those parked on its tenant's key: of the same priority, or else of the next lower one. */
const WAITING = `FROM jobs AS waiting WHERE waiting.parked_on = ${tenantKey("last.tenant_id")} AND waiting.tenant_id = last.tenant_id`;
const FOLLOWING = `coalesce(
	(SELECT waiting.id ${WAITING} AND waiting.priority = last.priority AND waiting.id > last.id ORDER BY waiting.id LIMIT 1),
	(SELECT waiting.id ${WAITING} AND waiting.priority < last.priority ORDER BY waiting.priority DESC, waiting.id LIMIT 1))`;

/**
 * Gives the free slots of `tenants` to their parked jobs: the most urgent first, then the oldest. For a transaction that may
 * free slots. Enqueue the jobs in its rows: `jobKeysFromRows`. Reads a few rows for each job that it releases, however many
 * wait.
 * @param limit for each tenant
 */
export function releaseForTenants(db: Database, tenants: readonly string[], limit = RELEASED_MAX): Statement {
	return {
		sql: `WITH RECURSIVE last (tenant_id, slots_left, priority, id) AS (
		       SELECT value, min(?3, ${slotsToGive("value")}), ${ABOVE_ANY}, '' FROM json_each(?2)
		       UNION ALL
		       SELECT last.tenant_id, slots_left - 1, jobs.priority, jobs.id FROM last CROSS JOIN jobs
		           ON jobs.tenant_id = last.tenant_id AND jobs.id = ${FOLLOWING}
		        WHERE slots_left > 0)
		UPDATE jobs
		   SET ${RELEASED}, slot = tenant_id
		 WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM last WHERE id <> '')
		RETURNING tenant_id, id`,
		params: [db.clock(), JSON.stringify([...new Set(tenants)]), limit],
	};
}

/**
 * Lines due jobs without a slot up with the others of their tenants, and releases as many as there are slots. Returns the
 * released jobs: enqueue them.
 */
export async function admitJobs(db: Database, jobs: readonly JobKey[]): Promise<JobKey[]> {
	if (jobs.length === 0) return [];
	const rows = await db.transactNamed("admit jobs", {
		parked: {
			sql: `UPDATE jobs
			   SET parked_on = ${tenantKey("tenant_id")}, status_reason = 'running_limit', version = version + 1,
			       redispatches = 0, sweep_at = deadline_at
			 WHERE ${REQUESTED} AND status = 'queued' AND slot IS NULL AND parked_on IS NULL
			   AND run_at <= ${NOW} AND deadline_at > ${NOW}`,
			params: [db.clock(), keyList(jobs)],
		},
		released: releaseForTenants(
			db,
			jobs.map(({ tenantId }) => tenantId),
		),
	});
	return jobKeysFromRows(rows.released);
}

/** Returns the released jobs: enqueue them. */
export async function releaseParked(db: Database, key: string, limit = RELEASED_MAX): Promise<JobKey[]> {
	return jobKeysFromRows(await db.all("release parked", releaseStatement(db, key, limit)));
}

/** The keys that jobs are parked on and that have room for at least one of them. */
export async function findReleasableKeys(db: Database, limit: number): Promise<string[]> {
	const rows = await db.all<{ key: string }>("find parked keys", {
		sql: `WITH RECURSIVE ${distinctKeys("parked", "jobs", "parked_on")}
		SELECT key FROM parked WHERE key IS NOT NULL AND ${room("parked.key", "1")} > 0 LIMIT ?2`,
		params: [db.clock(), limit],
	});
	return rows.map((row) => row.key);
}
