/**
 * Doorbells: messages that carry ids and no state. Losing, repeating, delaying or reordering one changes nothing but
 * latency; the sweeper rings again.
 */
import { z } from "zod";
import type { JobKey } from "../core/job.ts";

export const JobMessage = z.object({ tenantId: z.string(), jobId: z.string() });
export type JobMessage = z.infer<typeof JobMessage>;

export const DeliveryMessage = z.object({ tenantId: z.string(), deliveryId: z.string() });
export type DeliveryMessage = z.infer<typeof DeliveryMessage>;

/** Cloudflare Queues take at most 100 messages a call. */
const MESSAGES_PER_CALL_MAX = 100;

export async function ringForJob(queue: Queue, job: JobKey, delaySeconds: number): Promise<void> {
	await queue.send({ tenantId: job.tenantId, jobId: job.jobId } satisfies JobMessage, { delaySeconds });
}

export async function ringForJobs(queue: Queue, jobs: readonly JobKey[]): Promise<void> {
	await ringAll(
		queue,
		jobs.map(({ tenantId, jobId }) => ({ tenantId, jobId }) satisfies JobMessage),
	);
}

export async function ringForDeliveries(queue: Queue, deliveries: readonly DeliveryMessage[]): Promise<void> {
	await ringAll(queue, deliveries);
}

async function ringAll(queue: Queue, bodies: readonly object[]): Promise<void> {
	for (let from = 0; from < bodies.length; from += MESSAGES_PER_CALL_MAX) {
		await queue.sendBatch(bodies.slice(from, from + MESSAGES_PER_CALL_MAX).map((body) => ({ body })));
	}
}
