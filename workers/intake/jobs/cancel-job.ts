import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { JobResponse, viewJob } from "../../../shared/api/job.ts";
import { nextAttemptNumber, withAttempt } from "../../../shared/core/jobs/attempts.ts";
import type { Job as StoredJob } from "../../../shared/core/jobs/job.ts";
import { type Finalization, finishJobs } from "../../../shared/db/jobs/finish-jobs.ts";
import { wake } from "../../../shared/jobs/wake.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { bodyErrors, commonErrors, errorResponse, idParams, jsonResponse, noQuery } from "../http/describe-route.ts";
import { originOf } from "../http/headers.ts";
import { allowBody } from "../http/strict-body.ts";
import type { IntakeEnv, Services } from "../services.ts";
import { findOwnJobWithHistory } from "./load-job.ts";

const route = createRoute({
	operationId: "cancelJob",
	method: "post",
	path: "/v1/jobs/{id}/cancel",
	tags: ["Jobs"],
	summary: "Cancel a job",
	description:
		"The job is cancelled when this answers; a call in flight is aborted within seconds, and its answer, if it comes, is never shown. A job that is final already stays as it is and answers `cancellation: too_late`.",
	middleware: [requireKey("jobs:write"), allowBody] as const,
	request: {
		params: idParams,
		query: noQuery,
		body: { required: false, content: { "application/json": { schema: z.strictObject({}) } } },
	},
	responses: {
		200: jsonResponse("The job.", JobResponse),
		...commonErrors,
		...bodyErrors,
		404: errorResponse("There is no such job."),
	},
});

export const cancelJobRoute = newApp().openapi(route, async (c) => {
	const job = await cancel(c);
	const view = viewJob(job, originOf(c));
	return c.json(job.status === "cancelled" ? view : { ...view, cancellation: "too_late" as const }, 200);
});

/** Reads, then writes if the job is still as read. A job that moved in between is read again: it moves forward only. */
async function cancel(c: Context<IntakeEnv>): Promise<StoredJob> {
	const { services } = c.env;
	for (;;) {
		const job = await findOwnJobWithHistory(c);
		if (job.finishedAt !== null) return job;
		const [finished] = await finishJobs(services.db, [endOf(services, job)]);
		if (finished?.done) {
			services.background(wake(services, { deliveries: finished.deliveries, jobs: finished.freed }));
		}
	}
}

/** The holder of a running job finds its lease gone, aborts the call, and can write nothing any more. */
function endOf({ runtime }: Services, job: StoredJob): Finalization {
	const isRunning = job.status === "running";
	return {
		tenantId: job.tenantId,
		jobId: job.jobId,
		from: isRunning ? "running" : "queued",
		fence: job.fence,
		status: "cancelled",
		reason: null,
		error: null,
		cancellation: isRunning ? "in_flight" : "before_start",
		resultBytes: null,
		progress: isRunning ? progressOf(job, runtime.now()) : null,
	};
}

/** A holder beyond the last attempt took over only to judge: it makes no call, and counts for none. */
function progressOf(job: StoredJob, now: number) {
	if (job.attempt > job.maxAttempts) return { ...job, attempt: job.maxAttempts };
	return { ...job, attempts: withCancelledCall(job, now) };
}

function withCancelledCall(job: StoredJob, now: number) {
	const startedAt = job.leasedAt ?? now;
	return withAttempt(job.attempts, {
		number: nextAttemptNumber(job.attempts),
		fence: job.fence,
		counted: true,
		model: job.model,
		provider: null,
		startedAt,
		endedAt: Math.max(startedAt, now),
		outcome: "cancelled",
		status: null,
		code: null,
		message: null,
		retryAfterMs: null,
		logId: null,
		usage: null,
	});
}
