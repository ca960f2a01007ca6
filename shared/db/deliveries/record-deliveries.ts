/** Records delivery attempts, the next state of their deliveries, and what the attempts show about the receivers. */

import { keyText } from "../../core/ids.ts";
import { ENQUEUE_GRACE_MS, QUEUE_WAIT_MS_MAX } from "../../core/jobs/wakeups.ts";
import { DELIVERY_ATTEMPTS_KEPT, type DeliveryAttempt, type DeliveryKey } from "../../core/webhooks/delivery.ts";
import type { DeliveryDecision } from "../../core/webhooks/delivery-schedule.ts";
import { FAILING_MS_MAX } from "../../core/webhooks/receiver-breaker.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { insertEndpointDisabledDeliveries, pendingFromRows } from "../outbox.ts";
import {
	closeReceiverBreakers,
	type ReceiverFailure,
	receiverKey,
	TOO_OLD_AT,
	tripReceiver,
} from "./receiver-breakers.ts";

export interface DeliveryRecord extends DeliveryKey {
	/** Attempts before this one: the fence. */
	attemptsMade: number;
	/** As it was when the delivery was read. */
	restartedAt: number | null;
	attempt: DeliveryAttempt;
	decision: DeliveryDecision;
	endpointId: string | null;
	/** The key of the breaker that it counts for. */
	receiver: string;
	/** Where it was sent: the endpoint's URL may have changed since the event. */
	url: string;
	/** Null: it was delivered, or nothing was sent. */
	failure: (ReceiverFailure & { isGone: boolean }) | null;
}

export interface Recorded {
	/**
	 * False: another dispatcher recorded an attempt meanwhile, or the delivery is settled; nothing was written. Two requests
	 * may have been sent then, with the same `webhook-id`, so that the receiver can recognise the second.
	 */
	done: boolean;
	/** The receiver, if this closed its breaker. Set on the first record of that receiver. */
	recovered: string | null;
	/** Pending deliveries of `endpoint.disabled` to the owner's other endpoints: enqueue them. Set on the first record. */
	deliveries: DeliveryKey[];
}

/**
 * At most one record a delivery, all in one transaction. The statements about receivers come before the one that records, and
 * match the same deliveries: an attempt that is not recorded does not count for its receiver either. Of attempts to one
 * receiver that are recorded together, a failure outweighs a success.
 * @param deliveryWaitMs from the commit to the first attempt of a delivery of `endpoint.disabled`
 */
export async function recordDeliveries(
	db: Database,
	records: readonly DeliveryRecord[],
	deliveryWaitMs = 0,
): Promise<Recorded[]> {
	const rows = await db.transactNamed("record deliveries", {
		closed: closeReceiverBreakers(deliveredAmong(records)),
		failures: records.flatMap((record) => recordReceiverFailure(db, record, deliveryWaitMs)),
		recorded: recordStatement(db, records),
	});
	const done = new Set(rows.recorded.map((row) => keyText(row.tenant_id, row.id)));
	const recovered = new Set(rows.closed.map(({ key }) => String(key)));
	const deliveries = pendingFromRows(rows.failures);
	return records.map(({ tenantId, deliveryId, receiver }, at) => ({
		done: done.has(keyText(tenantId, deliveryId)),
		recovered: recovered.delete(receiver) ? receiver : null,
		deliveries: at === 0 ? deliveries : [],
	}));
}

/** False: a redelivery was requested during the attempt. A failure decides nothing then: the delivery stays pending. */
const DECIDES = "(restarted_at IS made ->> 'restartedAt' OR made ->> 'next' = 'delivered')";

/**
 * A delivery that is to wait for so long that it gets no message, at a receiver whose breaker is open: it is parked, so that it
 * is sent when the receiver recovers, if that is sooner.
 */
const IS_PARKED = `(${DECIDES} AND made ->> 'delayMs' > ${QUEUE_WAIT_MS_MAX}
	AND EXISTS (SELECT 1 FROM receiver_breakers WHERE key = receiver_key AND open_until > ${NOW}))`;

