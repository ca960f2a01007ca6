/**
 * The messages of one queue batch: their deliveries are read in one transaction, sent side by side, and each is recorded as
 * soon as its receiver has replied. A slow receiver does not delay the others: its delivery continues in the background.
 */
import { StorageUnavailable } from "../../shared/core/errors.ts";
import type { DeliveryKey } from "../../shared/core/webhooks/delivery.ts";
import { RECEIVER_SLOW_MS } from "../../shared/core/webhooks/receiver-breaker.ts";
import { findPendingDeliveries, type PendingDelivery } from "../../shared/db/deliveries/find-deliveries.ts";
import { parkDeliveries } from "../../shared/db/deliveries/receiver-breakers.ts";
import {
	ACK,
	AFTER_CRASH,
	CRASH_DELAY_SECONDS,
	type Disposition,
	retryWhenDue,
} from "../../shared/queues/dispositions.ts";
import { logError, logWarning } from "../log.ts";
import { deliver } from "./deliver.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** Calls `dispose` once for each key, as soon as its outcome is known: no message waits for a slow one. */
export async function dispatchMessages(
	dispatcher: Dispatcher,
	keys: DeliveryKey[],
	dispose: (key: DeliveryKey, disposition: Disposition) => void,
): Promise<void> {
	const together = await read(dispatcher, keys);
	const gated = (together.pending ?? []).filter(({ maySend }) => !maySend).map(({ delivery }) => delivery);
	const parked = park(dispatcher, gated);
	await Promise.all(
		keys.map(async (key) => {
			// A row that cannot be read must not stop the others, so each is read alone. A storage that fails gets no more reads.
			const found = together.isUnreadable ? await read(dispatcher, [key]) : together;
			const pending = found.pending?.find(({ delivery }) => isSame(delivery, key));
			if (found.pending === null) dispose(key, afterFault(dispatcher));
			else if (pending === undefined) dispose(key, ACK);
			else if (!pending.maySend) dispose(key, await parked);
			else dispose(key, await withoutSlowOnes(dispatcher, key, dispatch(dispatcher, pending)));
		}),
	);
}

/** `pending` null: they could not be read. */
interface Read {
	pending: PendingDelivery[] | null;
	/** D1 responded, and a row is not as it should be. */
	isUnreadable: boolean;
}

async function read(dispatcher: Dispatcher, keys: DeliveryKey[]): Promise<Read> {
	try {
		const pending = keys.length === 0 ? [] : await findPendingDeliveries(dispatcher.db, keys);
		return { pending, isUnreadable: false };
	} catch (error) {
		logWarning("deliveries.read_failed", { deliveries: keys.length }, error);
		return { pending: null, isUnreadable: !(error instanceof StorageUnavailable) };
	}
}

/** With jitter, so that what failed together does not come back together. */
function afterFault({ runtime }: Dispatcher): Disposition {
	return { kind: "retry", delaySeconds: Math.ceil(CRASH_DELAY_SECONDS * (1 + runtime.random())) };
}

/** While a receiver's breaker is open its deliveries wait in D1; the release enqueues them again. */
async function park({ db }: Dispatcher, gated: DeliveryKey[]): Promise<Disposition> {
	try {
		await parkDeliveries(db, gated);
		return ACK;
	} catch (error) {
		logWarning("deliveries.park_failed", { deliveries: gated.length }, error);
		return AFTER_CRASH;
	}
}

function isSame(one: DeliveryKey, other: DeliveryKey): boolean {
	return one.tenantId === other.tenantId && one.deliveryId === other.deliveryId;
}

/** An early message comes back when its delivery is due, if that is soon; otherwise the sweeper enqueues it. */
async function dispatch(dispatcher: Dispatcher, pending: PendingDelivery): Promise<Disposition> {
	const { delivery, now } = pending;
	const waitMs = (delivery.nextAttemptAt ?? now) - now;
	if (waitMs > 0) return retryWhenDue(waitMs);
	try {
		return await deliver(dispatcher, pending);
	} catch (error) {
		logError("delivery.crashed", { deliveryId: delivery.deliveryId }, error);
		return AFTER_CRASH;
	}
}

/** The message of a slow delivery is acked. If that delivery is to be retried, it gets a new message. */
async function withoutSlowOnes(
	dispatcher: Dispatcher,
	key: DeliveryKey,
	dispatching: Promise<Disposition>,
): Promise<Disposition> {
	const { runtime, background } = dispatcher;
	const inTime = await new Promise<Disposition | null>((resolve, reject) => {
		const cancelTimer = runtime.timer(RECEIVER_SLOW_MS, () => resolve(null));
		dispatching.then(resolve, reject).finally(cancelTimer);
	});
	if (inTime !== null) return inTime;
	background(enqueueAgain(dispatcher, key, dispatching));
	return ACK;
}

async function enqueueAgain({ deliveryQueue }: Dispatcher, key: DeliveryKey, dispatching: Promise<Disposition>) {
	const disposition = await dispatching;
	if (disposition.kind === "retry") await deliveryQueue.tryEnqueueLater(key, disposition.delaySeconds);
}
