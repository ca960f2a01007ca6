import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { viewAttempt } from "../../../shared/api/attempt.ts";
import { viewDelivery } from "../../../shared/api/delivery.ts";
import { type ChatCompletion, getJobQuery, type INCLUDES, JobResponse, viewJob } from "../../../shared/api/job.ts";
import { waitHeaders } from "../../../shared/api/submit-job.ts";
import { AppError } from "../../../shared/core/errors.ts";
import type { JobSummary, JobWithHistory } from "../../../shared/core/jobs/job.ts";
import { listDeliveries } from "../../../shared/db/deliveries/find-deliveries.ts";
import { readResult } from "../../../shared/storage/results.ts";
import { logError } from "../../log.ts";
import { requireKey, requireScope } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { commonErrors, errorResponse, idParams, jsonResponse } from "../http/describe-route.ts";
import { isKnownVersion, originOf, retryAfterSeconds } from "../http/headers.ts";
import { readWait, waitUntilFinal } from "../http/wait.ts";
import type { IntakeEnv } from "../services.ts";
import { findOwnJob, findOwnJobWithHistory } from "./load-job.ts";

const route = createRoute({
	operationId: "getJob",
	method: "get",
	path: "/v1/jobs/{id}",
	tags: ["Jobs"],
	summary: "Get a job",
	description:
		"`Prefer: wait=30` holds the response until the job is final. Until then, responses carry `Retry-After`. `include=deliveries` needs `webhooks:read` as well.",
	middleware: [requireKey("jobs:read")] as const,
	request: {
		params: idParams,
		query: getJobQuery,
		headers: waitHeaders.extend({ "if-none-match": z.string().optional() }),
	},
	responses: {
		200: jsonResponse("The job.", JobResponse),
		304: { description: "Unchanged since the version in `If-None-Match`." },
		...commonErrors,
		404: errorResponse("No such job."),
	},
});

export const getJobRoute = newApp().openapi(route, async (c) => {
	const waitMs = readWait(c);
	const { include = [] } = c.req.valid("query");
	if (include.includes("deliveries")) requireScope(c.var.caller, "webhooks:read");
	const job = await readJob(c, waitMs, include.includes("attempts"));

	if (job.finishedAt === null) c.header("retry-after", String(retryAfterSeconds(job, c.env.services.runtime.now())));
	// Included parts change without a new version of the job.
	if (include.length === 0) {
		const etag = `"${job.version}"`;
		c.header("etag", etag);
		if (isKnownVersion(c.req.header("if-none-match"), etag)) return c.body(null, 304);
	}
	return c.json({ ...viewJob(job, originOf(c)), ...(await inlined(c, job, include)) }, 200);
});

type ReadJob = JobSummary & Partial<JobWithHistory>;

/** Waiting polls read no history: it is read once, when the wait is over, and only if it is shown. */
async function readJob(c: Context<IntakeEnv>, waitMs: number | null, hasHistory: boolean): Promise<ReadJob> {
	if (waitMs !== null) {
		const first = await findOwnJob(c);
		const last = await waitUntilFinal(c, first, first, waitMs);
		if (!hasHistory) return last;
	}
	return await (hasHistory ? findOwnJobWithHistory(c) : findOwnJob(c));
}

async function inlined(c: Context<IntakeEnv>, job: ReadJob, include: readonly string[]) {
	const { db } = c.env.services;
	const wants = (part: (typeof INCLUDES)[number]) => include.includes(part);
	return {
		...(wants("result") ? { result: await resultOf(c, job) } : {}),
		...(wants("attempts") ? { attempts: job.attempts?.map(viewAttempt) ?? [] } : {}),
		...(wants("deliveries") ? { deliveries: (await listDeliveries(db, job)).map(viewDelivery) } : {}),
	};
}

async function resultOf(c: Context<IntakeEnv>, job: JobSummary): Promise<z.infer<typeof ChatCompletion> | null> {
	if (job.status !== "succeeded") return null;
	try {
		const text = await readResult(c.env.services.objects, job);
		if (text === null) {
			// Erased since its row was read: 404.
			await findOwnJob(c);
			throw new Error("a stored result is missing");
		}
		// Not parsed again: `readCompletion` built it valid, and it may be megabytes.
		const result: z.infer<typeof ChatCompletion> = JSON.parse(text);
		return result;
	} catch (error) {
		if (error instanceof AppError) throw error;
		logError("result.read_failed", { jobId: job.jobId }, error);
		throw new AppError("storage_unavailable", "The result could not be read. Try again.");
	}
}
