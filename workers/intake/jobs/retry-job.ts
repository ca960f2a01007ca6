import { createRoute } from "@hono/zod-openapi";
import { RetryJob, submitHeaders } from "../../../shared/api/submit-job.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { retry } from "../../../shared/jobs/retry.ts";
import { callerAsActor } from "../auth/audit-actor.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { bodyErrors, commonErrors, errorResponse, idParams, noQuery } from "../http/describe-route.ts";
import { originOf } from "../http/headers.ts";
import { allowSubmission } from "../http/strict-body.ts";
import { readWait } from "../http/wait.ts";
import { jobKeyOf, noSuchJob } from "./load-job.ts";
import { readIdempotency, respondToSubmission, submissionResponses, submitBindings } from "./submission.ts";

const route = createRoute({
	operationId: "retryJob",
	method: "post",
	path: "/v1/jobs/{id}/retry",
	tags: ["Jobs"],
	summary: "Retry a job",
	description:
		"Submits a new job with the same request as a final one. The new job has its id in `retry_of`. The body may override any field. Needs `jobs:read` as well, because the new job has the input of the old one.",
	middleware: [requireKey("jobs:write", "jobs:read"), allowSubmission] as const,
	request: {
		params: idParams,
		query: noQuery,
		headers: submitHeaders,
		body: { required: false, content: { "application/json": { schema: RetryJob } } },
	},
	responses: {
		...commonErrors,
		...bodyErrors,
		...submissionResponses,
		404: errorResponse("No such job."),
		409: errorResponse("`not_final`: the job is still open. `job_erased`: the job of this Idempotency-Key was erased."),
	},
});

export const retryJobRoute = newApp().openapi(route, async (c) => {
	const waitMs = readWait(c.req.header("prefer"));
	c.env.services.submissionLoad.admit(c.env.services.runtime, c.env.services.db);
	const { input: parsedInput = null, ...overrides } = c.req.valid("json");
	const order = {
		key: jobKeyOf(c),
		overrides,
		input: c.var.submission?.input ?? null,
		parsedInput,
		origin: originOf(c),
		idempotency: readIdempotency(c),
		by: callerAsActor(c),
	};
	const retried = await retry(submitBindings(c), order);
	if (retried.outcome === "unknown") throw noSuchJob();
	if (retried.outcome === "not_final")
		throw new AppError("not_final", "Only a final job can be retried. Wait until it ends, or cancel it first.");
	return await respondToSubmission(c, retried, waitMs);
});
