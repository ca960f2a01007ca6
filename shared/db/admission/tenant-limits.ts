/**
 * A tenant's limits, as SQL: tokens a day, open jobs, running jobs, stored bytes. A statement that a limit applies to reads the limit itself, so
 * that a change applies at once.
 *
 * The limit of running jobs is a number of slots. A slot is the right of a job to be in the queue or to run, so that a tenant
 * neither exceeds the limit nor keeps other tenants waiting. A job that is due and has no slot is parked until another gives one
 * back. A job that is due later holds no slot, except shortly before its time.
 */
import type { JobKey } from "../../core/jobs/job.ts";
import { DEFAULT_LIMITS, FAIR_SHARE, type TenantLimits } from "../../core/tenants/tenant.ts";
import { BYTES_PER_TOKEN, COMPLETION_TOKENS } from "../../core/upstreams/estimate-tokens.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { DELETED_TENANTS } from "../deleted-tenants.ts";
import { keyList, REQUESTED } from "../key-list.ts";
import { tenantKey } from "./keys.ts";

const DAY_MS = 86_400_000;
const MANY = 1_000_000;

/** Days since 1970-01-01. The cast: a bound time may arrive as a real number. */
export const TODAY = `CAST(${NOW} / ${DAY_MS} AS INTEGER)`;
/** Next midnight, UTC: when the day's tokens start over. */
export const TOMORROW = `((${TODAY} + 1) * ${DAY_MS})`;

/** A limit of the tenant whose row is read, as SQL: the default if the row does not name it; null: none. */
export const limitOf = (name: keyof TenantLimits) =>
	`iif(json_type(limits, '$.${name}') IS NULL, ${DEFAULT_LIMITS[name]}, limits ->> '${name}')`;

/** Whether a tenant has reached a limit. Without a limit, nothing is counted. */
const isReached = (tenant: string, limit: string, used: string) => `EXISTS (
	SELECT 1 FROM tenants WHERE id = ${tenant} AND limits ->> '${limit}' IS NOT NULL AND limits ->> '${limit}' <= ${used})`;

/** Of the tenant whose row is read. Where the clock was set back, a later day counts as today. */
const TOKENS_SPENT = `iif(tokens_day >= ${TODAY}, tokens_of_day, 0)`;

/** Whether a tenant has spent its tokens of today. */
export const overBudget = (tenant: string) => isReached(tenant, "tokens_per_day", TOKENS_SPENT);

/** Whether its calls in flight may spend the rest of them. Its other jobs wait until one of these calls is settled. */
export const isAllReserved = (tenant: string) =>
	isReached(tenant, "tokens_per_day", `${TOKENS_SPENT} + tokens_reserved`);

/** What the call of the leased job may use, if its tenant has a limit of tokens. */
export const TOKENS_TO_RESERVE = `CASE WHEN EXISTS (
	SELECT 1 FROM tenants WHERE id = jobs.tenant_id AND limits ->> 'tokens_per_day' IS NOT NULL)
	THEN coalesce(tokens_estimated, input_bytes / ${BYTES_PER_TOKEN} + ${COMPLETION_TOKENS}) END`;

/** How many more calls of a usual size the tokens of today allow, so that no more jobs are released than may be leased. */
const callsLeft = (tenant: string) => `coalesce((
	SELECT max(0, (limits ->> 'tokens_per_day' - ${TOKENS_SPENT} - tokens_reserved + ${COMPLETION_TOKENS - 1}) / ${COMPLETION_TOKENS})
	  FROM tenants WHERE id = ${tenant}), ${MANY})`;

/** How many more open jobs a tenant may have. Null: it has no limit. */
export const openLeft = (tenant: string) => `(
	SELECT ${limitOf("open_jobs")} - open_jobs FROM tenants WHERE id = ${tenant})`;

const hasOpenLimit = (tenant: string) =>
	`EXISTS (SELECT 1 FROM tenants WHERE id = ${tenant} AND deleted_at IS NULL AND limits ->> 'open_jobs' IS NOT NULL)`;

/** `open_in` of a new job: set only if the tenant has the limit. Triggers count the jobs with it in `tenants.open_jobs`. */
export const openIn = (tenant: string) => `iif(${hasOpenLimit(tenant)}, ${tenant}, NULL)`;

