/** The ids of events and deliveries, as `shared/db/outbox.ts` derives them in SQL. A test of the outbox compares the two. */
import type { JobEventKind } from "../../shared/core/webhooks/events.ts";

export function eventIdOf(jobId: string, kind: JobEventKind): string {
	return `evt_${jobId.slice("job_".length)}_${kind}`;
}

/** @param receiver an endpoint's id, or `webhook` for the job's own */
export function deliveryIdOf(jobId: string, kind: JobEventKind, receiver: string): string {
	return `dlv_${jobId.slice("job_".length)}_${kind}_${receiver}`;
}
