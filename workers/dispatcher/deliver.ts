/** One delivery attempt: build, sign, send, record. */

import { Repeats, StorageUnavailable } from "../../shared/core/errors.ts";
import type { Delivery, DeliveryAttempt } from "../../shared/core/webhooks/delivery.ts";
import { type DeliveryDecision, decideDelivery } from "../../shared/core/webhooks/delivery-schedule.ts";
import { openMsByFailures, overloadMs, RELEASED_A_SECOND } from "../../shared/core/webhooks/receiver-breaker.ts";
import type { PendingDelivery } from "../../shared/db/deliveries/find-deliveries.ts";
import { releaseDeliveries } from "../../shared/db/deliveries/receiver-breakers.ts";
import type { DeliveryRecord, Recorded } from "../../shared/db/deliveries/record-deliveries.ts";
import { wake } from "../../shared/jobs/wake.ts";
import { ACK, type Disposition, retryWhenDue } from "../../shared/queues/dispositions.ts";
import { log, logDebug, logWarning } from "../log.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { type Postponed, type Sent, sendWebhook } from "./send-webhook.ts";

const RECORD_TRIES = 3;
const RECORD_RETRY_MS = 500;

/** Returns what becomes of the delivery's message. */
export async function deliver(dispatcher: Dispatcher, pending: PendingDelivery): Promise<Disposition> {
	const { config, runtime } = dispatcher;
	const { delivery, now } = pending;
	const startedAt = runtime.now();
	const ageMs = now - (delivery.restartedAt ?? delivery.createdAt);
	const sent = await sendWebhook(dispatcher, pending, { attemptAt: startedAt, ageMs });
	if (sent.outcome === "postponed") return await postpone(dispatcher, delivery, sent);
	const made = { number: delivery.attemptsMade - delivery.attemptsBefore + 1, ageMs };
	const decision: DeliveryDecision =
		sent.outcome === "skipped"
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
	report(pending, attempt, decision, recorded);
	await wake(dispatcher, { deliveries: recorded.deliveries, jobs: [] });
	if (recorded.recovered !== null) await release(dispatcher, recorded.recovered);
	return decision.next === "pending" ? retryWhenDue(decision.delayMs) : ACK;
}

async function postpone({ postponements }: Dispatcher, delivery: Delivery, { until }: Postponed): Promise<Disposition> {
	const { tenantId, deliveryId, attemptsMade } = delivery;
	const waitMs = await postponements.commit({ tenantId, deliveryId, attemptsMade, until });
	logDebug("delivery.postponed", {
		deliveryId,
		until: "waitMs" in until ? "dns" : "host_limit",
		waitMs: waitMs ?? undefined,
	});
	return waitMs === null ? ACK : retryWhenDue(waitMs);
}

/** What the attempt counts as for its receiver's breaker. Null: not a failure. */
function failureOf(sent: Sent, decision: DeliveryDecision, scheduleMs: readonly number[]): DeliveryRecord["failure"] {
	if (sent.outcome !== "sent" || decision.next === "delivered") return null;
	return {
		isGone: sent.status === 410,
		overloadMs: decision.next === "pending" ? overloadMs(sent, decision.delayMs) : 0,
		openMsByFailures: openMsByFailures(scheduleMs),
	};
}

/** Safe to repeat: the record is guarded by the attempts made before. A lost record would cause another POST. */
async function recordWithRetry({ records, runtime }: Dispatcher, record: DeliveryRecord): Promise<Recorded> {
	const repeats = new Repeats(RECORD_TRIES);
	for (let tried = 1; ; tried++) {
		try {
			return await records.commit(record);
		} catch (error) {
			if (!(error instanceof StorageUnavailable) || !repeats.allowAfter(error)) throw error;
			logWarning("delivery.record_failed", { deliveryId: record.deliveryId, tried }, error);
		}
		await runtime.sleep(RECORD_RETRY_MS * tried);
	}
}

/** After its breaker closed: a second's deliveries. Best effort: the sweeper releases what is left, at the same rate. */
async function release({ db, deliveryQueue }: Dispatcher, receiver: string): Promise<void> {
	try {
		await deliveryQueue.tryEnqueue(await releaseDeliveries(db, receiver, { limit: RELEASED_A_SECOND, forMs: 0 }));
	} catch (error) {
		logWarning("deliveries.release_failed", {}, error);
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
		status: status ?? undefined,
		durationMs,
		recorded: recorded.done ? undefined : false,
	});
}
