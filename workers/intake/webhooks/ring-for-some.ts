/** Rings in the background for the first of many deliveries: one call to the queue. The sweeper rings for the rest. */
import type { DeliveryKey } from "../../../shared/core/webhooks/delivery.ts";
import { ringOrLog } from "../../ring-or-log.ts";
import type { Services } from "../services.ts";

const RUNG_MAX = 100;

export function ringForSome({ background, deliveryBell }: Services, owed: readonly DeliveryKey[]): void {
	if (owed.length > 0) background(ringOrLog(deliveryBell, owed.slice(0, RUNG_MAX)));
}
