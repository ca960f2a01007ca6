/** Webhook endpoints: the shapes of OpenAI's SDK, in Unix seconds, plus fields of ours. */
import { z } from "@hono/zod-openapi";
import { isId } from "../core/ids.ts";
import { WEBHOOK_PAYLOADS } from "../core/jobs/job.ts";
import { EVENT_FILTERS, EVENT_TYPES } from "../core/webhooks/events.ts";
import { DISABLED_REASONS, ENDPOINT_STATES, type WebhookEndpoint } from "../core/webhooks/webhook-endpoint.ts";
import { after, limit, listOf, order } from "./page.ts";
import { timeInput, toUnixSeconds } from "./time.ts";

const seconds = z.number().int();

export const EndpointBody = z
	.object({
		id: z.string(),
		object: z.literal("webhook_endpoint"),
		name: z.string(),
		url: z.string(),
		event_types: z.array(z.string()),
		payload: z.enum(WEBHOOK_PAYLOADS),
		status: z.enum(ENDPOINT_STATES).describe("A disabled endpoint receives nothing until `…/enable` is called."),
		disabled_at: seconds.nullable(),
		disabled_reason: z
			.enum(DISABLED_REASONS)
			.nullable()
			.describe("`gone`: it responded with 410. `failing`: every delivery failed for five days."),
		paused_until: seconds
			.nullable()
			.describe(
				"Its last deliveries failed, or it responds slowly: nothing is sent until then, and then one delivery first.",
			),
		signing_secret_hint: z.string().openapi({ example: "whsec_…b2s=" }),
		created_at: seconds.describe("Unix seconds, like all times of an endpoint."),
		updated_at: seconds.describe("The last change of its settings, status or secret."),
	})
	.openapi("WebhookEndpoint");

export const EndpointList = listOf(EndpointBody).openapi("WebhookEndpointList");

export const EndpointWithSecretBody = EndpointBody.extend({
	signing_secret: z.string().describe("Shown only once.").openapi({ example: "whsec_…" }),
}).openapi("WebhookEndpointWithSecret");

export const DeletedEndpointBody = z
	.object({ id: z.string(), object: z.literal("webhook_endpoint.deleted"), deleted: z.literal(true) })
	.openapi("DeletedWebhookEndpoint");

export const EndpointTestBody = z
	.object({
		object: z.literal("webhook_endpoint.test"),
		webhook_endpoint_id: z.string(),
		event_type: z.enum(EVENT_TYPES),
		status_code: z.number().int().describe("HTTP status of the endpoint's response."),
		success: z.literal(true).describe("The endpoint responded, with any status."),
	})
	.openapi("WebhookEndpointTest");

export const EndpointRecoveryBody = z
	.object({
		object: z.literal("webhook_endpoint.recovery"),
		webhook_endpoint_id: z.string(),
		recovered: z.number().int(),
		has_more: z.boolean(),
	})
	.openapi("WebhookEndpointRecovery");

export const EventTypeList = z
	.object({ object: z.literal("list"), data: z.array(z.enum(EVENT_TYPES)) })
	.openapi("WebhookEventTypeList");

export const SigningSecretBody = z
	.object({ object: z.literal("webhook_signing_secret"), secret: z.string().openapi({ example: "whsec_…" }) })
	.openapi("WebhookSigningSecret");

/** Event types and families are one enum, so that the schema lists each once. */
const eventTypes = z
	.array(z.enum(EVENT_FILTERS))
	.min(1)
	.max(EVENT_FILTERS.length)
	.superRefine((types, context) => {
		for (const [at, type] of types.entries()) {
			if (types.indexOf(type) === at) continue;
			context.addIssue({ code: "custom", path: [at], message: "Duplicate event type." });
		}
	})
	.openapi({ uniqueItems: true, description: "`job.*` and `endpoint.*` stand for all types of a family." });

const fields = {
	name: z.string().min(1).max(256),
	url: z.string().describe("A public https address on port 443 or 8443. Redirects are not followed."),
	event_types: eventTypes,
	payload: z.enum(WEBHOOK_PAYLOADS).describe("`thin` sends id, object and status only. `full` by default."),
};

export const CreateEndpoint = z
	.strictObject({ ...fields, payload: fields.payload.optional() })
	.openapi("CreateWebhookEndpoint");

export const UpdateEndpoint = z.strictObject(fields).partial().openapi("UpdateWebhookEndpoint");

export const TestEndpoint = z.strictObject({ event_type: z.enum(EVENT_TYPES) }).openapi("TestWebhookEndpoint");

export const RecoverEndpoint = z
	.strictObject({ since: timeInput.describe("At most 30 days ago.") })
	.openapi("RecoverWebhookEndpoint");

/** For a tenant's secret or an endpoint's. */
export const RotateSecret = z
	.strictObject({ keep_old_secret_active_for_24_hours: z.boolean().default(false) })
	.openapi("RotateSecret");

export const endpointsQuery = z.strictObject({
	limit,
	// OpenAI's SDK sends null as an empty parameter.
	after: after((id) => id === "" || isId("we", id), "Must be the id of a webhook endpoint."),
	order,
});

export function viewEndpoint(endpoint: WebhookEndpoint): z.infer<typeof EndpointBody> {
	return {
		id: endpoint.endpointId,
		object: "webhook_endpoint",
		name: endpoint.name,
		url: endpoint.url,
		event_types: endpoint.eventTypes,
		payload: endpoint.payload,
		status: endpoint.status,
		disabled_at: endpoint.disabledAt === null ? null : toUnixSeconds(endpoint.disabledAt),
		disabled_reason: endpoint.disabledReason,
		paused_until: endpoint.pausedUntil === null ? null : toUnixSeconds(endpoint.pausedUntil),
		signing_secret_hint: `whsec_…${endpoint.secretHint}`,
		created_at: toUnixSeconds(endpoint.createdAt),
		updated_at: toUnixSeconds(endpoint.updatedAt),
	};
}
