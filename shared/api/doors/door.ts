/**
 * What every OpenAI-compatible route takes and gives besides OpenAI's own fields: the object `holdfast`, and the headers. A door
 * adds `holdfast: Extension.optional()` to its body, and submits `requestOf(…)`.
 */
import { z } from "@hono/zod-openapi";
import type { Job } from "../../core/jobs/job.ts";
import { type JobRequest, jobFields, modelName, submitHeaders } from "../submit-job.ts";

const DAY_SECONDS = 86_400;
/** A caller waits for the answer: these go before other jobs. */
const PRIORITY = 7;
const DEADLINE_SECONDS = 3_600;
const RETAIN_SECONDS = 30 * DAY_SECONDS;
/** Long enough for a retry to get the answer. */
const UNSTORED_SECONDS = 600;

const { webhook, priority, gateway, timeout_seconds, max_attempts, retain_seconds } = jobFields;

export const Extension = z
	.strictObject({
		models: z.array(modelName).min(1).max(4).optional().describe("Called after `model`, in this order."),
		priority: priority.describe("As for jobs. 7 by default."),
		deadline_seconds: z
			.number()
			.min(1)
			.max(DAY_SECONDS)
			.optional()
			.describe("Time to a final state, at most a day. 3,600 (an hour) by default."),
		timeout_seconds,
		max_attempts,
		retain_seconds,
		gateway,
		webhook,
		on_disconnect: z
			.enum(["continue", "cancel"])
			.optional()
			.describe(
				"Whether the job goes on when the connection breaks. It does by default, so that a retry gets the answer. `cancel` is best effort.",
			),
		stream: z
			.enum(["live", "whole"])
			.optional()
			.describe("`whole`: a stream begins when the answer is complete. So does every stream at present."),
	})
	.openapi("HoldfastExtension", {
		description: "Options of the job behind the request. Never sent to the model.",
	});
export type Extension = z.infer<typeof Extension>;

/** The part of a submission that a door's own fields and its extension say. */
export function requestOf(
	door: { model: string; metadata?: Record<string, string> | null | undefined; store?: boolean | null | undefined },
	{ models = [], on_disconnect: _, stream: __, ...given }: Extension = {},
): JobRequest {
	const { model, metadata, store } = door;
	return {
		priority: PRIORITY,
		deadline_seconds: DEADLINE_SECONDS,
		retain_seconds: store === false ? UNSTORED_SECONDS : RETAIN_SECONDS,
		...given,
		model: [model, ...models.filter((name) => name !== model)],
		metadata: metadata ?? undefined,
	};
}

/** Of a field that `requestOf` or `buildJob` made, the one that the caller wrote. */
export function paramOf(param: string): string {
	const [head = "", ...rest] = param.split(".");
	if (head === "input") return rest.join(".");
	if (head !== "model") return `holdfast.${param}`;
	const at = Number(rest[0] ?? 0);
	return at === 0 ? "model" : `holdfast.models.${at - 1}`;
}

export const doorHeaders = submitHeaders.omit({ prefer: true });

/** On every response about a job, errors included. */
export const JOB_HEADER = "holdfast-job";

/** What answers say of their job. */
export const HoldfastFacts = z
	.object({
		job_id: z.string().describe("The job behind the answer: see `GET /v1/jobs/{id}`."),
		attempts: z.number().int().describe("How many attempts its model took."),
		model: z.string().describe("The model that answered, by the name that the request gave it."),
	})
	.openapi("HoldfastFacts");

export function viewFacts(job: Pick<Job, "jobId" | "attempt" | "model">): z.infer<typeof HoldfastFacts> {
	return { job_id: job.jobId, attempts: job.attempt, model: job.model };
}