function recordStatement(db: Database, records: readonly DeliveryRecord[]): Statement {
	const made = records.map(({ decision, ...record }) => {
		const delayMs = decision.next === "pending" ? decision.delayMs : null;
		const graceMs = delayMs !== null && delayMs <= QUEUE_WAIT_MS_MAX ? ENQUEUE_GRACE_MS : 0;
		const { tenantId, deliveryId, attemptsMade, restartedAt, url, attempt } = record;
		return { tenantId, deliveryId, attemptsMade, restartedAt, url, attempt, next: decision.next, delayMs, graceMs };
	});
	return {
		sql: `UPDATE deliveries
		   SET status = iif(${DECIDES}, made ->> 'next', status), attempts_made = attempts_made + 1, url = made ->> 'url',
		       parked_on = iif(${DECIDES}, iif(${IS_PARKED}, receiver_key, NULL), parked_on), attempts_before = iif(${DECIDES}, attempts_before, attempts_made + 1),
		       attempts = json_remove(json_insert(attempts, '$[#]', json(made -> 'attempt')),
		           iif(json_array_length(attempts) < ${DELIVERY_ATTEMPTS_KEPT}, '$.none', '$[1]')),
		       next_attempt_at = iif(${DECIDES}, ${NOW} + (made ->> 'delayMs'), next_attempt_at),
		       sweep_at = iif(${IS_PARKED}, ${TOO_OLD_AT}, iif(${DECIDES}, ${NOW} + (made ->> 'delayMs') + (made ->> 'graceMs'), sweep_at)),
		       finished_at = CASE WHEN ${DECIDES} AND made ->> 'delayMs' IS NULL THEN ${NOW} END
		  FROM (SELECT value AS made FROM json_each(?2))
		 WHERE tenant_id = made ->> 'tenantId' AND id = made ->> 'deliveryId'
		   AND attempts_made = made ->> 'attemptsMade' AND status = 'pending'
		RETURNING tenant_id, id`,
		params: [db.clock(), JSON.stringify(made)],
	};
}

/** Matches a delivery without an attempt since it was read. @param from the number of its first parameter */
function isOurs({ tenantId, deliveryId, attemptsMade }: DeliveryRecord, from: number) {
	return {
		sql: `tenant_id = ?${from} AND id = ?${from + 1} AND attempts_made = ?${from + 2} AND status = 'pending'`,
		params: [tenantId, deliveryId, attemptsMade],
	};
}

/** The same for all successful attempts, bound as `?1`. */
function deliveredAmong(records: readonly DeliveryRecord[]) {
	const delivered = records.filter(({ decision }) => decision.next === "delivered");
	return {
		sql: `(tenant_id, id, attempts_made) IN (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1))
		   AND status = 'pending'`,
		params: [JSON.stringify(delivered.map((one) => [one.tenantId, one.deliveryId, one.attemptsMade]))],
	};
}

function recordReceiverFailure(db: Database, record: DeliveryRecord, deliveryWaitMs: number): Statement[] {
	const { failure } = record;
	if (failure === null) return [];
	return [tripReceiver(db, failure, isOurs(record, 4)), ...disableEndpoint(db, record, failure.isGone, deliveryWaitMs)];
}

/** An endpoint that is gone, or has failed for days, is disabled, and its owner's other endpoints get an event about it. */
function disableEndpoint(db: Database, record: DeliveryRecord, isGone: boolean, deliveryWaitMs: number): Statement[] {
	const { tenantId, endpointId } = record;
	if (endpointId === null) return [];
	const guard = isOurs(record, 5);
	const hasFailed = `EXISTS (SELECT 1 FROM receiver_breakers
		WHERE key = ${receiverKey("?2", "?3")} AND failing_since <= ${NOW} - ${FAILING_MS_MAX})`;
	return [
		{
			sql: `UPDATE webhook_endpoints
			   SET status = 'disabled', disabled_at = ${NOW}, disabled_reason = iif(?4, 'gone', 'failing'), updated_at = ${NOW}
			 WHERE tenant_id = ?2 AND id = ?3 AND status = 'enabled' AND (?4 OR ${hasFailed})
			   AND EXISTS (SELECT 1 FROM deliveries WHERE ${guard.sql})`,
			params: [db.clock(), tenantId, endpointId, isGone ? 1 : 0, ...guard.params],
		},
		insertEndpointDisabledDeliveries(db, { tenantId, endpointId }, deliveryWaitMs),
	];
}
