/** What a tenant may have, as SQL: looked at by the statements that it bounds, in their own transaction. */
import { NOW, type Statement } from "../database.ts";

const DAY_MS = 86_400_000;

/** Days since 1970-01-01. The cast, for a time that is bound may come as a real number. */
export const TODAY = `CAST(${NOW} / ${DAY_MS} AS INTEGER)`;
/** Midnight, UTC: when the day's tokens are counted anew. */
export const TOMORROW = `((${TODAY} + 1) * ${DAY_MS})`;

/** Whether a tenant's limit is used up; where it has none, nothing is counted. */
const isReached = (tenant: string, limit: string, used: string) => `EXISTS (
	SELECT 1 FROM tenants WHERE id = ${tenant} AND limits ->> '${limit}' IS NOT NULL AND limits ->> '${limit}' <= ${used})`;

/** Whether a tenant has spent its tokens of today. */
export const overBudget = (tenant: string) =>
	isReached(
		tenant,
		"tokens_per_day",
		`coalesce((SELECT sum(total_tokens) FROM usage WHERE tenant_id = tenants.id AND day = ${TODAY}), 0)`,
	);

/** Whether a tenant has as many open jobs as it may: no more of them than that are read. */
export const tooManyOpen = (tenant: string) =>
	isReached(tenant, "open_jobs", "(SELECT count(*) FROM jobs AS open WHERE open.open_in = tenants.id)");

const HAS_OPEN_LIMIT = "EXISTS (SELECT 1 FROM tenants WHERE id = ?1 AND limits ->> 'open_jobs' IS NOT NULL)";

/** What `open_in` of a new job is: counted only where somebody looks. */
export const openIn = (tenant: string) => `iif(${HAS_OPEN_LIMIT.replace("?1", tenant)}, ${tenant}, NULL)`;

/**
 * Counts the open jobs of a tenant that had no such limit before, in the transaction that sets it. Looks through what is
 * open, of whichever tenant, and not through all that this one keeps.
 */
export function countOpenJobs(tenantId: string): Statement {
	return {
		sql: `UPDATE jobs SET open_in = tenant_id
		 WHERE ${HAS_OPEN_LIMIT} AND (tenant_id, id) IN (
		       SELECT tenant_id, id FROM jobs INDEXED BY jobs_to_sweep
		        WHERE sweep_at IS NOT NULL AND tenant_id = ?1 AND open_in IS NULL)`,
		params: [tenantId],
	};
}
