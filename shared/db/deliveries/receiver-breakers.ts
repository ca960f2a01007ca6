/**
 * Circuit breakers of receivers that fail or respond slowly. A row in `receiver_breakers` with `open_until` parks a receiver's
 * deliveries until then. The breaker is then half-open: one delivery is sent as a probe, and its success closes the breaker
 * and releases the rest. A healthy receiver has no row.
 */

import { ENQUEUE_GRACE_MS } from "../../core/jobs/wakeups.ts";
import type { Delivery, DeliveryKey } from "../../core/webhooks/delivery.ts";
import { FAILING_MS_MAX, FAILURES_APART_MS_MAX, RECEIVER_PROBE_MS } from "../../core/webhooks/receiver-breaker.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { distinctKeys } from "../distinct-keys.ts";
import { isListed } from "../key-list.ts";

/** The key of a receiver's breaker, as `deliveries.receiver_key` has it. @param receiver an endpoint's id, or the digest of a URL */
export const receiverKey = (tenant: string, receiver: string) => `'receiver:' || ${tenant} || ' ' || ${receiver}`;

/** Deliveries as one bound parameter, whatever their number. */
export function deliveryList(keys: readonly DeliveryKey[]): string {
	return JSON.stringify(keys.map(({ tenantId, deliveryId }) => [tenantId, deliveryId]));
}

/** Each returned row permits one delivery to that receiver. The breaker then stays open for as long as an attempt may take. */
export function claimProbes(db: Database, keys: readonly DeliveryKey[]): Statement {
	return {
		sql: `UPDATE receiver_breakers SET open_until = ${NOW} + ${RECEIVER_PROBE_MS}
		 WHERE open_until <= ${NOW} AND key IN (SELECT receiver_key FROM deliveries
		                                    WHERE ${isListed("?2")} AND status = 'pending' AND next_attempt_at <= ${NOW})
		RETURNING key`,
		params: [db.clock(), deliveryList(keys)],
	};
}

/**
 * While a receiver is slow to reply, no other delivery is sent to it. Its reply closes the breaker. If the dispatcher dies
 * first, the breaker is half-open after the longest attempt. Nothing is written if the attempt was recorded already.
 */
export async function openSlowReceiverBreaker(
	db: Database,
	{ tenantId, deliveryId, attemptsMade }: DeliveryKey & Pick<Delivery, "attemptsMade">,
): Promise<void> {
	await db.all("gate slow receiver", {
		sql: `INSERT INTO receiver_breakers (key, failures, failing_since, failed_at, open_until)
		SELECT receiver_key, 0, ${NOW}, ${NOW}, ${NOW} + ${RECEIVER_PROBE_MS} FROM deliveries
		 WHERE tenant_id = ?2 AND id = ?3 AND attempts_made = ?4 AND status = 'pending'
		ON CONFLICT (key) DO UPDATE SET open_until = max(coalesce(open_until, 0), excluded.open_until)`,
		params: [db.clock(), tenantId, deliveryId, attemptsMade],
	});
}

/** The receivers of `keys` whose breaker is open or half-open. */
export function findOpenReceiverBreakers(keys: readonly DeliveryKey[]): Statement {
	return {
		sql: `SELECT key FROM receiver_breakers
		 WHERE open_until IS NOT NULL AND key IN (SELECT receiver_key FROM deliveries WHERE ${isListed("?1")})`,
		params: [deliveryList(keys)],
	};
}

export interface ReceiverFailure {
	/** How long the receiver requested to get nothing, as with 429. 0: it did not. */
	overloadMs: number;
	/** How long the breaker opens after each failure in a row; the last value for all further ones. */
	openMsByFailures: readonly number[];
}

/** Counts a failure; many in a row, or an overload, open the breaker. @param guard a condition on the delivery */
export function tripReceiver(
	db: Database,
	{ overloadMs, openMsByFailures }: ReceiverFailure,
	guard: { sql: string; params: Statement["params"] },
): Statement {
	const openMs = (failures: string) =>
		`max(?2, coalesce(json_extract(?3, '$[' || (${failures} - 1) || ']'), json_extract(?3, '$[#-1]')))`;
	return {
		sql: `INSERT INTO receiver_breakers (key, failures, failing_since, failed_at, open_until)
		SELECT receiver_key, 1, ${NOW}, ${NOW}, CASE WHEN ${openMs("1")} > 0 THEN ${NOW} + ${openMs("1")} END
		  FROM deliveries WHERE ${guard.sql}
		ON CONFLICT (key) DO UPDATE
		   SET failures = failures + 1, failed_at = ${NOW},
		       failing_since = CASE WHEN failures > 0 AND failed_at > ${NOW} - ${FAILURES_APART_MS_MAX} THEN failing_since ELSE ${NOW} END,
		       open_until = CASE WHEN ${openMs("(failures + 1)")} > 0
		               THEN max(coalesce(open_until, 0), ${NOW} + ${openMs("(failures + 1)")}) ELSE open_until END`,
		params: [db.clock(), overloadMs, JSON.stringify(openMsByFailures), ...guard.params],
	};
}

