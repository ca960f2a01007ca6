/** One delivery attempt: build, sign, send, record. */

import { StorageUnavailable } from "../../shared/core/storage-unavailable.ts";
import type { DeliveryAttempt } from "../../shared/core/webhooks/delivery.ts";
import { type DeliveryDecision, decideDelivery } from "../../shared/core/webhooks/delivery-schedule.ts";
import { isOverload, openMsByFailures } from "../../shared/core/webhooks/receiver-breaker.ts";
import type { PendingDelivery } from "../../shared/db/deliveries/find-deliveries.ts";
import { releaseDeliveries } from "../../shared/db/deliveries/receiver-breakers.ts";
import type { DeliveryRecord, Recorded } from "../../shared/db/deliveries/record-deliveries.ts";
import { log, logError } from "../log.ts";
import type { Dispatcher } from "./dispatch-batch.ts";
import { type Sent, sendWebhook } from "./send-webhook.ts";

const RECORD_TRIES = 3;
const RECORD_RETRY_MS = 500;
/** Whom one received delivery lets go at most; the sweeper lets go of more. */
const RELEASED_MAX = 100;

export async function deliver(dispatcher: Dispatcher, owed: PendingDelivery): Promise<DeliveryDecision> {
	const { config, runtime } = dispatcher;
	const { delivery, now } = owed;
	const startedAt = runtime.now();
	const sent = await sendWebhook(dispatcher, owed, startedAt);
	const made = {
		number: delivery.attemptsMade - delivery.attemptsBefore + 1,
		ageMs: now - (delivery.restartedAt ?? delivery.createdAt),
	};
	const decision: DeliveryDecision = sent.isPointless
		? { next: "skipped" }
		: decideDelivery(sent, made, config.deliveryScheduleMs, runtime.random);
	const attempt: DeliveryAttempt = {
		at: now,
		durationMs: runtime.now() - startedAt,
		status: sent.status,
		error: sent.error,
		response: sent.response,
	};
	const recorded = await recordWithRetry(dispatcher, {
		...delivery,
		url: sent.url,
		attempt,
		decision,
		failure: failureOf(sent, decision, config.deliveryScheduleMs),
	});
	report(owed, attempt, decision, recorded);
	await dispatcher.deliveryQueue.tryEnqueue(recorded.owed);
	if (recorded.recovered !== null) await release(dispatcher, recorded.recovered);
	return decision;
}

/** What the attempt says about its receiver; null where it says nothing bad. */
function failureOf(sent: Sent, decision: DeliveryDecision, scheduleMs: readonly number[]): DeliveryRecord["failure"] {
	if (!sent.wasAsked || decision.next === "delivered") return null;
	const overloadMs = isOverload(sent) && decision.next === "pending" ? decision.delayMs : 0;
	return { isGone: sent.status === 410, overloadMs, openMsByFailures: openMsByFailures(scheduleMs) };
}

/** Safe to repeat, for the record is guarded by the attempts made: a lost record would mean another POST. */
async function recordWithRetry({ records, runtime }: Dispatcher, record: DeliveryRecord): Promise<Recorded> {
	for (let tried = 1; ; tried++) {
		try {
			return await records.commit(record);
		} catch (error) {
			if (!(error instanceof StorageUnavailable) || tried === RECORD_TRIES) throw error;
			logError("delivery.record_failed", { deliveryId: record.deliveryId, tried }, error);
		}
		await runtime.sleep(RECORD_RETRY_MS * tried);
	}
}

/** A receiver that was kept back is back: the others that waited for it go. Best effort: the sweeper walks them. */
async function release({ db, deliveryQueue }: Dispatcher, receiver: string): Promise<void> {
	try {
		await deliveryQueue.tryEnqueue(await releaseDeliveries(db, receiver, RELEASED_MAX));
	} catch (error) {
		logError("deliveries.release_failed", {}, error);
	}
}

function report(
	{ delivery }: PendingDelivery,
	attempt: DeliveryAttempt,
	{ next }: DeliveryDecision,
	recorded: Recorded,
) {
	const { deliveryId, attemptsMade } = delivery;
	const { status, durationMs } = attempt;
	log("delivery.attempted", {
		deliveryId,
		attempt: attemptsMade + 1,
		next,
		status,
		durationMs,
		recorded: recorded.done,
	});
}
