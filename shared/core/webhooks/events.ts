/** What a webhook can say. Event and delivery ids derive from what they are about, so that made twice they are the same. */
import type { FinalState } from "../jobs/job-states.ts";

export const JOB_EVENT_TYPES = ["job.started", "job.succeeded", "job.failed", "job.cancelled", "job.expired"] as const;

export const EVENT_TYPES = [...JOB_EVENT_TYPES, "endpoint.disabled"] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** What a receiver may ask for: types, and all of a family. A one-off receiver that does not say hears of a job's end. */
export const EVENT_FILTERS = [...EVENT_TYPES, "job.*", "endpoint.*"] as const;
export const JOB_EVENT_FILTERS = [...JOB_EVENT_TYPES, "job.*"] as const;

/** What a job's event is called after: the state it reached, or that it was started for the first time. */
export type JobEventKind = FinalState | "started";

export function eventTypeOf(happening: JobEventKind): EventType {
	return `job.${happening}`;
}

/** `evt_<job>_<happening>`: the `webhook-id`, the same for every receiver and on every retry. */
export function eventIdOf(jobId: string, happening: JobEventKind): string {
	return `evt_${bare(jobId)}_${happening}`;
}

/** The receiver that a job names itself, besides registered endpoints. */
export const ONE_OFF_RECEIVER = "webhook";

/** `dlv_<job>_<happening>_<receiver>`. */
export function deliveryIdOf(jobId: string, happening: JobEventKind, receiver: string): string {
	return `dlv_${bare(jobId)}_${happening}_${receiver}`;
}

/** The range that holds the ids of all deliveries of a job: from inclusive, to exclusive. */
export function deliveryIdRange(jobId: string): { from: string; to: string } {
	// "`" is the character after "_".
	return { from: `dlv_${bare(jobId)}_`, to: `dlv_${bare(jobId)}\`` };
}

function bare(jobId: string): string {
	return jobId.slice("job_".length);
}

/** Whether `id` could be a delivery's. Anything else is an unknown id, and costs no look-up. */
export function isDeliveryId(id: string): boolean {
	return /^dlv_[0-9a-z_]{1,120}$/.test(id);
}
