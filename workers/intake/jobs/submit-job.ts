import { createRoute } from "@hono/zod-openapi";
import { JobResponse } from "../../../shared/api/job.ts";
import { SubmitJob, submitHeaders } from "../../../shared/api/submit-job.ts";
import { objectOf } from "../../../shared/core/json/json.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { bodyErrors, commonErrors, errorResponse, jsonResponse, noQuery } from "../http/describe-route.ts";
import { requireBody } from "../http/strict-body.ts";
import { overLimitErrors } from "./over-limit.ts";
import { submit } from "./submit.ts";

const route = createRoute({
	operationId: "submitJob",
	method: "post",
	path: "/v1/jobs",
	tags: ["Jobs"],
	summary: "Submit a job",
	description:
		"Answers at once. `Idempotency-Key` makes a repeated submission the same job for 24 hours; `Prefer: wait=30` holds the answer until the job is final.",
	middleware: [requireKey("jobs:write"), requireBody],
	request: {
		query: noQuery,
		headers: submitHeaders,
		body: { required: true, content: { "application/json": { schema: SubmitJob } } },
	},
	responses: {
		200: jsonResponse("The job, final: only with `Prefer: wait`.", JobResponse),
		202: jsonResponse("The job, stored. `Location` is where to poll it.", JobResponse),
		...commonErrors,
		...bodyErrors,
		409: errorResponse("The job of this Idempotency-Key has been erased."),
		422: errorResponse("This Idempotency-Key came before with another request."),
		...overLimitErrors,
	},
});

export const submitJobRoute = newApp().openapi(route, async (c) => {
	const input = JSON.stringify(objectOf(c.var.body)?.input);
	return await submit(c, { request: c.req.valid("json"), input, retryOf: null });
});
