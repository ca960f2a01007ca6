/** When a webhook is tried again. */
import type { DeliveryState } from "./delivery-states.ts";
import { FAILING_MS_MAX } from "./receiver-breaker.ts";

/** Spreads the retries of many deliveries that failed together, as Svix does. */
const JITTER = 0.2;

/** What one attempt brought. */
export interface AttemptResult {
	/** Null: the receiver did not answer, or was not asked. */
	status: number | null;
	/** How long the receiver asked us to wait; null where it did not. */
	retryAfterMs: number | null;
}

/** Which attempt it was. */
export interface AttemptMade {
	/** Counted from 1, from the last time that the delivery was asked for. */
	number: number;
	/** Since then. */
	ageMs: number;
}

export type DeliveryDecision = { next: "pending"; delayMs: number } | { next: Exclude<DeliveryState, "pending"> };

/**
 * What becomes of a delivery after an attempt. 2xx alone is success; 410 means that nobody lives there any more (Standard
 * Webhooks), and after five days nobody waits for the news. `Retry-After` counts for no less than a step, and for two at
 * most.
 */
export function decideDelivery(
	result: AttemptResult,
	made: AttemptMade,
	scheduleMs: readonly number[],
	random: () => number,
): DeliveryDecision {
	if (result.status !== null && result.status >= 200 && result.status < 300) return { next: "delivered" };
	const stepMs = scheduleMs[made.number];
	if (result.status === 410 || stepMs === undefined || made.ageMs > FAILING_MS_MAX) return { next: "exhausted" };
	const jittered = stepMs * (1 - JITTER + 2 * JITTER * random());
	if (result.retryAfterMs === null) return { next: "pending", delayMs: Math.ceil(jittered) };
	const asked = Math.min(Math.max(result.retryAfterMs, stepMs), 2 * stepMs);
	return { next: "pending", delayMs: Math.ceil(Math.max(jittered, asked)) };
}
