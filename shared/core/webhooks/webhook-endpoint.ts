/** A registered receiver, as the code sees it. Times are Unix milliseconds of the database's clock. */
import type { WebhookPayload } from "../jobs/job.ts";

export const ENDPOINT_STATES = ["enabled", "disabled"] as const;

/** `gone`: it replied 410. `failing`: every attempt failed for five days. */
export const DISABLED_REASONS = ["gone", "failing"] as const;

export interface WebhookEndpointKey {
	tenantId: string;
	endpointId: string;
}

export interface WebhookEndpoint extends WebhookEndpointKey {
	name: string;
	url: string;
	/** Types, or families of them such as `job.*`. */
	eventTypes: string[];
	payload: WebhookPayload;
	status: (typeof ENDPOINT_STATES)[number];
	disabledAt: number | null;
	disabledReason: (typeof DISABLED_REASONS)[number] | null;
	/** Until then its circuit breaker is open. Null: it is closed or half-open. */
	pausedUntil: number | null;
	/** The secrets in force, sealed: the newest first. */
	sealedSecrets: string[];
	/** The last characters of the newest secret, which may be shown. */
	secretHint: string;
	createdAt: number;
	updatedAt: number;
}

/** The owner that an endpoint's secrets are sealed for: moved to another row, they do not open. */
export function secretOwner({ tenantId, endpointId }: WebhookEndpointKey): string {
	return `${tenantId}|${endpointId}`;
}
