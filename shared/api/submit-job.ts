/** The body and headers of a submission or a retry. */
import { z } from "@hono/zod-openapi";
import { ChatInput } from "../core/chat/chat-input.ts";
import { WEBHOOK_PAYLOADS, type WebhookPayload } from "../core/jobs/job.ts";
import { JOB_EVENT_FILTERS } from "../core/webhooks/events.ts";
import { timeInput } from "./time.ts";

const DAY_SECONDS = 86_400;

/** The body of a chat completion. */
export const JobInput = ChatInput.openapi("ChatInput");

/** As it is stored. By an OpenAI-compatible route, it may have what its provider decides about, such as nulls. */
export const StoredInput = z.looseObject({ messages: ChatInput.shape.messages.optional() }).openapi("StoredInput");

/** Visible ASCII, so that it is safe in logs, headers and URLs. */
export const modelName = z
	.string()
	.min(1)
	.max(256)
	.regex(/^[\x21-\x7e]*$/, { error: "Must be visible ASCII characters, without spaces." });

/** A constant of its own, because the library's type has no `propertyNames`, which came with OpenAPI 3.1. */
const METADATA_OPENAPI_3_1 = { maxProperties: 16, propertyNames: { minLength: 1, maxLength: 64 } };

export const Metadata = z
	.record(z.string().min(1).max(64), z.string().max(512))
	.refine((pairs) => Object.keys(pairs).length <= 16, { error: "Must have at most 16 pairs." })
	.openapi(METADATA_OPENAPI_3_1);

export const WebhookRequest = z.strictObject({
	url: z.string().describe("https only. Redirects are not followed."),
	events: z
		.array(z.enum(JOB_EVENT_FILTERS))
		.min(1)
		.max(JOB_EVENT_FILTERS.length)
		.optional()
		.describe("By default, the four events of final jobs. `job.*` stands for all events, including `job.started`."),
	payload: z.enum(WEBHOOK_PAYLOADS).default("full").describe("`thin` sends id, object and status only."),
});

export const jobFields = {
	model: z
		.union([modelName, z.array(modelName).min(1).max(4)])
		.optional()
		.describe(
			"One model, or up to four: when one fails for good, is blocked or has used up its attempts, the next is called. DEFAULT_MODEL by default.",
		),
	input: JobInput.describe("The body of a chat completion. Fields that are not listed pass through unchanged."),
	webhook: WebhookRequest.optional(),
	priority: z
		.number()
		.int()
		.min(0)
		.max(9)
		.optional()
		.describe("Of a tenant's waiting jobs, those with the highest priority run first. 5 by default."),
	gateway: z
		.strictObject({
			cache_ttl: z
				.number()
				.int()
				.min(0)
				.max(31 * DAY_SECONDS)
				.optional()
				.describe("Seconds."),
			skip_cache: z.boolean().optional(),
		})
		.optional()
		.describe(
			"Options of the AI Gateway for this job. Other providers ignore them. The gateway's cache is used only if `cache_ttl` or `skip_cache: false` requests it, and never across tenants.",
		),
	metadata: Metadata.optional(),
	run_at: timeInput.optional().describe("Do not run before this time, at most 30 days ahead."),
	delay_seconds: z
		.number()
		.min(0)
		.max(30 * DAY_SECONDS)
		.optional()
		.describe("Do not run before this many seconds after submission."),
	deadline_seconds: z
		.number()
		.min(1)
		.max(7 * DAY_SECONDS)
		.optional()
		.describe("Time from submission, or `run_at`, to a final state. 86,400 (one day) by default."),
	timeout_seconds: z.number().min(1).max(780).optional().describe("Time for one attempt. 600 by default."),
	max_attempts: z.number().int().min(1).max(20).optional().describe("5 by default."),
	retain_seconds: z
		.number()
		.min(0)
		.max(365 * DAY_SECONDS)
		.optional()
		.describe(
			"How long job, input and result are kept once the job is final, at least 20 minutes from its submission. 2,592,000 (30 days) by default.",
		),
};

export const SubmitJob = z.strictObject(jobFields).openapi("SubmitJob");

/** A submission without its input, which is stored as the caller sent it. */
export type JobRequest = Omit<z.infer<typeof SubmitJob>, "input" | "webhook"> & {
	webhook?: { url: string; events?: string[] | undefined; payload: WebhookPayload } | undefined;
};

export const RetryJob = SubmitJob.partial().openapi("RetryJob");

export const waitHeaders = z.object({
	prefer: z.string().optional().openapi({
		example: "wait=30",
		description:
			"`wait`: seconds to wait for the job, up to 60; 30 if it has none. The response has `Preference-Applied` with the time if it waited. Without, too many requests of the tenant were waiting, and it is that of a poll.",
	}),
});

export const submitHeaders = waitHeaders.extend({
	"idempotency-key": z
		.string()
		// A repeated header arrives joined by ", ", and is refused because of its space.
		.regex(/^[\x21-\x7e]{1,255}$/, { error: "Must be 1 to 255 visible ASCII characters, without spaces." })
		.optional()
		.describe("For 24 hours, a request with the same key and the same bytes returns the same job."),
	"x-stainless-retry-count": z
		.string()
		.optional()
		.describe(
			"Sent by OpenAI's SDKs. Without an Idempotency-Key, a request with 1 or more, and with the same bytes as one that this API key sent within the last two minutes, returns that request's job. 0 submits a new job.",
		),
});
