/**
 * Makes deliveries pending again on request of their owner: one, all of a job, or all that an endpoint missed since a time.
 * Each keeps its delivery id and event id, and its schedule starts over, without the first wait. Enqueue the deliveries that
 * these functions return.
 */

import type { JobKey } from "../../core/jobs/job.ts";
import { ENQUEUE_GRACE_MS } from "../../core/jobs/wakeups.ts";
import type { Actor } from "../../core/tenants/audit.ts";
import type { Delivery, DeliveryKey } from "../../core/webhooks/delivery.ts";
import type { WebhookEndpointKey } from "../../core/webhooks/webhook-endpoint.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { isDeliveryOf, RECORD_KEPT_MS } from "../outbox.ts";
import { audited } from "../tenants/audit-log.ts";
import { DELIVERY_COLUMNS, deliveryFromRow } from "./delivery-row.ts";

const HAS_EVENT = `(deliveries.event IS NOT NULL OR EXISTS (
		SELECT 1 FROM jobs WHERE jobs.tenant_id = deliveries.tenant_id AND jobs.id = deliveries.job_id))`;
const HAS_RECEIVER = `(deliveries.endpoint_id IS NULL OR EXISTS (
		SELECT 1 FROM webhook_endpoints AS endpoint WHERE endpoint.tenant_id = deliveries.tenant_id
		   AND endpoint.id = deliveries.endpoint_id AND endpoint.status = 'enabled'))`;

/** Restarts those deliveries selected by `which` that still have an event and a receiver. */
function restart(db: Database, which: string, params: Statement["params"], columns = DELIVERY_COLUMNS): Statement {
	return {
		sql: `UPDATE deliveries
		   SET status = 'pending', next_attempt_at = ${NOW}, sweep_at = ${NOW} + ${ENQUEUE_GRACE_MS}, finished_at = NULL,
		       parked_on = NULL, restarted_at = ${NOW}, attempts_before = attempts_made,
		       prune_at = max(prune_at, ${NOW} + ${RECORD_KEPT_MS})
		 WHERE ${which} AND ${HAS_EVENT} AND ${HAS_RECEIVER}
		RETURNING ${columns}`,
		params: [db.clock(), ...params],
	};
}

export type Redelivery =
	| { outcome: "pending"; delivery: Delivery }
	/** It cannot be sent: its job is gone; its endpoint is disabled or gone; there is no such delivery. */
	| { outcome: "job_erased" | "endpoint_disabled" | "unknown" };

export async function redeliver(db: Database, { tenantId, deliveryId }: DeliveryKey, by: Actor): Promise<Redelivery> {
	const [sent = [], , known = []] = await db.transact<Record<string, unknown>>("redeliver delivery", [
		restart(db, "tenant_id = ?2 AND id = ?3", [tenantId, deliveryId]),
		audited(db, by, { action: "delivery.redelivered", tenantId, target: deliveryId }),
		{
			sql: `SELECT ${HAS_EVENT} AS has_event FROM deliveries WHERE tenant_id = ?1 AND id = ?2`,
			params: [tenantId, deliveryId],
		},
	]);
	if (sent[0] !== undefined) return { outcome: "pending", delivery: deliveryFromRow(sent[0]) };
	if (known[0] === undefined) return { outcome: "unknown" };
	return { outcome: known[0].has_event === 1 ? "endpoint_disabled" : "job_erased" };
}

/** All deliveries of a job, in any state, in the order of their events. */
export async function redeliverJob(db: Database, { tenantId, jobId }: JobKey, by: Actor): Promise<Delivery[]> {
	const [rows = []] = await db.transact("redeliver job", [
		restart(db, `tenant_id = ?2 AND ${isDeliveryOf("?3")}`, [tenantId, jobId]),
		audited(db, by, { action: "job.redelivered", tenantId, target: jobId }),
	]);
	const sent = rows.map(deliveryFromRow);
	return sent.sort((a, b) => a.createdAt - b.createdAt || (a.deliveryId < b.deliveryId ? -1 : 1));
}

export interface Recovery {
	/** Oldest first. */
	recovered: DeliveryKey[];
	/** More than `limit` deliveries were missed. */
	hasMore: boolean;
}

/** The oldest `limit` deliveries of events since `sinceMs` that an endpoint missed. None while it is disabled. */
export async function recoverDeliveries(
	db: Database,
	{ tenantId, endpointId }: WebhookEndpointKey,
	{ sinceMs, limit }: { sinceMs: number; limit: number },
	by: Actor,
): Promise<Recovery> {
	// The index leaves out those of erased jobs, so that no number of them is read.
	const missed = (from: number) => `FROM deliveries INDEXED BY deliveries_missed
		  WHERE tenant_id = ?${from} AND endpoint_id = ?${from + 1} AND created_at >= ?${from + 2}
		    AND status IN ('exhausted', 'skipped') AND (event IS NOT NULL OR prune_at IS NULL) AND ${HAS_RECEIVER}`;
	const [rows = [], , more = []] = await db.transact<Record<string, unknown>>("redeliver missed deliveries", [
		restart(
			db,
			`(tenant_id, id) IN (SELECT tenant_id, id ${missed(2)} ORDER BY created_at LIMIT ?5)`,
			[tenantId, endpointId, sinceMs, limit],
			"tenant_id, id, created_at",
		),
		audited(db, by, { action: "deliveries.recovered", tenantId, target: endpointId }),
		{ sql: `SELECT 1 ${missed(1)} LIMIT 1`, params: [tenantId, endpointId, sinceMs] },
	]);
	const oldestFirst = rows.sort((a, b) => Number(a.created_at) - Number(b.created_at));
	return {
		recovered: oldestFirst.map((row) => ({ tenantId: String(row.tenant_id), deliveryId: String(row.id) })),
		hasMore: more.length > 0,
	};
}
