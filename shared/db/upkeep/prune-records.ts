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

/** The hours of usage, and the days from before hours were counted. */
export async function pruneUsage(db: Database, limit: number): Promise<number> {
	const past = (table: string, time: string, perDay: number) => ({
		sql: `DELETE FROM ${table} WHERE (tenant_id, ${time}, model) IN
		      (SELECT tenant_id, ${time}, model FROM ${table}
		        WHERE ${time} < (CAST(${NOW} / 86400000 AS INTEGER) - ${USAGE_KEPT_DAYS}) * ${perDay} ORDER BY ${time} LIMIT ?2)
		      RETURNING ${time}`,
		params: [db.clock(), limit],
	});
	const pruned = await db.transact("prune usage", [past("usage_hours", "hour", 24), past("usage", "day", 1)]);
	return pruned.flat().length;
}
