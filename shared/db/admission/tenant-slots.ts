/**
 * Slots: the right of a job to be in the queue or to run. A tenant has as many as its limit of running jobs, so that it
 * neither exceeds the limit nor keeps other tenants waiting. A job without a slot is parked until another gives one back.
 */
import type { JobKey } from "../../core/jobs/job.ts";
import { FAIR_SHARE } from "../../core/tenants/tenant.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { DELETED_TENANTS } from "../deleted-tenants.ts";
import { keyList, REQUESTED } from "../key-list.ts";
import { tenantKey } from "./keys.ts";
import { overBudget } from "./tenant-limits.ts";

/** Slots that a tenant has left, as SQL. Negative if its limit was lowered. Reads one row per slot in use. */
const freeSlots = (tenant: string) => `(
	coalesce((SELECT limits ->> 'running_jobs' FROM tenants WHERE id = ${tenant}), ${FAIR_SHARE})
	- (SELECT count(*) FROM jobs AS held WHERE held.slot = ${tenant}))`;

/** Whether jobs of the tenant are parked for a slot. They run before any later job. */
const othersWait = (tenant: string) =>
	`EXISTS (SELECT 1 FROM jobs AS waiting WHERE waiting.parked_on = ${tenantKey(tenant)})`;

/** How many jobs that arrive now get a slot. None overtakes those that wait already. */
export const slotsLeft = (tenant: string) => `CASE WHEN ${othersWait(tenant)} THEN 0 ELSE ${freeSlots(tenant)} END`;

/** Whether the `place`th of the jobs that arrive without a slot gets one. */
export const getsSlot = (tenant: string, place: string) => `${place} <= ${slotsLeft(tenant)}`;

/** How many parked jobs may get a slot. If none is parked, the budget is spent, or the tenant is deleted, nothing is counted. */
export const slotsToGive = (tenant: string) =>
	`CASE WHEN NOT ${othersWait(tenant)} OR ${tenant} IN ${DELETED_TENANTS} OR ${overBudget(tenant)}
	      THEN 0 ELSE max(0, ${freeSlots(tenant)}) END`;

/**
 * Gives a slot to each job that was just leased without one: the lease checked that there are enough. For a job that has a
 * slot nothing is written; a job past its deadline makes no call and needs none.
 */
export function takeSlots(db: Database, keys: JobKey[], holder: string): Statement {
	return {
		sql: `UPDATE jobs SET slot = tenant_id
		 WHERE ${REQUESTED} AND status = 'running' AND holder = ?3 AND slot IS NULL AND deadline_at > ${NOW}`,
		params: [db.clock(), keyList(keys), holder],
	};
}

/** After the limit was lowered: takes the slots of queued jobs. The next release gives the rest to the most urgent jobs. */
export function revokeSlots(tenantId: string): Statement {
	return {
		sql: `UPDATE jobs
		   SET slot = NULL, parked_on = ${tenantKey("?1")}, status_reason = 'running_limit', version = version + 1,
		       sweep_at = deadline_at
		 WHERE slot = ?1 AND status = 'queued' AND ?1 NOT IN ${DELETED_TENANTS} AND ${freeSlots("?1")} < 0`,
		params: [tenantId],
	};
}
