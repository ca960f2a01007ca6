/** When a webhook is tried again. */
import type { DeliveryState } from "./delivery-states.ts";

/** Spreads the retries of many deliveries that failed together, as Svix does. */
const JITTER = 0.2;

/** What one attempt brought. `retryAfterMs`: how long the receiver asked us to wait; null where it did not. */
export interface AttemptResult {
	status: number | null;
	retryAfterMs: number | null;
}

export type DeliveryDecision =
	| { next: "pending"; delayMs: number }
	| { next: Exclude<DeliveryState, "pending" | "skipped"> };

/**
 * What becomes of a delivery after its `attempt`th attempt, counted from 1. 2xx alone is success; 410 means that nobody
 * lives there any more (Standard Webhooks). `Retry-After` counts for no less than a step, and for two at most.
 */
export function decideDelivery(
	result: AttemptResult,
	attempt: number,
	scheduleMs: readonly number[],
	random: () => number,
): DeliveryDecision {
	if (result.status !== null && result.status >= 200 && result.status < 300) return { next: "delivered" };
	const stepMs = scheduleMs[attempt];
	if (result.status === 410 || stepMs === undefined) return { next: "exhausted" };
	const jittered = stepMs * (1 - JITTER + 2 * JITTER * random());
	if (result.retryAfterMs === null) return { next: "pending", delayMs: Math.ceil(jittered) };
	const asked = Math.min(Math.max(result.retryAfterMs, stepMs), 2 * stepMs);
	return { next: "pending", delayMs: Math.ceil(Math.max(jittered, asked)) };
}
