/** Finds and defers deliveries that were not attempted in time. */

import { ENQUEUE_GRACE_MS, REDISPATCH_DELAY_MS_MAX } from "../../core/jobs/wakeups.ts";
import type { DeliveryKey } from "../../core/webhooks/delivery.ts";
import { type Database, NOW } from "../database.ts";

/** `sweepAt`: when the sweeper checks it. If the row has another value by now, it was attempted since. */
export interface DueDelivery extends DeliveryKey {
	sweepAt: number;
}

/** Oldest first. */
export async function findDeliveriesToEnqueue(db: Database, limit: number): Promise<DueDelivery[]> {
	const rows = await db.all<{ tenant_id: string; id: string; sweep_at: number }>("find deliveries to enqueue", {
		sql: `SELECT tenant_id, id, sweep_at FROM deliveries
		 WHERE sweep_at IS NOT NULL AND sweep_at <= ${NOW} ORDER BY sweep_at LIMIT ?2`,
		params: [db.clock(), limit],
	});
	return rows.map((row) => ({ tenantId: row.tenant_id, deliveryId: row.id, sweepAt: row.sweep_at }));
}

/**
 * The next check comes when a delivery has been due for twice as long, so that a backlog does not get more and more messages.
 * A delivery attempted meanwhile has set its own time, which is kept.
 */
export async function deferDeliverySweep(db: Database, enqueued: DueDelivery[]): Promise<void> {
	if (enqueued.length === 0) return;
	await db.all("defer delivery sweep", {
		sql: `UPDATE deliveries SET sweep_at = ${NOW} + min(max(${NOW} - next_attempt_at, ${ENQUEUE_GRACE_MS}), ${REDISPATCH_DELAY_MS_MAX})
		  FROM (SELECT value ->> 0 AS tenant_id, value ->> 1 AS id, value ->> 2 AS seen FROM json_each(?2)) AS enqueued
		 WHERE deliveries.tenant_id = enqueued.tenant_id AND deliveries.id = enqueued.id AND deliveries.sweep_at = enqueued.seen`,
		params: [
			db.clock(),
			JSON.stringify(enqueued.map(({ tenantId, deliveryId, sweepAt }) => [tenantId, deliveryId, sweepAt])),
		],
	});
}
