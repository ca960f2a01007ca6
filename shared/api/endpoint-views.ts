/** Registered endpoints as the outside sees them: the shapes of OpenAI's SDK, in Unix seconds, and what is ours besides. */

import { z } from "@hono/zod-openapi";
import { WEBHOOK_PAYLOADS } from "../core/jobs/job.ts";
import { DISABLED_REASONS, ENDPOINT_STATES, type WebhookEndpoint } from "../core/webhooks/webhook-endpoint.ts";

const seconds = z.number().int();

export const EndpointView = z
	.object({
		id: z.string(),
		object: z.literal("webhook_endpoint"),
		name: z.string(),
		url: z.string(),
		event_types: z.array(z.string()),
		payload: z.enum(WEBHOOK_PAYLOADS),
		status: z.enum(ENDPOINT_STATES).describe("A disabled endpoint is told nothing; `…/enable` ends that."),
		disabled_at: seconds.nullable(),
		disabled_reason: z
			.enum(DISABLED_REASONS)
			.nullable()
			.describe("`gone`: it answered 410. `failing`: five days of nothing but failures."),
		signing_secret_hint: z.string().openapi({ example: "whsec_…b2s=" }),
		created_at: seconds.describe("Unix seconds, as all times of an endpoint."),
		updated_at: seconds.describe("The last change of its settings, status or secret."),
	})
	.openapi("WebhookEndpoint");

export const EndpointWithSecretView = EndpointView.extend({
	signing_secret: z.string().describe("Shown this once.").openapi({ example: "whsec_…" }),
}).openapi("WebhookEndpointWithSecret");

export function viewEndpoint(endpoint: WebhookEndpoint): z.infer<typeof EndpointView> {
	return {
		id: endpoint.endpointId,
		object: "webhook_endpoint",
		name: endpoint.name,
		url: endpoint.url,
		event_types: endpoint.eventTypes,
		payload: endpoint.payload,
		status: endpoint.status,
		disabled_at: endpoint.disabledAt === null ? null : toSeconds(endpoint.disabledAt),
		disabled_reason: endpoint.disabledReason,
		signing_secret_hint: `whsec_…${endpoint.secretHint}`,
		created_at: toSeconds(endpoint.createdAt),
		updated_at: toSeconds(endpoint.updatedAt),
	};
}

function toSeconds(ms: number): number {
	return Math.floor(ms / 1000);
}
