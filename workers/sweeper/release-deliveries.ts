/** Lets parked deliveries go whose receiver's pause is over: one where it is to be tried, all where it is back. */
import {
	findParkedReceivers,
	pruneReceiverBreakers,
	releaseDeliveries,
} from "../../shared/db/deliveries/receiver-breakers.ts";
import type { Sweeper } from "./sweeper.ts";

/** Bounds that keep a sweep far below the thousand statements that D1 grants an invocation. */
const RECEIVERS_MAX = 100;
const PAGE = 100;
const RELEASE_MS_MAX = 10_000;

export async function releaseAllDeliveries({ db, deliveryQueue, runtime }: Sweeper) {
	const stopAt = runtime.now() + RELEASE_MS_MAX;
	let deliveriesReleased = 0;
	for (const receiver of await findParkedReceivers(db, RECEIVERS_MAX)) {
		for (let released = PAGE; released === PAGE && runtime.now() < stopAt; ) {
			const freed = await releaseDeliveries(db, receiver, PAGE);
			await deliveryQueue.enqueue(freed);
			released = freed.length;
			deliveriesReleased += released;
		}
	}
	return { deliveriesReleased, receiverBreakersPruned: await pruneReceiverBreakers(db) };
}
