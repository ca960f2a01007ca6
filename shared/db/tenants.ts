/** Tenants and their one-off signing secrets. */
import { z } from "zod";
import type { JobKey } from "../core/job.ts";
import { type Tenant, TenantLimits } from "../core/tenant.ts";
import { type Database, NOW } from "./database.ts";
import { column } from "./json-column.ts";
import { countOpenJobs } from "./tenant-limits.ts";
import { giveFreeSlots, jobKeysFromRows, revokeSlots } from "./tenant-slots.ts";

const COLUMNS = "id, name, limits, created_at";

const TenantRow = z.object({ id: z.string(), name: z.string(), limits: column(TenantLimits), created_at: z.number() });

function tenantFromRow(raw: unknown): Tenant {
	const row = TenantRow.parse(raw);
	return { tenantId: row.id, name: row.name, limits: row.limits, createdAt: row.created_at };
}

export async function createTenant(
	db: Database,
	tenant: { tenantId: string; name: string; limits: TenantLimits; sealedSecret: string },
): Promise<Tenant> {
	const row = await db.first({
		sql: `INSERT INTO tenants (id, name, limits, webhook_secret, created_at)
		      VALUES (?2, ?3, ?4, ?5, ${NOW}) RETURNING ${COLUMNS}`,
		params: [db.clock(), tenant.tenantId, tenant.name, JSON.stringify(tenant.limits), tenant.sealedSecret],
	});
	return tenantFromRow(row);
}

export async function findTenant(db: Database, tenantId: string): Promise<Tenant | null> {
	const row = await db.first({ sql: `SELECT ${COLUMNS} FROM tenants WHERE id = ?1`, params: [tenantId] });
	return row === null ? null : tenantFromRow(row);
}

/** Newest first. `after`: the last id of the page before. */
export async function listTenants(db: Database, limit: number, after: string | null): Promise<Tenant[]> {
	const rows = await db.all({
		sql: `SELECT ${COLUMNS} FROM tenants WHERE ?2 IS NULL OR id < ?2 ORDER BY id DESC LIMIT ?1`,
		params: [limit, after],
	});
	return rows.map(tenantFromRow);
}

/** Whom one change of limits lets go at most; the sweeper lets the rest go. */
const RELEASED_MAX = 1_000;

export interface UpdatedTenant {
	tenant: Tenant;
	/** Jobs that may go now: ring for them. */
	freed: JobKey[];
}

/** Null stays as it is. New limits are in force at once, for what there is already as well. */
export async function updateTenant(
	db: Database,
	tenantId: string,
	change: { name: string | null; limits: TenantLimits | null },
): Promise<UpdatedTenant | null> {
	const limits = change.limits === null ? null : JSON.stringify(change.limits);
	const [[row] = [], , , freed = []] = await db.batch<Record<string, unknown>>([
		{
			sql: `UPDATE tenants SET name = coalesce(?2, name), limits = coalesce(?3, limits) WHERE id = ?1 RETURNING ${COLUMNS}`,
			params: [tenantId, change.name, limits],
		},
		...(limits === null
			? []
			: [countOpenJobs(tenantId), revokeSlots(tenantId), giveFreeSlots(db, tenantId, RELEASED_MAX)]),
	]);
	return row === undefined ? null : { tenant: tenantFromRow(row), freed: jobKeysFromRows(freed) };
}

/** The sealed secret that signs the tenant's one-off webhooks. */
export async function findWebhookSecret(db: Database, tenantId: string): Promise<string | null> {
	const row = await db.first<{ webhook_secret: string }>({
		sql: "SELECT webhook_secret FROM tenants WHERE id = ?1",
		params: [tenantId],
	});
	return row?.webhook_secret ?? null;
}

/**
 * Safe to repeat with the same `sealedSecret` where the answer was lost: what is in force already does not take the place
 * of the old one.
 * @param keepOldMs how long the old secret goes on signing beside the new one; 0: it dies at once
 */
export async function rotateWebhookSecret(
	db: Database,
	tenantId: string,
	sealedSecret: string,
	keepOldMs: number,
): Promise<void> {
	await db.all({
		sql: `UPDATE tenants
		   SET previous_webhook_secret = CASE WHEN ?4 > 0 THEN webhook_secret END,
		       previous_webhook_secret_until = CASE WHEN ?4 > 0 THEN ${NOW} + ?4 END, webhook_secret = ?3
		 WHERE id = ?2 AND webhook_secret <> ?3`,
		params: [db.clock(), tenantId, sealedSecret, keepOldMs],
	});
}
