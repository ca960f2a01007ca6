/**
 * One batch: read in one transaction, delivered side by side, each recorded as soon as it is known. A receiver that keeps
 * us waiting does not keep the batch: its delivery goes on in the background.
 */
import type { Config } from "../../shared/core/config.ts";
import { queueDelaySeconds } from "../../shared/core/jobs/wakeups.ts";
import type { Runtime } from "../../shared/core/runtime.ts";
import type { DeliveryKey } from "../../shared/core/webhooks/delivery.ts";
import { RECEIVER_SLOW_MS } from "../../shared/core/webhooks/receiver-breaker.ts";
import { findPendingDeliveries, type PendingDelivery } from "../../shared/db/deliveries/find-deliveries.ts";
import { parkDeliveries } from "../../shared/db/deliveries/receiver-breakers.ts";
import { ACK, AFTER_CRASH, type Disposition } from "../../shared/queues/messages.ts";
import type { FreshResults } from "../../shared/storage/fresh-results.ts";
import type { Bindings } from "../bindings.ts";
import { logError } from "../log.ts";
import { deliver } from "./deliver.ts";
import type { Records } from "./group-records.ts";

/** What a dispatcher works with. */
export interface Dispatcher extends Bindings {
	config: Config;
	runtime: Runtime;
	records: Records;
	freshResults: FreshResults;
	/** Work that outlives the batch; should it die, the sweeper finds its delivery in D1. */
	background: (work: Promise<void>) => void;
}

/** `tell` is called once for each key, as soon as its own fate is known: no delivery waits for a slow neighbour. */
export async function dispatchBatch(
	dispatcher: Dispatcher,
	keys: DeliveryKey[],
	tell: (key: DeliveryKey, disposition: Disposition) => void,
): Promise<void> {
	const together = await readOrNone(dispatcher, keys);
	const kept = (together ?? []).filter(({ maySend }) => !maySend).map(({ delivery }) => delivery);
	const parked = park(dispatcher, kept);
	await Promise.all(
		keys.map(async (key) => {
			// One row that cannot be read must not silence its neighbours.
			const owed = together ?? (await readOrNone(dispatcher, [key]));
			const found = owed?.find(({ delivery }) => isSame(delivery, key));
			if (owed === null) tell(key, AFTER_CRASH);
			else if (found === undefined) tell(key, ACK);
			else if (!found.maySend) tell(key, await parked);
			else tell(key, await inTime(dispatcher, key, dispatch(dispatcher, found)));
		}),
	);
}

async function readOrNone(dispatcher: Dispatcher, keys: DeliveryKey[]): Promise<PendingDelivery[] | null> {
	try {
		return keys.length === 0 ? [] : await findPendingDeliveries(dispatcher.db, keys);
	} catch (error) {
		logError("deliveries.read_failed", { deliveries: keys.length }, error);
		return null;
	}
}

/** Its receiver is left alone: the delivery waits in D1, and whoever lets it go redispatches. */
async function park({ db }: Dispatcher, kept: DeliveryKey[]): Promise<Disposition> {
	try {
		await parkDeliveries(db, kept);
		return ACK;
	} catch (error) {
		logError("deliveries.park_failed", { deliveries: kept.length }, error);
		return AFTER_CRASH;
	}
}

function isSame(one: DeliveryKey, other: DeliveryKey): boolean {
	return one.tenantId === other.tenantId && one.deliveryId === other.deliveryId;
}

/** An early message comes back when its delivery is due, if that is soon; else the sweeper redispatches. */
async function dispatch(dispatcher: Dispatcher, owed: PendingDelivery): Promise<Disposition> {
	const { delivery, now } = owed;
	const waitMs = (delivery.nextAttemptAt ?? now) - now;
	if (waitMs > 0) return later(waitMs);
	try {
		const decision = await deliver(dispatcher, owed);
		return decision.next === "pending" ? later(decision.delayMs) : ACK;
	} catch (error) {
		logError("delivery.crashed", { deliveryId: delivery.deliveryId }, error);
		return AFTER_CRASH;
	}
}

/** What takes longer has its message acked, and redispatches anew if it is to be tried again. */
async function inTime(
	dispatcher: Dispatcher,
	key: DeliveryKey,
	dispatching: Promise<Disposition>,
): Promise<Disposition> {
	const { runtime, background } = dispatcher;
	const said = await new Promise<Disposition | null>((resolve, reject) => {
		const cancelTimer = runtime.timer(RECEIVER_SLOW_MS, () => resolve(null));
		dispatching.then(resolve, reject).finally(cancelTimer);
	});
	if (said !== null) return said;
	background(enqueueAgain(dispatcher, key, dispatching));
	return ACK;
}

async function enqueueAgain({ deliveryQueue }: Dispatcher, key: DeliveryKey, dispatching: Promise<Disposition>) {
	const late = await dispatching;
	if (late.kind === "retry") await deliveryQueue.tryEnqueueLater(key, late.delaySeconds);
}

function later(waitMs: number): Disposition {
	const delaySeconds = queueDelaySeconds(waitMs);
	return delaySeconds === null ? ACK : { kind: "retry", delaySeconds };
}
