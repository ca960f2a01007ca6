/** The answer of a succeeded job in the shape of a chat completion. */
import type { Context } from "hono";
import { viewFacts } from "../../../shared/api/doors/door.ts";
import { doorIdOf } from "../../../shared/core/doors/door-ids.ts";
import { DoorError, errorOfEnded } from "../../../shared/core/doors/ended-job.ts";
import type { JobSummary, JobWithHistory } from "../../../shared/core/jobs/job.ts";
import { JsonBody } from "../../../shared/core/json/json-body.ts";
import { readResultBytes } from "../../../shared/storage/results.ts";
import { openOrRefuse } from "../jobs/stored-body.ts";
import type { IntakeEnv } from "../services.ts";

/** Not parsed as a whole. */
export async function answerOf(c: Context<IntakeEnv>, job: JobSummary): Promise<JsonBody> {
	const { jobId, metadata } = job;
	const open = () => readResultBytes(c.env.services.objects, job);
	const stored = new JsonBody(await openOrRefuse(c, { jobId, what: "result" }, open));
	return stored.with({ id: doorIdOf("chat", jobId), metadata: metadata ?? {}, holdfast: viewFacts(job) });
}

/** Throws the error of a job that ended without an answer. */
export async function answerOfEnded(c: Context<IntakeEnv>, job: JobWithHistory): Promise<JsonBody> {
	if (job.status !== "succeeded") throw new DoorError(errorOfEnded(job));
	return await answerOf(c, job);
}
