import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError } from "../../../shared/core/errors.ts";
import type { Job as StoredJob } from "../../../shared/core/job.ts";
import { StorageUnavailable } from "../../../shared/db/database.ts";
import { findJobWithInput } from "../../../shared/db/find-job.ts";
import { readInput } from "../../../shared/results/inputs.ts";
import { newApp } from "../app.ts";
import { keyOf, noSuchJob } from "../find-own-job.ts";
import { requireKey } from "../middleware/authenticate.ts";
import { allowBody } from "../middleware/strict-body.ts";
import { commonErrors, errorAnswer, Job, JobParams, jsonAnswer, RetryJob, SubmitJob } from "../schemas.ts";
import type { IntakeEnv } from "../services.ts";
import { submit } from "../submit.ts";

const route = createRoute({
	method: "post",
	path: "/v1/jobs/{id}/retry",
	tags: ["Jobs"],
	summary: "Run a job again, as a new one",
	description: "The new job names the old one in `retry_of`. The body may override any field of the submission.",
	middleware: [requireKey("jobs:write"), allowBody] as const,
	request: {
		params: JobParams,
		body: { required: false, content: { "application/json": { schema: RetryJob } } },
	},
	responses: {
		200: jsonAnswer("The new job, final: only with `Prefer: wait`.", Job),
		202: jsonAnswer("The new job. `Location` is where to poll it.", Job),
		...commonErrors,
		404: errorAnswer("There is no such job."),
		409: errorAnswer("`not_final`: it is still under way."),
		413: errorAnswer("The body is over 16 MiB."),
		415: errorAnswer("Not `application/json`."),
		422: errorAnswer("This Idempotency-Key came before with another request."),
	},
});

export const retryJobRoute = newApp().openapi(route, async (c) => {
	const { db } = c.var.services;
	const old = await findJobWithInput(db, keyOf(c));
	if (old === null) throw noSuchJob();
	if (old.finishedAt === null) throw new AppError("not_final", "Only a job that is final can be run again.");
	const overrides = c.req.valid("json");
	const input = overrides.input ?? (await inputOf(c, old));
	return await submit(c, SubmitJob.parse({ ...submissionOf(old), ...overrides, input }), old.jobId);
});

/** What the old job was submitted with, less the times that are over. */
function submissionOf(job: StoredJob) {
	return {
		model: job.models,
		...(job.webhook === null
			? {}
			: { webhook: { url: job.webhook.url, payload: job.webhook.payload, events: job.webhook.events ?? undefined } }),
		priority: job.priority,
		gateway: {
			cache_ttl: job.gateway?.cacheTtlSeconds ?? undefined,
			skip_cache: job.gateway?.skipCache ?? undefined,
		},
		metadata: job.metadata ?? undefined,
		deadline_seconds: job.deadlineMs / 1000,
		timeout_seconds: job.timeoutMs / 1000,
		max_attempts: job.maxAttempts,
		retain_seconds: job.retainMs / 1000,
	};
}

async function inputOf(c: Context<IntakeEnv>, job: StoredJob): Promise<unknown> {
	if (job.input !== null) return JSON.parse(job.input);
	try {
		const text = job.inputKey === null ? null : await readInput(c.var.services.results, job.inputKey);
		if (text === null) throw new Error("the stored input is missing");
		return JSON.parse(text);
	} catch (error) {
		throw new StorageUnavailable(error);
	}
}
