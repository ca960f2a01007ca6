import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { EndpointParams, TestEndpoint } from "../../../shared/api/endpoint-schemas.ts";
import { sampleEvent } from "../../../shared/api/sample-event.ts";
import { bodyErrors, commonErrors, errorResponse, jsonResponse, noQuery } from "../../../shared/api/schemas.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { newId } from "../../../shared/core/ids.ts";
import { EVENT_TYPES, type EventType } from "../../../shared/core/webhooks/events.ts";
import { ownHosts } from "../../../shared/core/webhooks/webhook-address.ts";
import type { WebhookEndpoint } from "../../../shared/core/webhooks/webhook-endpoint.ts";
import { recordAct } from "../../../shared/db/tenants/audit-log.ts";
import { checkReceiver } from "../../../shared/webhooks/check-receiver.ts";
import { postWebhook } from "../../../shared/webhooks/post-webhook.ts";
import { signedHeaders } from "../../../shared/webhooks/sign.ts";
import { log } from "../../log.ts";
import { callerAsActor } from "../auth/audit-actor.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { requireBody } from "../http/strict-body.ts";
import type { IntakeEnv } from "../services.ts";
import { openEndpointSecrets } from "./endpoint-secret.ts";
import { findOwnEndpoint } from "./load-endpoint.ts";

const eventTypes = createRoute({
	method: "get",
	path: "/v1/webhook_event_types",
	tags: ["Webhooks"],
	summary: "List the types of events",
	description: "An endpoint may ask for a whole family besides: `job.*`, `endpoint.*`.",
	middleware: [requireKey("webhooks:read")] as const,
	request: { query: noQuery },
	responses: {
		200: jsonResponse(
			"All of them.",
			z.object({ object: z.literal("list"), data: z.array(z.enum(EVENT_TYPES)) }).openapi("WebhookEventTypeList"),
		),
		...commonErrors,
	},
});

const test = createRoute({
	method: "post",
	path: "/v1/webhook_endpoints/{id}/test",
	tags: ["Webhooks"],
	summary: "Send a sample event to a webhook endpoint",
	description:
		"Sends at once and once, to a disabled endpoint too, and keeps no record. The event is signed like any other; its `data.test` is true, and its job does not exist. `status_code` is what the endpoint answered, whatever it is.",
	middleware: [requireKey("webhooks:write"), requireBody] as const,
	request: {
		params: EndpointParams,
		query: noQuery,
		body: { required: true, content: { "application/json": { schema: TestEndpoint } } },
	},
	responses: {
		200: jsonResponse(
			"The endpoint answered.",
			z
				.object({
					object: z.literal("webhook_endpoint.test"),
					webhook_endpoint_id: z.string(),
					event_type: z.enum(EVENT_TYPES),
					status_code: z.number().int(),
					success: z.literal(true).describe("It answered. How, `status_code` says."),
				})
				.openapi("WebhookEndpointTest"),
		),
		...commonErrors,
		...bodyErrors,
		404: errorResponse("There is no such webhook endpoint."),
		409: errorResponse("`endpoint_unreachable`: it gave no HTTP answer; the message says why."),
	},
});

export const testEndpointRoutes = newApp()
	.openapi(eventTypes, (c) => c.json({ object: "list" as const, data: [...EVENT_TYPES] }, 200))
	.openapi(test, async (c) => {
		const { event_type } = c.req.valid("json");
		const endpoint = await findOwnEndpoint(c);
		const status_code = await sendSample(c, endpoint, event_type);
		const webhook_endpoint_id = endpoint.endpointId;
		return c.json(
			{
				object: "webhook_endpoint.test" as const,
				webhook_endpoint_id,
				event_type,
				status_code,
				success: true as const,
			},
			200,
		);
	});

/** The HTTP status of the endpoint's answer. */
async function sendSample(c: Context<IntakeEnv>, endpoint: WebhookEndpoint, type: EventType): Promise<number> {
	const { services } = c.env;
	const { config, runtime } = services;
	const address = await checkReceiver(runtime, config, endpoint.url, ownHosts(config.publicUrl, c.req.url));
	if (!address.ok) throw unreachable(`Nothing was sent. ${address.problem}`);
	const secrets = await openEndpointSecrets(services, endpoint);
	if (secrets.length === 0) {
		throw unreachable("Nothing was sent: this service cannot open the secret that signs it. Rotate the secret.");
	}
	const sentAt = runtime.now();
	const eventId = newId("evt", runtime);
	const body = JSON.stringify(sampleEvent(type, eventId, endpoint, sentAt));
	const act = { action: "endpoint.tested" as const, tenantId: endpoint.tenantId, target: endpoint.endpointId };
	await recordAct(services.db, callerAsActor(c), act);
	const answer = await postWebhook(runtime, address.url, signedHeaders(secrets, eventId, sentAt, body), body);
	const { endpointId } = endpoint;
	log("endpoint.tested", { endpointId, status: answer.status, durationMs: runtime.now() - sentAt });
	if (answer.status === null) throw unreachable(`The endpoint did not answer. ${answer.error}.`);
	return answer.status;
}

function unreachable(why: string): AppError {
	return new AppError("endpoint_unreachable", why);
}
