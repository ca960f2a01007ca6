/** What a webhook can be about. */
import type { FinalState } from "../jobs/job-states.ts";

export const JOB_EVENT_TYPES = ["job.started", "job.succeeded", "job.failed", "job.cancelled", "job.expired"] as const;

export const EVENT_TYPES = [...JOB_EVENT_TYPES, "endpoint.disabled"] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** What a receiver may subscribe to: types, and all of a family. The default of a job's own webhook is all final states. */
export const EVENT_FILTERS = [...EVENT_TYPES, "job.*", "endpoint.*"] as const;
export const JOB_EVENT_FILTERS = [...JOB_EVENT_TYPES, "job.*"] as const;

/** What happened to a job: it reached a final state, or started for the first time. */
export type JobEventKind = FinalState | "started";

export function eventTypeOf(kind: JobEventKind): EventType {
	return `job.${kind}`;
}

/** Whether `id` can be a delivery id. Any other id is unknown, without a lookup. */
export function isDeliveryId(id: string): boolean {
	return /^dlv_[0-9a-z_]{1,120}$/.test(id);
}
