/** Removes expired records: idempotency keys after a day, deliveries of erased jobs after a week. */
import { type Database, NOW } from "../database.ts";

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
