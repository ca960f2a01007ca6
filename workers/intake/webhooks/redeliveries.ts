import { createRoute, type z } from "@hono/zod-openapi";
import type { Context } from "hono";
import {
	DeliveryBody,
	RedeliveryList,
	ResentDelivery,
	viewDelivery,
	viewDeliveryReference,
} from "../../../shared/api/delivery.ts";
import { pageOf } from "../../../shared/api/page.ts";
import { AppError } from "../../../shared/core/errors.ts";
import type { Delivery, DeliveryKey } from "../../../shared/core/webhooks/delivery.ts";
import { isDeliveryId } from "../../../shared/core/webhooks/events.ts";
import { findDelivery } from "../../../shared/db/deliveries/find-deliveries.ts";
import { redeliver, redeliverJob } from "../../../shared/db/deliveries/redeliver.ts";
import { callerAsActor } from "../auth/audit-actor.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import {
	bodyErrors,
	commonErrors,
	emptyBody,
	errorResponse,
	idParams,
	jsonResponse,
	noQuery,
} from "../http/describe-route.ts";
import { allowBody } from "../http/strict-body.ts";
import { findOwnJob } from "../jobs/load-job.ts";
import type { IntakeEnv } from "../services.ts";

const shared = { tags: ["Webhooks"] };

const get = createRoute({
	...shared,
	operationId: "getDelivery",
	method: "get",
	path: "/v1/deliveries/{id}",
	summary: "Get a delivery and its attempts",
	middleware: [requireKey("webhooks:read")] as const,
	request: { params: idParams, query: noQuery },
	responses: {
		200: jsonResponse("The delivery.", DeliveryBody),
		...commonErrors,
		404: errorResponse("No such delivery."),
	},
});

const redeliverOne = createRoute({
	...shared,
	operationId: "redeliverDelivery",
	method: "post",
	path: "/v1/deliveries/{id}/redeliver",
	summary: "Resend a delivery",
	description:
		"Resends a delivery of any status at once, with the same `webhook-id` and the job as it is now. Its retry schedule starts over.",
	middleware: [requireKey("webhooks:write"), allowBody] as const,
	request: { params: idParams, query: noQuery, body: emptyBody },
	responses: {
		202: jsonResponse(
			"The delivery, pending again. A key without `webhooks:read` gets its id and status alone.",
			ResentDelivery,
		),
		...commonErrors,
		...bodyErrors,
		404: errorResponse("No such delivery."),
		409: errorResponse("`endpoint_disabled`: its endpoint is disabled or deleted. `job_erased`: its job was erased."),
	},
});

const redeliverAll = createRoute({
	...shared,
	operationId: "redeliverJob",
	method: "post",
	path: "/v1/jobs/{id}/redeliver",
	summary: "Resend all deliveries of a job",
	description: "Deliveries to disabled or deleted endpoints are left out.",
	middleware: [requireKey("webhooks:write"), allowBody] as const,
	request: { params: idParams, query: noQuery, body: emptyBody },
	responses: {
		202: jsonResponse("The deliveries that are pending again.", RedeliveryList),
		...commonErrors,
		...bodyErrors,
		404: errorResponse("No such job."),
	},
});

export const redeliveryRoutes = newApp()
	.openapi(get, async (c) => {
		const delivery = await findDelivery(c.env.services.db, deliveryKeyOf(c));
		if (delivery === null) throw noSuchDelivery();
		return c.json(viewDelivery(delivery), 200);
	})
	.openapi(redeliverOne, async (c) => {
		const { services } = c.env;
		const redelivery = await redeliver(services.db, deliveryKeyOf(c), callerAsActor(c));
		if (redelivery.outcome !== "pending") throw whyNot(redelivery.outcome);
		services.background(services.deliveryQueue.tryEnqueue([redelivery.delivery]));
		return c.json(viewFor(c, redelivery.delivery), 202);
	})
	.openapi(redeliverAll, async (c) => {
		const { services } = c.env;
		const sent = await redeliverJob(services.db, await findOwnJob(c), callerAsActor(c));
		services.background(services.deliveryQueue.tryEnqueue(sent));
		return c.json(
			pageOf(
				sent.map((delivery) => viewFor(c, delivery)),
				sent.length,
			),
			202,
		);
	});

function viewFor(c: Context<IntakeEnv>, delivery: Delivery): z.infer<typeof ResentDelivery> {
	const mayRead = c.var.caller.scopes.includes("webhooks:read");
	return mayRead ? viewDelivery(delivery) : viewDeliveryReference(delivery);
}

function whyNot(outcome: "job_erased" | "endpoint_disabled" | "unknown"): AppError {
	switch (outcome) {
		case "unknown":
			return noSuchDelivery();
		case "job_erased":
			return new AppError("job_erased", "The job of this delivery was erased, so there is nothing to resend.");
		case "endpoint_disabled":
			return new AppError(
				"endpoint_disabled",
				"The endpoint of this delivery is disabled or deleted. Enable it first.",
			);
	}
}

/** An unknown delivery, a pruned one and another tenant's all get the same 404. */
function noSuchDelivery(): AppError {
	return new AppError("not_found", "No such delivery.");
}

function deliveryKeyOf(c: Context<IntakeEnv>): DeliveryKey {
	const deliveryId = c.req.param("id") ?? "";
	if (!isDeliveryId(deliveryId)) throw noSuchDelivery();
	return { tenantId: c.var.caller.tenantId, deliveryId };
}
