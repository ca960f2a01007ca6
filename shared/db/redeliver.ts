/**
 * Asks for deliveries again, at their receiver's owner's word: one, a job's, or what an endpoint missed since a time. Each
 * keeps its id and its event's, and its schedule begins anew. Ring for what these answer.
 */
import type { DeliveryKey } from "../core/delivery.ts";
import { deliveryIdRange } from "../core/events.ts";
import type { JobKey } from "../core/job.ts";
import { DOORBELL_GRACE_MS } from "../core/waits.ts";
import type { WebhookEndpointKey } from "../core/webhook-endpoint.ts";
import { type Database, NOW } from "./database.ts";

/** What still has something to tell, and somebody to tell it to. */
const CAN_BE_SENT = `(deliveries.event IS NOT NULL OR EXISTS (
		SELECT 1 FROM jobs WHERE jobs.tenant_id = deliveries.tenant_id AND jobs.id = deliveries.job_id))
	AND (deliveries.endpoint_id IS NULL OR EXISTS (
		SELECT 1 FROM webhook_endpoints AS endpoint WHERE endpoint.tenant_id = deliveries.tenant_id
		   AND endpoint.id = deliveries.endpoint_id AND endpoint.status = 'enabled'))`;

async function restart(db: Database, which: string, params: (string | number | null)[]): Promise<DeliveryKey[]> {
	const rows = await db.all<{ tenant_id: string; id: string }>({
		sql: `UPDATE deliveries
		   SET status = 'pending', next_attempt_at = ${NOW}, sweep_at = ${NOW} + ${DOORBELL_GRACE_MS}, finished_at = NULL,
		       parked_on = NULL, restarted_at = ${NOW}, attempts_before = attempts_made
		 WHERE ${which} AND ${CAN_BE_SENT}
		RETURNING tenant_id, id`,
		params: [db.clock(), ...params],
	});
	return rows.map((row) => ({ tenantId: row.tenant_id, deliveryId: row.id }));
}

/** None: there is no such delivery, its job is erased, or its endpoint is not there or disabled. */
export async function redeliver(db: Database, { tenantId, deliveryId }: DeliveryKey): Promise<DeliveryKey[]> {
	return await restart(db, "tenant_id = ?2 AND id = ?3", [tenantId, deliveryId]);
}

/** All that a job owed, whatever became of it. */
export async function redeliverJob(db: Database, { tenantId, jobId }: JobKey): Promise<DeliveryKey[]> {
	const { from, to } = deliveryIdRange(jobId);
	return await restart(db, "tenant_id = ?2 AND id >= ?3 AND id < ?4", [tenantId, from, to]);
}

/** What an endpoint did not get of events since `sinceMs`, oldest first, `limit` at most. */
export async function recoverDeliveries(
	db: Database,
	{ tenantId, endpointId }: WebhookEndpointKey,
	sinceMs: number,
	limit: number,
): Promise<DeliveryKey[]> {
	return await restart(
		db,
		`(tenant_id, id) IN (
		 SELECT tenant_id, id FROM deliveries
		  WHERE tenant_id = ?2 AND endpoint_id = ?3 AND created_at >= ?4 AND status IN ('exhausted', 'skipped')
		    AND ${CAN_BE_SENT}
		  ORDER BY created_at LIMIT ?5)`,
		[tenantId, endpointId, sinceMs, limit],
	);
}
