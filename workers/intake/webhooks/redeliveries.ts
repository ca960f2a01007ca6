import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { DeliveryView, viewDelivery } from "../../../shared/api/history.ts";
import {
	bodyErrors,
	commonErrors,
	errorResponse,
	JobParams,
	jsonResponse,
	listOf,
	noQuery,
	pageOf,
} from "../../../shared/api/schemas.ts";
import { AppError } from "../../../shared/core/errors.ts";
import type { DeliveryKey } from "../../../shared/core/webhooks/delivery.ts";
import { isDeliveryId } from "../../../shared/core/webhooks/events.ts";
import { findDelivery } from "../../../shared/db/deliveries/find-deliveries.ts";
import { redeliver, redeliverJob } from "../../../shared/db/deliveries/redeliver.ts";
import { callerAsActor } from "../auth/audit-actor.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { allowBody } from "../http/strict-body.ts";
import { findOwnJob } from "../jobs/load-job.ts";
import type { IntakeEnv } from "../services.ts";

const tags = ["Webhooks"];
const params = z.object({ id: z.string() });
const noBody = { required: false, content: { "application/json": { schema: z.strictObject({}) } } };

const get = createRoute({
	method: "get",
	path: "/v1/deliveries/{id}",
	tags,
	summary: "Get a webhook and its attempts",
	middleware: [requireKey("webhooks:read")] as const,
	request: { params, query: noQuery },
	responses: {
		200: jsonResponse("The delivery.", DeliveryView),
		...commonErrors,
		404: errorResponse("There is no such delivery."),
	},
});

const again = createRoute({
	method: "post",
	path: "/v1/deliveries/{id}/redeliver",
	tags,
	summary: "Send a webhook again",
	description:
		"Whatever became of it: at once, under the same `webhook-id`, with the job as it is now; its schedule begins anew.",
	middleware: [requireKey("webhooks:write"), allowBody] as const,
	request: { params, query: noQuery, body: noBody },
	responses: {
		202: jsonResponse("The delivery, owed again.", DeliveryView),
		...commonErrors,
		...bodyErrors,
		404: errorResponse("There is no such delivery."),
		409: errorResponse(
			"`endpoint_disabled`: its endpoint is disabled or gone. `job_erased`: there is nothing to tell.",
		),
	},
});

const allAgain = createRoute({
	method: "post",
	path: "/v1/jobs/{id}/redeliver",
	tags,
	summary: "Send all of a job's webhooks again",
	description: "Those whose endpoint is disabled or gone are left out.",
	middleware: [requireKey("webhooks:write"), allowBody] as const,
	request: { params: JobParams, query: noQuery, body: noBody },
	responses: {
		202: jsonResponse("All that is owed again.", listOf(DeliveryView).openapi("RedeliveryList")),
		...commonErrors,
		...bodyErrors,
		404: errorResponse("There is no such job."),
	},
});

export const redeliveryRoutes = newApp()
	.openapi(get, async (c) => {
		const delivery = await findDelivery(c.env.services.db, deliveryKeyOf(c));
		if (delivery === null) throw noSuchDelivery();
		return c.json(viewDelivery(delivery), 200);
	})
	.openapi(again, async (c) => {
		const { services } = c.env;
		const redelivery = await redeliver(services.db, deliveryKeyOf(c), callerAsActor(c));
		if (redelivery.outcome !== "pending") throw whyNot(redelivery.outcome);
		services.background(services.deliveryQueue.tryEnqueue([redelivery.delivery]));
		return c.json(viewDelivery(redelivery.delivery), 202);
	})
	.openapi(allAgain, async (c) => {
		const { services } = c.env;
		const sent = await redeliverJob(services.db, await findOwnJob(c), callerAsActor(c));
		services.background(services.deliveryQueue.tryEnqueue(sent));
		return c.json(pageOf(sent.map(viewDelivery), sent.length), 202);
	});

function whyNot(outcome: "job_erased" | "endpoint_disabled" | "unknown"): AppError {
	switch (outcome) {
		case "unknown":
			return noSuchDelivery();
		case "job_erased":
			return new AppError("job_erased", "The job of this delivery has been erased: there is nothing left to tell.");
		case "endpoint_disabled":
			return new AppError("endpoint_disabled", "The endpoint of this delivery is disabled, or gone: enable it first.");
	}
}

/** Another tenant's, a pruned one and one that never was answer alike, byte for byte. */
function noSuchDelivery(): AppError {
	return new AppError("not_found", "There is no such delivery.");
}

function deliveryKeyOf(c: Context<IntakeEnv>): DeliveryKey {
	const deliveryId = c.req.param("id") ?? "";
	if (!isDeliveryId(deliveryId)) throw noSuchDelivery();
	return { tenantId: c.var.caller.tenantId, deliveryId };
}
