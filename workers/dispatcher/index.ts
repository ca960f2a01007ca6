/**
 * Takes:  DELIVERY_QUEUE messages, `{ tenantId, deliveryId }`.
 * Writes: deliveries (pending → delivered | exhausted | skipped, or pending again at the next time of the schedule, or postponed),
 *         receiver_breakers, webhook_endpoints (enabled → disabled).
 * Sends:  a signed POST to the caller's endpoint; DELIVERY_QUEUE, for deliveries that were parked until their receiver
 *         recovered.
 */
import type { Config } from "../../shared/core/config.ts";
import { keyText } from "../../shared/core/ids.ts";
import type { Runtime } from "../../shared/core/runtime.ts";
import { DeliveryMessage } from "../../shared/queues/queue.ts";
import { applyDispositions } from "../apply-dispositions.ts";
import { bind } from "../bindings.ts";
import type { Isolate } from "../isolate.ts";
import { dispatchMessages } from "./dispatch-messages.ts";
import { newDispatcher } from "./dispatcher.ts";

export async function dispatchDeliveries(
	batch: MessageBatch,
	env: Env,
	config: Config,
	runtime: Runtime,
	{ freshResults, hosts, hostLimits }: Isolate,
	background: (work: Promise<void>) => void,
): Promise<void> {
	const dispatcher = newDispatcher({
		...bind(env, runtime),
		freshResults,
		hosts,
		hostLimits,
		config,
		runtime,
		background,
	});
	const messages = { schema: DeliveryMessage, idOf: (key: DeliveryMessage) => keyText(key.tenantId, key.deliveryId) };
	await applyDispositions(batch, messages, (keys, dispose) => dispatchMessages(dispatcher, keys, dispose));
}
