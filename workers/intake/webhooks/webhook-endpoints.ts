import { createRoute } from "@hono/zod-openapi";
import {
	CreateEndpoint,
	DeletedEndpointBody,
	EndpointBody,
	EndpointList,
	EndpointWithSecretBody,
	endpointsQuery,
	UpdateEndpoint,
	viewEndpoint,
} from "../../../shared/api/endpoint.ts";
import { pageOf } from "../../../shared/api/page.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { newId } from "../../../shared/core/ids.ts";
import type { Database } from "../../../shared/db/database.ts";
import {
	createEndpoint,
	deleteEndpoint,
	listEndpoints,
	updateEndpoint,
} from "../../../shared/db/deliveries/webhook-endpoints.ts";
import { retryOnLostResponse } from "../../../shared/db/retry-on-lost-response.ts";
import { findTenant } from "../../../shared/db/tenants/tenants.ts";
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
	optionalJsonBody,
} from "../http/describe-route.ts";
import { allowChange, requireBody } from "../http/strict-body.ts";
import { acceptReceiver } from "./accept-receiver.ts";
import { newEndpointSecret } from "./endpoint-secret.ts";
import { endpointKeyOf, existing, findOwnEndpoint, noSuchEndpoint } from "./load-endpoint.ts";

const shared = { tags: ["Webhooks"] };
const notFound = { 404: errorResponse("No such webhook endpoint.") };

const create = createRoute({
	...shared,
	operationId: "createWebhookEndpoint",
	method: "post",
	path: "/v1/webhook_endpoints",
	summary: "Create a webhook endpoint",
	description: "The endpoint receives all later events of its `event_types`. `signing_secret` is shown only once.",
	middleware: [requireKey("webhooks:write"), requireBody] as const,
	request: { query: noQuery, body: jsonBody(CreateEndpoint) },
	responses: {
		201: jsonResponse("The endpoint, with its secret.", EndpointWithSecretBody),
		...commonErrors,
		...bodyErrors,
		409: errorResponse("`limit_reached`: webhook endpoint limit reached."),
	},
});

const list = createRoute({
	...shared,
	operationId: "listWebhookEndpoints",
	method: "get",
	path: "/v1/webhook_endpoints",
	summary: "List webhook endpoints",
	description: "Newest first by default.",
	middleware: [requireKey("webhooks:read")] as const,
	request: { query: endpointsQuery },
	responses: { 200: jsonResponse("One page of endpoints.", EndpointList), ...commonErrors },
});

const get = createRoute({
	...shared,
	operationId: "getWebhookEndpoint",
	method: "get",
	path: "/v1/webhook_endpoints/{id}",
	summary: "Get a webhook endpoint",
	middleware: [requireKey("webhooks:read")] as const,
	request: { params: idParams, query: noQuery },
	responses: { 200: jsonResponse("The endpoint.", EndpointBody), ...commonErrors, ...notFound },
});

const update = createRoute({
	...shared,
	operationId: "updateWebhookEndpoint",
	method: "post",
	path: "/v1/webhook_endpoints/{id}",
	summary: "Update a webhook endpoint",
	description:
		"Fields that are left out do not change; `event_types` replaces the whole list. Pending deliveries go to the new `url`.",
	middleware: [requireKey("webhooks:write"), allowChange] as const,
	request: { params: idParams, query: noQuery, body: optionalJsonBody(UpdateEndpoint) },
	responses: { 200: jsonResponse("The endpoint.", EndpointBody), ...commonErrors, ...bodyErrors, ...notFound },
});

const remove = createRoute({
	...shared,
	operationId: "deleteWebhookEndpoint",
	method: "delete",
	path: "/v1/webhook_endpoints/{id}",
	summary: "Delete a webhook endpoint",
	description: "Its pending deliveries are skipped.",
	middleware: [requireKey("webhooks:write")] as const,
	request: { params: idParams, query: noQuery },
	responses: { 200: jsonResponse("Deleted.", DeletedEndpointBody), ...commonErrors, ...notFound },
});

export const webhookEndpointRoutes = newApp()
	.openapi(create, async (c) => {
		const { services } = c.env;
		const { caller } = c.var;
		const { name, url, event_types: eventTypes, payload = "full" } = c.req.valid("json");
		const key = { tenantId: caller.tenantId, endpointId: newId("we", services.runtime) };
		const receiver = await acceptReceiver(c, url, "url");
		const { secret, stored } = await newEndpointSecret(services, key);
		const made = { ...key, ...stored, name, url: receiver, eventTypes, payload };
		// If the caller repeated the request instead, there would be a second endpoint, whose secret is lost.
		const endpoint = await retryOnLostResponse(() => createEndpoint(services.db, made, callerAsActor(c)));
		if (endpoint === null) throw await limitReached(services.db, caller.tenantId);
		c.header("location", `/v1/webhook_endpoints/${endpoint.endpointId}`);
		return c.json({ ...viewEndpoint(endpoint), signing_secret: secret }, 201);
	})
	.openapi(list, async (c) => {
		const { limit, after, order } = c.req.valid("query");
		const found = await listEndpoints(c.env.services.db, c.var.caller.tenantId, {
			limit: limit + 1,
			after: after === undefined || after === "" ? null : after,
			isAscending: order === "asc",
		});
		return c.json(pageOf(found.map(viewEndpoint), limit), 200);
	})
	.openapi(get, async (c) => c.json(viewEndpoint(await findOwnEndpoint(c)), 200))
	.openapi(update, async (c) => {
		const { name, url, event_types: eventTypes, payload } = c.req.valid("json");
		// An unknown endpoint is reported before an invalid URL.
		if (url !== undefined) await findOwnEndpoint(c);
		const change = {
			name: name ?? null,
			url: url === undefined ? null : await acceptReceiver(c, url, "url"),
			eventTypes: eventTypes ?? null,
			payload: payload ?? null,
		};
		const endpoint = await updateEndpoint(c.env.services.db, endpointKeyOf(c), change, callerAsActor(c));
		return c.json(viewEndpoint(existing(endpoint)), 200);
	})
	.openapi(remove, async (c) => {
		const key = endpointKeyOf(c);
		if (!(await deleteEndpoint(c.env.services.db, key, callerAsActor(c)))) throw noSuchEndpoint();
		return c.json({ id: key.endpointId, object: "webhook_endpoint.deleted" as const, deleted: true as const }, 200);
	});

async function limitReached(db: Database, tenantId: string): Promise<AppError> {
	const limit = (await findTenant(db, tenantId))?.limits.webhook_endpoints ?? 0;
	return new AppError(
		"limit_reached",
		`Webhook endpoint limit reached (${limit}). Delete one or ask your operator to raise it.`,
	);
}
