/** A tenant's limits, as SQL: each statement that a limit bounds reads it in its own transaction. */
import { NOW, type Statement } from "../database.ts";

const DAY_MS = 86_400_000;

/** Days since 1970-01-01. The cast: a bound time may arrive as a real number. */
export const TODAY = `CAST(${NOW} / ${DAY_MS} AS INTEGER)`;
/** Midnight, UTC: when the day's tokens start over. */
export const TOMORROW = `((${TODAY} + 1) * ${DAY_MS})`;

/** Whether a tenant's limit is used up. Without a limit nothing is counted. */
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
 * Marks the open jobs of a tenant that had no such limit before, in the transaction that sets it. Reads all open jobs, of any
 * tenant, rather than all jobs that this tenant keeps.
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
