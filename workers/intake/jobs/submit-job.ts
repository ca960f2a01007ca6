import { createRoute } from "@hono/zod-openapi";
import { SubmitJob, submitHeaders } from "../../../shared/api/submit-job.ts";
import { submit } from "../../../shared/jobs/submit.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { bodyErrors, commonErrors, noQuery } from "../http/describe-route.ts";
import { originOf } from "../http/headers.ts";
import { requireSubmission } from "../http/strict-body.ts";
import { readWait } from "../http/wait.ts";
import { readIdempotency, respondToSubmission, submissionResponses, submitBindings } from "./submission.ts";

const route = createRoute({
	operationId: "submitJob",
	method: "post",
	path: "/v1/jobs",
	tags: ["Jobs"],
	summary: "Submit a job",
	description:
		"Responds at once. For 24 hours, a repeated submission with the same `Idempotency-Key` is the same job. `Prefer: wait=30` holds the response until the job is final.",
	middleware: [requireKey("jobs:write"), requireSubmission],
	request: {
		query: noQuery,
		headers: submitHeaders,
		body: { required: true, content: { "application/json": { schema: SubmitJob } } },
	},
	responses: { ...commonErrors, ...bodyErrors, ...submissionResponses },
});

export const submitJobRoute = newApp().openapi(route, async (c) => {
	const waitMs = readWait(c.req.header("prefer"));
	c.env.services.submissionLoad.admit(c.env.services.runtime, c.env.services.db);
	const { input: parsedInput, ...request } = c.req.valid("json");
	const order = {
		tenantId: c.var.caller.tenantId,
		request,
		parsedInput,
		input: c.var.submission?.input ?? new Uint8Array(),
		origin: originOf(c),
		idempotency: readIdempotency(c),
	};
	return await respondToSubmission(c, await submit(submitBindings(c), order), waitMs);
});
