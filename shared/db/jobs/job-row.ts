/** Rows of `jobs`, and how a job is made of one. */
import { z } from "zod";
import { AttemptSchema, UsageSchema } from "../../core/jobs/attempts.ts";
import {
	CANCELLATIONS,
	DOORS,
	type Job,
	type JobSummary,
	type JobWithHistory,
	WEBHOOK_PAYLOADS,
} from "../../core/jobs/job.ts";
import { JOB_STATES, type StatusReason } from "../../core/jobs/job-states.ts";
import { column } from "../columns.ts";

const flag = z
	.number()
	.transform((one) => one === 1)
	.nullable();

const JobSummaryRow = z.object({
	tenant_id: z.string(),
	id: z.string(),
	status: z.enum(JOB_STATES),
	status_reason: z.custom<StatusReason>((value) => typeof value === "string").nullable(),
	version: z.number(),
	models: column(z.array(z.string())),
	input_key: z.string().nullable(),
	input_bytes: z.number(),
	webhook: column(
		z.object({ url: z.string(), events: z.array(z.string()).nullable(), payload: z.enum(WEBHOOK_PAYLOADS) }),
	).nullable(),
	gateway: column(z.object({ cacheTtlSeconds: z.number().nullable(), skipCache: z.boolean().nullable() })).nullable(),
	metadata: column(z.record(z.string(), z.string())).nullable(),
	priority: z.number(),
	timeout_ms: z.number(),
	max_attempts: z.number(),
	retain_ms: z.number(),
	retry_of: z.string().nullable(),
	origin: z.string(),
	created_at: z.number(),
	deadline_ms: z.number(),
	deadline_at: z.number(),
	run_at: z.number(),
	model: z.string(),
	credential: z.string(),
	attempt: z.number(),
	fence: z.number(),
	holder: z.string().nullable(),
	leased_at: z.number().nullable(),
	lease_expires_at: z.number().nullable(),
	usage: column(UsageSchema).nullable(),
	tokens_reserved: z.number().nullable(),
	started_at: z.number().nullable(),
	finished_at: z.number().nullable(),
	error: column(
		z.object({ code: z.string(), message: z.string(), status: z.number().nullable(), model: z.string().nullable() }),
	).nullable(),
	cancellation: z.enum(CANCELLATIONS).nullable(),
	result_bytes: z.number().nullable(),
	finish: z.string().nullable(),
	door: z.enum(DOORS).nullable(),
	store: flag,
	background: flag,
});

const JobHistoryRow = JobSummaryRow.extend({ attempts: column(z.array(AttemptSchema)) });
const JobRow = JobHistoryRow.extend({ input: z.string().nullable() });

/** For SELECT and RETURNING. Each list is as long as its reader needs: history and input may be long. */
export const JOB_SUMMARY_COLUMNS = Object.keys(JobSummaryRow.shape).join(", ");
export const JOB_HISTORY_COLUMNS = Object.keys(JobHistoryRow.shape).join(", ");
export const JOB_COLUMNS = Object.keys(JobRow.shape).join(", ");

export function jobSummaryFromRow(raw: unknown): JobSummary {
	return summaryOf(JobSummaryRow.parse(raw));
}

export function jobWithHistoryFromRow(raw: unknown): JobWithHistory {
	const row = JobHistoryRow.parse(raw);
	return { ...summaryOf(row), attempts: row.attempts };
}

export function jobFromRow(raw: unknown): Job {
	const row = JobRow.parse(raw);
	return { ...summaryOf(row), attempts: row.attempts, input: row.input };
}

function summaryOf(row: z.infer<typeof JobSummaryRow>): JobSummary {
	return {
		tenantId: row.tenant_id,
		jobId: row.id,
		status: row.status,
		statusReason: row.status_reason,
		version: row.version,
		models: row.models,
		inputKey: row.input_key,
		inputBytes: row.input_bytes,
		webhook: row.webhook,
		gateway: row.gateway,
		metadata: row.metadata,
		priority: row.priority,
		timeoutMs: row.timeout_ms,
		maxAttempts: row.max_attempts,
		retainMs: row.retain_ms,
		retryOf: row.retry_of,
		origin: row.origin,
		createdAt: row.created_at,
		deadlineMs: row.deadline_ms,
		deadlineAt: row.deadline_at,
		runAt: row.run_at,
		model: row.model,
		credential: row.credential,
		attempt: row.attempt,
		fence: row.fence,
		holder: row.holder,
		leasedAt: row.leased_at,
		leaseExpiresAt: row.lease_expires_at,
		usage: row.usage,
		tokensReserved: row.tokens_reserved,
		startedAt: row.started_at,
		finishedAt: row.finished_at,
		error: row.error,
		cancellation: row.cancellation,
		resultBytes: row.result_bytes,
		finish: row.finish,
		door: row.door,
		store: row.store,
		background: row.background,
	};
}
