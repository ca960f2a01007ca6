/** Signs and sends one webhook, unless its job or its receiver is gone. */

import { readRetryAfterMs } from "../../shared/core/upstreams/retry-after.ts";
import type { Delivery, DeliveryAttempt } from "../../shared/core/webhooks/delivery.ts";
import type { AttemptResult } from "../../shared/core/webhooks/delivery-schedule.ts";
import { hostKey } from "../../shared/core/webhooks/host-limits.ts";
import { FAILING_MS_MAX, RECEIVER_SLOW_MS } from "../../shared/core/webhooks/receiver-breaker.ts";
import { ownHosts } from "../../shared/core/webhooks/webhook-address.ts";
import { secretOwner } from "../../shared/core/webhooks/webhook-endpoint.ts";
import type { PendingDelivery } from "../../shared/db/deliveries/find-deliveries.ts";
import type { Postponement } from "../../shared/db/deliveries/postpone-deliveries.ts";
import { openSlowReceiverBreaker } from "../../shared/db/deliveries/receiver-breakers.ts";
import { checkReceiver } from "../../shared/webhooks/check-receiver.ts";
import { postWebhook } from "../../shared/webhooks/post-webhook.ts";
import { openSecrets } from "../../shared/webhooks/secrets.ts";
import { signedHeaders } from "../../shared/webhooks/sign.ts";
import { enterHost } from "../enter-host.ts";
import { logError, logWarning } from "../log.ts";
import { buildEvent } from "./build-event.ts";
import type { Dispatcher } from "./dispatcher.ts";

export type Sent = AttemptResult &
	Pick<DeliveryAttempt, "error" | "response"> & {
		url: string;
		timedOut: boolean;
		/**
		 * - `sent`: a request was made.
		 * - `not_sent`: no request was made, so it does not count for the receiver. The next attempt may make one.
		 * - `skipped`: no request was made, and none will be: the job or the receiver is gone.
		 */
		outcome: "sent" | "not_sent" | "skipped";
	};

/** Nothing was sent, for a reason that is not the receiver's. The delivery waits, without using an attempt. */
export type Postponed = { outcome: "postponed" } & Pick<Postponement, "until">;

/** The longest wait for DNS to resolve a name. */
const DNS_WAIT_MS_MAX = 15 * 60_000;
/** A failure is cached for so long. */
const DNS_WAIT_MS_MIN = 10_000;

/** The address is checked before each attempt: its name may resolve to another address, and the rules may have changed. */
export async function sendWebhook(
	dispatcher: Dispatcher,
	pending: PendingDelivery,
	{ attemptAt, ageMs }: { attemptAt: number; ageMs: number },
): Promise<Sent | Postponed> {
	const { config, runtime, hosts } = dispatcher;
	const { delivery, endpoint, job } = pending;
	const url = endpoint?.url ?? delivery.url;
	const skipped = whySkipped(pending);
	if (skipped !== null) return notSent("skipped", url, skipped);
	const own = ownHosts(config.publicUrl, job?.origin ?? null, ...config.ownUrls);
	const address = await checkReceiver(runtime, config, url, own, (...query) =>
		hosts.resolve(delivery.tenantId, ...query),
	);
	if (!address.ok && !address.isCertain && ageMs < FAILING_MS_MAX)
		return { outcome: "postponed", until: { waitMs: dnsWaitMs(ageMs, runtime.random) } };
	if (!address.ok) return notSent("not_sent", url, address.problem);
	const secrets = await openSecretsOrLog(dispatcher, pending);
	if (secrets.length === 0) return notSent("not_sent", url, "this service cannot open the secret that signs it.");
	const leave = await enterHost(dispatcher, delivery.tenantId, address.url);
	if (leave === null) return { outcome: "postponed", until: { turnAt: hostKey(delivery.tenantId, address.url) } };
	try {
		return await send(dispatcher, pending, { attemptAt, address: address.url, secrets });
	} finally {
		leave();
	}
}

async function send(
	dispatcher: Dispatcher,
	{ delivery, endpoint, job }: PendingDelivery,
	{ attemptAt, address, secrets }: { attemptAt: number; address: string; secrets: string[] },
): Promise<Sent> {
	const { runtime } = dispatcher;
	const url = endpoint?.url ?? delivery.url;
	const body = await buildEvent(dispatcher, delivery, job);
	if (body === null) return notSent("skipped", url, "the job was erased.");
	const headers = signedHeaders(secrets, delivery.eventId, attemptAt, body);
	const cancelTimer = runtime.timer(RECEIVER_SLOW_MS, () => dispatcher.background(openBreaker(dispatcher, delivery)));
	const reply = await postWebhook(runtime, address, headers, body).finally(cancelTimer);
	const retryAfterMs = readRetryAfterMs((name) => reply.headers.get(name), runtime.now());
	return { ...reply, url, retryAfterMs, outcome: "sent" };
}

/** As long as the delivery has waited, with jitter: soon after a hiccup, and rarely while a resolver is down. */
function dnsWaitMs(ageMs: number, random: () => number): number {
	return Math.min(Math.max(ageMs, DNS_WAIT_MS_MIN), DNS_WAIT_MS_MAX) * (1 + random() / 2);
}

/** Best effort: without it the receiver only gets more requests while it is slow. */
async function openBreaker({ db }: Dispatcher, delivery: Delivery): Promise<void> {
	try {
		await openSlowReceiverBreaker(db, delivery);
	} catch (error) {
		logWarning("receiver_breaker.open_failed", { deliveryId: delivery.deliveryId }, error);
	}
}

function whySkipped({ delivery, endpoint, sealedSecrets }: PendingDelivery): string | null {
	if (delivery.endpointId === null) return sealedSecrets.length === 0 ? "its tenant was deleted." : null;
	if (endpoint === null) return "its endpoint was deleted.";
	return endpoint.status === "disabled" ? "its endpoint is disabled." : null;
}

function notSent(outcome: "not_sent" | "skipped", url: string, why: string): Sent {
	return { outcome, url, error: `Not sent: ${why}`, status: null, retryAfterMs: null, response: null, timedOut: false };
}

async function openSecretsOrLog(
	{ config, runtime }: Dispatcher,
	{ delivery, endpoint, sealedSecrets }: PendingDelivery,
): Promise<string[]> {
	const { tenantId, deliveryId } = delivery;
	const sealed = endpoint?.sealedSecrets ?? sealedSecrets;
	const owner = endpoint === null ? tenantId : secretOwner(endpoint);
	const { secrets, errors } = await openSecrets(runtime, config.signingKeys, owner, sealed);
	for (const error of errors) logError("secret.open_failed", { tenantId, deliveryId }, error);
	return secrets;
}