/**
 * `open_in` of a job that has no slot, of a tenant with the default limit. Its other jobs are as few as it has slots, and counting
 * them would cost each job a write.
 */
export const waitingIn = (tenant: string) => `iif(EXISTS (
	SELECT 1 FROM tenants WHERE id = ${tenant} AND deleted_at IS NULL AND json_type(limits, '$.open_jobs') IS NULL), ${tenant}, NULL)`;

/** Where a page of open jobs ends. */
export interface OpenCursor {
	sweepAt: number;
	tenantId: string;
	jobId: string;
}

const OPEN_AFTER = `jobs INDEXED BY jobs_to_sweep
	 WHERE sweep_at IS NOT NULL AND (sweep_at, tenant_id, id) > (?2, ?3, ?4) ORDER BY sweep_at, tenant_id, id`;

/**
 * Sets `open_in` of a tenant's jobs that were open before it had the limit, of one page of the open jobs of all tenants: fewer
 * than all jobs of this one, most of which are final. `pageEnd` finds the last job of a full page.
 */
export function countOpenJobs(
	tenantId: string,
	after: OpenCursor,
	pageSize: number,
): Record<"counted" | "pageEnd", Statement> {
	const params = [tenantId, after.sweepAt, after.tenantId, after.jobId, pageSize];
	return {
		counted: {
			sql: `UPDATE jobs SET open_in = tenant_id
			 WHERE ${hasOpenLimit("?1")} AND open_in IS NULL AND (tenant_id, id) IN (
			       SELECT tenant_id, id FROM (SELECT tenant_id, id FROM ${OPEN_AFTER} LIMIT ?5) WHERE tenant_id = ?1)
			RETURNING id`,
			params,
		},
		pageEnd: { sql: `SELECT ?1 AS owner, sweep_at, tenant_id, id FROM ${OPEN_AFTER} LIMIT 1 OFFSET ?5 - 1`, params },
	};
}

/** Adds up the tokens of today for a tenant that had no limit of them until now, or ends the count. A trigger counts meanwhile. */
export function sumTokens(db: Database, tenantId: string): Statement {
	return {
		sql: `UPDATE tenants
		   SET tokens_day = iif(limits ->> 'tokens_per_day' IS NULL, 0, ${TODAY}),
		       tokens_of_day = iif(limits ->> 'tokens_per_day' IS NULL, 0,
		           coalesce((SELECT sum(total_tokens) FROM usage_hours
		                      WHERE tenant_id = ?2 AND hour >= ${TODAY} * 24 AND hour < (${TODAY} + 1) * 24), 0)
		           + coalesce((SELECT sum(total_tokens) FROM usage WHERE tenant_id = ?2 AND day = ${TODAY}), 0))
		 WHERE id = ?2 AND deleted_at IS NULL AND (limits ->> 'tokens_per_day' IS NULL) <> (tokens_day = 0)`,
		params: [db.clock(), tenantId],
	};
}

/** `stored_through` of a tenant whose jobs are all counted. Sorts behind every id. */
const ALL_JOBS = "'~'";

/** How many more bytes a tenant may keep. Null: it has no limit, or its jobs are still being counted and have not reached it. */
export const bytesLeft = (tenant: string) => `(
	SELECT limits ->> 'stored_bytes' - stored_bytes FROM tenants
	 WHERE id = ${tenant} AND (stored_through = ${ALL_JOBS} OR limits ->> 'stored_bytes' <= stored_bytes))`;

/**
 * Counts the stored bytes of the next page of a tenant's jobs, if it has the limit, or ends the count. Triggers keep what is
 * counted, so that it may be repeated at any time. `is_left`: there may be further pages.
 */
