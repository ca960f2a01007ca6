import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { JobResponse } from "../../../shared/api/job.ts";
import { type JobRequest, RetryJob, submitHeaders } from "../../../shared/api/submit-job.ts";
import { AppError, StorageUnavailable } from "../../../shared/core/errors.ts";
import type { Job as StoredJob } from "../../../shared/core/jobs/job.ts";
import { objectOf } from "../../../shared/core/json/json.ts";
import { findJobWithInput } from "../../../shared/db/jobs/find-job.ts";
import { readInput } from "../../../shared/storage/inputs.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { bodyErrors, commonErrors, errorResponse, idParams, jsonResponse, noQuery } from "../http/describe-route.ts";
import { allowBody } from "../http/strict-body.ts";
import type { IntakeEnv } from "../services.ts";
import { keyOf, noSuchJob } from "./load-job.ts";
import { overLimitErrors } from "./over-limit.ts";
import { submit } from "./submit.ts";

const route = createRoute({
	operationId: "retryJob",
	method: "post",
	path: "/v1/jobs/{id}/retry",
	tags: ["Jobs"],
	summary: "Run a job again, as a new one",
	description: "The new job names the old one in `retry_of`. The body may override any field of the submission.",
	middleware: [requireKey("jobs:write"), allowBody] as const,
	request: {
		params: idParams,
		query: noQuery,
		headers: submitHeaders,
		body: { required: false, content: { "application/json": { schema: RetryJob } } },
	},
	responses: {
		200: jsonResponse("The new job, final: only with `Prefer: wait`.", JobResponse),
		202: jsonResponse("The new job. `Location` is where to poll it.", JobResponse),
		...commonErrors,
		...bodyErrors,
		404: errorResponse("There is no such job."),
		409: errorResponse("`not_final`: it is still under way."),
		422: errorResponse("This Idempotency-Key came before with another request."),
		...overLimitErrors,
	},
});

export const retryJobRoute = newApp().openapi(route, async (c) => {
	const { db } = c.env.services;
	const old = await findJobWithInput(db, keyOf(c));
	if (old === null) throw noSuchJob();
	if (old.finishedAt === null) throw new AppError("not_final", "Only a job that is final can be run again.");
	const { input: _, ...overrides } = c.req.valid("json");
	const ownInput = objectOf(c.var.body)?.input;
	const input = ownInput === undefined ? await inputOf(c, old) : JSON.stringify(ownInput);
	return await submit(c, { request: { ...submissionOf(old), ...overrides }, input, retryOf: old.jobId });
});

/** What the old job was submitted with, less the times that are over. */
function submissionOf({ webhook, gateway, ...job }: StoredJob): JobRequest {
	return {
		model: job.models,
		webhook: webhook === null ? undefined : { ...webhook, events: webhook.events ?? undefined },
		priority: job.priority,
		gateway:
			gateway === null
				? undefined
				: { cache_ttl: gateway.cacheTtlSeconds ?? undefined, skip_cache: gateway.skipCache ?? undefined },
		metadata: job.metadata ?? undefined,
		deadline_seconds: job.deadlineMs / 1000,
		timeout_seconds: job.timeoutMs / 1000,
		max_attempts: job.maxAttempts,
		retain_seconds: job.retainMs / 1000,
	};
}

async function inputOf(c: Context<IntakeEnv>, job: StoredJob): Promise<string> {
	if (job.input !== null) return job.input;
	const text = job.inputKey === null ? null : await readInput(c.env.services.objects, job.inputKey);
	if (text === null) throw new StorageUnavailable("read input", new Error("the stored input is missing"));
	return text;
}
