/** The calls of a job, in responses. On the wire each is an attempt, whether it counts as one or not. */
import { z } from "@hono/zod-openapi";
import type { Attempt } from "../core/jobs/attempts.ts";
import { FAILURE_CODES } from "../core/upstreams/failures.ts";
import { listOf } from "./page.ts";
import { time, timestamp } from "./time.ts";
import { TokenUsage, viewTokens } from "./usage.ts";

export const AttemptBody = z
	.object({
		number: z.number().int(),
		counted: z.boolean().describe("Whether it counts towards `max_attempts`."),
		model: z.string(),
		provider: z.string().nullable(),
		started_at: time,
		ended_at: time,
		outcome: z.string().describe("`succeeded`, or the class of the failure."),
		status: z.number().int().nullable().describe("HTTP status of the provider's response."),
		code: z
			.string()
			.nullable()
			.describe(
				`Why the call failed: ${FAILURE_CODES.map((code) => `\`${code}\``).join(", ")}. Null: it did not fail.`,
			),
		provider_code: z.string().nullable().describe("The provider's own code or type, as it sent it."),
		message: z
			.string()
			.nullable()
			.describe(
				"What the provider said, without what it quoted of the input, and without ids and keys of its account.",
			),
		excerpt: z.string().nullable().describe("The first 2 KiB of a response that could not be stored."),
		retry_after_ms: z.number().nullable().describe("How long the provider requested to wait, in milliseconds."),
		log_id: z.string().nullable().describe("The AI Gateway's log of this call."),
		usage: TokenUsage.nullable(),
	})
	.openapi("Attempt");
export type AttemptBody = z.infer<typeof AttemptBody>;

export const AttemptList = listOf(AttemptBody).openapi("AttemptList");

export function viewAttempt(attempt: Attempt): AttemptBody {
	return {
		number: attempt.number,
		counted: attempt.counted,
		model: attempt.model,
		provider: attempt.provider,
		started_at: timestamp(attempt.startedAt),
		ended_at: timestamp(attempt.endedAt),
		outcome: attempt.outcome,
		status: attempt.status,
		code: attempt.code,
		provider_code: attempt.providerCode,
		message: attempt.message,
		excerpt: attempt.excerpt,
		retry_after_ms: attempt.retryAfterMs,
		log_id: attempt.logId,
		usage: attempt.usage === null ? null : viewTokens(attempt.usage),
	};
}