/** Closes the breakers of receivers that accepted a delivery. Returns the keys of those that had a row. */
export function closeReceiverBreakers(guard: { sql: string; params: Statement["params"] }): Statement {
	return {
		sql: `DELETE FROM receiver_breakers WHERE key IN (SELECT receiver_key FROM deliveries WHERE ${guard.sql}) RETURNING key`,
		params: guard.params,
	};
}

/** When a parked delivery is too old to be sent. The sweeper checks it then: until then its release enqueues it. */
export const TOO_OLD_AT = `(coalesce(restarted_at, created_at) + ${FAILING_MS_MAX})`;

/**
 * Parks deliveries whose receiver's breaker gates them: they wait in D1, without messages. An attempt that goes on at one of
 * them, because it had two messages, ends before the sweeper checks it.
 */
export async function parkDeliveries(db: Database, keys: readonly DeliveryKey[]): Promise<void> {
	if (keys.length === 0) return;
	await db.all("park deliveries", {
		sql: `UPDATE deliveries SET parked_on = receiver_key, sweep_at = max(${TOO_OLD_AT}, ${NOW} + ${ENQUEUE_GRACE_MS})
		 WHERE ${isListed("?2")} AND status = 'pending' AND parked_on IS NULL`,
		params: [db.clock(), deliveryList(keys)],
	});
}

/** Later than any time. */
const NEVER = Number.MAX_SAFE_INTEGER;
/** Until when a parked delivery may be due to be released. A breaker that is half-open releases none before its time. */
const dueUntil = (key: string) =>
	`iif(EXISTS (SELECT 1 FROM receiver_breakers WHERE key = ${key} AND open_until IS NOT NULL), ${NOW}, ${NEVER})`;

/**
 * Releases deliveries parked on `receiver`, those first that are due first: up to `limit` if its breaker closed, and one that is
 * due if it is half-open. Returns them: enqueue them, within `forMs`.
 */
export async function releaseDeliveries(
	db: Database,
	receiver: string,
	{ limit, forMs }: { limit: number; forMs: number },
): Promise<DeliveryKey[]> {
	const rows = await db.all<{ tenant_id: string; id: string }>("release deliveries", {
		sql: `UPDATE deliveries SET parked_on = NULL, next_attempt_at = min(next_attempt_at, ${NOW}), sweep_at = ${NOW} + ?4 + ${ENQUEUE_GRACE_MS}
		 WHERE (tenant_id, id) IN (
		       SELECT tenant_id, id FROM deliveries WHERE parked_on = ?2 AND next_attempt_at <= ${dueUntil("?2")} ORDER BY next_attempt_at
		        LIMIT coalesce((SELECT CASE WHEN open_until > ${NOW} THEN 0 WHEN open_until IS NOT NULL THEN 1 END
		                          FROM receiver_breakers WHERE key = ?2), ?3))
		RETURNING tenant_id, id`,
		params: [db.clock(), receiver, limit, forMs],
	});
	return rows.map((row) => ({ tenantId: row.tenant_id, deliveryId: row.id }));
}

export interface ParkedReceiver {
	receiver: string;
	/** It is an endpoint that is disabled or deleted. */
	isAway: boolean;
}

/** The receivers with parked deliveries that may be released, or that are away. A few index look-ups find each. */
export async function findParkedReceivers(db: Database, limit: number): Promise<ParkedReceiver[]> {
	const rows = await db.all<{ key: string; away: number }>("find parked receivers", {
		sql: `WITH RECURSIVE ${distinctKeys("parked", "deliveries", "parked_on")}
		SELECT key, away FROM (
		       SELECT key, EXISTS (
		              SELECT 1 FROM (SELECT tenant_id, endpoint_id FROM deliveries WHERE parked_on = parked.key LIMIT 1) AS one
		               WHERE endpoint_id IS NOT NULL AND NOT EXISTS (
		                     SELECT 1 FROM webhook_endpoints AS endpoint WHERE endpoint.tenant_id = one.tenant_id
		                        AND endpoint.id = one.endpoint_id AND endpoint.status = 'enabled')) AS away,
		              (SELECT min(next_attempt_at) FROM deliveries WHERE parked_on = parked.key) AS due_at
		         FROM parked WHERE key IS NOT NULL) AS waiting
		 WHERE away OR NOT EXISTS (
		       SELECT 1 FROM receiver_breakers WHERE key = waiting.key AND max(open_until, due_at) > ${NOW}) LIMIT ?2`,
		params: [db.clock(), limit],
	});
	return rows.map((row) => ({ receiver: row.key, isAway: row.away === 1 }));
}

/** Drops breakers that counted failures long ago, and none since. */
export async function pruneReceiverBreakers(db: Database): Promise<number> {
	const rows = await db.all("prune receiver breakers", {
		sql: `DELETE FROM receiver_breakers
		 WHERE failed_at <= ${NOW} - ${FAILURES_APART_MS_MAX} AND coalesce(open_until, 0) <= ${NOW}
		   AND NOT EXISTS (SELECT 1 FROM deliveries WHERE parked_on = receiver_breakers.key)
		RETURNING key`,
		params: [db.clock()],
	});
	return rows.length;
}
