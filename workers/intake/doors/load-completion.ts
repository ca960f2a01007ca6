/** The caller's chat completion. An unknown one, an erased one, another tenant's and another door's job all get the same 404. */
import type { Context } from "hono";
import { JOB_HEADER } from "../../../shared/api/doors/door.ts";
import { doorIdOf, jobIdOf } from "../../../shared/core/doors/door-ids.ts";
import { DoorError, errorOfEnded } from "../../../shared/core/doors/ended-job.ts";
import { AppError } from "../../../shared/core/errors.ts";
import type { JobKey, JobWithHistory } from "../../../shared/core/jobs/job.ts";
import { findJobWithHistory } from "../../../shared/db/jobs/find-job.ts";
import type { IntakeEnv } from "../services.ts";

export function completionKeyOf(c: Context<IntakeEnv>): JobKey {
	const jobId = jobIdOf("chat", c.req.param("id") ?? "");
	if (jobId === null) throw noSuchCompletion();
	return { tenantId: c.var.caller.tenantId, jobId };
}

/** In any state. */
export async function findOwnCompletion(c: Context<IntakeEnv>): Promise<JobWithHistory> {
	const job = await findJobWithHistory(c.env.services.db, completionKeyOf(c));
	if (job?.door !== "chat") throw noSuchCompletion();
	c.header(JOB_HEADER, job.jobId);
	return job;
}

/** Throws the error of the job if it has no answer, or none yet. */
export async function findOwnAnswer(c: Context<IntakeEnv>): Promise<JobWithHistory> {
	const job = await findOwnCompletion(c);
	if (job.status === "succeeded") return job;
	if (job.finishedAt !== null) throw new DoorError(errorOfEnded(job));
	throw notFinal(c, job);
}

export function notFinal(c: Context<IntakeEnv>, { jobId }: JobKey): DoorError {
	c.header("retry-after", "1");
	const message = `The answer of ${doorIdOf("chat", jobId)} is not complete yet.`;
	return new DoorError({ status: 409, code: "not_final", message, shouldRetry: true });
}

export function noSuchCompletion(): AppError {
	return new AppError("not_found", "No such chat completion.");
}
