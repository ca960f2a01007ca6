/**
 * Slots: the right of a job to be in the queue or to run. A tenant has as many as its limit of running jobs, so that it
 * neither exceeds it nor keeps others waiting. Whoever has none is parked in D1, and gets one when another gives his back.
 */
import type { JobKey } from "../../core/jobs/job.ts";
import { ENQUEUE_GRACE_MS } from "../../core/jobs/wakeups.ts";
import { FAIR_SHARE } from "../../core/tenants/tenant.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { ASKED, keyList } from "../key-list.ts";
import { overBudget } from "./tenant-limits.ts";

/** What jobs that wait for a slot are parked on. */
export const slotKey = (tenant: string) => `'tenant ' || ${tenant}`;
/** The tenant that such a key names; null of any other key. */
export const tenantOfKey = (key: string) => `CASE WHEN ${key} LIKE 'tenant %' THEN substr(${key}, 8) END`;

/** Slots that a tenant has left, as SQL. Negative where its limit was lowered. Reads as many rows as slots are held. */
const freeSlots = (tenant: string) => `(
	coalesce((SELECT limits ->> 'running_jobs' FROM tenants WHERE id = ${tenant}), ${FAIR_SHARE})
	- (SELECT count(*) FROM jobs AS held WHERE held.slot = ${tenant}))`;

/** Whether jobs of a tenant wait for a slot already: who comes later has no right to one before them. */
const othersWait = (tenant: string) =>
	`EXISTS (SELECT 1 FROM jobs AS waiting WHERE waiting.parked_on = ${slotKey(tenant)})`;

/** Whether who comes as the `place`th of those without a slot gets one. Nobody overtakes those who wait already. */
export const getsSlot = (tenant: string, place: string) =>
	`CASE WHEN ${othersWait(tenant)} THEN FALSE ELSE ${place} <= ${freeSlots(tenant)} END`;

/** How many of those who wait may go. Counts nothing where nobody waits, or nobody may make a call. */
export const slotsToGive = (tenant: string) =>
	`CASE WHEN NOT ${othersWait(tenant)} OR ${overBudget(tenant)} THEN 0 ELSE max(0, ${freeSlots(tenant)}) END`;

/**
 * A slot for each job that was leased without one, as the lease has found that there is. Those that had one keep it, and
 * nothing is written; who is past its deadline makes no call, and needs none.
 */
export function takeFreeSlots(db: Database, keys: JobKey[], holder: string): Statement {
	return {
		sql: `UPDATE jobs SET slot = tenant_id
		 WHERE ${ASKED} AND status = 'running' AND holder = ?3 AND slot IS NULL AND deadline_at > ${NOW}`,
		params: [db.clock(), keyList(keys), holder],
	};
}

/** Takes the slots of those who have not begun, where a lowered limit has fewer: the most urgent get theirs back. */
export function revokeSlots(tenantId: string): Statement {
	return {
		sql: `UPDATE jobs
		   SET slot = NULL, parked_on = ${slotKey("?1")}, status_reason = 'running_limit', version = version + 1,
		       sweep_at = deadline_at
		 WHERE slot = ?1 AND status = 'queued' AND ${freeSlots("?1")} < 0`,
		params: [tenantId],
	};
}

/** How many one freed slot lets go at most; where more were freed together, the sweeper lets the rest go. */
const RELEASED_MAX = 100;

/** Gives the slots that are free to those who wait: by priority, then by age. Ring for what this answers. */
export function giveFreeSlots(db: Database, tenantId: string, limit = RELEASED_MAX): Statement {
	return {
		sql: `UPDATE jobs
		   SET slot = tenant_id, parked_on = NULL, status_reason = NULL, version = version + 1, redispatches = 0,
		       run_at = min(run_at, ${NOW}), sweep_at = min(${NOW} + ${ENQUEUE_GRACE_MS}, deadline_at)
		 WHERE (tenant_id, id) IN (
		       SELECT tenant_id, id FROM jobs WHERE parked_on = ${slotKey("?2")} ORDER BY priority DESC, id
		        LIMIT min(?3, ${slotsToGive("?2")}))
		RETURNING tenant_id, id`,
		params: [db.clock(), tenantId, limit],
	};
}

/** Whom to ring for. */
export function jobKeysFromRows(rows: readonly Record<string, unknown>[]): JobKey[] {
	return rows.map((row) => ({ tenantId: String(row.tenant_id), jobId: String(row.id) }));
}
