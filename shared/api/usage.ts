/** Tokens used by a call, by a job, or by a tenant on one day. */
import { z } from "@hono/zod-openapi";
import type { UsageDay } from "../core/tenants/usage-day.ts";
import type { Usage } from "../core/upstreams/failures.ts";
import { after, limit, listOf, order } from "./page.ts";

export const TokenUsage = z
	.object({
		prompt_tokens: z.number(),
		completion_tokens: z.number(),
		total_tokens: z.number(),
		estimated_tokens: z
			.number()
			.optional()
			.describe(
				"How many of the total are estimates, for calls that may be charged for and whose usage is unknown. Only where the tenant has a limit `tokens_per_day`.",
			),
	})
	.describe("Tokens spent over all attempts, as reported by the provider.");

export function viewTokens(usage: Usage): z.infer<typeof TokenUsage> {
	return {
		prompt_tokens: usage.promptTokens,
		completion_tokens: usage.completionTokens,
		total_tokens: usage.totalTokens,
		...(usage.estimatedTokens === undefined ? {} : { estimated_tokens: usage.estimatedTokens }),
	};
}

const tokens = z.number().int();

export const UsageDayBody = z
	.object({
		id: z.string().describe("The day and the model: `2026-01-02:openai/gpt-5.5`."),
		object: z.literal("usage"),
		date: z.iso.date(),
		model: z.string().describe("The model that was called last. Models beyond a hundred a day are one row, `other`."),
		jobs: z.number().int().describe("Jobs that became final on this day, in any state."),
		succeeded: z.number().int(),
		prompt_tokens: tokens,
		completion_tokens: tokens,
		total_tokens: tokens.describe("Over all attempts, as far as providers report their usage, or as estimated."),
		estimated_tokens: tokens.describe("How many of the total are estimates."),
	})
	.openapi("UsageDay");

export const UsageList = listOf(UsageDayBody).openapi("UsageList");

const USAGE_ID = /^(\d{4}-\d{2}-\d{2}):(.+)$/s;

const date = z.iso.date({ error: "Must be a day such as 2026-01-02." });

export const usageQuery = z.strictObject({
	limit,
	order,
	after: after((id) => date.safeParse(USAGE_ID.exec(id)?.[1]).success, "Must be the id of a row: `<day>:<model>`."),
	from: date.optional().describe("The first day, in UTC. By default, 30 days up to the last one."),
	to: date.optional().describe("The last day, in UTC. Today by default."),
});

/** The day and the model in the id of a row. */
export function parseUsageId(id: string): { date: string; model: string } | null {
	const [, date, model] = USAGE_ID.exec(id) ?? [];
	return date === undefined || model === undefined ? null : { date, model };
}

export function viewUsageDay(usage: UsageDay): z.infer<typeof UsageDayBody> {
	return {
		id: `${usage.date}:${usage.model}`,
		object: "usage",
		date: usage.date,
		model: usage.model,
		jobs: usage.jobs,
		succeeded: usage.succeeded,
		prompt_tokens: usage.promptTokens,
		completion_tokens: usage.completionTokens,
		total_tokens: usage.totalTokens,
		estimated_tokens: usage.estimatedTokens,
	};
}
