/** What every actor is given of the bindings: each call through them is answered within a bound, or fails. */
import type { Runtime } from "../shared/core/runtime.ts";
import { Database } from "../shared/db/database.ts";
import {
	DeliveryMessage,
	type DeliveryQueue,
	JobMessage,
	type JobQueue,
	MessageQueue,
} from "../shared/queues/queue.ts";
import { ObjectStore } from "../shared/storage/object-store.ts";

export interface Bindings {
	db: Database;
	objects: ObjectStore;
	jobQueue: JobQueue;
	deliveryQueue: DeliveryQueue;
}

export function bind(
	env: { DB: D1Database; RESULTS: R2Bucket; JOB_QUEUE: Queue; DELIVERY_QUEUE: Queue },
	runtime: Runtime,
): Bindings {
	return {
		db: new Database(env.DB, runtime),
		objects: new ObjectStore(env.RESULTS, runtime),
		jobQueue: new MessageQueue(env.JOB_QUEUE, runtime, JobMessage),
		deliveryQueue: new MessageQueue(env.DELIVERY_QUEUE, runtime, DeliveryMessage),
	};
}
