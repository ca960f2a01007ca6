/** Attempts and deliveries as the outside sees them. */
import { z } from "@hono/zod-openapi";
import type { Attempt } from "../core/jobs/attempts.ts";
import type { Delivery } from "../core/webhooks/delivery.ts";
import { DELIVERY_STATES } from "../core/webhooks/delivery.ts";
import { timestamp, timestampOrNull, UsageView, viewUsage } from "./job.ts";

const time = z.iso.datetime({ precision: 3 });

export const AttemptView = z
	.object({
		number: z.number().int(),
		counted: z.boolean().describe("Whether it used up one of `max_attempts`."),
		model: z.string(),
		provider: z.string().nullable(),
		started_at: time,
		ended_at: time,
		outcome: z.string().describe("`succeeded`, or why not."),
		status: z.number().int().nullable().describe("HTTP status of the provider's answer."),
		code: z.string().nullable(),
		message: z.string().nullable(),
		retry_after_ms: z.number().nullable().describe("How long the provider asked us to wait."),
		log_id: z.string().nullable().describe("The AI Gateway's log of this call."),
		usage: UsageView.nullable(),
	})
	.openapi("Attempt");

export function viewAttempt(attempt: Attempt): z.infer<typeof AttemptView> {
	return {
		number: attempt.number,
		counted: attempt.counted,
		model: attempt.model,
		provider: attempt.provider,
		started_at: timestamp(attempt.startedAt),
		ended_at: timestamp(attempt.endedAt),
		outcome: attempt.outcome,
		status: attempt.status,
		code: attempt.code,
		message: attempt.message,
		retry_after_ms: attempt.retryAfterMs,
		log_id: attempt.logId,
		usage: attempt.usage === null ? null : viewUsage(attempt.usage),
	};
}

export const DeliveryView = z
	.object({
		id: z.string(),
		object: z.literal("delivery"),
		event_id: z.string().describe("The `webhook-id`."),
		event_type: z.string(),
		job_id: z.string().nullable().describe("Null for an event that is not about a job."),
		endpoint_id: z.string().nullable().describe("Null for the job's own webhook."),
		url: z.string(),
		status: z.enum(DELIVERY_STATES),
		created_at: time.describe("When the event happened."),
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

export function viewDelivery(delivery: Delivery): z.infer<typeof DeliveryView> {
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
