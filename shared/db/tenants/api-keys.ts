/** API keys. Only the hash of a key is stored. */
import { z } from "zod";
import type { ApiKey } from "../../core/tenants/api-key.ts";
import type { Actor } from "../../core/tenants/audit.ts";
import { limitOf } from "../admission/tenant-limits.ts";
import { column } from "../columns.ts";
import { type Database, NOW } from "../database.ts";
import { IN_FORCE } from "./acting-key.ts";
import { audited, auditedEach } from "./audit-log.ts";

const COLUMNS = "id, tenant_id, name, scopes, made_by, created_at, last_used_at, expires_at, revoked_at";

const KeyRow = z.object({
	id: z.string(),
	tenant_id: z.string(),
	name: z.string(),
	scopes: column(z.array(z.string())),
	made_by: z.string().nullable(),
	created_at: z.number(),
	last_used_at: z.number().nullable(),
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
		madeBy: row.made_by,
		createdAt: row.created_at,
		lastUsedAt: row.last_used_at,
		expiresAt: row.expires_at,
		revokedAt: row.revoked_at,
	};
}

/** Hours since 1970-01-01, in milliseconds. The cast: a bound time may arrive as a real number. */
const THIS_HOUR = `(CAST(${NOW} / 3600000 AS INTEGER) * 3600000)`;

const LIMIT = limitOf("api_keys");
/** Whether the tenant whose row is read has no room for the key `?2`. As the index `api_keys_in_force` has it. */
const IS_FULL = `coalesce(${LIMIT} <= (
	SELECT count(*) FROM api_keys AS one
	 WHERE one.tenant_id = tenants.id AND one.revoked_at IS NULL AND coalesce(one.expires_at, ${2 ** 53}) > ${NOW} AND one.id <> ?2), FALSE)`;

export interface NewApiKey {
	keyId: string;
	tenantId: string;
	name: string;
	keyHash: string;
	scopes: string[];
	/** The earlier of this and the end of the key that makes this one. Null: no end of its own. */
	expiresAt: number | null;
	/** The key that makes this one. It must be in force in D1; a cache is not enough. Null: the operator makes it. */
	makerId: string | null;
}

/**
 * Safe to repeat if the response was lost. Null: there is no such tenant, or the key that makes this one is not in force.
 * `limit`: the tenant has so many keys in force, and may have no more. They are counted in the statement that adds one.
 */
export async function createApiKey(
	db: Database,
	key: NewApiKey,
	by: Actor,
): Promise<ApiKey | { limit: number } | null> {
	const { keyId, tenantId } = key;
	const [, , rows = [], full = []] = await db.transact<Record<string, unknown>>("create api key", [
		{
			sql: `INSERT INTO api_keys (id, tenant_id, name, key_hash, scopes, created_at, expires_at, made_by)
			      SELECT ?2, tenants.id, ?4, ?5, ?6, ${NOW}, coalesce(min(?7, expires_at), ?7, expires_at), ?8
			        FROM tenants LEFT JOIN api_keys AS maker ON maker.id = ?8 AND maker.tenant_id = ?3
			       WHERE tenants.id = ?3 AND deleted_at IS NULL AND (?8 IS NULL OR (maker.id IS NOT NULL AND ${IN_FORCE}))
			         AND NOT ${IS_FULL}
			          ON CONFLICT DO NOTHING`,
			params: [
				db.clock(),
				keyId,
				tenantId,
				key.name,
				key.keyHash,
				JSON.stringify(key.scopes),
				key.expiresAt,
				key.makerId,
			],
		},
		audited(db, by, { action: "key.created", tenantId, target: keyId }),
		{ sql: `SELECT ${COLUMNS} FROM api_keys WHERE id = ?2 AND tenant_id = ?1`, params: [tenantId, keyId] },
		{
			sql: `SELECT ${LIMIT} AS limit_of_keys FROM tenants WHERE id = ?3 AND deleted_at IS NULL AND ${IS_FULL}`,
			params: [db.clock(), keyId, tenantId],
		},
	]);
	if (rows[0] !== undefined) return keyFromRow(rows[0]);
	return full[0] === undefined ? null : { limit: Number(full[0].limit_of_keys) };
}

/** What authentication needs of a key in force. */
export interface KeyInForce {
	keyId: string;
	tenantId: string;
	keyHash: string;
	scopes: string[];
	name: string;
	tenantName: string;
	/** Null: it does not expire. The other one counts from the time of the look-up. */
	expiresAt: number | null;
	expiresInMs: number | null;
	/** Whether its use in this hour is recorded already. */
	isUseNoted: boolean;
	/** Limits of its tenant that intake enforces; null: none. */
	requests: number | null;
	waits: number | null;
}