export function countStoredBytes(tenantId: string, pageSize: number): Statement {
	const hasLimit = "limits ->> 'stored_bytes' IS NOT NULL";
	return {
		sql: `UPDATE tenants
		   SET stored_bytes = iif(${hasLimit}, coalesce(stored_bytes, 0) + page.bytes, NULL),
		       stored_through = CASE WHEN ${hasLimit} THEN iif(page.jobs < ?2, ${ALL_JOBS}, page.last_id) END
		  FROM (SELECT count(*) AS jobs, max(id) AS last_id, coalesce(sum(input_bytes + coalesce(result_bytes, 0)), 0) AS bytes
		          FROM (SELECT id, input_bytes, result_bytes FROM jobs
		                 WHERE tenant_id = ?1 AND id > (SELECT coalesce(stored_through, '') FROM tenants WHERE id = ?1 AND ${hasLimit})
		                 ORDER BY id LIMIT ?2)) AS page
		 WHERE tenants.id = ?1 AND deleted_at IS NULL AND stored_through IS NOT iif(${hasLimit}, ${ALL_JOBS}, NULL)
		RETURNING coalesce(stored_through <> ${ALL_JOBS}, FALSE) AS is_left`,
		params: [tenantId, pageSize],
	};
}

/** Up to so many slots, the rows with a slot are counted: cheaper than a count that each change of a slot writes. */
const SLOTS_COUNTED_MAX = 100;

/** Starts the count of slots of a tenant with many, or ends it. */
export function countSlots(tenantId: string): Statement {
	return {
		sql: `UPDATE tenants SET slots_taken = iif(limits ->> 'running_jobs' > ${SLOTS_COUNTED_MAX},
		       (SELECT count(*) FROM jobs WHERE slot = ?1), NULL)
		 WHERE id = ?1 AND deleted_at IS NULL
		   AND (slots_taken IS NULL) <> coalesce(limits ->> 'running_jobs' <= ${SLOTS_COUNTED_MAX}, TRUE)`,
		params: [tenantId],
	};
}

/** Slots that a tenant has left, as SQL. Negative if its limit was lowered. Reads one row for each of a few slots in use. */
const freeSlots = (tenant: string) => `(
	coalesce((SELECT limits ->> 'running_jobs' FROM tenants WHERE id = ${tenant}), ${FAIR_SHARE})
	- coalesce((SELECT slots_taken FROM tenants WHERE id = ${tenant}),
	           (SELECT count(*) FROM jobs AS held WHERE held.slot = ${tenant})))`;

/** Whether the tenant's limit was lowered below the slots in use. */
export const exceedsSlots = (tenant: string) => `${freeSlots(tenant)} < 0`;

/** Whether jobs of the tenant are parked for a slot. They run before any later job. */
export const othersWait = (tenant: string) =>
	`EXISTS (SELECT 1 FROM jobs AS waiting WHERE waiting.parked_on = ${tenantKey(tenant)})`;

/** How many jobs that arrive now get a slot. None overtakes those that wait already. */
export const slotsLeft = (tenant: string) => `CASE WHEN ${othersWait(tenant)} THEN 0 ELSE ${freeSlots(tenant)} END`;

/** Whether the `place`th of the jobs that arrive without a slot gets one. */
export const getsSlot = (tenant: string, place: string) => `${place} <= ${slotsLeft(tenant)}`;

/** How many parked jobs may get a slot. If none is parked, the budget is spent, or the tenant is deleted, nothing is counted. */
export const slotsToGive = (tenant: string) =>
	`CASE WHEN NOT ${othersWait(tenant)} OR ${tenant} IN ${DELETED_TENANTS} OR ${overBudget(tenant)}
	      THEN 0 ELSE max(0, min(${freeSlots(tenant)}, ${callsLeft(tenant)})) END`;

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

const IS_DUE = `run_at <= ${NOW}`;

/**
 * After the limit was lowered: takes the slots of queued jobs. The next release gives the rest to the most urgent of those that
 * are due; the others wait for their time.
 */
export function revokeSlots(db: Database, tenantId: string): Statement {
	return {
		sql: `UPDATE jobs
		   SET slot = NULL, open_in = coalesce(open_in, ${waitingIn("?2")}), version = version + 1,
		       parked_on = iif(${IS_DUE}, ${tenantKey("?2")}, NULL),
		       status_reason = iif(${IS_DUE}, 'running_limit', status_reason),
		       sweep_at = iif(${IS_DUE}, deadline_at, run_at)
		 WHERE slot = ?2 AND status = 'queued' AND ?2 NOT IN ${DELETED_TENANTS} AND ${exceedsSlots("?2")}`,
		params: [db.clock(), tenantId],
	};
}
