/**
 * Takes:  DELIVERY_QUEUE messages, `{ tenantId, deliveryId }`.
 * Writes: deliveries (pending → delivered | exhausted | skipped, or pending again at the next time of the schedule),
 *         receiver_breakers, webhook_endpoints (enabled → disabled).
 * Sends:  a signed POST to the caller's endpoint; DELIVERY_QUEUE, for those parked until their receiver was back.
 */
import type { Config } from "../../shared/core/config.ts";
import type { Runtime } from "../../shared/core/runtime.ts";
import { groupMessages } from "../../shared/queues/messages.ts";
import { DeliveryMessage } from "../../shared/queues/queue.ts";
import type { FreshResults } from "../../shared/storage/fresh-results.ts";
import { bind } from "../bindings.ts";
import { logError } from "../log.ts";
import { dispatchBatch } from "./dispatch-batch.ts";
import { groupRecords } from "./group-records.ts";

export async function dispatchDeliveries(
	batch: MessageBatch,
	env: Env,
	config: Config,
	runtime: Runtime,
	freshResults: FreshResults,
	background: (work: Promise<void>) => void,
): Promise<void> {
	const bindings = bind(env, runtime);
	const dispatcher = {
		...bindings,
		records: groupRecords(bindings.db),
		freshResults,
		config,
		runtime,
		background,
	};
	const bells = groupMessages(batch.messages, DeliveryMessage, (key) => `${key.tenantId}/${key.deliveryId}`);
	for (const message of bells.unreadable) {
		logError("message.unreadable", { queue: batch.queue, messageId: message.id });
		message.ack();
	}
	await dispatchBatch(dispatcher, bells.keys, (key, disposition) => {
		for (const message of bells.messagesFor(key)) {
			if (disposition.kind === "ack") message.ack();
			else message.retry({ delaySeconds: disposition.delaySeconds });
		}
	});
}
