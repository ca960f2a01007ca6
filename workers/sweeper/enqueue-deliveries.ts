/**
 * Enqueues again the deliveries that no dispatcher attempted in time, oldest first, and ends those that waited for their
 * receiver for too long.
 */
import { exhaustParkedDeliveries } from "../../shared/db/deliveries/end-parked.ts";
import { deferDeliverySweep, findDeliveriesToSweep } from "../../shared/db/deliveries/sweep-deliveries.ts";
import type { Budget, Sweeper } from "./sweeper.ts";

const PAGE = 500;
const PAGES_MAX = 20;
/** Per page. */
const STATEMENTS = 3;
const CALLS = 5;

/** Enqueues first, then defers the next check: a crash in between enqueues twice, which is harmless, and loses none. */
export async function enqueueDueDeliveries({ db, deliveryQueue }: Sweeper, budget: Budget) {
	let deliveriesEnqueued = 0;
	let deliveriesExhausted = 0;
	for (let page = 0; page < PAGES_MAX && budget.allows(STATEMENTS, CALLS); page++) {
		const due = await findDeliveriesToSweep(db, PAGE);
		const toEnqueue = due.filter(({ isParked }) => !isParked);
		deliveriesExhausted += await exhaustParkedDeliveries(
			db,
			due.filter(({ isParked }) => isParked),
		);
		await deliveryQueue.enqueue(toEnqueue);
		await deferDeliverySweep(db, due);
		deliveriesEnqueued += toEnqueue.length;
		if (due.length < PAGE) break;
	}
	return { deliveriesEnqueued, deliveriesExhausted };
}
