/** What a webhook can say. Event and delivery ids derive from what they are about, so that made twice they are the same. */
import type { FinalState } from "./job-states.ts";

export const EVENT_TYPES = ["job.succeeded", "job.failed", "job.cancelled", "job.expired"] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export function eventTypeOf(state: FinalState): EventType {
	return `job.${state}`;
}

/** `evt_<job>_<state>`: the `webhook-id`, the same for every receiver and on every retry. */
export function eventIdOf(jobId: string, state: FinalState): string {
	return `evt_${bare(jobId)}_${state}`;
}

/** The receiver that a job names itself, besides registered endpoints. */
export const ONE_OFF_RECEIVER = "webhook";

/** `dlv_<job>_<state>_<receiver>`. */
export function deliveryIdOf(jobId: string, state: FinalState, receiver: string): string {
	return `dlv_${bare(jobId)}_${state}_${receiver}`;
}

/** The range that holds the ids of all deliveries of a job: from inclusive, to exclusive. */
export function deliveryIdRange(jobId: string): { from: string; to: string } {
	// "`" is the character after "_".
	return { from: `dlv_${bare(jobId)}_`, to: `dlv_${bare(jobId)}\`` };
}

function bare(jobId: string): string {
	return jobId.slice("job_".length);
}
