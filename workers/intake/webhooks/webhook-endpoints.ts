import { createRoute, z } from "@hono/zod-openapi";
import {
	CreateEndpoint,
	EndpointParams,
	endpointPageQuery,
	UpdateEndpoint,
} from "../../../shared/api/endpoint-schemas.ts";
import { EndpointView, EndpointWithSecretView, viewEndpoint } from "../../../shared/api/endpoint-views.ts";
import {
	bodyErrors,
	commonErrors,
	errorResponse,
	jsonResponse,
	listOf,
	noQuery,
	pageOf,
} from "../../../shared/api/schemas.ts";
import { AppError, StorageUnavailable } from "../../../shared/core/errors.ts";
import { newId } from "../../../shared/core/ids.ts";
import type { Actor } from "../../../shared/core/tenants/audit.ts";
import type { WebhookEndpoint } from "../../../shared/core/webhooks/webhook-endpoint.ts";
import type { Database } from "../../../shared/db/database.ts";
import {
	createEndpoint,
	deleteEndpoint,
	listEndpoints,
	type NewWebhookEndpoint,
	updateEndpoint,
} from "../../../shared/db/deliveries/webhook-endpoints.ts";
import { callerAsActor } from "../auth/audit-actor.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { allowBody, requireBody } from "../http/strict-body.ts";
import { acceptReceiver } from "./accept-receiver.ts";
import { newEndpointSecret } from "./endpoint-secret.ts";
import { endpointKeyOf, existing, findOwnEndpoint, noSuchEndpoint } from "./load-endpoint.ts";

const tags = ["Webhooks"];
const notFound = { 404: errorResponse("There is no such webhook endpoint.") };

const create = createRoute({
	method: "post",
	path: "/v1/webhook_endpoints",
	tags,
	summary: "Register a webhook endpoint",
	description: "It is told of each event that it asks for, from now on. `signing_secret` is shown this once.",
	middleware: [requireKey("webhooks:write"), requireBody] as const,
	request: {
		query: noQuery,
		body: { required: true, content: { "application/json": { schema: CreateEndpoint } } },
	},
	responses: {
		201: jsonResponse("The endpoint, with its secret.", EndpointWithSecretView),
		...commonErrors,
		...bodyErrors,
		409: errorResponse("`limit_reached`: there are as many as there may be."),
	},
});

const list = createRoute({
	method: "get",
	path: "/v1/webhook_endpoints",
	tags,
	summary: "List webhook endpoints, newest first",
	middleware: [requireKey("webhooks:read")] as const,
	request: { query: endpointPageQuery },
	responses: { 200: jsonResponse("One page.", listOf(EndpointView).openapi("WebhookEndpointList")), ...commonErrors },
});

const get = createRoute({
	method: "get",
	path: "/v1/webhook_endpoints/{id}",
	tags,
	summary: "Get a webhook endpoint",
	middleware: [requireKey("webhooks:read")] as const,
	request: { params: EndpointParams, query: noQuery },
	responses: { 200: jsonResponse("The endpoint.", EndpointView), ...commonErrors, ...notFound },
});

const update = createRoute({
	method: "post",
	path: "/v1/webhook_endpoints/{id}",
	tags,
	summary: "Change a webhook endpoint",
	description:
		"What is left out stays as it is; `event_types` replaces the whole list. What is owed already goes to the new `url`.",
	middleware: [requireKey("webhooks:write"), allowBody] as const,
	request: {
		params: EndpointParams,
		query: noQuery,
		body: { required: false, content: { "application/json": { schema: UpdateEndpoint } } },
	},
	responses: { 200: jsonResponse("The endpoint.", EndpointView), ...commonErrors, ...bodyErrors, ...notFound },
});

const remove = createRoute({
	method: "delete",
	path: "/v1/webhook_endpoints/{id}",
	tags,
	summary: "Delete a webhook endpoint",
	description: "What it is still owed is skipped.",
	middleware: [requireKey("webhooks:write")] as const,
	request: { params: EndpointParams, query: noQuery },
	responses: {
		200: jsonResponse(
			"Deleted.",
			z
				.object({ id: z.string(), object: z.literal("webhook_endpoint.deleted"), deleted: z.literal(true) })
				.openapi("DeletedWebhookEndpoint"),
		),
		...commonErrors,
		...notFound,
	},
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
		const endpoint = await createWithRetry(services.db, made, callerAsActor(c));
		if (endpoint === null) {
			throw new AppError(
				"limit_reached",
				"There are as many webhook endpoints as there may be: delete one, or ask your operator for a higher limit.",
			);
		}
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
		// Whoever names an unknown endpoint hears that it is unknown, whatever the URL.
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

/** A lost answer may have been a commit: a caller who asked again would have two, one of which signs with a lost secret. */
async function createWithRetry(db: Database, endpoint: NewWebhookEndpoint, by: Actor): Promise<WebhookEndpoint | null> {
	try {
		return await createEndpoint(db, endpoint, by);
	} catch (error) {
		if (!(error instanceof StorageUnavailable)) throw error;
		return await createEndpoint(db, endpoint, by);
	}
}
