/** When a webhook is sent again. */
import type { DeliveryState } from "./delivery.ts";
import { FAILING_MS_MAX } from "./receiver-breaker.ts";

/** Spreads the retries of many deliveries that failed together, as Svix does. */
const JITTER = 0.2;

/** How the receiver replied to one attempt. */
export interface AttemptResult {
	/** Null: no reply, or nothing was sent. */
	status: number | null;
	/** The receiver's `Retry-After`; null if it sent none. */
	retryAfterMs: number | null;
}

/** Which attempt it was. */
export interface AttemptMade {
	/** Counted from 1, and from 1 again after a redelivery was requested. */
	number: number;
	/** Since the event, or since that request. */
	ageMs: number;
}

/** Between an event and the first attempt. @param scheduleMs the wait before each attempt */
export function firstWaitMs(scheduleMs: readonly number[]): number {
	return scheduleMs[0] ?? 0;
}

export type DeliveryDecision = { next: "pending"; delayMs: number } | { next: Exclude<DeliveryState, "pending"> };

/**
 * What becomes of a delivery after an attempt. Only 2xx is success; 410 means that the receiver is gone for good (Standard
 * Webhooks), and after five days the event is too old to matter: the last attempt is made then. `Retry-After` is clamped to
 * [step, 2 × step].
 */
export function decideDelivery(
	result: AttemptResult,
	made: AttemptMade,
	scheduleMs: readonly number[],
	random: () => number,
): DeliveryDecision {
	if (result.status !== null && result.status >= 200 && result.status < 300) return { next: "delivered" };
	const stepMs = scheduleMs[made.number];
	if (result.status === 410 || stepMs === undefined || made.ageMs >= FAILING_MS_MAX) return { next: "exhausted" };
	const jittered = stepMs * (1 - JITTER + 2 * JITTER * random());
	const requested = Math.min(Math.max(result.retryAfterMs ?? 0, stepMs), 2 * stepMs);
	const waitMs = result.retryAfterMs === null ? jittered : Math.max(jittered, requested);
	return { next: "pending", delayMs: Math.ceil(Math.min(waitMs, FAILING_MS_MAX - made.ageMs)) };
}
