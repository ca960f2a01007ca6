/** Enqueues what a commit made ready to run or to send. */
import type { Config } from "../core/config.ts";
import { queueDelaySeconds } from "../core/jobs/wakeups.ts";
import { firstWaitMs } from "../core/webhooks/delivery-schedule.ts";
import type { DeliveryMessage, DeliveryQueue, JobMessage, JobQueue } from "../queues/queue.ts";

export interface Ready {
	deliveries: readonly DeliveryMessage[];
	jobs: readonly JobMessage[];
}

export interface WakeBindings {
	deliveryQueue: DeliveryQueue;
	jobQueue: JobQueue;
	config: Pick<Config, "deliveryScheduleMs">;
}

/**
 * Never rejects: the rows are committed, and a lost message costs one sweep. Deliveries whose first wait is too long for a
 * queue are left to the sweeper.
 */
export async function wake(
	{ deliveryQueue, jobQueue, config }: WakeBindings,
	{ deliveries, jobs }: Ready,
): Promise<void> {
	const delaySeconds = queueDelaySeconds(firstWaitMs(config.deliveryScheduleMs));
	const sent = delaySeconds === null ? null : deliveryQueue.tryEnqueue(deliveries, delaySeconds);
	await Promise.all([sent, jobQueue.tryEnqueue(jobs)]);
}
