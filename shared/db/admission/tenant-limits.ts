/**
 * A tenant's limits, as SQL: tokens a day, open jobs, running jobs. A statement that a limit applies to reads the limit itself, so
 * that a change applies at once.
 *
 * The limit of running jobs is a number of slots. A slot is the right of a job to be in the queue or to run, so that a tenant
 * neither exceeds the limit nor keeps other tenants waiting. A job without a slot is parked until another gives one back.
 */
import type { JobKey } from "../../core/jobs/job.ts";
import { FAIR_SHARE } from "../../core/tenants/tenant.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { DELETED_TENANTS } from "../deleted-tenants.ts";
import { keyList, REQUESTED } from "../key-list.ts";
import { tenantKey } from "./keys.ts";

const DAY_MS = 86_400_000;

/** Days since 1970-01-01. The cast: a bound time may arrive as a real number. */
export const TODAY = `CAST(${NOW} / ${DAY_MS} AS INTEGER)`;
/** Next midnight, UTC: when the day's tokens start over. */
export const TOMORROW = `((${TODAY} + 1) * ${DAY_MS})`;

/** Whether a tenant has reached a limit. Without a limit, nothing is counted. */
const isReached = (tenant: string, limit: string, used: string) => `EXISTS (
	SELECT 1 FROM tenants WHERE id = ${tenant} AND limits ->> '${limit}' IS NOT NULL AND limits ->> '${limit}' <= ${used})`;

/** Whether a tenant has spent its tokens of today. */
export const overBudget = (tenant: string) =>
	isReached(
		tenant,
		"tokens_per_day",
		`coalesce((SELECT sum(total_tokens) FROM usage WHERE tenant_id = tenants.id AND day = ${TODAY}), 0)`,
	);

/** How many more open jobs a tenant may have. Null: it has no limit, and nothing is counted. */
export const openLeft = (tenant: string) => `(
	SELECT limits ->> 'open_jobs' - (SELECT count(*) FROM jobs AS open WHERE open.open_in = tenants.id)
	  FROM tenants WHERE id = ${tenant} AND limits ->> 'open_jobs' IS NOT NULL)`;

const hasOpenLimit = (tenant: string) =>
	`EXISTS (SELECT 1 FROM tenants WHERE id = ${tenant} AND limits ->> 'open_jobs' IS NOT NULL)`;

/** `open_in` of a new job: set only if the tenant has the limit, so that no other tenant pays for the count. */
export const openIn = (tenant: string) => `iif(${hasOpenLimit(tenant)}, ${tenant}, NULL)`;

/**
 * Sets `open_in` of the tenant's open jobs, in the transaction that gives it this limit. Reads the open jobs of all tenants
 * instead of all jobs of this one, most of which are final.
 */
export function countOpenJobs(tenantId: string): Statement {
	return {
		sql: `UPDATE jobs SET open_in = tenant_id
		 WHERE ${hasOpenLimit("?1")} AND (tenant_id, id) IN (
		       SELECT tenant_id, id FROM jobs INDEXED BY jobs_to_sweep
		        WHERE sweep_at IS NOT NULL AND tenant_id = ?1 AND open_in IS NULL)`,
		params: [tenantId],
	};
}

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
