/** The caller's job. An unknown job, an erased one and another tenant's all get the same 404. */
import type { Context } from "hono";
import { AppError } from "../../../shared/core/errors.ts";
import { isId } from "../../../shared/core/ids.ts";
import type { Job, JobKey, JobSummary, JobWithHistory } from "../../../shared/core/jobs/job.ts";
import { findJobSummary, findJobWithHistory, findJobWithInput } from "../../../shared/db/jobs/find-job.ts";
import type { IntakeEnv } from "../services.ts";

export function jobKeyOf(c: Context<IntakeEnv>): JobKey {
	const jobId = c.req.param("id") ?? "";
	if (!isId("job", jobId)) throw noSuchJob();
	return { tenantId: c.var.caller.tenantId, jobId };
}

export async function findOwnJob(c: Context<IntakeEnv>): Promise<JobSummary> {
	const job = await findJobSummary(c.env.services.db, jobKeyOf(c));
	if (job === null) throw noSuchJob();
	return job;
}

export async function findOwnJobWithHistory(c: Context<IntakeEnv>): Promise<JobWithHistory> {
	const job = await findJobWithHistory(c.env.services.db, jobKeyOf(c));
	if (job === null) throw noSuchJob();
	return job;
}

export async function findOwnJobWithInput(c: Context<IntakeEnv>): Promise<Job> {
	const job = await findJobWithInput(c.env.services.db, jobKeyOf(c));
	if (job === null) throw noSuchJob();
	return job;
}

export function noSuchJob(): AppError {
	return new AppError("not_found", "No such job.");
}
