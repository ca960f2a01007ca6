/** Tokens used by a call, by a job, or by a tenant on one day. */
import { z } from "@hono/zod-openapi";
import { rounded } from "../core/model-prices.ts";
import { BUCKET_SECONDS, dateAt, quantile, type UsageBucket } from "../core/tenants/usage.ts";
import type { Usage } from "../core/upstreams/failures.ts";
import { after, listOf, order } from "./page.ts";
import { time, timestamp } from "./time.ts";

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

export const cost = z.number().nullable().describe("In US dollars, by `MODEL_PRICES`. Null: no price is set.");

const used = {
	prompt_tokens: tokens,
	completion_tokens: tokens,
	total_tokens: tokens.describe("Over all attempts, as far as providers report their usage, or as estimated."),
	estimated_tokens: tokens.describe("How many of the total are estimates."),
	cost_usd: cost,
};

export const UsageDayBody = z
	.object({
		id: z.string().describe("The day and the model: `2026-01-02:openai/gpt-5.5`."),
		object: z.literal("usage"),
		date: z.iso.date(),
		model: z
			.string()
			.describe("The model that was called last. Models beyond a hundred an hour are counted as one, `other`."),
		jobs: z.number().int().describe("Jobs that became final on this day, in any state."),
		succeeded: z.number().int(),
		...used,
	})
	.openapi("UsageDay");

export const UsageList = listOf(UsageDayBody).openapi("UsageList");

const seconds = z
	.number()
	.nullable()
	.describe("In seconds, estimated from the counts, and at most 3000. Null: there are no jobs.");

export const Histogram = z
	.object({
		p50: seconds,
		p95: seconds,
		p99: seconds,
		counts: z
			.array(z.number().int())
			.describe(
				`How many jobs took less than ${BUCKET_SECONDS.join(", ")} seconds, each without those before, and how many took longer.`,
			),
	})
	.openapi("Histogram");

const ended = z.number().int().nullable();

export const UsageBucketBody = z
	.object({
		id: z.string().describe("Begins with `start_at`."),
		object: z.literal("usage_bucket"),
		start_at: time,
		model: z.string().nullable().describe("Null: all models."),
		jobs: z.number().int().describe("Jobs that became final in this time, in any state."),
		succeeded: z.number().int(),
		failed: ended.describe("Null for a day from before they were counted, as what follows."),
		cancelled: ended,
		expired: ended,
		...used,
		unpriced_tokens: tokens.describe(
			"Tokens that `cost_usd` leaves out: of models without a price, and those that are neither of the input nor of the output.",
		),
		wait: Histogram.nullable().describe("From when a job was due to its first start."),
		run: Histogram.nullable().describe("From its first start to its final state."),
	})
	.openapi("UsageBucket");

export const UsageBucketList = listOf(UsageBucketBody).openapi("UsageBucketList");

const DAY_ID = /^(\d{4}-\d{2}-\d{2}):(.+)$/s;
const BUCKET_ID = /^(\d{4}-\d{2}-\d{2}T\d{2}:00:00\.000Z)(:.+)?$/s;

const date = z.iso.date({ error: "Must be a day such as 2026-01-02." });

const isDayId = (id: string) => date.safeParse(DAY_ID.exec(id)?.[1]).success;
const isBucketId = (id: string) => time.safeParse(BUCKET_ID.exec(id)?.[1]).success;

const isMidnight = (id: string) => id.includes("T00:");

export const usageQuery = z
	.strictObject({
		limit: z
			.string()
			.regex(/^([1-9]\d{0,2}|1000)$/, { error: "Must be a whole number from 1 to 1000." })
			.transform(Number)
			.optional()
			.openapi({ type: "integer", minimum: 1, maximum: 1_000 })
			.describe(
				"How many rows at most: by default 20, or 1000 buckets. A page has at least one whole hour or day of buckets.",
			),
		order,
		after: after((id) => isDayId(id) || isBucketId(id), "Must be the id of a row: `<day>:<model>`."),
		from: date.optional().describe("The first day, in UTC. By default, 30 days up to the last one."),
		to: date.optional().describe("The last day, in UTC. Today by default."),
		bucket: z
			.enum(["hour", "day"], { error: "Must be hour or day." })
			.optional()
			.describe("With `bucket` or `group_by`, the rows are usage buckets of an hour or a day (the default)."),
		group_by: z
			.enum(["model"], { error: "Must be model." })
			.optional()
			.describe("A bucket for each model, instead of one for all."),
	})
	.superRefine(({ after, bucket, group_by }, context) => {
		if (after === undefined) return;
		const isOfThisList =
			(bucket ?? group_by) === undefined
				? isDayId(after)
				: isBucketId(after) && (bucket === "hour" || isMidnight(after));
		if (isOfThisList) return;
		context.addIssue({ code: "custom", path: ["after"], message: "Must be the id of a row of this list." });
	});

/** Where a page begins: the day and the model, or the hour, in the id of a row. */
export function usageCursor(id: string): { date: string; model: string } | { hour: number } | null {
	const [, start] = BUCKET_ID.exec(id) ?? [];
	if (start !== undefined) return { hour: Date.parse(start) / 3_600_000 };
	const [, date, model] = DAY_ID.exec(id) ?? [];
	return date === undefined || model === undefined ? null : { date, model };
}

function viewUsed(usage: UsageBucket) {
	return {
		prompt_tokens: usage.promptTokens,
		completion_tokens: usage.completionTokens,
		total_tokens: usage.totalTokens,
		estimated_tokens: usage.estimatedTokens,
		cost_usd: usage.cost === null ? null : rounded(usage.cost),
	};
}

export function viewUsageDay(usage: UsageBucket & { model: string }): z.infer<typeof UsageDayBody> {
	const date = dateAt(usage.startAt);
	const { model, jobs, succeeded } = usage;
	return { id: `${date}:${model}`, object: "usage", date, model, jobs, succeeded, ...viewUsed(usage) };
}

export function viewUsageBucket(usage: UsageBucket): z.infer<typeof UsageBucketBody> {
	const start = timestamp(usage.startAt);
	const { model, jobs, succeeded, ends } = usage;
	return {
		id: model === null ? start : `${start}:${model}`,
		object: "usage_bucket",
		start_at: start,
		model,
		jobs,
		succeeded,
		failed: ends?.failed ?? null,
		cancelled: ends?.cancelled ?? null,
		expired: ends?.expired ?? null,
		...viewUsed(usage),
		unpriced_tokens: usage.unpricedTokens,
		wait: viewHistogram(ends?.wait),
		run: viewHistogram(ends?.run),
	};
}

function viewHistogram(counts: number[] | undefined): z.infer<typeof Histogram> | null {
	if (counts === undefined) return null;
	return { p50: quantile(counts, 0.5), p95: quantile(counts, 0.95), p99: quantile(counts, 0.99), counts };
}
