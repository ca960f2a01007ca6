/** What requests and answers look like. The same schemas validate and make `/openapi.json`. */

import { z } from "@hono/zod-openapi";
import { ChatInput } from "../core/chat/chat-input.ts";
import { type IdPrefix, isId } from "../core/ids.ts";
import { WEBHOOK_PAYLOADS, type WebhookPayload } from "../core/jobs/job.ts";
import { JOB_EVENT_FILTERS } from "../core/webhooks/events.ts";
import { JobView } from "./job.ts";

const DAY_SECONDS = 86_400;
const modelName = z.string().min(1).max(256);

/** Said apart because the library's type knows the words of OpenAPI 3.0 only, and `propertyNames` is 3.1's. */
const METADATA_IN_WORDS_OF_3_1 = { maxProperties: 16, propertyNames: { minLength: 1, maxLength: 64 } };

const Metadata = z
	.record(z.string().min(1).max(64), z.string().max(512))
	.refine((pairs) => Object.keys(pairs).length <= 16, { error: "Must have at most 16 pairs." })
	.openapi(METADATA_IN_WORDS_OF_3_1);

const WebhookRequest = z.strictObject({
	url: z.string().describe("https only; redirects are not followed."),
	events: z
		.array(z.enum(JOB_EVENT_FILTERS))
		.min(1)
		.max(JOB_EVENT_FILTERS.length)
		.optional()
		.describe("The four of a job's end by default; `job.started` and `job.*`, which is all of them, on request."),
	payload: z.enum(WEBHOOK_PAYLOADS).default("full").describe("`thin` gives id, object and status alone."),
});

const jobFields = {
	model: z
		.union([modelName, z.array(modelName).min(1).max(4)])
		.optional()
		.describe("A name, or up to four: the next is tried when one fails for good. DEFAULT_MODEL by default."),
	input: ChatInput.describe("The body of a chat completion. Fields that are not listed pass through untouched."),
	webhook: WebhookRequest.optional(),
	priority: z.number().int().min(0).max(9).optional().describe("Which of a tenant's waiting jobs goes first. 5."),
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
		.describe("Options of the AI Gateway for this job; other providers ignore them."),
	metadata: Metadata.optional(),
	run_at: z.iso.datetime({ offset: true }).optional().describe("Not before this time, up to 30 days ahead."),
	delay_seconds: z
		.number()
		.min(0)
		.max(30 * DAY_SECONDS)
		.optional()
		.describe("Not before so long after submission."),
	deadline_seconds: z
		.number()
		.min(1)
		.max(7 * DAY_SECONDS)
		.optional()
		.describe("From submission, or `run_at`, to a final state. A day by default."),
	timeout_seconds: z.number().min(1).max(780).optional().describe("For one attempt. 600."),
	max_attempts: z.number().int().min(1).max(20).optional().describe("5."),
	retain_seconds: z
		.number()
		.min(0)
		.max(365 * DAY_SECONDS)
		.optional()
		.describe("How long job, input and result are kept once final. 30 days."),
};

export const SubmitJob = z.strictObject(jobFields).openapi("SubmitJob");
/** A submission, or what is stored of one, less its input: that is kept as it came. */
export type JobRequest = Omit<z.infer<typeof SubmitJob>, "input" | "webhook"> & {
	webhook?: { url: string; events?: string[] | undefined; payload: WebhookPayload } | undefined;
};

export const RetryJob = SubmitJob.partial().openapi("RetryJob");

export const Job = JobView.extend({
	result: z.unknown().optional().describe("With `include=result`."),
	attempts: z.array(z.unknown()).optional().describe("With `include=attempts`."),
	deliveries: z.array(z.unknown()).optional().describe("With `include=deliveries`."),
}).openapi("Job");

export const ErrorBody = z
	.object({
		error: z.object({
			message: z.string(),
			type: z.string(),
			code: z.string(),
			param: z.string().nullable(),
			request_id: z.string(),
		}),
	})
	.openapi("Error");

export function listOf<Item extends z.ZodType>(item: Item) {
	return z.object({
		object: z.literal("list"),
		data: z.array(item),
		has_more: z.boolean(),
		first_id: z.string().nullable(),
		last_id: z.string().nullable(),
	});
}

/** `limit`, `after` and `order` of every list. */
export const pageQuery = {
	limit: z
		.string()
		.regex(/^([1-9]\d?|100)$/, { error: "Must be a whole number from 1 to 100." })
		.default("20")
		.transform(Number)
		.openapi({ type: "integer", minimum: 1, maximum: 100, default: 20 }),
	after: z.string().optional().describe("The last id of the page before."),
	order: z.enum(["asc", "desc"]).default("desc"),
};

export function adminPageQuery(prefix: IdPrefix) {
	const after = z
		.string()
		.refine((id) => isId(prefix, id), { error: `Must be an id, \`${prefix}_…\`.` })
		.optional()
		.describe("The last id of the page before.");
	return z.strictObject({ limit: pageQuery.limit, after });
}

/** Of a route that takes no query parameter: an unknown one is refused, for it might have meant something. */
export const noQuery = z.strictObject({});

/** One page of `found`, which holds one more than fits where there is a next page. */
export function pageOf<Item extends { id: string }>(found: Item[], limit: number) {
	const data = found.slice(0, limit);
	return {
		object: "list" as const,
		data,
		has_more: found.length > limit,
		first_id: data[0]?.id ?? null,
		last_id: data.at(-1)?.id ?? null,
	};
}

/** An id that nobody ever made is as unknown as one that another tenant has. */
export const JobParams = z.object({ id: z.string() });

export function isJobId(id: string): boolean {
	return isId("job", id);
}

export const errorResponse = (description: string) => ({
	description,
	content: { "application/json": { schema: ErrorBody } },
});

export const jsonResponse = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
	description,
	content: { "application/json": { schema } },
});

/** What any route may answer besides its own. */
export const openErrors = {
	400: errorResponse("Something in the request breaks a rule; `param` says what."),
	500: errorResponse("Our own fault."),
	503: errorResponse("Storage did not answer, `Retry-After` says when to try again; or the service is not configured."),
};

/** What any route with ADMIN_TOKEN may answer besides its own. */
export const adminErrors = {
	...openErrors,
	401: errorResponse("Not the ADMIN_TOKEN."),
	429: errorResponse("Too many requests without the ADMIN_TOKEN came from this address."),
};

/** What any route with a key may answer besides its own. */
export const commonErrors = {
	...openErrors,
	401: errorResponse("No valid key."),
	403: errorResponse("The key lacks the scope."),
	429: errorResponse("A limit is reached: `RateLimit-Policy` says which, `Retry-After` when to try again."),
};

/** What any route with a body may answer besides its own. */
export const bodyErrors = {
	413: errorResponse("The body is over 16 MiB."),
	415: errorResponse("Not `application/json`."),
};
