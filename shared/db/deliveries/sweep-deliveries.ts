/** Finds and defers deliveries that were not attempted in time. */

import { ENQUEUE_GRACE_MS, REDISPATCH_DELAY_MS_MAX } from "../../core/jobs/wakeups.ts";
import type { DeliveryKey } from "../../core/webhooks/delivery.ts";
import { type Database, NOW } from "../database.ts";
import { TOO_OLD_AT } from "./receiver-breakers.ts";

/** `sweepAt`: when the sweeper checks it. If the row has another value by now, it was attempted since. */
export interface DueDelivery extends DeliveryKey {
	sweepAt: number;
}

/** `isParked`: it waits for its receiver, without a message. */
export type DeliveryToSweep = DueDelivery & { isParked: boolean };

/** Oldest first. */
export async function findDeliveriesToSweep(db: Database, limit: number): Promise<DeliveryToSweep[]> {
	const rows = await db.all<{ tenant_id: string; id: string; sweep_at: number; parked: number }>(
		"find deliveries to sweep",
		{
			sql: `SELECT tenant_id, id, sweep_at, parked_on IS NOT NULL AS parked FROM deliveries
		 WHERE sweep_at IS NOT NULL AND sweep_at <= ${NOW} ORDER BY sweep_at LIMIT ?2`,
			params: [db.clock(), limit],
		},
	);
	return rows.map((row) => ({
		tenantId: row.tenant_id,
		deliveryId: row.id,
		sweepAt: row.sweep_at,
		isParked: row.parked === 1,
	}));
}

/**
 * The next check comes when a delivery has been due for twice as long, so that a backlog does not get more and more messages.
 * A parked one needs none before it is too old. A delivery attempted meanwhile has set its own time, which is kept.
 */
export async function deferDeliverySweep(db: Database, swept: readonly DueDelivery[]): Promise<void> {
	if (swept.length === 0) return;
	await db.all("defer delivery sweep", {
		sql: `UPDATE deliveries SET sweep_at = max(iif(parked_on IS NULL, 0, ${TOO_OLD_AT}),
		       ${NOW} + min(max(${NOW} - next_attempt_at, ${ENQUEUE_GRACE_MS}), ${REDISPATCH_DELAY_MS_MAX}))
		  FROM (SELECT value ->> 0 AS tenant_id, value ->> 1 AS id, value ->> 2 AS seen FROM json_each(?2)) AS swept
		 WHERE deliveries.tenant_id = swept.tenant_id AND deliveries.id = swept.id AND deliveries.sweep_at = swept.seen`,
		params: [
			db.clock(),
			JSON.stringify(swept.map(({ tenantId, deliveryId, sweepAt }) => [tenantId, deliveryId, sweepAt])),
		],
	});
}
