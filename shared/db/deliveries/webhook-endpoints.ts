/** Registered receivers: created, changed, rotated, enabled and deleted by their tenant. */
import type { Actor, AuditAction } from "../../core/tenants/audit.ts";
import type { WebhookEndpoint, WebhookEndpointKey } from "../../core/webhooks/webhook-endpoint.ts";
import { limitOf } from "../admission/tenant-limits.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { DELETED_TENANTS } from "../deleted-tenants.ts";
import { checkActor, mayAct, requireActor } from "../tenants/acting-key.ts";
import { audited } from "../tenants/audit-log.ts";
import { receiverKey } from "./receiver-breakers.ts";
import { endpointColumns, endpointFromRow } from "./webhook-endpoint-row.ts";

const COLUMNS = endpointColumns(NOW);

/** Must come right after the statement that makes the change: it reads `changes()`. */
const auditStatement = (db: Database, by: Actor, action: AuditAction, { tenantId, endpointId }: WebhookEndpointKey) =>
	audited(db, by, { action, tenantId, target: endpointId });

const find = (db: Database, { tenantId, endpointId }: WebhookEndpointKey): Statement => ({
	sql: `SELECT ${COLUMNS} FROM webhook_endpoints WHERE tenant_id = ?2 AND id = ?3`,
	params: [db.clock(), tenantId, endpointId],
});

export type NewWebhookEndpoint = WebhookEndpointKey &
	Pick<WebhookEndpoint, "name" | "url" | "eventTypes" | "payload" | "secretHint"> & { sealedSecret: string };

/**
 * Null: the tenant's limit is reached. Counted in the same statement, so that two requests at once cannot exceed it. Safe to
 * repeat if the response was lost: returns the row that is there.
 */
export async function createEndpoint(
	db: Database,
	endpoint: NewWebhookEndpoint,
	by: Actor,
): Promise<WebhookEndpoint | null> {
	const [allowed, rows = []] = await db.transact("create webhook endpoint", [
		checkActor(db, endpoint.tenantId, by),
		insert(db, endpoint, by),
		auditStatement(db, by, "endpoint.created", endpoint),
	]);
	requireActor(allowed);
	return rows[0] === undefined ? null : endpointFromRow(rows[0]);
}

function insert(db: Database, endpoint: NewWebhookEndpoint, by: Actor): Statement {
	return {
		sql: `INSERT INTO webhook_endpoints
		       (tenant_id, id, name, url, event_types, payload, status, secret, secret_hint, created_at, updated_at)
		SELECT id, ?3, ?4, ?5, ?6, ?7, 'enabled', ?8, ?9, ${NOW}, ${NOW} FROM tenants
		 WHERE id = ?2 AND id NOT IN ${DELETED_TENANTS} AND ${mayAct("?10", "?2")} AND coalesce(${limitOf("webhook_endpoints")} >
		       (SELECT count(*) FROM webhook_endpoints WHERE tenant_id = ?2 AND id <> ?3), TRUE)
		    ON CONFLICT (tenant_id, id) DO UPDATE SET updated_at = webhook_endpoints.updated_at
		RETURNING ${COLUMNS}`,
		params: [
			db.clock(),
			endpoint.tenantId,
			endpoint.endpointId,
			endpoint.name,
			endpoint.url,
			JSON.stringify(endpoint.eventTypes),
			endpoint.payload,
			endpoint.sealedSecret,
			endpoint.secretHint,
			by.actor,
		],
	};
}

export async function findEndpoint(db: Database, key: WebhookEndpointKey): Promise<WebhookEndpoint | null> {
	const row = await db.first("find webhook endpoint", find(db, key));
	return row === null ? null : endpointFromRow(row);
}

/** By creation. `after`: the last id of the previous page */
export async function listEndpoints(
	db: Database,
	tenantId: string,
	{ limit, after, isAscending }: { limit: number; after: string | null; isAscending: boolean },
): Promise<WebhookEndpoint[]> {
	const [comparison, direction] = isAscending ? [">", "ASC"] : ["<", "DESC"];
	const rows = await db.all("list webhook endpoints", {
		sql: `SELECT ${COLUMNS} FROM webhook_endpoints
		 WHERE tenant_id = ?2 AND (?4 IS NULL OR id ${comparison} ?4) ORDER BY id ${direction} LIMIT ?3`,
		params: [db.clock(), tenantId, limit, after],
	});
	return rows.map(endpointFromRow);
}

export type EndpointChange = {
	[Field in "name" | "url" | "payload" | "eventTypes"]: WebhookEndpoint[Field] | null;
};

