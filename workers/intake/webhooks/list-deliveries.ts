import { createRoute, type z } from "@hono/zod-openapi";
import { DeliveryPage, deliveriesQuery, endpointDeliveriesQuery, viewDelivery } from "../../../shared/api/delivery.ts";
import { AppError } from "../../../shared/core/errors.ts";
import type { Database } from "../../../shared/db/database.ts";
import { findDelivery } from "../../../shared/db/deliveries/find-deliveries.ts";
import { listDeliveryPage } from "../../../shared/db/deliveries/list-deliveries.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { commonErrors, errorResponse, idParams, jsonResponse } from "../http/describe-route.ts";
import { findOwnEndpoint } from "./load-endpoint.ts";

const SHORT_PAGES =
	"With a filter, a page looks at 1,000 deliveries at most, so it may be short while `has_more` is true. Continue with `after=<next_after>`.";

const shared = { method: "get" as const, tags: ["Webhooks"], middleware: requireKey("webhooks:read") };
const responses = {
	200: jsonResponse("One page of deliveries, each with its attempts.", DeliveryPage),
	...commonErrors,
};

const list = createRoute({
	...shared,
	operationId: "listDeliveries",
	path: "/v1/deliveries",
	summary: "List deliveries",
	description: `To endpoints and to the webhooks that jobs name themselves, those of the newest jobs first; with \`endpoint_id\`, the newest events first. ${SHORT_PAGES}`,
	request: { query: deliveriesQuery },
	responses,
});

const listOfEndpoint = createRoute({
	...shared,
	operationId: "listWebhookEndpointDeliveries",
	path: "/v1/webhook_endpoints/{id}/deliveries",
	summary: "List a webhook endpoint's deliveries",
	description: `Newest first. ${SHORT_PAGES}`,
	request: { params: idParams, query: endpointDeliveriesQuery },
	responses: { ...responses, 404: errorResponse("No such webhook endpoint.") },
});

export const listDeliveriesRoutes = newApp()
	.openapi(list, async (c) => {
		const query = c.req.valid("query");
		const { tenantId } = c.var.caller;
		return c.json(await readPage(c.env.services.db, { tenantId, endpointId: query.endpoint_id ?? null }, query), 200);
	})
	.openapi(listOfEndpoint, async (c) =>
		c.json(await readPage(c.env.services.db, await findOwnEndpoint(c), c.req.valid("query")), 200),
	);

async function readPage(
	db: Database,
	{ tenantId, endpointId }: { tenantId: string; endpointId: string | null },
	query: z.infer<typeof endpointDeliveriesQuery>,
): Promise<z.infer<typeof DeliveryPage>> {
	const { limit, after = null, status: statuses = null, event_type: eventType = null } = query;
	const createdAfter = query.created_after === undefined ? null : Date.parse(query.created_after);
	const filter = { endpointId, statuses, eventType, createdAfter };
	const page = await listDeliveryPage(db, { tenantId, filter, limit, after });
	const data = page.items.map(viewDelivery);
	const isLost = endpointId !== null && after !== null && data.length === 0 && !page.hasMore;
	if (isLost && (await findDelivery(db, { tenantId, deliveryId: after })) === null) {
		throw new AppError("invalid_request", "This delivery no longer exists. Start again from the first page.", "after");
	}
	return {
		object: "list",
		data,
		has_more: page.hasMore,
		first_id: data[0]?.id ?? null,
		last_id: data.at(-1)?.id ?? null,
		next_after: page.nextAfter,
	};
}
