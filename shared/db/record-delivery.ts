/** Records one delivery attempt, what becomes of the delivery, and what it tells about its receiver. */
import { DELIVERY_ATTEMPTS_KEPT, type DeliveryAttempt, type DeliveryKey } from "../core/delivery.ts";
import type { DeliveryDecision } from "../core/delivery-schedule.ts";
import { FAILING_MS_MAX } from "../core/receiver-pause.ts";
import { DOORBELL_GRACE_MS, QUEUE_WAIT_MS_MAX } from "../core/waits.ts";
import { type Database, NOW, type Statement } from "./database.ts";
import { owedFromRows, oweEndpointDisabled } from "./owe-events.ts";
import { pauseReceiver, type ReceiverFailure, unpauseReceiver } from "./receiver-pauses.ts";

export interface DeliveryRecord extends DeliveryKey {
	/** Before this one: the fence. */
	attemptsMade: number;
	/** As it was when the delivery was read. */
	restartedAt: number | null;
	attempt: DeliveryAttempt;
	decision: DeliveryDecision;
	endpointId: string | null;
	/** Where it was sent: an endpoint may have moved since the event. */
	url: string;
	/** Null: it was received, or the receiver was not asked. */
	failure: (ReceiverFailure & { isGone: boolean }) | null;
}

export interface Recorded {
	/**
	 * False: another dispatcher recorded an attempt meanwhile, or the delivery is settled; nothing was written. Two requests
	 * may then have gone out, under one `webhook-id`: a receiver can tell, and none was lost.
	 */
	done: boolean;
	/** The receiver, if it was kept back until now. */
	recovered: string | null;
	/** Of `endpoint.disabled`, to the owner's other endpoints. */
	owed: DeliveryKey[];
}

/** One transaction. */
export async function recordDelivery(db: Database, record: DeliveryRecord): Promise<Recorded> {
	const { failure, decision } = record;
	const isReceived = decision.next === "delivered";
	const [done = [], news = [], , owed = []] = await db.batch<Record<string, unknown>>([
		recordStatement(db, record),
		...(isReceived ? [unpauseReceiver(recorded(record, 1))] : []),
		...(failure === null ? [] : [pauseReceiver(db, failure, recorded(record, 4)), ...disable(db, record, failure)]),
	]);
	const recovered = isReceived ? (news[0]?.key ?? null) : null;
	return { done: done.length > 0, recovered: recovered === null ? null : String(recovered), owed: owedFromRows(owed) };
}

/** It was not asked for again during the attempt. If it was, a failure decides nothing: it goes on being owed as asked. */
const DECIDES = "(restarted_at IS ?10 OR ?5 = 'delivered')";

function recordStatement(db: Database, record: DeliveryRecord): Statement {
	const { decision } = record;
	const delayMs = decision.next === "pending" ? decision.delayMs : null;
	const grace = delayMs !== null && delayMs <= QUEUE_WAIT_MS_MAX ? DOORBELL_GRACE_MS : 0;
	return {
		sql: `UPDATE deliveries
		   SET status = iif(${DECIDES}, ?5, status), attempts_made = attempts_made + 1, url = ?9, parked_on = NULL,
		       attempts_before = iif(${DECIDES}, attempts_before, attempts_made + 1),
		       attempts = json_remove(json_insert(attempts, '$[#]', json(?6)),
		           iif(json_array_length(attempts) < ${DELIVERY_ATTEMPTS_KEPT}, '$.none', '$[1]')),
		       next_attempt_at = iif(${DECIDES}, ${NOW} + ?7, next_attempt_at),
		       sweep_at = iif(${DECIDES}, ${NOW} + ?7 + ?8, sweep_at),
		       finished_at = CASE WHEN ${DECIDES} AND ?7 IS NULL THEN ${NOW} END
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
			record.url,
			record.restartedAt,
		],
	};
}

/**
 * True of the delivery where the statement just before wrote: each of these goes on only if the one before it did, so that
 * an attempt that was not recorded says nothing. @param from its first parameter's number
 */
function recorded({ tenantId, deliveryId, attemptsMade }: DeliveryRecord, from: number) {
	return {
		sql: `changes() > 0 AND tenant_id = ?${from} AND id = ?${from + 1} AND attempts_made = ?${from + 2}`,
		params: [tenantId, deliveryId, attemptsMade + 1],
	};
}

/** An endpoint that is gone, or has failed for days, is told nothing any more, and its owner's other endpoints hear of it. */
function disable(db: Database, record: DeliveryRecord, { isGone }: { isGone: boolean }): Statement[] {
	const { tenantId, endpointId } = record;
	if (endpointId === null) return [];
	const guard = recorded(record, 5);
	const hasFailed = `EXISTS (SELECT 1 FROM receiver_pauses
		WHERE key = ?2 || ' ' || ?3 AND failing_since <= ${NOW} - ${FAILING_MS_MAX})`;
	return [
		{
			sql: `UPDATE webhook_endpoints
			   SET status = 'disabled', disabled_at = ${NOW}, disabled_reason = iif(?4, 'gone', 'failing'), updated_at = ${NOW}
			 WHERE tenant_id = ?2 AND id = ?3 AND status = 'enabled' AND (?4 OR ${hasFailed})
			   AND EXISTS (SELECT 1 FROM deliveries WHERE ${guard.sql})`,
			params: [db.clock(), tenantId, endpointId, isGone ? 1 : 0, ...guard.params],
		},
		oweEndpointDisabled(db, { tenantId, endpointId }),
	];
}
