/** A webhook owed, as the code sees it. Times are Unix milliseconds of the database's clock. */
import { z } from "zod";
import type { JsonObject } from "../json/json.ts";
import type { DeliveryState } from "./delivery-states.ts";

/** One entry an attempt: the first and the last 49. */
export const DELIVERY_ATTEMPTS_KEPT = 50;

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
	/** The job it is about; empty where `event` says what it is about. */
	jobId: string;
	event: JsonObject | null;
	eventId: string;
	eventType: string;
	endpointId: string | null;
	url: string;
	/** Whom it goes to, as pauses name it. */
	receiver: string;
	payload: "full" | "thin";
	status: DeliveryState;
	attemptsMade: number;
	/** How many of them had been made when it was last asked for again, and when that was. */
	attemptsBefore: number;
	restartedAt: number | null;
	attempts: DeliveryAttempt[];
	createdAt: number;
	nextAttemptAt: number | null;
	finishedAt: number | null;
}
