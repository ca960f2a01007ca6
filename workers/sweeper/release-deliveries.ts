/**
 * Skips parked deliveries to endpoints that are disabled or deleted, and releases the others: one to a receiver whose breaker
 * is half-open, ten a second to one whose breaker closed.
 */
import { RELEASED_A_SECOND } from "../../shared/core/webhooks/receiver-breaker.ts";
import { skipParkedDeliveries } from "../../shared/db/deliveries/end-parked.ts";
import {
	findParkedReceivers,
	pruneReceiverBreakers,
	releaseDeliveries,
} from "../../shared/db/deliveries/receiver-breakers.ts";
import type { Budget, Sweeper } from "./sweeper.ts";

const RECEIVERS_MAX = 1_000;
/** Nothing is sent for them. */
const SKIPPED_PAGE = 500;
/** Until the next sweep. */
const SECONDS = 60;
/** For one receiver, and for pruning the breakers afterwards. */
const STATEMENTS = 2;
const CALLS = 8;

export async function releaseAllDeliveries(sweeper: Sweeper, budget: Budget) {
	const { db, runtime } = sweeper;
	let deliveriesReleased = 0;
	let deliveriesSkipped = 0;
	const receivers = await findParkedReceivers(db, RECEIVERS_MAX);
	// Each sweep begins with another one, so that those at the end are not starved where the budget does not suffice.
	const first = Math.floor(runtime.random() * receivers.length);
	for (const { receiver, isAway } of [...receivers.slice(first), ...receivers.slice(0, first)]) {
		if (!budget.allows(STATEMENTS, CALLS)) break;
		if (isAway) deliveriesSkipped += await skipAll(sweeper, receiver, budget);
		else deliveriesReleased += await release(sweeper, receiver);
	}
	return { deliveriesReleased, deliveriesSkipped, receiverBreakersPruned: await pruneReceiverBreakers(db) };
}

async function skipAll({ db }: Sweeper, receiver: string, budget: Budget): Promise<number> {
	let skipped = 0;
	while (budget.allows(STATEMENTS)) {
		const page = await skipParkedDeliveries(db, receiver, SKIPPED_PAGE);
		skipped += page;
		if (page < SKIPPED_PAGE) break;
	}
	return skipped;
}

/** As many as the receiver gets until the next sweep, each second's with a delay of their own. */
async function release({ db, deliveryQueue }: Sweeper, receiver: string): Promise<number> {
	const limit = RELEASED_A_SECOND * SECONDS;
	const released = await releaseDeliveries(db, receiver, { limit, forMs: 1_000 * SECONDS });
	const bySecond = Map.groupBy(released, (_, at) => Math.floor(at / RELEASED_A_SECOND));
	await Promise.all([...bySecond].map(([second, deliveries]) => deliveryQueue.enqueue(deliveries, second)));
	return released.length;
}
