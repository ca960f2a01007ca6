/** Rows of `deliveries`, and how a delivery is made of one. */

import { z } from "zod";
import { WEBHOOK_PAYLOADS } from "../../core/jobs/job.ts";
import { DELIVERY_STATES, type Delivery, DeliveryAttemptSchema } from "../../core/webhooks/delivery.ts";
import { column } from "../columns.ts";

const DeliveryRow = z.object({
	tenant_id: z.string(),
	id: z.string(),
	job_id: z.string(),
	event: column(z.record(z.string(), z.json())).nullable(),
	event_id: z.string(),
	event_type: z.string(),
	endpoint_id: z.string().nullable(),
	url: z.string(),
	receiver_key: z.string(),
	payload: z.enum(WEBHOOK_PAYLOADS),
	status: z.enum(DELIVERY_STATES),
	attempts_made: z.number(),
	attempts_before: z.number(),
	restarted_at: z.number().nullable(),
	attempts: column(z.array(DeliveryAttemptSchema)),
	created_at: z.number(),
	next_attempt_at: z.number().nullable(),
	finished_at: z.number().nullable(),
});

/** The columns of a delivery, for SELECT. */
export const DELIVERY_COLUMNS = Object.keys(DeliveryRow.shape).join(", ");

export function deliveryFromRow(raw: unknown): Delivery {
	const row = DeliveryRow.parse(raw);
	return {
		tenantId: row.tenant_id,
		deliveryId: row.id,
		jobId: row.job_id,
		event: row.event,
		eventId: row.event_id,
		eventType: row.event_type,
		endpointId: row.endpoint_id,
		url: row.url,
		receiver: row.receiver_key,
		payload: row.payload,
		status: row.status,
		attemptsMade: row.attempts_made,
		attemptsBefore: row.attempts_before,
		restartedAt: row.restarted_at,
		attempts: row.attempts,
		createdAt: row.created_at,
		nextAttemptAt: row.next_attempt_at,
		finishedAt: row.finished_at,
	};
}
