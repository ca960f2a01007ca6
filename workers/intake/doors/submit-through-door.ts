/** Submits the job of an OpenAI-compatible route, with the errors that OpenAI's clients know. */
import type { Context } from "hono";
import { JOB_HEADER, paramOf } from "../../../shared/api/doors/door.ts";
import type { JobRequest } from "../../../shared/api/submit-job.ts";
import { AppError } from "../../../shared/core/errors.ts";
import type { Entrance, JobSummary } from "../../../shared/core/jobs/job.ts";
import type { ParsedInput } from "../../../shared/jobs/build-job.ts";
import { type Outcome, submit } from "../../../shared/jobs/submit.ts";
import { originOf } from "../http/headers.ts";
import { acceptedOrThrow, readIdempotency, submitBindings } from "../jobs/submission.ts";
import type { IntakeEnv } from "../services.ts";

export interface DoorOrder {
	entrance: Entrance;
	/** By `requestOf`. */
	request: JobRequest;
	/** What the model is to be sent, as JSON: without the door's own fields. */
	input: Uint8Array;
	parsedInput: ParsedInput;
	/** How long the response may be held. Null: it is sent at once. */
	heldMs: number | null;
}

/** The new job, or the one that this request repeats. From here on, each response names it. */
export async function submitThroughDoor(c: Context<IntakeEnv>, order: DoorOrder): Promise<JobSummary> {
	const { submissionLoad, runtime, db } = c.env.services;
	submissionLoad.admit(runtime, db);
	const { heldMs, ...rest } = order;
	const outcome = await submit(submitBindings(c), {
		...rest,
		tenantId: c.var.caller.tenantId,
		origin: originOf(c),
		// Callers may give fractions of a millisecond, which no column takes.
		idempotency: readIdempotency(c, heldMs === null ? null : Math.round(heldMs)),
	});
	c.var.submission?.release();
	const submission = acceptedOrThrow(inTermsOfDoor(outcome));
	c.header(JOB_HEADER, submission.job.jobId);
	if (submission.outcome === "replayed") c.header("idempotent-replayed", "true");
	return submission.job;
}

/** Throws for a model that no route serves, for which OpenAI's clients have an error of its own. */
function inTermsOfDoor(outcome: Outcome): Outcome {
	if (outcome.outcome !== "invalid") return outcome;
	const param = paramOf(outcome.param);
	if (outcome.isModelUnknown) throw new AppError("model_not_found", outcome.problem, param);
	return { ...outcome, param };
}
