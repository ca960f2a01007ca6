/** Skips parked deliveries to endpoints that are disabled or deleted, and releases the others: one to a receiver whose breaker is half-open, all to one whose breaker closed. */
import { skipParkedDeliveries } from "../../shared/db/deliveries/end-parked.ts";
import {
	findParkedReceivers,
	pruneReceiverBreakers,
	releaseDeliveries,
} from "../../shared/db/deliveries/receiver-breakers.ts";
import type { Budget, Sweeper } from "./sweeper.ts";

const RECEIVERS_MAX = 100;
const PAGE = 100;
/** Nothing is sent for them. */
const SKIPPED_PAGE = 500;
/** For one page, and for pruning the breakers afterwards. */
const STATEMENTS = 2;

export async function releaseAllDeliveries({ db, deliveryQueue }: Sweeper, budget: Budget) {
	let deliveriesReleased = 0;
	let deliveriesSkipped = 0;
	for (const { receiver, isAway } of await findParkedReceivers(db, RECEIVERS_MAX)) {
		for (let skipped = SKIPPED_PAGE; isAway && skipped === SKIPPED_PAGE && budget.allows(STATEMENTS); ) {
			skipped = await skipParkedDeliveries(db, receiver, SKIPPED_PAGE);
			deliveriesSkipped += skipped;
		}
		for (let released = PAGE; released === PAGE && budget.allows(STATEMENTS); ) {
			const deliveries = await releaseDeliveries(db, receiver, PAGE);
			await deliveryQueue.enqueue(deliveries);
			released = deliveries.length;
			deliveriesReleased += released;
		}
	}
	return { deliveriesReleased, deliveriesSkipped, receiverBreakersPruned: await pruneReceiverBreakers(db) };
}
