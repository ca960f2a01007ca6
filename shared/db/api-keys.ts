/** API keys, known by the hash of the key alone. */
import { z } from "zod";
import type { Actor } from "../core/audit.ts";
import type { ApiKey } from "../core/tenant.ts";
import { audited } from "./audit-log.ts";
import { type Database, NOW } from "./database.ts";
import { column } from "./json-column.ts";

const COLUMNS = "id, tenant_id, name, scopes, created_at, expires_at, revoked_at";

const KeyRow = z.object({
	id: z.string(),
	tenant_id: z.string(),
	name: z.string(),
	scopes: column(z.array(z.string())),
	created_at: z.number(),
	expires_at: z.number().nullable(),
	revoked_at: z.number().nullable(),
});

function keyFromRow(raw: unknown): ApiKey {
	const row = KeyRow.parse(raw);
	return {
		keyId: row.id,
		tenantId: row.tenant_id,
		name: row.name,
		scopes: row.scopes,
		createdAt: row.created_at,
		expiresAt: row.expires_at,
		revokedAt: row.revoked_at,
	};
}

/** Null: there is no such tenant. */
export async function createApiKey(
	db: Database,
	key: { keyId: string; tenantId: string; name: string; keyHash: string; scopes: string[]; expiresAt: number | null },
	by: Actor,
): Promise<ApiKey | null> {
	const [rows = []] = await db.batch([
		{
			sql: `INSERT INTO api_keys (id, tenant_id, name, key_hash, scopes, created_at, expires_at)
			      SELECT ?2, id, ?4, ?5, ?6, ${NOW}, ?7 FROM tenants WHERE id = ?3 AND deleted_at IS NULL RETURNING ${COLUMNS}`,
			params: [db.clock(), key.keyId, key.tenantId, key.name, key.keyHash, JSON.stringify(key.scopes), key.expiresAt],
		},
		audited(db, by, { action: "key.created", tenantId: key.tenantId, target: key.keyId }),
	]);
	return rows[0] === undefined ? null : keyFromRow(rows[0]);
}

/** What authentication needs of a key in force. */
export interface KeyInForce {
	keyId: string;
	tenantId: string;
	keyHash: string;
	scopes: string[];
}

/** Null: unknown, expired, revoked, or its tenant is gone. */
export async function findKeyInForce(db: Database, keyId: string): Promise<KeyInForce | null> {
	const row = await db.first<{ tenant_id: string; key_hash: string; scopes: string }>({
		sql: `SELECT tenant_id, key_hash, scopes FROM api_keys
		 WHERE id = ?2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ${NOW})
		   AND EXISTS (SELECT 1 FROM tenants WHERE tenants.id = api_keys.tenant_id AND deleted_at IS NULL)`,
		params: [db.clock(), keyId],
	});
	if (row === null) return null;
	const scopes = column(z.array(z.string())).parse(row.scopes);
	return { keyId, tenantId: row.tenant_id, keyHash: row.key_hash, scopes };
}

/** Newest first. `after`: the last id of the page before. */
export async function listApiKeys(
	db: Database,
	tenantId: string,
	limit: number,
	after: string | null,
): Promise<ApiKey[]> {
	const rows = await db.all({
		sql: `SELECT ${COLUMNS} FROM api_keys WHERE tenant_id = ?1 AND (?3 IS NULL OR id < ?3) ORDER BY id DESC LIMIT ?2`,
		params: [tenantId, limit, after],
	});
	return rows.map(keyFromRow);
}

/** Revoking twice is the same as once. False: there is no such key. */
export async function revokeApiKey(db: Database, keyId: string, by: Actor): Promise<boolean> {
	const [, , rows = []] = await db.batch([
		{
			sql: `UPDATE api_keys SET revoked_at = ${NOW} WHERE id = ?2 AND revoked_at IS NULL`,
			params: [db.clock(), keyId],
		},
		audited(db, by, { action: "key.revoked", tenantId: null, target: keyId }),
		{ sql: "SELECT id FROM api_keys WHERE id = ?1", params: [keyId] },
	]);
	return rows.length > 0;
}
