/**
 * Deletes tenants. One transaction makes a tenant unknown; the sweeper then erases its data, in pages small enough for any
 * database. The tenant's row is removed last: until then it stops writes of those that still know the tenant, such as an
 * isolate with its key in the cache, or the holder of one of its jobs.
 */

import type { JobKey } from "../../core/jobs/job.ts";
import type { Actor } from "../../core/tenants/audit.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { DELETED_TENANTS } from "../deleted-tenants.ts";
import { receiverKey } from "../deliveries/receiver-breakers.ts";
import { keyList } from "../key-list.ts";
import { audited } from "../tenants/audit-log.ts";
import { ERASED_COLUMNS, type ErasedJob, erasedFromRow, insertTombstone } from "./erase-jobs.ts";

/** Longer than any invocation or cache entry that knew the tenant lives, and longer than its jobs' tombstones. */
const ROW_KEPT_MS = 3_600_000;

/** Whether the tenant bound as `?1` is deleted: nothing of any other is erased. */
const IS_DELETED = `?1 IN ${DELETED_TENANTS}`;

/** Erases its name, secrets and keys at once. False: unknown, or deleted before. */
export async function deleteTenant(db: Database, tenantId: string, by: Actor): Promise<boolean> {
	const [rows = []] = await db.transact("delete tenant", [
		{
			sql: `UPDATE tenants
			   SET deleted_at = ${NOW}, name = '', webhook_secret = '',
			       previous_webhook_secret = NULL, previous_webhook_secret_until = NULL
			 WHERE id = ?2 AND deleted_at IS NULL RETURNING id`,
			params: [db.clock(), tenantId],
		},
		audited(db, by, { action: "tenant.deleted", tenantId, target: tenantId }),
		{
			sql: `DELETE FROM api_keys
			 WHERE tenant_id = ?1 AND ${IS_DELETED}`,
			params: [tenantId],
		},
	]);
	return rows.length > 0;
}

/** What a tenant owns besides its jobs: table and primary key. The audit log belongs to the operator, and stays. */
export const OWNED = [
	["deliveries", "tenant_id, id"],
	["idempotency_keys", "tenant_id, key"],
	["webhook_endpoints", "tenant_id, id"],
	["api_keys", "id"],
	["usage", "tenant_id, day, model"],
	["usage_hours", "tenant_id, hour, model"],
	["backlog", "tenant_id, minutes, start_at"],
] as const;

/** The key of a receiver's breaker names its tenant before a space; the next character in order is `!`. */
const isBreakerOf = (tenant: string) => `key > ${receiverKey(tenant, "''")} AND key < 'receiver:' || ${tenant} || '!'`;

const OWNS_SOMETHING = `(${["jobs", ...OWNED.map(([table]) => table)]
	.map((table) => `EXISTS (SELECT 1 FROM ${table} WHERE tenant_id = tenants.id)`)
	.join(" OR ")} OR EXISTS (SELECT 1 FROM receiver_breakers WHERE ${isBreakerOf("tenants.id")}))`;

/** Deleted tenants that still have data, in the order of their deletion. */
export async function findTenantsToErase(db: Database, limit: number): Promise<string[]> {
	const rows = await db.all<{ id: string }>("find tenants to erase", {
		sql: `SELECT id FROM tenants WHERE deleted_at IS NOT NULL AND ${OWNS_SOMETHING} ORDER BY deleted_at LIMIT ?1`,
		params: [limit],
	});
	return rows.map(({ id }) => id);
}

/** Jobs of a deleted tenant, running ones too: their holders find that they lost the lease. */
export async function findJobsToErase(db: Database, tenantId: string, limit: number): Promise<JobKey[]> {
	const rows = await db.all<{ id: string }>("find jobs to erase", {
		sql: "SELECT id FROM jobs WHERE tenant_id = ?1 ORDER BY id LIMIT ?2",
		params: [tenantId, limit],
	});
	return rows.map(({ id }) => ({ tenantId, jobId: id }));
}

export interface ErasedPage {
	/** Delete their R2 objects now. A tombstone has them deleted once more later. */
	jobs: ErasedJob[];
	/** The most rows deleted of one kind. If it equals `limit`, there may be more. */
	rowsMax: number;
}

/** Erases, in one transaction, these jobs and up to `limit` rows of each other kind. */
export async function erasePage(
	db: Database,
	{ tenantId, jobs, limit }: { tenantId: string; jobs: JobKey[]; limit: number },
	tombstoneId: string,
): Promise<ErasedPage> {
	const [, gone = [], ...others] = await db.transact("erase page of tenant", [
		insertTombstone(db, jobs, { tombstoneId }, `tenant_id IN ${DELETED_TENANTS}`),
		{
			sql: `DELETE FROM jobs
			 WHERE (tenant_id, id) IN (SELECT ?1, value ->> 1 FROM json_each(?2)) AND ${IS_DELETED}
			RETURNING ${ERASED_COLUMNS}`,
			params: [tenantId, keyList(jobs)],
		},
		...OWNED.map(([table, key]) => eraseOwned(table, key, tenantId, limit)),
		{
			sql: `DELETE FROM receiver_breakers WHERE key IN (
			       SELECT key FROM receiver_breakers WHERE ${isBreakerOf("?1")} AND ${IS_DELETED} LIMIT ?2) RETURNING key`,
			params: [tenantId, limit],
		},
	]);
	return { jobs: gone.map(erasedFromRow), rowsMax: Math.max(gone.length, ...others.map((rows) => rows.length)) };
}

function eraseOwned(table: string, key: string, tenantId: string, limit: number): Statement {
	return {
		sql: `DELETE FROM ${table} WHERE (${key}) IN (
		       SELECT ${key} FROM ${table}
		        WHERE tenant_id = ?1 AND ${IS_DELETED} LIMIT ?2)
		RETURNING tenant_id`,
		params: [tenantId, limit],
	};
}

const MAY_GO = `deleted_at <= ${NOW} - ${ROW_KEPT_MS} AND NOT ${OWNS_SOMETHING}`;

/** Deleted tenants whose rows are erased, once no cache or holder can know them. */
export async function findErasedTenants(db: Database, limit: number): Promise<string[]> {
	const rows = await db.all<{ id: string }>("find erased tenants", {
		sql: `SELECT id FROM tenants WHERE ${MAY_GO} ORDER BY deleted_at LIMIT ?2`,
		params: [db.clock(), limit],
	});
	return rows.map(({ id }) => id);
}

/** Removes the rows of the erased tenants themselves. Returns how many. */
export async function removeErasedTenants(db: Database, tenantIds: readonly string[]): Promise<number> {
	if (tenantIds.length === 0) return 0;
	const rows = await db.all("remove erased tenants", {
		sql: `DELETE FROM tenants WHERE id IN (SELECT value FROM json_each(?2)) AND ${MAY_GO} RETURNING id`,
		params: [db.clock(), JSON.stringify(tenantIds)],
	});
	return rows.length;
}
