/** Jobs in responses and webhooks. */
import { z } from "@hono/zod-openapi";
import { ChatCompletion as StoredCompletion } from "../core/chat/chat-completion.ts";
import { CANCELLATIONS, DOORS, type Job, WEBHOOK_PAYLOADS } from "../core/jobs/job.ts";
import { JOB_STATES } from "../core/jobs/job-states.ts";
import { costOf, type ModelPrices } from "../core/model-prices.ts";
import { AttemptBody } from "./attempt.ts";
import { DeliveryBody } from "./delivery.ts";
import { afterId, limit, listOf, order, wordsOf } from "./page.ts";
import { StoredInput } from "./submit-job.ts";
import { time, timeInput, timestamp, timestampOrNull } from "./time.ts";
import { cost, TokenUsage, viewTokens } from "./usage.ts";

export const JobErrorBody = z
	.object({
		code: z.string().describe("A stable code: what kind of failure it is."),
		message: z.string(),
		status: z.number().int().nullable().describe("HTTP status of the provider's response, if there was one."),
		model: z.string().nullable().describe("The model of the last call."),
	})
	.describe("What went wrong. Null unless the job failed or expired.");

export const JobBody = z.object({
	id: z.string(),
	object: z.literal("job"),
	status: z.enum(JOB_STATES),
	status_reason: z.string().nullable().describe("Why the job is in this state: a stable code, or null."),
	model: z.string().describe("The model that was called last, is being called, or will be called next."),
	models: z.array(z.string()).describe("The models to try, in order."),
	attempt: z.number().int().describe("Counted attempts on `model`, including the one in flight."),
	max_attempts: z.number().int(),
	priority: z.number().int(),
	created_at: time,
	run_at: time,
	started_at: time.nullable(),
	attempt_started_at: time.nullable().describe("When the call in flight started. Null unless the job is running."),
	finished_at: time.nullable(),
	deadline_at: time,
	next_attempt_at: time.nullable().describe("The earliest time of a queued job's next attempt."),
	usage: TokenUsage.nullable(),
	cost_usd: cost.describe(
		"What `usage` costs in US dollars, by the price of `model`. Null: no price is set, or nothing is used.",
	),
	error: JobErrorBody.nullable(),
	result_url: z.string().nullable().describe("URL of the stored completion. Null unless the job succeeded."),
	metadata: z.record(z.string(), z.string()),
	webhook: z
		.object({ url: z.string(), events: z.array(z.string()).nullable(), payload: z.enum(WEBHOOK_PAYLOADS) })
		.nullable(),
	door: z
		.enum(DOORS)
		.nullable()
		.describe("The OpenAI-compatible route that the job came by. Null: by a route of jobs."),
	retry_of: z.string().nullable().describe("The id of the job that this one retries."),
	cancellation: z
		.enum([...CANCELLATIONS, "too_late"])
		.nullable()
		.describe("When the job was cancelled. `too_late`: the job was final; only in the response to a cancellation."),
	timeout_seconds: z.number().describe("Time for one attempt."),
	retain_seconds: z.number().describe("How long the job is kept once it is final."),
	gateway: z
		.object({ cache_ttl: z.number().nullable(), skip_cache: z.boolean().nullable() })
		.nullable()
		.describe("The job's options of the AI Gateway."),
	input_bytes: z.number().int().describe("Size of the input."),
	result_bytes: z.number().int().nullable().describe("Size of the stored completion."),
	version: z.number().int().describe("Increases with every change. Also the ETag."),
});
export type JobBody = z.infer<typeof JobBody>;

/** The stored result of a job. */
export const ChatCompletion = StoredCompletion.openapi("ChatCompletion");

export const INCLUDES = ["input", "result", "attempts", "deliveries"] as const;

/** How large the results in a list may be: one, and all of a page together. */
export const LISTED_RESULT_BYTES_MAX = 1024 * 1024;
export const LISTED_RESULTS_BYTES_MAX = 4 * LISTED_RESULT_BYTES_MAX;
/** Each result is one read of R2. */
export const LISTED_RESULTS_MAX = 20;

export const JobResponse = JobBody.extend({
	input: StoredInput.optional().describe("With `include=input`. As `GET /v1/jobs/{id}/input` returns it."),
	result: z
		.union([ChatCompletion, z.null()])
		.optional()
		.describe(
			"With `include=result`. Null unless the job succeeded. In a list also null if it has more than 1 MiB, or if it would bring those of the page above 4 MiB: get it from `result_url`.",
		),
	attempts: z.array(AttemptBody).optional().describe("With `include=attempts`."),
	deliveries: z.array(DeliveryBody).optional().describe("With `include=deliveries`."),
}).openapi("Job");

