/** Enqueues again the deliveries that no dispatcher attempted in time, oldest first. */
import { deferDeliverySweep, findDeliveriesToEnqueue } from "../../shared/db/deliveries/sweep-deliveries.ts";
import type { Budget, Sweeper } from "./sweeper.ts";

const PAGE = 100;
const PAGES_MAX = 20;

/** Enqueues first, then defers the next check: a crash in between enqueues twice, which is harmless, and loses none. */
export async function enqueueDueDeliveries({ db, deliveryQueue }: Sweeper, budget: Budget) {
	let deliveriesEnqueued = 0;
	for (let page = 0; page < PAGES_MAX && budget.allows(2); page++) {
		const due = await findDeliveriesToEnqueue(db, PAGE);
		await deliveryQueue.enqueue(due);
		await deferDeliverySweep(db, due);
		deliveriesEnqueued += due.length;
		if (due.length < PAGE) break;
	}
	return { deliveriesEnqueued };
}
