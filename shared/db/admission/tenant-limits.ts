/** A tenant's limits, as SQL. A statement that a limit applies to reads the limit itself, so that a change applies at once. */
import { NOW, type Statement } from "../database.ts";

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