/** What a key without `jobs:read` gets of a job that it changes. */
export const JobReference = JobBody.pick({ id: true, object: true, status: true }).openapi("JobReference");

/** The job, or without `jobs:read` its id and status alone. */
export const ChangedJob = z.union([JobResponse, JobReference]);

export const getJobQuery = z.strictObject({ include: wordsOf(INCLUDES).optional() });

export const JobList = listOf(JobResponse).extend({ next_after: z.string().nullable() }).openapi("JobList");

/** Each parses the metadata of all rows that a page looks at. */
const METADATA_FILTERS_MAX = 4;
const METADATA_FILTER = /^metadata\[(.+)\]$/;

const listFields = {
	limit,
	after: afterId("job"),
	order,
	status: wordsOf(JOB_STATES).optional(),
	status_reason: z.string().optional(),
	model: z.string().optional(),
	door: z.enum(DOORS).optional().describe("The jobs that came by this OpenAI-compatible route."),
	retry_of: afterId("job").describe("The jobs that retry this one. Quickest with `order=asc`."),
	created_after: timeInput.optional(),
	created_before: timeInput.optional(),
	finished_after: timeInput.optional(),
	finished_before: timeInput.optional(),
	include: z
		.enum(["result"], { error: "May be `result`." })
		.optional()
		.describe(`\`result\` adds the stored completions, with a \`limit\` of ${LISTED_RESULTS_MAX} at most.`),
};

/**
 * With `metadata[key]=value` besides, up to four times. Any other name is an error.
 * @param fields the parameters that the query may have
 */
export function filteredQuery<Fields extends z.ZodRawShape>(fields: Fields) {
	return z
		.object(fields)
		.catchall(z.string())
		.superRefine((query, context) => {
			const names = Object.keys(query);
			for (const name of names) {
				if (Object.hasOwn(fields, name) || METADATA_FILTER.test(name)) continue;
				context.addIssue({ code: "custom", path: [name], message: "Unknown query parameter." });
			}
			const tooMany = names.filter((name) => METADATA_FILTER.test(name))[METADATA_FILTERS_MAX];
			if (tooMany === undefined) return;
			const message = `Filter by ${METADATA_FILTERS_MAX} metadata keys at most.`;
			context.addIssue({ code: "custom", path: [tooMany], message });
		});
}

export const jobsQuery = filteredQuery(listFields).superRefine((query, context) => {
	if (query.include === undefined || query.limit <= LISTED_RESULTS_MAX) return;
	const message = `Must be at most ${LISTED_RESULTS_MAX} with \`include\`.`;
	context.addIssue({ code: "custom", path: ["limit"], message });
});

/** The filters by metadata in a query. */
export function metadataFilter(query: Record<string, unknown>): Record<string, string> {
	const pairs = Object.entries(query).flatMap(([name, value]) => {
		const key = METADATA_FILTER.exec(name)?.[1];
		return key === undefined ? [] : [[key, String(value)] as const];
	});
	return Object.fromEntries(pairs);
}

export function viewJobReference(job: Pick<Job, "jobId" | "status">): z.infer<typeof JobReference> {
	return { id: job.jobId, object: "job", status: job.status };
}

/** @param origin the base of links, without a final slash */
export function viewJob(job: Omit<Job, "input" | "attempts">, origin: string, prices: ModelPrices = []): JobBody {
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
		// The requested time: `job.runAt` changes with each retry.
		run_at: timestamp(job.deadlineAt - job.deadlineMs),
		started_at: timestampOrNull(job.startedAt),
		attempt_started_at: job.status === "running" ? timestampOrNull(job.leasedAt) : null,
		finished_at: timestampOrNull(job.finishedAt),
		deadline_at: timestamp(job.deadlineAt),
		next_attempt_at: job.status === "queued" ? timestamp(job.runAt) : null,
		usage: job.usage === null ? null : viewTokens(job.usage),
		cost_usd: job.usage === null ? null : costOf(prices, job.model, job.usage),
		error: job.error,
		result_url: job.status === "succeeded" ? `${origin}/v1/jobs/${job.jobId}/result` : null,
		metadata: job.metadata ?? {},
		webhook: job.webhook,
		door: job.door,
		retry_of: job.retryOf,
		cancellation: job.cancellation,
		timeout_seconds: job.timeoutMs / 1000,
		retain_seconds: job.retainMs / 1000,
		gateway:
			job.gateway === null ? null : { cache_ttl: job.gateway.cacheTtlSeconds, skip_cache: job.gateway.skipCache },
		input_bytes: job.inputBytes,
		result_bytes: job.resultBytes,
		version: job.version,
	};
}
