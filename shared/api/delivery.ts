/** Webhook deliveries, in responses. */
import { z } from "@hono/zod-openapi";
import type { Delivery } from "../core/webhooks/delivery.ts";
import { DELIVERY_STATES } from "../core/webhooks/delivery.ts";
import { EVENT_TYPES, isDeliveryId } from "../core/webhooks/events.ts";
import { after, afterId, limit, listOf, wordsOf } from "./page.ts";
import { time, timeInput, timestamp, timestampOrNull } from "./time.ts";

export const DeliveryBody = z
	.object({
		id: z.string(),
		object: z.literal("delivery"),
		event_id: z.string().describe("Sent as `webhook-id`."),
		event_type: z.string(),
		job_id: z.string().nullable().describe("Null for an event that is not about a job."),
		endpoint_id: z.string().nullable().describe("Null for the job's own webhook."),
		url: z.string(),
		status: z.enum(DELIVERY_STATES),
		created_at: time.describe("When the event occurred."),
		next_attempt_at: time.nullable(),
		attempts: z.array(
			z.object({
				at: time,
				duration_ms: z.number(),
				status: z.number().int().nullable(),
				error: z.string().nullable(),
				response: z.string().nullable(),
			}),
		),
	})
	.openapi("Delivery");
export type DeliveryBody = z.infer<typeof DeliveryBody>;

/** What a key without `webhooks:read` gets of a delivery that it resends. */
export const DeliveryReference = DeliveryBody.pick({ id: true, object: true, status: true }).openapi(
	"DeliveryReference",
);

/** The delivery, or without `webhooks:read` its id and status alone. */
export const ResentDelivery = z.union([DeliveryBody, DeliveryReference]);

/** All deliveries of one job. */
export const DeliveryList = listOf(DeliveryBody).openapi("DeliveryList");
/** One page of a tenant's or endpoint's deliveries. */
export const DeliveryPage = listOf(DeliveryBody).extend({ next_after: z.string().nullable() }).openapi("DeliveryPage");
/** The deliveries of one job that are pending again. */
export const RedeliveryList = listOf(ResentDelivery).openapi("RedeliveryList");

const listFields = {
	limit,
	after: after(isDeliveryId, "Must be the id of a delivery."),
	status: wordsOf(DELIVERY_STATES).optional(),
	event_type: z.enum(EVENT_TYPES).optional(),
	created_after: timeInput.optional(),
};

/** Of one endpoint. */
export const endpointDeliveriesQuery = z.strictObject(listFields);
export const deliveriesQuery = z.strictObject({
	...listFields,
	endpoint_id: afterId("we").describe("Only the deliveries to this endpoint, which may be deleted."),
});

export function viewDeliveryReference(delivery: Delivery): z.infer<typeof DeliveryReference> {
	return { id: delivery.deliveryId, object: "delivery", status: delivery.status };
}

export function viewDelivery(delivery: Delivery): DeliveryBody {
	return {
		id: delivery.deliveryId,
		object: "delivery",
		event_id: delivery.eventId,
		event_type: delivery.eventType,
		job_id: delivery.jobId === "" ? null : delivery.jobId,
		endpoint_id: delivery.endpointId,
		url: delivery.url,
		status: delivery.status,
		created_at: timestamp(delivery.createdAt),
		next_attempt_at: timestampOrNull(delivery.nextAttemptAt),
		attempts: delivery.attempts.map((attempt) => ({
			at: timestamp(attempt.at),
			duration_ms: attempt.durationMs,
			status: attempt.status,
			error: attempt.error,
			response: attempt.response,
		})),
	};
}
