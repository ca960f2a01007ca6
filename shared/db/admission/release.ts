/** Releases parked jobs: the one way back to the queue, whatever key they are parked on. */
import type { JobKey } from "../../core/jobs/job.ts";
import { ENQUEUE_GRACE_MS } from "../../core/jobs/wakeups.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { distinctKeys } from "../distinct-keys.ts";
import { jobKeysFromRows } from "../key-list.ts";
import { callsAdmitted } from "./breakers.ts";
import { tenantOfKey } from "./keys.ts";
import { slotsToGive } from "./tenant-limits.ts";

/** How many jobs one statement releases at most, where the caller names no other limit. The sweeper releases the rest. */
export const RELEASED_MAX = 100;

/** How many jobs parked on `key` may be released now, up to `limit`: as its tenant has free slots, or as its breaker admits. */
const room = (key: string, limit: string) => `CASE WHEN ${tenantOfKey(key)} IS NOT NULL
	THEN min(${limit}, ${slotsToGive(tenantOfKey(key))}) ELSE ${callsAdmitted(key, limit)} END`;

/** Releases the most urgent jobs parked on `?2`, then the oldest. A job released by its tenant takes the slot it waited for. */
function releaseStatement(db: Database, key: string, limit: number): Statement {
	return {
		sql: `UPDATE jobs
		   SET parked_on = NULL, status_reason = NULL, version = version + 1, redispatches = 0, run_at = min(run_at, ${NOW}),
		       slot = ${tenantOfKey("?2")}, sweep_at = min(${NOW} + ${ENQUEUE_GRACE_MS}, deadline_at)
		 WHERE (tenant_id, id) IN (
		       SELECT tenant_id, id FROM jobs WHERE parked_on = ?2 ORDER BY priority DESC, id
		        LIMIT ${room("?2", "?3")})
		RETURNING tenant_id, id`,
		params: [db.clock(), key, limit],
	};
}

/** For a transaction that may free slots of the tenant. Enqueue the jobs in its rows: `jobKeysFromRows`. */
export function releaseForTenant(db: Database, tenantId: string, limit = RELEASED_MAX): Statement {
	return releaseStatement(db, `tenant:${tenantId}`, limit);
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
