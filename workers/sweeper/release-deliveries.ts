/** Releases parked deliveries: one to a receiver whose breaker is half-open, all to one whose breaker closed. */
import {
	findParkedReceivers,
	pruneReceiverBreakers,
	releaseDeliveries,
} from "../../shared/db/deliveries/receiver-breakers.ts";
import type { Budget, Sweeper } from "./sweeper.ts";

const RECEIVERS_MAX = 100;
const PAGE = 100;
/** For one page, and for pruning the breakers afterwards. */
const STATEMENTS = 2;

export async function releaseAllDeliveries({ db, deliveryQueue }: Sweeper, budget: Budget) {
	let deliveriesReleased = 0;
	for (const receiver of await findParkedReceivers(db, RECEIVERS_MAX)) {
		for (let released = PAGE; released === PAGE && budget.allows(STATEMENTS); ) {
			const deliveries = await releaseDeliveries(db, receiver, PAGE);
			await deliveryQueue.enqueue(deliveries);
			released = deliveries.length;
			deliveriesReleased += released;
		}
	}
	return { deliveriesReleased, receiverBreakersPruned: await pruneReceiverBreakers(db) };
}
