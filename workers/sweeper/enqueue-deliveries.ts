/** Deliveries that were not attempted in time: redispatches them, oldest first. */
import { deferDeliverySweep, findDeliveriesToEnqueue } from "../../shared/db/deliveries/sweep-deliveries.ts";
import type { Sweeper } from "./sweeper.ts";

const PAGE = 100;
const PAGES_MAX = 20;

/** Enqueues first and notes it after: a crash in between redispatches twice, which is harmless, instead of never. */
export async function enqueueDueDeliveries({ db, deliveryQueue }: Sweeper): Promise<{ deliveriesEnqueued: number }> {
	let deliveriesEnqueued = 0;
	for (let page = 0; page < PAGES_MAX; page++) {
		const due = await findDeliveriesToEnqueue(db, PAGE);
		await deliveryQueue.enqueue(due);
		await deferDeliverySweep(db, due);
		deliveriesEnqueued += due.length;
		if (due.length < PAGE) break;
	}
	return { deliveriesEnqueued };
}
