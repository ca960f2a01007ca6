/** The answer of a final job in the shape of a chat completion. */
import type { Context } from "hono";
import { viewFacts } from "../../../shared/api/doors/door.ts";
import { doorIdOf } from "../../../shared/core/doors/door-ids.ts";
import { EndedJobError, errorOfEnded } from "../../../shared/core/doors/ended-job.ts";
import type { JobWithHistory } from "../../../shared/core/jobs/job.ts";
import { JsonBody } from "../../../shared/core/json/json-body.ts";
import { readResultBytes } from "../../../shared/storage/results.ts";
import { openOrRefuse } from "../jobs/stored-body.ts";
import type { IntakeEnv } from "../services.ts";

/** Not parsed as a whole. Throws `EndedJobError` for a job that ended without an answer. */
export async function completionOf(c: Context<IntakeEnv>, job: JobWithHistory): Promise<JsonBody> {
	const { jobId, metadata } = job;
	if (job.status !== "succeeded") throw new EndedJobError(errorOfEnded(job));
	const open = () => readResultBytes(c.env.services.objects, job);
	const stored = new JsonBody(await openOrRefuse(c, { jobId, what: "result" }, open));
	return stored.with({ id: doorIdOf("chat", jobId), metadata: metadata ?? {}, holdfast: viewFacts(job) });
}
