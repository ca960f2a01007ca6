/** Deliveries that nobody has made in time: rings for them again, oldest first. */
import { findDeliveriesToRing, noteDeliveriesRung } from "../../shared/db/deliveries/sweep-deliveries.ts";
import type { Sweeper } from "./sweeper.ts";

const PAGE = 100;
const PAGES_MAX = 20;

/** Rings first and notes it after: a death in between rings twice, which is harmless, and never not at all. */
export async function ringForDueDeliveries({ db, deliveryBell }: Sweeper): Promise<{ deliveriesRung: number }> {
	let deliveriesRung = 0;
	for (let page = 0; page < PAGES_MAX; page++) {
		const due = await findDeliveriesToRing(db, PAGE);
		await deliveryBell.ring(due);
		await noteDeliveriesRung(db, due);
		deliveriesRung += due.length;
		if (due.length < PAGE) break;
	}
	return { deliveriesRung };
}
