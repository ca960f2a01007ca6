/** The bindings that every actor gets. Each call through them returns within a time limit or fails. */
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
import { logWarning } from "./log.ts";
import { RateLimiter } from "./rate-limiter.ts";

export interface Bindings {
	db: Database;
	objects: ObjectStore;
	jobQueue: JobQueue;
	deliveryQueue: DeliveryQueue;
	/** Of webhooks, by tenant and host. */
	webhookRate: RateLimiter;
	onEraseFailed(objects: number, error: unknown): void;
}

export function bind(
	env: { DB: D1Database; RESULTS: R2Bucket; JOB_QUEUE: Queue; DELIVERY_QUEUE: Queue; WEBHOOK_RATE: RateLimit },
	runtime: Runtime,
): Bindings {
	const ofQueue = (queue: string) => ({
		timers: runtime,
		onSendFailed: (messages: number, error: unknown) => logWarning("queue.send_failed", { queue, messages }, error),
	});
	return {
		db: new Database(env.DB, runtime),
		objects: new ObjectStore(env.RESULTS, runtime),
		jobQueue: new MessageQueue(env.JOB_QUEUE, { ...ofQueue("jobs"), schema: JobMessage }),
		deliveryQueue: new MessageQueue(env.DELIVERY_QUEUE, { ...ofQueue("deliveries"), schema: DeliveryMessage }),
		webhookRate: new RateLimiter(env.WEBHOOK_RATE, runtime),
		onEraseFailed: (objects, error) => logWarning("objects.erase_failed", { objects }, error),
	};
}
