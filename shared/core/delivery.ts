/** A webhook owed, as the code sees it. Times are Unix milliseconds of the database's clock. */
import { z } from "zod";
import type { DeliveryState } from "./delivery-states.ts";

export const DeliveryAttemptSchema = z.object({
	at: z.number(),
	durationMs: z.number(),
	/** The receiver's HTTP status; null when there was none. */
	status: z.number().nullable(),
	/** What went wrong, in words; null for a 2xx. */
	error: z.string().nullable(),
	/** The first KiB of what the receiver answered. */
	response: z.string().nullable(),
});

export type DeliveryAttempt = z.infer<typeof DeliveryAttemptSchema>;

export interface DeliveryKey {
	tenantId: string;
	deliveryId: string;
}

export interface Delivery extends DeliveryKey {
	jobId: string;
	eventId: string;
	eventType: string;
	endpointId: string | null;
	url: string;
	payload: "full" | "thin";
	status: DeliveryState;
	attemptsMade: number;
	attempts: DeliveryAttempt[];
	createdAt: number;
	nextAttemptAt: number | null;
	finishedAt: number | null;
}