/** Null fields stay as they are; without a change nothing is written. Null: there is no such endpoint. */
export async function updateEndpoint(
	db: Database,
	key: WebhookEndpointKey,
	change: EndpointChange,
	by: Actor,
): Promise<WebhookEndpoint | null> {
	const [allowed, , , rows = []] = await db.transact("update webhook endpoint", [
		checkActor(db, key.tenantId, by),
		{
			sql: `UPDATE webhook_endpoints
			   SET name = coalesce(?4, name), url = coalesce(?5, url), event_types = coalesce(?6, event_types),
			       payload = coalesce(?7, payload), updated_at = ${NOW}
			 WHERE tenant_id = ?2 AND id = ?3 AND ${mayAct("?8", "?2")}
			   AND (name, url, event_types, payload) <> (coalesce(?4, name), coalesce(?5, url),
			        coalesce(?6, event_types), coalesce(?7, payload))`,
			params: [
				db.clock(),
				key.tenantId,
				key.endpointId,
				change.name,
				change.url,
				change.eventTypes === null ? null : JSON.stringify(change.eventTypes),
				change.payload,
				by.actor,
			],
		},
		auditStatement(db, by, "endpoint.updated", key),
		find(db, key),
	]);
	requireActor(allowed);
	return rows[0] === undefined ? null : endpointFromRow(rows[0]);
}

/**
 * Safe to repeat with the same `sealedSecret` if the response was lost: a secret that is already current does not replace the
 * previous one.
 * @param keepOldMs how long the old secret keeps signing beside the new one; 0: not at all
 */
export async function rotateEndpointSecret(
	db: Database,
	key: WebhookEndpointKey,
	{ sealedSecret, secretHint, keepOldMs }: { sealedSecret: string; secretHint: string; keepOldMs: number },
	by: Actor,
): Promise<WebhookEndpoint | null> {
	const [allowed, , , rows = []] = await db.transact("rotate endpoint secret", [
		checkActor(db, key.tenantId, by),
		{
			sql: `UPDATE webhook_endpoints
			   SET previous_secret = CASE WHEN ?6 > 0 THEN secret END,
			       previous_secret_until = CASE WHEN ?6 > 0 THEN ${NOW} + ?6 END,
			       updated_at = ${NOW}, secret = ?4, secret_hint = ?5
			 WHERE tenant_id = ?2 AND id = ?3 AND secret <> ?4 AND ${mayAct("?7", "?2")}`,
			params: [db.clock(), key.tenantId, key.endpointId, sealedSecret, secretHint, keepOldMs, by.actor],
		},
		auditStatement(db, by, "endpoint.secret_rotated", key),
		find(db, key),
	]);
	requireActor(allowed);
	return rows[0] === undefined ? null : endpointFromRow(rows[0]);
}

/** Also forgets past failures. Pending deliveries are sent when they are due; `recover` resends the missed ones. */
export async function enableEndpoint(
	db: Database,
	key: WebhookEndpointKey,
	by: Actor,
): Promise<WebhookEndpoint | null> {
	const [, , , rows = []] = await db.transact("enable webhook endpoint", [
		forgetFailures(key),
		{
			sql: `UPDATE webhook_endpoints
			   SET updated_at = ${NOW}, status = 'enabled', disabled_at = NULL, disabled_reason = NULL
			 WHERE tenant_id = ?2 AND id = ?3 AND status = 'disabled'`,
			params: [db.clock(), key.tenantId, key.endpointId],
		},
		auditStatement(db, by, "endpoint.enabled", key),
		find(db, key),
	]);
	return rows[0] === undefined ? null : endpointFromRow(rows[0]);
}

/** False: there is no such endpoint. Its pending deliveries are skipped when they are due. */
export async function deleteEndpoint(db: Database, key: WebhookEndpointKey, by: Actor): Promise<boolean> {
	const [, rows = []] = await db.transact("delete webhook endpoint", [
		forgetFailures(key),
		{
			sql: "DELETE FROM webhook_endpoints WHERE tenant_id = ?1 AND id = ?2 RETURNING id",
			params: [key.tenantId, key.endpointId],
		},
		auditStatement(db, by, "endpoint.deleted", key),
	]);
	return rows.length > 0;
}

function forgetFailures({ tenantId, endpointId }: WebhookEndpointKey): Statement {
	return {
		sql: `DELETE FROM receiver_breakers WHERE key = ${receiverKey("?1", "?2")}`,
		params: [tenantId, endpointId],
	};
}
