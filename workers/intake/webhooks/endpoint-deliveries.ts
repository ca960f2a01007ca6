import { createRoute } from "@hono/zod-openapi";
import { EndpointBody, EndpointRecoveryBody, RecoverEndpoint, viewEndpoint } from "../../../shared/api/endpoint.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { recoverDeliveries } from "../../../shared/db/deliveries/redeliver.ts";
import { enableEndpoint } from "../../../shared/db/deliveries/webhook-endpoints.ts";
import { MESSAGES_PER_CALL_MAX } from "../../../shared/queues/queue.ts";
import { callerAsActor } from "../auth/audit-actor.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import {
	bodyErrors,
	commonErrors,
	emptyBody,
	errorResponse,
	idParams,
	jsonBody,
	jsonResponse,
	noQuery,
} from "../http/describe-route.ts";
import { allowBody, requireBody } from "../http/strict-body.ts";
import { endpointKeyOf, existing, findOwnEndpoint } from "./load-endpoint.ts";

const RECOVERED_MAX = 1_000;
const RECOVER_BACK_MS_MAX = 30 * 24 * 3_600_000;
/** The caller's clock may be behind, so "30 days ago" may be a little earlier. */
const CLOCKS_APART_MS = 5 * 60_000;

const shared = { tags: ["Webhooks"] };
const notFound = { 404: errorResponse("No such webhook endpoint.") };

const enable = createRoute({
	...shared,
	operationId: "enableWebhookEndpoint",
	method: "post",
	path: "/v1/webhook_endpoints/{id}/enable",
	summary: "Enable a disabled webhook endpoint",
	description:
		"The endpoint receives later events again, and its earlier failures no longer count. `…/recover` resends missed deliveries.",
	middleware: [requireKey("webhooks:write"), allowBody] as const,
	request: { params: idParams, query: noQuery, body: emptyBody },
	responses: { 200: jsonResponse("The endpoint.", EndpointBody), ...commonErrors, ...bodyErrors, ...notFound },
});

const recover = createRoute({
	...shared,
	operationId: "recoverWebhookEndpoint",
	method: "post",
	path: "/v1/webhook_endpoints/{id}/recover",
	summary: "Resend missed deliveries",
	description: `Resends the exhausted and skipped deliveries of events since a time, oldest first, up to ${RECOVERED_MAX} per request. Repeat the request while \`has_more\` is true.`,
	middleware: [requireKey("webhooks:write"), requireBody] as const,
	request: { params: idParams, query: noQuery, body: jsonBody(RecoverEndpoint) },
	responses: {
		202: jsonResponse("The deliveries are pending again.", EndpointRecoveryBody),
		...commonErrors,
		...bodyErrors,
		...notFound,
		409: errorResponse("`endpoint_disabled`: enable it first."),
	},
});

export const endpointDeliveryRoutes = newApp()
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
			throw new AppError("endpoint_disabled", "This webhook endpoint is disabled. Enable it first.");
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
