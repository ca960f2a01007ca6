import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { viewAttempt } from "../../../shared/api/attempt.ts";
import { viewDelivery } from "../../../shared/api/delivery.ts";
import { getJobQuery, type INCLUDES, JobResponse, viewJob } from "../../../shared/api/job.ts";
import { waitHeaders } from "../../../shared/api/submit-job.ts";
import type { Job, JobSummary } from "../../../shared/core/jobs/job.ts";
import { listDeliveries } from "../../../shared/db/deliveries/find-deliveries.ts";
import { openInput } from "../../../shared/storage/inputs.ts";
import { openResult } from "../../../shared/storage/results.ts";
import { requireKey, requireScope } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { commonErrors, errorResponse, idParams, jsonResponse } from "../http/describe-route.ts";
import { isKnownVersion, originOf, retryAfterSeconds } from "../http/headers.ts";
import { readWait, waitUntil } from "../http/wait.ts";
import type { IntakeEnv } from "../services.ts";
import { findOwnJob, findOwnJobWithHistory, findOwnJobWithInput } from "./load-job.ts";
import { cancelUnread, jsonOf, type Stored, spliced } from "./spliced-json.ts";
import { openOrRefuse } from "./stored-body.ts";

const route = createRoute({
	operationId: "getJob",
	method: "get",
	path: "/v1/jobs/{id}",
	tags: ["Jobs"],
	summary: "Get a job",
	description:
		"`Prefer: wait=30` holds the response until the job is final, or, with `If-None-Match`, until its version is another than that; then it is 304 when the wait is over without a change. Until the job is final, responses carry `Retry-After`. `include=deliveries` needs `webhooks:read` as well.",
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
	const waitMs = readWait(c.req.header("prefer"));
	const { include = [] } = c.req.valid("query");
	if (include.includes("deliveries")) requireScope(c.var.caller, "webhooks:read");
	const job = await readJob(c, waitMs, include);

	if (job.finishedAt === null) c.header("retry-after", String(retryAfterSeconds(job, c.env.services.runtime.now())));
	// Included parts change without a new version of the job.
	if (include.length === 0) {
		c.header("etag", etagOf(job));
		if (isKnownVersion(c.req.header("if-none-match"), etagOf(job))) return c.body(null, 304);
	}
	const view = viewJob(job, originOf(c), c.env.services.config.modelPrices);
	if (include.length === 0 || c.req.method === "HEAD") return c.json(view, 200);
	const whole = { ...view, ...(await history(c, job, include)) };
	return jsonOf<z.infer<typeof JobResponse>>(c, spliced(whole, await openStored(c, job, include)));
});

type Include = readonly (typeof INCLUDES)[number][];
type ReadJob = JobSummary & Partial<Job>;

const etagOf = ({ version }: JobSummary) => `"${version}"`;

/** Waiting polls read neither history nor input: they are read once, when the wait is over, and only if they are shown. */
async function readJob(c: Context<IntakeEnv>, waitMs: number | null, include: Include): Promise<ReadJob> {
	const known = c.req.header("if-none-match");
	const isDone = (job: JobSummary) => known !== undefined && !isKnownVersion(known, etagOf(job));
	if (waitMs !== null) {
		const first = await findOwnJob(c);
		const last = await waitUntil(c, { first, waitMs, isDone });
		if (!include.includes("input") && !include.includes("attempts")) return last;
	}
	if (include.includes("input")) return await findOwnJobWithInput(c);
	return await (include.includes("attempts") ? findOwnJobWithHistory(c) : findOwnJob(c));
}

async function history(c: Context<IntakeEnv>, job: ReadJob, include: Include) {
	const { db } = c.env.services;
	return {
		...(include.includes("attempts") ? { attempts: job.attempts?.map(viewAttempt) ?? [] } : {}),
		...(include.includes("deliveries") ? { deliveries: (await listDeliveries(db, job)).map(viewDelivery) } : {}),
	};
}

async function openStored(c: Context<IntakeEnv>, job: ReadJob, include: Include) {
	const { objects } = c.env.services;
	const { jobId, inputKey, input = null } = job;
	const opened: Record<string, Stored[] | null> = {};
	const inputOf = () => openOrRefuse(c, { jobId, what: "input" }, () => openInput(objects, { inputKey, input }, null));
	const resultOf = () => openOrRefuse(c, { jobId, what: "result" }, () => openResult(objects, job, null));
	try {
		if (include.includes("input")) opened.input = [await inputOf()];
		if (include.includes("result")) opened.result = job.status === "succeeded" ? [await resultOf()] : null;
		return opened;
	} catch (error) {
		await cancelUnread(opened.input ?? []);
		throw error;
	}
}
