import { createRoute, z } from "@hono/zod-openapi";
import { ChangedJob, viewJob, viewJobReference } from "../../../shared/api/job.ts";
import { cancel } from "../../../shared/jobs/cancel.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { bodyErrors, commonErrors, errorResponse, idParams, jsonResponse, noQuery } from "../http/describe-route.ts";
import { originOf } from "../http/headers.ts";
import { allowBody } from "../http/strict-body.ts";
import { jobKeyOf, noSuchJob } from "./load-job.ts";

const route = createRoute({
	operationId: "cancelJob",
	method: "post",
	path: "/v1/jobs/{id}/cancel",
	tags: ["Jobs"],
	summary: "Cancel a job",
	description:
		"The job is cancelled when the response arrives. A call in flight is aborted within seconds, and its result is never shown. A job that is already final does not change, and the response has `cancellation: too_late`.",
	middleware: [requireKey("jobs:write"), allowBody] as const,
	request: {
		params: idParams,
		query: noQuery,
		body: { required: false, content: { "application/json": { schema: z.strictObject({}) } } },
	},
	responses: {
		200: jsonResponse("The job; to a key without `jobs:read`, its id and status.", ChangedJob),
		...commonErrors,
		...bodyErrors,
		404: errorResponse("No such job."),
	},
});

export const cancelJobRoute = newApp().openapi(route, async (c) => {
	const job = await cancel(c.env.services, jobKeyOf(c));
	if (job === null) throw noSuchJob();
	if (!c.var.caller.scopes.includes("jobs:read")) return c.json(viewJobReference(job), 200);
	const view = viewJob(job, originOf(c), c.env.services.config.modelPrices);
	return c.json(job.status === "cancelled" ? view : { ...view, cancellation: "too_late" as const }, 200);
});
