/** Rings in the background for the first of many deliveries: one call to the queue. The sweeper redispatches for the rest. */
import type { DeliveryKey } from "../../../shared/core/webhooks/delivery.ts";
import { enqueueOrLog } from "../../enqueue-or-log.ts";
import type { Services } from "../services.ts";

const RUNG_MAX = 100;

export function enqueueSome({ background, deliveryQueue }: Services, owed: readonly DeliveryKey[]): void {
	if (owed.length > 0) background(enqueueOrLog(deliveryQueue, owed.slice(0, RUNG_MAX)));
}
