/** One signed request, if there is something to tell and somebody to tell it to. */

import { readRetryAfterMs } from "../../shared/core/upstreams/retry-after.ts";
import type { Delivery, DeliveryAttempt } from "../../shared/core/webhooks/delivery.ts";
import type { AttemptResult } from "../../shared/core/webhooks/delivery-schedule.ts";
import { RECEIVER_SLOW_MS } from "../../shared/core/webhooks/receiver-breaker.ts";
import { ownHosts } from "../../shared/core/webhooks/webhook-address.ts";
import { secretOwner } from "../../shared/core/webhooks/webhook-endpoint.ts";
import { unseal } from "../../shared/crypto/seal.ts";
import type { PendingDelivery } from "../../shared/db/deliveries/find-deliveries.ts";
import { holdBack } from "../../shared/db/deliveries/receiver-breakers.ts";
import { checkReceiver } from "../../shared/webhooks/check-receiver.ts";
import { postWebhook } from "../../shared/webhooks/post-webhook.ts";
import { signedHeaders } from "../../shared/webhooks/sign.ts";
import { logError } from "../log.ts";
import { buildEvent } from "./build-event.ts";
import type { Dispatcher } from "./dispatch-batch.ts";

export type Sent = AttemptResult &
	Pick<DeliveryAttempt, "error" | "response"> & {
		url: string;
		timedOut: boolean;
		/** False: no request was made, which says nothing about the receiver. */
		wasAsked: boolean;
		/** There is nothing to tell any more, or nobody. */
		isPointless: boolean;
	};

/** The address is checked again before each attempt: its name may lead elsewhere by now, and rules may be stricter. */
export async function sendWebhook(dispatcher: Dispatcher, owed: PendingDelivery, attemptAt: number): Promise<Sent> {
	const { config, runtime } = dispatcher;
	const { delivery, endpoint } = owed;
	const url = endpoint?.url ?? delivery.url;
	const pointless = whyPointless(owed);
	if (pointless !== null) return { ...notSent(url, pointless), isPointless: true };
	const address = await checkReceiver(runtime, config, url, ownHosts(config.publicUrl, owed.job?.origin ?? null));
	if (!address.ok) return notSent(url, address.problem);
	const secrets = await openSecrets(dispatcher, owed);
	if (secrets.length === 0) return notSent(url, "this service cannot open the secret that signs it.");

	const body = await buildEvent(dispatcher, delivery, owed.job);
	if (body === null) return { ...notSent(url, "the job was erased."), isPointless: true };
	const headers = signedHeaders(secrets, delivery.eventId, attemptAt, body);
	const cancelTimer = runtime.timer(RECEIVER_SLOW_MS, () => dispatcher.background(holdBackOrLog(dispatcher, delivery)));
	const answer = await postWebhook(runtime, address.url, headers, body).finally(cancelTimer);
	const retryAfterMs = readRetryAfterMs((name) => answer.headers.get(name), runtime.now());
	return { ...answer, url, retryAfterMs, wasAsked: true, isPointless: false };
}

/** Best effort: a receiver that is not held back is only asked for more while it thinks. */
async function holdBackOrLog({ db }: Dispatcher, delivery: Delivery): Promise<void> {
	try {
		await holdBack(db, delivery);
	} catch (error) {
		logError("receiver.hold_failed", { deliveryId: delivery.deliveryId }, error);
	}
}

function whyPointless({ delivery, endpoint, sealedSecrets }: PendingDelivery): string | null {
	if (delivery.endpointId === null) return sealedSecrets.length === 0 ? "its tenant was deleted." : null;
	if (endpoint === null) return "its endpoint was deleted.";
	return endpoint.status === "disabled" ? "its endpoint is disabled." : null;
}

function notSent(url: string, why: string): Sent {
	const nothing = { status: null, retryAfterMs: null, response: null, timedOut: false, wasAsked: false };
	return { ...nothing, url, error: `Not sent: ${why}`, isPointless: false };
}

/** Those that open: one sealed under a key that is gone must not silence the other. */
async function openSecrets(
	{ config, runtime }: Dispatcher,
	{ delivery, endpoint, sealedSecrets }: PendingDelivery,
): Promise<string[]> {
	const { tenantId, deliveryId } = delivery;
	const sealed = endpoint?.sealedSecrets ?? sealedSecrets;
	const owner = endpoint === null ? tenantId : secretOwner(endpoint);
	const opened = await Promise.allSettled(sealed.map((secret) => unseal(runtime, config.signingKeys, owner, secret)));
	return opened.flatMap((one) => {
		if (one.status === "fulfilled") return [one.value];
		logError("secret.open_failed", { tenantId, deliveryId }, one.reason);
		return [];
	});
}
