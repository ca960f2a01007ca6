import { createRoute, z } from "@hono/zod-openapi";
import { EndpointParams, RecoverEndpoint } from "../../../shared/api/endpoint-schemas.ts";
import { EndpointView, viewEndpoint } from "../../../shared/api/endpoint-views.ts";
import { DeliveryView, viewDelivery } from "../../../shared/api/history.ts";
import {
	bodyErrors,
	commonErrors,
	errorResponse,
	jsonResponse,
	listOf,
	noQuery,
	pageOf,
	pageQuery,
} from "../../../shared/api/schemas.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { isDeliveryId } from "../../../shared/core/webhooks/events.ts";
import { findDelivery, listEndpointDeliveries } from "../../../shared/db/deliveries/find-deliveries.ts";
import { recoverDeliveries } from "../../../shared/db/deliveries/redeliver.ts";
import { enableEndpoint } from "../../../shared/db/deliveries/webhook-endpoints.ts";
import { MESSAGES_PER_CALL_MAX } from "../../../shared/queues/queue.ts";
import { callerAsActor } from "../auth/audit-actor.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { allowBody, requireBody } from "../http/strict-body.ts";
import { endpointKeyOf, existing, findOwnEndpoint } from "./load-endpoint.ts";

const RECOVERED_MAX = 1_000;
const RECOVER_BACK_MS_MAX = 30 * 24 * 3_600_000;
/** "30 days ago" by the caller's clock has come a little nearer when it is read. */
const CLOCKS_APART_MS = 5 * 60_000;

const tags = ["Webhooks"];
const notFound = { 404: errorResponse("There is no such webhook endpoint.") };

const list = createRoute({
	method: "get",
	path: "/v1/webhook_endpoints/{id}/deliveries",
	tags,
	summary: "List what was sent to a webhook endpoint, newest first",
	middleware: [requireKey("webhooks:read")] as const,
	request: {
		params: EndpointParams,
		query: z.strictObject({
			limit: pageQuery.limit,
			after: z
				.string()
				.refine(isDeliveryId, { error: "Must be the id of a delivery." })
				.optional()
				.describe("The last id of the page before."),
		}),
	},
	responses: {
		200: jsonResponse("One page, each with its attempts.", listOf(DeliveryView).openapi("DeliveryPage")),
		...commonErrors,
		...notFound,
	},
});

const enable = createRoute({
	method: "post",
	path: "/v1/webhook_endpoints/{id}/enable",
	tags,
	summary: "Enable a disabled webhook endpoint",
	description: "It is told of what happens from now on, with a clean record. What it missed is for `…/recover`.",
	middleware: [requireKey("webhooks:write"), allowBody] as const,
	request: {
		params: EndpointParams,
		query: noQuery,
		body: { required: false, content: { "application/json": { schema: z.strictObject({}) } } },
	},
	responses: { 200: jsonResponse("The endpoint.", EndpointView), ...commonErrors, ...bodyErrors, ...notFound },
});

const recover = createRoute({
	method: "post",
	path: "/v1/webhook_endpoints/{id}/recover",
	tags,
	summary: "Send a webhook endpoint again what it missed",
	description: `All that is exhausted or skipped of events since a time, oldest first, up to ${RECOVERED_MAX} a call: ask again while \`has_more\`.`,
	middleware: [requireKey("webhooks:write"), requireBody] as const,
	request: {
		params: EndpointParams,
		query: noQuery,
		body: { required: true, content: { "application/json": { schema: RecoverEndpoint } } },
	},
	responses: {
		202: jsonResponse(
			"They are owed again.",
			z
				.object({
					object: z.literal("webhook_endpoint.recovery"),
					webhook_endpoint_id: z.string(),
					recovered: z.number().int(),
					has_more: z.boolean(),
				})
				.openapi("WebhookEndpointRecovery"),
		),
		...commonErrors,
		...bodyErrors,
		...notFound,
		409: errorResponse("`endpoint_disabled`: enable it first."),
	},
});

export const endpointDeliveryRoutes = newApp()
	.openapi(list, async (c) => {
		const { db } = c.env.services;
		const { limit, after = null } = c.req.valid("query");
		const { tenantId, endpointId } = await findOwnEndpoint(c);
		const found = await listEndpointDeliveries(db, { tenantId, endpointId }, { limit: limit + 1, after });
		if (found.length === 0 && after !== null && (await findDelivery(db, { tenantId, deliveryId: after })) === null) {
			throw new AppError("invalid_request", "There is no such delivery, or not any more: begin anew.", "after");
		}
		return c.json(pageOf(found.map(viewDelivery), limit), 200);
	})
	.openapi(enable, async (c) =>
		c.json(viewEndpoint(existing(await enableEndpoint(c.env.services.db, endpointKeyOf(c), callerAsActor(c)))), 200),
	)
	.openapi(recover, async (c) => {
		const { services } = c.env;
		const sinceMs = Date.parse(c.req.valid("json").since);
		if (sinceMs < services.runtime.now() - RECOVER_BACK_MS_MAX - CLOCKS_APART_MS) {
			throw new AppError("invalid_request", "Must be at most 30 days ago.", "since");
		}
		const endpoint = await findOwnEndpoint(c);
		if (endpoint.status === "disabled") {
			throw new AppError("endpoint_disabled", "This webhook endpoint is disabled: enable it first.");
		}
		const page = { sinceMs, limit: RECOVERED_MAX };
		const { recovered, hasMore } = await recoverDeliveries(services.db, endpoint, page, callerAsActor(c));
		// One call to the queue; the sweeper enqueues the rest.
		services.background(services.deliveryQueue.tryEnqueue(recovered.slice(0, MESSAGES_PER_CALL_MAX)));
		return c.json(
			{
				object: "webhook_endpoint.recovery" as const,
				webhook_endpoint_id: endpoint.endpointId,
				recovered: recovered.length,
				has_more: hasMore,
			},
			202,
		);
	});
