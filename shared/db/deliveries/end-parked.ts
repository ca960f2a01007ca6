/**
 * Ends parked deliveries without a message each, with what the dispatcher would have recorded. Those of one receiver may be
 * thousands, and none of them can be sent.
 */

import { DELIVERY_ATTEMPTS_KEPT, type DeliveryKey } from "../../core/webhooks/delivery.ts";
import { FAILING_MS_MAX } from "../../core/webhooks/receiver-breaker.ts";
import { type Database, NOW } from "../database.ts";
import { isListed } from "../key-list.ts";
import { deliveryList } from "./receiver-breakers.ts";

/** Ends a delivery as `status`, and adds to its history why nothing was sent. @param error an SQL expression */
const endAs = (status: "exhausted" | "skipped", error: string) => `UPDATE deliveries
	   SET status = '${status}', attempts_made = attempts_made + 1, parked_on = NULL, next_attempt_at = NULL, sweep_at = NULL,
	       finished_at = ${NOW},
	       attempts = json_remove(json_insert(attempts, '$[#]', json_object('at', ${NOW}, 'durationMs', 0, 'status', NULL,
	           'error', ${error}, 'response', NULL)),
	           iif(json_array_length(attempts) < ${DELIVERY_ATTEMPTS_KEPT}, '$.none', '$[1]'))`;

const TOO_OLD = "'Not sent: its receiver has failed, and the event is five days old.'";

/**
 * Exhausts those of `keys` that are parked for their receiver and five days old. The next one to be sent to each receiver
 * stays: its attempt decides about the receiver. So do all whose receiver's breaker has closed: they are being released.
 * Returns how many.
 */
export async function exhaustParkedDeliveries(db: Database, keys: readonly DeliveryKey[]): Promise<number> {
	if (keys.length === 0) return 0;
	const rows = await db.all("exhaust parked deliveries", {
		sql: `${endAs("exhausted", TOO_OLD)}
		 WHERE ${isListed("?2")} AND parked_on IS NOT NULL AND coalesce(restarted_at, created_at) <= ${NOW} - ${FAILING_MS_MAX}
		   AND EXISTS (SELECT 1 FROM receiver_breakers WHERE key = parked_on AND open_until IS NOT NULL)
		   AND EXISTS (SELECT 1 FROM deliveries AS earlier WHERE earlier.parked_on = deliveries.parked_on
		                  AND (earlier.next_attempt_at, earlier.tenant_id, earlier.id)
		                    < (deliveries.next_attempt_at, deliveries.tenant_id, deliveries.id))
		RETURNING 1`,
		params: [db.clock(), deliveryList(keys)],
	});
	return rows.length;
}

/** Skips up to `limit` deliveries parked for `receiver`, if it is an endpoint that is disabled or deleted. Returns how many. */
export async function skipParkedDeliveries(db: Database, receiver: string, limit: number): Promise<number> {
	const endpoint = (columns: string) => `(SELECT ${columns} FROM webhook_endpoints AS endpoint
		WHERE endpoint.tenant_id = deliveries.tenant_id AND endpoint.id = deliveries.endpoint_id)`;
	const rows = await db.all("skip parked deliveries", {
		sql: `${endAs("skipped", `iif(EXISTS ${endpoint("1")}, 'Not sent: its endpoint is disabled.', 'Not sent: its endpoint was deleted.')`)}
		 WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM deliveries WHERE parked_on = ?2 LIMIT ?3)
		   AND endpoint_id IS NOT NULL AND coalesce(${endpoint("status")}, 'deleted') <> 'enabled'
		RETURNING 1`,
		params: [db.clock(), receiver, limit],
	});
	return rows.length;
}
