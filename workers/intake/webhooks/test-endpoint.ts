import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { EndpointTestBody, EventTypeList, TestEndpoint } from "../../../shared/api/endpoint.ts";
import { sampleEvent } from "../../../shared/api/sample-event.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { newId } from "../../../shared/core/ids.ts";
import { EVENT_TYPES, type EventType } from "../../../shared/core/webhooks/events.ts";
import type { HostLimit } from "../../../shared/core/webhooks/host-limits.ts";
import { ownHosts } from "../../../shared/core/webhooks/webhook-address.ts";
import type { WebhookEndpoint } from "../../../shared/core/webhooks/webhook-endpoint.ts";
import { recordAct } from "../../../shared/db/tenants/audit-log.ts";
import { checkReceiver } from "../../../shared/webhooks/check-receiver.ts";
import { postWebhook } from "../../../shared/webhooks/post-webhook.ts";
import type { Resolve } from "../../../shared/webhooks/resolve-host.ts";
import { signedHeaders } from "../../../shared/webhooks/sign.ts";
import { enterHost } from "../../enter-host.ts";
import { log } from "../../log.ts";
import { callerAsActor } from "../auth/audit-actor.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import {
	bodyErrors,
	commonErrors,
	errorResponse,
	idParams,
	jsonBody,
	jsonResponse,
	noQuery,
} from "../http/describe-route.ts";
import { releaseAfter } from "../http/release.ts";
import { requireBody } from "../http/strict-body.ts";
import type { IntakeEnv } from "../services.ts";
import { openEndpointSecrets } from "./endpoint-secret.ts";
import { findOwnEndpoint } from "./load-endpoint.ts";

const shared = { tags: ["Webhooks"] };

const eventTypes = createRoute({
	...shared,
	operationId: "listWebhookEventTypes",
	method: "get",
	path: "/v1/webhook_event_types",
	summary: "List event types",
	description: "An endpoint may also subscribe to all events of a family: `job.*`, `endpoint.*`.",
	middleware: [requireKey("webhooks:read")] as const,
	request: { query: noQuery },
	responses: { 200: jsonResponse("All event types.", EventTypeList), ...commonErrors },
});

const test = createRoute({
	...shared,
	operationId: "testWebhookEndpoint",
	method: "post",
	path: "/v1/webhook_endpoints/{id}/test",
	summary: "Send a test event to a webhook endpoint",
	description:
		"Sends one event at once, to a disabled endpoint too, without retries and without a delivery record. It is signed like any other event; its `data.test` is true and its job does not exist.",
	middleware: [requireKey("webhooks:write"), requireBody] as const,
	request: { params: idParams, query: noQuery, body: jsonBody(TestEndpoint) },
	responses: {
		200: jsonResponse("The endpoint responded.", EndpointTestBody),
		...commonErrors,
		...bodyErrors,
		404: errorResponse("No such webhook endpoint."),
		409: errorResponse("`endpoint_unreachable`: no HTTP response. The message says why."),
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

/** The HTTP status of the endpoint's response. */
async function sendSample(c: Context<IntakeEnv>, endpoint: WebhookEndpoint, type: EventType): Promise<number> {
	const { services } = c.env;
	const { config, runtime } = services;
	const resolve: Resolve = (...query) => services.hosts.resolve(endpoint.tenantId, ...query);
	const address = await checkReceiver(
		runtime,
		config,
		endpoint.url,
		ownHosts(config.publicUrl, c.req.url, ...config.ownUrls),
		resolve,
	);
	if (!address.ok) throw unreachable(`Nothing was sent. ${address.problem}`);
	const secrets = await openEndpointSecrets(services, endpoint);
	if (secrets.length === 0) {
		throw unreachable("Nothing was sent: the signing secret cannot be decrypted. Rotate the secret.");
	}
	const leave = await enterHost(services, endpoint.tenantId, address.url);
	if (leave === null) throw hostLimitReached(config.webhookLimit);
	return await releaseAfter(c, leave, () => send(c, endpoint, type, { url: address.url, secrets }));
}

async function send(
	c: Context<IntakeEnv>,
	endpoint: WebhookEndpoint,
	type: EventType,
	{ url, secrets }: { url: string; secrets: string[] },
): Promise<number> {
	const { db, runtime } = c.env.services;
	const sentAt = runtime.now();
	const eventId = newId("evt", runtime);
	const body = JSON.stringify(sampleEvent(type, eventId, endpoint, sentAt));
	const act = { action: "endpoint.tested" as const, tenantId: endpoint.tenantId, target: endpoint.endpointId };
	await recordAct(db, callerAsActor(c), act);
	const reply = await postWebhook(runtime, url, signedHeaders(secrets, eventId, sentAt, body), body);
	const { endpointId } = endpoint;
	log("endpoint.tested", { endpointId, status: reply.status, durationMs: runtime.now() - sentAt });
	if (reply.status === null) throw unreachable(`The endpoint did not respond. ${reply.error?.replace(/\.$/, "")}.`);
	return reply.status;
}

/** A caller may repeat the request when the second is over. */
function hostLimitReached({ aSecond }: HostLimit): AppError {
	const policy = { name: "webhooks", quota: aSecond, windowSeconds: 1 };
	const message = "Too many webhooks to this host. Wait until those that are being sent have arrived, and test again.";
	return new AppError("rate_limited", message, null, { policy, retryAfterSeconds: 1 });
}

function unreachable(why: string): AppError {
	return new AppError("endpoint_unreachable", why);
}