/** Null: unknown, expired, revoked, or its tenant is gone. */
export async function findKeyInForce(db: Database, keyId: string): Promise<KeyInForce | null> {
	const row = await db.first<{
		tenant_id: string;
		key_hash: string;
		scopes: string;
		name: string;
		tenant_name: string;
		expires_at: number | null;
		expires_in_ms: number | null;
		is_use_noted: number | null;
		requests: number | null;
		waits: number | null;
	}>("find api key in force", {
		sql: `SELECT tenant_id, key_hash, scopes, api_keys.name, tenants.name AS tenant_name, expires_at,
		             expires_at - ${NOW} AS expires_in_ms, last_used_at >= ${THIS_HOUR} AS is_use_noted,
		             ${limitOf("requests")} AS requests, ${limitOf("waits")} AS waits
		        FROM api_keys JOIN tenants ON tenants.id = tenant_id AND deleted_at IS NULL
		       WHERE api_keys.id = ?2 AND ${IN_FORCE}`,
		params: [db.clock(), keyId],
	});
	if (row === null) return null;
	return {
		keyId,
		tenantId: row.tenant_id,
		keyHash: row.key_hash,
		scopes: column(z.array(z.string())).parse(row.scopes),
		name: row.name,
		tenantName: row.tenant_name,
		expiresAt: row.expires_at,
		expiresInMs: row.expires_in_ms,
		isUseNoted: row.is_use_noted === 1,
		requests: row.requests,
		waits: row.waits,
	};
}

/** Once an hour: writes nothing if this hour is recorded already. */
export async function noteKeyUse(db: Database, keyId: string): Promise<void> {
	await db.all("note api key use", {
		sql: `UPDATE api_keys SET last_used_at = max(created_at, ${THIS_HOUR})
		       WHERE id = ?2 AND (last_used_at IS NULL OR last_used_at < ${THIS_HOUR})`,
		params: [db.clock(), keyId],
	});
}

/** Null: the tenant has no such key. */
export async function findApiKey(db: Database, tenantId: string, keyId: string): Promise<ApiKey | null> {
	const row = await db.first("find api key", {
		sql: `SELECT ${COLUMNS} FROM api_keys WHERE id = ?2 AND tenant_id = ?1`,
		params: [tenantId, keyId],
	});
	return row === null ? null : keyFromRow(row);
}

/** A tenant's keys by creation, including expired and revoked ones. `after`: the last id of the previous page. */
export async function listApiKeys(
	db: Database,
	tenantId: string,
	{ limit, after, isAscending }: { limit: number; after: string | null; isAscending: boolean },
): Promise<ApiKey[]> {
	const [comparison, direction] = isAscending ? [">", "ASC"] : ["<", "DESC"];
	const rows = await db.all("list api keys", {
		sql: `SELECT ${COLUMNS} FROM api_keys
		       WHERE tenant_id = ?1 AND (?3 IS NULL OR id ${comparison} ?3) ORDER BY id ${direction} LIMIT ?2`,
		params: [tenantId, limit, after],
	});
	return rows.map(keyFromRow);
}

/** The key that is meant, its `depth` 0, and all keys that descend from it. */
const CHAIN = `WITH RECURSIVE chain (id, depth) AS (
	SELECT id, 0 FROM api_keys WHERE id = ?2 AND (?3 IS NULL OR tenant_id = ?3)
	 UNION ALL
	SELECT api_keys.id, depth + 1 FROM chain JOIN api_keys ON made_by = chain.id)`;

/**
 * Revokes a key and all keys that descend from it, and returns their ids. Revoking a revoked key changes nothing. Empty: there
 * is no such key.
 * @param tenantId the owner that the key must have; null: any tenant
 */
export async function revokeApiKey(db: Database, keyId: string, tenantId: string | null, by: Actor): Promise<string[]> {
	const params = [db.clock(), keyId, tenantId];
	// The cross join: SQLite must not begin with the keys.
	const revoked = `${CHAIN} SELECT tenant_id, id AS target FROM chain CROSS JOIN api_keys USING (id)
	                  WHERE revoked_at IS NULL ORDER BY depth, id`;
	const [, , rows = []] = await db.transact<{ id: string }>("revoke api key", [
		auditedEach(by, "key.revoked", { sql: revoked, params }),
		{
			sql: `UPDATE api_keys SET revoked_at = ${NOW} WHERE revoked_at IS NULL AND id IN (${CHAIN} SELECT id FROM chain)`,
			params,
		},
		{ sql: `${CHAIN} SELECT ?1 AS now, id FROM chain`, params },
	]);
	return rows.map(({ id }) => id);
}
