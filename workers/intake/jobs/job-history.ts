import { createRoute } from "@hono/zod-openapi";
import { AttemptList, viewAttempt } from "../../../shared/api/attempt.ts";
import { DeliveryList, viewDelivery } from "../../../shared/api/delivery.ts";
import { pageOf } from "../../../shared/api/page.ts";
import { listDeliveries } from "../../../shared/db/deliveries/find-deliveries.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { commonErrors, errorResponse, idParams, jsonResponse, noQuery } from "../http/describe-route.ts";
import { findOwnJob, findOwnJobWithHistory } from "./load-job.ts";

const shared = {
	method: "get" as const,
	tags: ["Jobs"],
	request: { params: idParams, query: noQuery },
};

const attempts = createRoute({
	...shared,
	middleware: requireKey("jobs:read"),
	operationId: "listJobAttempts",
	path: "/v1/jobs/{id}/attempts",
	summary: "List a job's model calls",
	description: "Oldest first. Of more than 50 calls, the first and the last 49 are kept.",
	responses: {
		200: jsonResponse("All recorded calls, on one page.", AttemptList),
		...commonErrors,
		404: errorResponse("No such job."),
	},
});

const deliveries = createRoute({
	...shared,
	middleware: requireKey("webhooks:read"),
	operationId: "listJobDeliveries",
	path: "/v1/jobs/{id}/deliveries",
	summary: "List a job's deliveries",
	responses: {
		200: jsonResponse("All deliveries, on one page, each with its attempts.", DeliveryList),
		...commonErrors,
		404: errorResponse("No such job."),
	},
});

export const jobHistoryRoutes = newApp()
	.openapi(attempts, async (c) => {
		const job = await findOwnJobWithHistory(c);
		const data = job.attempts.map(viewAttempt);
		return c.json({ object: "list" as const, data, has_more: false, first_id: null, last_id: null }, 200);
	})
	.openapi(deliveries, async (c) => {
		const job = await findOwnJob(c);
		const deliveries = await listDeliveries(c.env.services.db, job);
		return c.json(pageOf(deliveries.map(viewDelivery), deliveries.length), 200);
	});
