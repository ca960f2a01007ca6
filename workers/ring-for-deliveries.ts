/** Rings for deliveries whose rows were just committed. A lost ring costs a minute: by then they are due for the sweeper. */
import type { DeliveryKey } from "../shared/core/delivery.ts";
import type { DeliveryBell } from "../shared/queues/doorbell.ts";
import { logTrouble } from "./log.ts";

export async function ringForDeliveries(bell: DeliveryBell, owed: readonly DeliveryKey[]): Promise<void> {
	try {
		await bell.ring(owed);
	} catch (error) {
		logTrouble("deliveries.not_rung", { deliveries: owed.length }, error);
	}
}
