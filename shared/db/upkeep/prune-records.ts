/** Removes expired records: idempotency keys after a day, deliveries of erased jobs after a week, usage after 400 days. */
import { type Database, NOW } from "../database.ts";

/** As the audit log: more than a year, so that a year can be compared with the one before. */
const USAGE_KEPT_DAYS = 400;

export async function pruneIdempotencyKeys(db: Database, limit: number): Promise<number> {
	const rows = await db.all("prune idempotency keys", {
		sql: `DELETE FROM idempotency_keys WHERE (tenant_id, key) IN
		      (SELECT tenant_id, key FROM idempotency_keys WHERE expires_at <= ${NOW} ORDER BY expires_at LIMIT ?2) RETURNING key`,
		params: [db.clock(), limit],
	});
	return rows.length;
}

export async function pruneOrphanedDeliveries(db: Database, limit: number): Promise<number> {
	const rows = await db.all("prune orphaned deliveries", {
		sql: `DELETE FROM deliveries WHERE (tenant_id, id) IN
		      (SELECT tenant_id, id FROM deliveries WHERE prune_at IS NOT NULL AND prune_at <= ${NOW} ORDER BY prune_at LIMIT ?2)
		      RETURNING id`,
		params: [db.clock(), limit],
	});
	return rows.length;
}

export async function pruneUsage(db: Database, limit: number): Promise<number> {
	const rows = await db.all("prune usage", {
		sql: `DELETE FROM usage WHERE (tenant_id, day, model) IN
		      (SELECT tenant_id, day, model FROM usage WHERE day < CAST(${NOW} / 86400000 AS INTEGER) - ${USAGE_KEPT_DAYS} ORDER BY day LIMIT ?2)
		      RETURNING day`,
		params: [db.clock(), limit],
	});
	return rows.length;
}
