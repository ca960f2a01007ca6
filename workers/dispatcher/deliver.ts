/** One delivery attempt: build, sign, send, record. */
import type { DeliveryAttempt } from "../../shared/core/delivery.ts";
import { type AttemptResult, type DeliveryDecision, decideDelivery } from "../../shared/core/delivery-schedule.ts";
import { readRetryAfterMs } from "../../shared/core/retry-after.ts";
import { checkWebhookUrl } from "../../shared/core/webhook-address.ts";
import type { OwedDelivery } from "../../shared/db/find-deliveries.ts";
import { recordDelivery } from "../../shared/db/record-delivery.ts";
import { unseal } from "../../shared/webhooks/seal.ts";
import { signedHeaders } from "../../shared/webhooks/sign.ts";
import { log } from "../log.ts";
import { buildEvent } from "./build-event.ts";
import type { Dispatcher } from "./dispatch-batch.ts";
import { postWebhook } from "./post-webhook.ts";

export async function deliver(dispatcher: Dispatcher, owed: OwedDelivery): Promise<DeliveryDecision> {
	const { db, config, runtime } = dispatcher;
	const { delivery } = owed;
	const startedAt = runtime.now();
	const sent = await attempt(dispatcher, owed, startedAt);
	const decision = decideDelivery(sent, delivery.attemptsMade + 1, config.deliveryScheduleMs, runtime.random);
	const record: DeliveryAttempt = {
		at: owed.now,
		durationMs: runtime.now() - startedAt,
		status: sent.status,
		error: sent.error,
		response: sent.response,
	};
	const { tenantId, deliveryId, attemptsMade } = delivery;
	const recorded = await recordDelivery(db, { tenantId, deliveryId, attemptsMade, attempt: record, decision });
	const { status, durationMs } = record;
	log("delivery.attempted", {
		deliveryId,
		attempt: attemptsMade + 1,
		next: decision.next,
		status,
		durationMs,
		recorded,
	});
	return decision;
}

type Sent = AttemptResult & Pick<DeliveryAttempt, "error" | "response">;

/** The address is checked again before each attempt: rules may have become stricter since it was stored. */
async function attempt(dispatcher: Dispatcher, owed: OwedDelivery, attemptAt: number): Promise<Sent> {
	const { config, runtime } = dispatcher;
	const { delivery, sealedSecrets } = owed;
	const address = checkWebhookUrl(delivery.url, { allowInsecure: config.allowInsecureWebhooks });
	if (!address.ok) return { status: null, retryAfterMs: null, error: `Not sent: ${address.problem}`, response: null };

	const body = await buildEvent(dispatcher, owed);
	const secrets = await Promise.all(
		sealedSecrets.map((sealed) => unseal(runtime, config.signingKeys, delivery.tenantId, sealed)),
	);
	const answer = await postWebhook(
		runtime,
		address.url,
		signedHeaders(secrets, delivery.eventId, attemptAt, body),
		body,
	);
	return { ...answer, retryAfterMs: readRetryAfterMs((name) => answer.headers.get(name), runtime.now()) };
}
