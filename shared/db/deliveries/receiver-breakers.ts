/**
 * Receivers in trouble: that fail, or keep an attempt waiting. A row in `receiver_breakers` keeps their deliveries back until
 * its time; then it lets one go, and the rest when that one is received. What is healthy has no row.
 */

import { ENQUEUE_GRACE_MS, REDISPATCH_DELAY_MS_MAX } from "../../core/jobs/wakeups.ts";
import type { Delivery, DeliveryKey } from "../../core/webhooks/delivery.ts";
import { FAILURES_APART_MS_MAX, RECEIVER_PROBE_MS } from "../../core/webhooks/receiver-breaker.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { distinctKeys } from "../distinct-keys.ts";

/** The key of a receiver's breaker, as `deliveries.receiver` has it. @param receiver an endpoint's id, or an origin */
export const receiverKey = (tenant: string, receiver: string) => `'receiver:' || ${tenant} || ' ' || ${receiver}`;

/** @param list which parameter holds the deliveries */
export const isListed = (list: "?1" | "?2") =>
	`(tenant_id, id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${list}))`;

/** Deliveries as one bound parameter, whatever their number. */
export function deliveryList(keys: readonly DeliveryKey[]): string {
	return JSON.stringify(keys.map(({ tenantId, deliveryId }) => [tenantId, deliveryId]));
}

/** A returned row permits one delivery to that receiver; the next is permitted after the duration of an attempt. */
export function claimProbes(db: Database, keys: readonly DeliveryKey[]): Statement {
	return {
		sql: `UPDATE receiver_breakers SET open_until = ${NOW} + ${RECEIVER_PROBE_MS}
		 WHERE open_until <= ${NOW} AND key IN (SELECT receiver FROM deliveries
		                                    WHERE ${isListed("?2")} AND status = 'pending' AND next_attempt_at <= ${NOW})
		RETURNING key`,
		params: [db.clock(), deliveryList(keys)],
	};
}

/**
 * A receiver that keeps an attempt waiting is asked for nothing else meanwhile: its answer ends the pause, and a death is
 * outlasted. Nothing is written if it has answered.
 */
export async function openSlowReceiverBreaker(
	db: Database,
	{ tenantId, deliveryId, attemptsMade }: DeliveryKey & Pick<Delivery, "attemptsMade">,
): Promise<void> {
	await db.all("gate slow receiver", {
		sql: `INSERT INTO receiver_breakers (key, failures, failing_since, failed_at, open_until)
		SELECT receiver, 0, ${NOW}, ${NOW}, ${NOW} + ${RECEIVER_PROBE_MS} FROM deliveries
		 WHERE tenant_id = ?2 AND id = ?3 AND attempts_made = ?4 AND status = 'pending'
		ON CONFLICT (key) DO UPDATE SET open_until = max(coalesce(open_until, 0), excluded.open_until)`,
		params: [db.clock(), tenantId, deliveryId, attemptsMade],
	});
}

/** The receivers among those of `keys` that are paused, or were until a moment ago. */
export function findOpenReceiverBreakers(keys: readonly DeliveryKey[]): Statement {
	return {
		sql: `SELECT key FROM receiver_breakers
		 WHERE open_until IS NOT NULL AND key IN (SELECT receiver FROM deliveries WHERE ${isListed("?1")})`,
		params: [deliveryList(keys)],
	};
}

/** A failure. @param overloadMs how long the receiver asked to be left alone @param openMsByFailures by failures in a row */
export interface ReceiverFailure {
	overloadMs: number;
	openMsByFailures: readonly number[];
}

/** Counts a failure, and pauses the receiver when they are many in a row or when it asked for it. `guard`: on the delivery. */
export function tripReceiver(
	db: Database,
	{ overloadMs, openMsByFailures }: ReceiverFailure,
	guard: { sql: string; params: Statement["params"] },
): Statement {
	const pause = (failures: string) =>
		`max(?2, coalesce(json_extract(?3, '$[' || (${failures} - 1) || ']'), json_extract(?3, '$[#-1]')))`;
	return {
		sql: `INSERT INTO receiver_breakers (key, failures, failing_since, failed_at, open_until)
		SELECT receiver, 1, ${NOW}, ${NOW}, CASE WHEN ${pause("1")} > 0 THEN ${NOW} + ${pause("1")} END
		  FROM deliveries WHERE ${guard.sql}
		ON CONFLICT (key) DO UPDATE
		   SET failures = failures + 1, failed_at = ${NOW},
		       failing_since = CASE WHEN failures > 0 AND failed_at > ${NOW} - ${FAILURES_APART_MS_MAX} THEN failing_since ELSE ${NOW} END,
		       open_until = CASE WHEN ${pause("(failures + 1)")} > 0
		               THEN max(coalesce(open_until, 0), ${NOW} + ${pause("(failures + 1)")}) ELSE open_until END`,
		params: [db.clock(), overloadMs, JSON.stringify(openMsByFailures), ...guard.params],
	};
}

/** Receivers that received: nothing keeps them back any more. Answers the keys of those that something did. */
export function closeReceiverBreakers(guard: { sql: string; params: Statement["params"] }): Statement {
	return {
		sql: `DELETE FROM receiver_breakers WHERE key IN (SELECT receiver FROM deliveries WHERE ${guard.sql}) RETURNING key`,
		params: guard.params,
	};
}

/** Puts deliveries aside whose receiver is paused: no message goes round for them. */
export async function parkDeliveries(db: Database, keys: readonly DeliveryKey[]): Promise<void> {
	if (keys.length === 0) return;
	await db.all("park deliveries", {
		sql: `UPDATE deliveries SET parked_on = receiver, sweep_at = ${NOW} + ${REDISPATCH_DELAY_MS_MAX}
		 WHERE ${isListed("?2")} AND status = 'pending' AND parked_on IS NULL`,
		params: [db.clock(), deliveryList(keys)],
	});
}

/**
 * Lets parked deliveries to `receiver` go, the oldest first: all of them, up to `limit`, where nothing keeps it back any
 * more; one, where its pause is over. Enqueue what this returns.
 */
export async function releaseDeliveries(db: Database, receiver: string, limit: number): Promise<DeliveryKey[]> {
	const rows = await db.all<{ tenant_id: string; id: string }>("release deliveries", {
		sql: `UPDATE deliveries SET parked_on = NULL, sweep_at = ${NOW} + ${ENQUEUE_GRACE_MS}
		 WHERE (tenant_id, id) IN (
		       SELECT tenant_id, id FROM deliveries WHERE parked_on = ?2 ORDER BY created_at
		        LIMIT coalesce((SELECT CASE WHEN open_until > ${NOW} THEN 0 WHEN open_until IS NOT NULL THEN 1 END
		                          FROM receiver_breakers WHERE key = ?2), ?3))
		RETURNING tenant_id, id`,
		params: [db.clock(), receiver, limit],
	});
	return rows.map((row) => ({ tenantId: row.tenant_id, deliveryId: row.id }));
}

/** The receivers that deliveries are parked on and whose pause is over, each found by one step through the index. */
export async function findParkedReceivers(db: Database, limit: number): Promise<string[]> {
	const rows = await db.all<{ key: string }>("find parked receivers", {
		sql: `WITH RECURSIVE ${distinctKeys("parked", "deliveries", "parked_on")}
		SELECT key FROM parked
		 WHERE key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM receiver_breakers WHERE key = parked.key AND open_until > ${NOW}) LIMIT ?2`,
		params: [db.clock(), limit],
	});
	return rows.map((row) => row.key);
}

/** Forgets failures that nothing followed. */
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
