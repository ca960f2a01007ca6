/** A job as the outside sees it: on the wire of the API and in webhooks alike. */
import { z } from "zod";
import { CANCELLATIONS, type Job, WEBHOOK_PAYLOADS } from "../core/jobs/job.ts";
import { JOB_STATES } from "../core/jobs/job-states.ts";

/** RFC 3339 in UTC with milliseconds. */
export function timestamp(ms: number): string {
	return new Date(ms).toISOString();
}

const time = z.iso.datetime({ precision: 3 });

export const UsageView = z
	.object({ prompt_tokens: z.number(), completion_tokens: z.number(), total_tokens: z.number() })
	.describe("Tokens spent over all attempts, as the provider counted them.");

export const JobErrorView = z
	.object({
		code: z.string().describe("A stable word: the provider's own code where it gave one."),
		message: z.string(),
		status: z.number().int().nullable().describe("HTTP status of the provider's answer, if there was one."),
		model: z.string().nullable().describe("The model that was asked last."),
	})
	.describe("What went wrong. Null unless the job failed or expired.");

export const JobView = z.object({
	id: z.string(),
	object: z.literal("job"),
	status: z.enum(JOB_STATES),
	status_reason: z.string().nullable().describe("Why the job is in this state: a stable word, or null."),
	model: z.string().describe("The model that answered, is being asked, or will be asked next."),
	models: z.array(z.string()).describe("The models to try, in order."),
	attempt: z.number().int().describe("Counted attempts on `model`, the one in flight included."),
	max_attempts: z.number().int(),
	priority: z.number().int(),
	created_at: time,
	run_at: time,
	started_at: time.nullable(),
	finished_at: time.nullable(),
	deadline_at: time,
	next_attempt_at: time.nullable().describe("When a queued job is tried next, at the earliest."),
	usage: UsageView.nullable(),
	error: JobErrorView.nullable(),
	result_url: z.string().nullable().describe("Where the stored completion is. Null unless the job succeeded."),
	metadata: z.record(z.string(), z.string()),
	webhook: z
		.object({ url: z.string(), events: z.array(z.string()).nullable(), payload: z.enum(WEBHOOK_PAYLOADS) })
		.nullable(),
	retry_of: z.string().nullable().describe("The job that this one repeats."),
	cancellation: z
		.enum([...CANCELLATIONS, "too_late"])
		.nullable()
		.describe("How a cancelled job was cancelled; `too_late` only in the answer to a cancel that came too late."),
	version: z.number().int().describe("Grows with every change; the ETag."),
});

export type JobView = z.infer<typeof JobView>;

/** @param origin where links start, without a final slash */
export function viewJob(job: Job, origin: string): JobView {
	return {
		id: job.jobId,
		object: "job",
		status: job.status,
		status_reason: job.statusReason,
		model: job.model,
		models: job.models,
		attempt: job.attempt,
		max_attempts: job.maxAttempts,
		priority: job.priority,
		created_at: timestamp(job.createdAt),
		// What the caller asked for: `job.runAt` moves on with each retry.
		run_at: timestamp(job.deadlineAt - job.deadlineMs),
		started_at: timestampOrNull(job.startedAt),
		finished_at: timestampOrNull(job.finishedAt),
		deadline_at: timestamp(job.deadlineAt),
		next_attempt_at: job.status === "queued" ? timestamp(job.runAt) : null,
		usage: job.usage === null ? null : viewUsage(job.usage),
		error: job.error,
		result_url: job.status === "succeeded" ? `${origin}/v1/jobs/${job.jobId}/result` : null,
		metadata: job.metadata ?? {},
		webhook: job.webhook,
		retry_of: job.retryOf,
		cancellation: job.cancellation,
		version: job.version,
	};
}

export function viewUsage(usage: NonNullable<Job["usage"]>) {
	return {
		prompt_tokens: usage.promptTokens,
		completion_tokens: usage.completionTokens,
		total_tokens: usage.totalTokens,
	};
}

export function timestampOrNull(ms: number | null): string | null {
	return ms === null ? null : timestamp(ms);
}
