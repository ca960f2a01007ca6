/** Enqueues what a commit made ready to run or to send. */
import type { DeliveryMessage, DeliveryQueue, JobMessage, JobQueue } from "../queues/queue.ts";

export interface Ready {
	deliveries: readonly DeliveryMessage[];
	jobs: readonly JobMessage[];
}

/** Never rejects: the rows are committed, and a lost message costs one sweep. */
export async function wake(
	{ deliveryQueue, jobQueue }: { deliveryQueue: DeliveryQueue; jobQueue: JobQueue },
	{ deliveries, jobs }: Ready,
): Promise<void> {
	const sent = deliveryQueue.tryEnqueue(deliveries);
	await Promise.all([sent, jobQueue.tryEnqueue(jobs)]);
}
