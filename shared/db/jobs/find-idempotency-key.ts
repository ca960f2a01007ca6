/** Looks up an idempotency key before its request is carried out. */
import { type Database, NOW } from "../database.ts";

/** Whether a request with this key was accepted within the key's day. Another one may claim it right after. */
export async function isKeyInUse(db: Database, tenantId: string, key: string): Promise<boolean> {
	const rows = await db.all("find idempotency key", {
		sql: `SELECT 1 FROM idempotency_keys WHERE tenant_id = ?2 AND key = ?3 AND expires_at > ${NOW}`,
		params: [db.clock(), tenantId, key],
	});
	return rows.length > 0;
}
