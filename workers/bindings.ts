/** What every actor is given of the bindings: each call through them is answered within a bound, or fails. */
import type { Runtime } from "../shared/core/runtime.ts";
import { Database } from "../shared/db/database.ts";
import { type DeliveryBell, DeliveryMessage, Doorbell, type JobBell, JobMessage } from "../shared/queues/queue.ts";
import { ObjectStore } from "../shared/storage/object-store.ts";

export interface Bindings {
	db: Database;
	objects: ObjectStore;
	jobBell: JobBell;
	deliveryBell: DeliveryBell;
}

export function bind(
	env: { DB: D1Database; RESULTS: R2Bucket; JOB_QUEUE: Queue; DELIVERY_QUEUE: Queue },
	runtime: Runtime,
): Bindings {
	return {
		db: new Database(env.DB, runtime),
		objects: new ObjectStore(env.RESULTS, runtime),
		jobBell: new Doorbell(env.JOB_QUEUE, runtime, JobMessage),
		deliveryBell: new Doorbell(env.DELIVERY_QUEUE, runtime, DeliveryMessage),
	};
}
