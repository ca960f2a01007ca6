/** Records one delivery attempt and what becomes of the delivery. */
import type { DeliveryAttempt, DeliveryKey } from "../core/delivery.ts";
import type { DeliveryDecision } from "../core/delivery-schedule.ts";
import { DOORBELL_GRACE_MS, QUEUE_WAIT_MS_MAX } from "../core/waits.ts";
import { type Database, NOW } from "./database.ts";

/**
 * False: another dispatcher recorded an attempt meanwhile, or the delivery is settled; nothing was written. Two requests
 * may then have gone out, under one `webhook-id`: a receiver can tell, and none was lost.
 */
export async function recordDelivery(
	db: Database,
	record: DeliveryKey & { attemptsMade: number; attempt: DeliveryAttempt; decision: DeliveryDecision },
): Promise<boolean> {
	const { decision } = record;
	const delayMs = decision.next === "pending" ? decision.delayMs : null;
	const grace = delayMs !== null && delayMs <= QUEUE_WAIT_MS_MAX ? DOORBELL_GRACE_MS : 0;
	const row = await db.first({
		sql: `UPDATE deliveries
		   SET status = ?5, attempts_made = attempts_made + 1, attempts = json_insert(attempts, '$[#]', json(?6)),
		       next_attempt_at = ${NOW} + ?7, sweep_at = ${NOW} + ?7 + ?8,
		       finished_at = CASE WHEN ?7 IS NULL THEN ${NOW} END
		 WHERE tenant_id = ?2 AND id = ?3 AND attempts_made = ?4 AND status = 'pending'
		RETURNING id`,
		params: [
			db.clock(),
			record.tenantId,
			record.deliveryId,
			record.attemptsMade,
			decision.next,
			JSON.stringify(record.attempt),
			delayMs,
			grace,
		],
	});
	return row !== null;
}
