/** A registered receiver, as the code sees it. Times are Unix milliseconds of the database's clock. */
import type { WebhookPayload } from "../jobs/job.ts";

export const ENDPOINT_STATES = ["enabled", "disabled"] as const;

/** `gone`: it answered 410. `failing`: five days of nothing but failures. */
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
	/** The secrets in force, sealed: the newest first. */
	sealedSecrets: string[];
	/** The end of the newest one, which may be shown. */
	secretHint: string;
	createdAt: number;
	updatedAt: number;
}

/** What an endpoint's sealed secrets belong to: moved to another row, they do not open. */
export function secretOwner({ tenantId, endpointId }: WebhookEndpointKey): string {
	return `${tenantId}|${endpointId}`;
}
