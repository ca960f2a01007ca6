/** One delivery attempt: build, sign, send, record. */
import type { Delivery, DeliveryAttempt } from "../../shared/core/delivery.ts";
import { type AttemptResult, type DeliveryDecision, decideDelivery } from "../../shared/core/delivery-schedule.ts";
import { ownHosts } from "../../shared/core/own-hosts.ts";
import { readRetryAfterMs } from "../../shared/core/retry-after.ts";
import { StorageUnavailable } from "../../shared/core/storage-unavailable.ts";
import type { OwedDelivery } from "../../shared/db/find-deliveries.ts";
import { recordDelivery } from "../../shared/db/record-delivery.ts";
import { checkReceiver } from "../../shared/webhooks/check-receiver.ts";
import { unseal } from "../../shared/webhooks/seal.ts";
import { signedHeaders } from "../../shared/webhooks/sign.ts";
import { log, logTrouble } from "../log.ts";
import { buildEvent } from "./build-event.ts";
import type { Dispatcher } from "./dispatch-batch.ts";
import { postWebhook } from "./post-webhook.ts";

const RECORD_TRIES = 3;
const RECORD_RETRY_MS = 500;

export async function deliver(dispatcher: Dispatcher, owed: OwedDelivery): Promise<DeliveryDecision> {
	const { config, runtime } = dispatcher;
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
	const recorded = await recordSurely(dispatcher, { tenantId, deliveryId, attemptsMade, attempt: record, decision });
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

/** The address is checked again before each attempt: its name may lead elsewhere by now, and rules may be stricter. */
async function attempt(dispatcher: Dispatcher, owed: OwedDelivery, attemptAt: number): Promise<Sent> {
	const { config, runtime } = dispatcher;
	const { delivery, job, sealedSecrets } = owed;
	const address = await checkReceiver(runtime, config, delivery.url, ownHosts(config.publicUrl, job.origin));
	if (!address.ok) return notSent(address.problem);
	const secrets = await openSecrets(dispatcher, delivery, sealedSecrets);
	if (secrets.length === 0) return notSent("this service cannot open the secret that signs it.");

	const body = await buildEvent(dispatcher, owed);
	const answer = await postWebhook(
		runtime,
		address.url,
		signedHeaders(secrets, delivery.eventId, attemptAt, body),
		body,
	);
	return { ...answer, retryAfterMs: readRetryAfterMs((name) => answer.headers.get(name), runtime.now()) };
}

function notSent(why: string): Sent {
	return { status: null, retryAfterMs: null, error: `Not sent: ${why}`, response: null };
}

/** Those that open: one sealed under a key that is gone must not silence the other. */
async function openSecrets({ config, runtime }: Dispatcher, delivery: Delivery, sealed: string[]): Promise<string[]> {
	const opened = await Promise.allSettled(
		sealed.map((secret) => unseal(runtime, config.signingKeys, delivery.tenantId, secret)),
	);
	return opened.flatMap((one) => {
		if (one.status === "fulfilled") return [one.value];
		logTrouble("secret.not_opened", { tenantId: delivery.tenantId, deliveryId: delivery.deliveryId }, one.reason);
		return [];
	});
}

/** Safe to repeat, for the record is guarded by the attempts made: a lost record would mean another POST. */
async function recordSurely(
	{ db, runtime }: Dispatcher,
	record: Parameters<typeof recordDelivery>[1],
): Promise<boolean> {
	for (let tried = 1; ; tried++) {
		try {
			return await recordDelivery(db, record);
		} catch (error) {
			if (!(error instanceof StorageUnavailable) || tried === RECORD_TRIES) throw error;
			logTrouble("delivery.not_recorded", { deliveryId: record.deliveryId, tried }, error);
		}
		await runtime.sleep(RECORD_RETRY_MS * tried);
	}
}
