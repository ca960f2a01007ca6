/** One event for one receiver. Times are Unix milliseconds of the database's clock. */
import { z } from "zod";
import type { WebhookPayload } from "../jobs/job.ts";
import type { JsonObject } from "../json/json.ts";

/**
 * The life of a delivery.
 *
 *     pending ──2xx─────────────────────▶ delivered ─┐
 *     │  ▲  ▲ └─no attempts left, 410, old▶ exhausted ─┤
 *     └──┘  │ └─no job or no receiver────▶ skipped ───┤
 *     next  └──────────────redeliver / recover─────────┘
 *     attempt
 *
 * - `pending`: the dispatcher sends it; the sweeper enqueues it again if no dispatcher did.
 * - `delivered`: the receiver replied 2xx.
 * - `exhausted`: the receiver never did.
 * - `skipped`: the job was erased, or the endpoint was deleted or disabled.
 *
 * A caller may have any settled delivery sent again.
 */
export const DELIVERY_STATES = ["pending", "delivered", "exhausted", "skipped"] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** How many attempts a delivery remembers: the first and the last 49. */
export const DELIVERY_ATTEMPTS_KEPT = 50;

export const DeliveryAttemptSchema = z.object({
	at: z.number(),
	durationMs: z.number(),
	/** The receiver's HTTP status; null if it did not reply. */
	status: z.number().nullable(),
	/** What went wrong, in words; null for a 2xx. */
	error: z.string().nullable(),
	/** The first KiB of the receiver's reply. */
	response: z.string().nullable(),
});

export type DeliveryAttempt = z.infer<typeof DeliveryAttemptSchema>;

export interface DeliveryKey {
	tenantId: string;
	deliveryId: string;
}

export interface Delivery extends DeliveryKey {
	/** The job it is about; empty where `event` holds the content. */
	jobId: string;
	event: JsonObject | null;
	eventId: string;
	eventType: string;
	endpointId: string | null;
	url: string;
	/** The key of its receiver's breaker. */
	receiver: string;
	payload: WebhookPayload;
	status: DeliveryState;
	attemptsMade: number;
	/** How many of them were made before the last redelivery, and when that was requested. */
	attemptsBefore: number;
	restartedAt: number | null;
	attempts: DeliveryAttempt[];
	createdAt: number;
	nextAttemptAt: number | null;
	finishedAt: number | null;
}
