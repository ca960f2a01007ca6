/** The Response of a final job: its facts, its request and its answer, from where they are stored. */
import type { Context } from "hono";
import { viewFacts } from "../../../shared/api/doors/door.ts";
import { DoorError, errorOfEnded } from "../../../shared/core/doors/ended-job.ts";
import type { JobWithHistory } from "../../../shared/core/jobs/job.ts";
import type { JsonObject } from "../../../shared/core/json/json.ts";
import { JsonBody } from "../../../shared/core/json/json-body.ts";
import type { EndError, ResponseFacts } from "../../../shared/core/responses/facts.ts";
import { readSnapshot } from "../../../shared/core/responses/snapshot.ts";
import { findJobWithInput } from "../../../shared/db/jobs/find-job.ts";
import { readInput } from "../../../shared/storage/inputs.ts";
import { readResultBytes } from "../../../shared/storage/results.ts";
import { openOrRefuse } from "../jobs/stored-body.ts";
import type { IntakeEnv } from "../services.ts";

export interface StoredResponse {
	facts: ResponseFacts;
	request: JsonObject;
	answer: JsonObject | null;
}

export async function storedResponse(c: Context<IntakeEnv>, job: JobWithHistory): Promise<StoredResponse> {
	const { db, objects } = c.env.services;
	const { jobId } = job;
	const whole = await findJobWithInput(db, job);
	const input = await openOrRefuse(c, { jobId, what: "input" }, async () => whole && (await readInput(objects, whole)));
	const answer =
		job.status === "succeeded"
			? await openOrRefuse(c, { jobId, what: "result" }, () => readResultBytes(objects, job))
			: null;
	return {
		facts: factsOf(job),
		request: readSnapshot(new JsonBody(input)).request,
		answer: answer === null ? null : new JsonBody(answer).toObject(),
	};
}

function factsOf(job: JobWithHistory): ResponseFacts {
	const hasFailed = job.status === "failed" || job.status === "expired";
	return { ...job, attempt: viewFacts(job).attempts, error: hasFailed ? endErrorOf(job) : null };
}

function endErrorOf(job: JobWithHistory): EndError {
	const { status, code, type, message, param } = new DoorError(errorOfEnded(job));
	return { status, code, type, message, param, reason: job.error?.code ?? job.statusReason ?? code };
}
