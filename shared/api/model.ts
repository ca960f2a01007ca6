/** What a caller sees of its work at a glance: models, as OpenAI's list has them, and open work, now and over time. */
import { z } from "@hono/zod-openapi";
import type { BacklogRow } from "../core/tenants/backlog.ts";
import { quantile, type UsageBucket } from "../core/tenants/usage.ts";
import type { ModelState } from "../core/upstreams/breaker.ts";
import { after, listOf } from "./page.ts";
import { time, timeInput, timestamp, timestampOrNull } from "./time.ts";

/** A number that is counted up to a limit. */
export const Count = z
	.object({ value: z.number().int(), or_more: z.boolean().describe("True: counting stopped at `value`.") })
	.openapi("Count");

const Recent = z
	.object({
		jobs: z.number().int(),
		failure_rate: z.number().describe("The share of them that failed or expired, from 0 to 1."),
		p50: z.number().nullable().describe("Seconds from a job's first start to its final state. Null: none was started."),
		p95: z.number().nullable(),
	})
	.describe("Jobs of this tenant that became final in this hour and the one before. Null: none.");

export const ModelBody = z
	.object({
		id: z.string(),
		object: z.literal("model"),
		created: z.number().int().describe("Unknown, and always 0: OpenAI's clients require it."),
		owned_by: z.string().describe("The provider that serves the model."),
		state: z
			.string()
			.describe(
				"`healthy`; `throttled`, `blocked` or `unavailable`: no call starts before `until`; `recovering`: a few calls may start. Further values may follow.",
			),
		until: time.nullable(),
		permits: z.number().int().nullable().describe("How many calls may start now. Null: any number."),
		trips: z.number().int().describe("How often in a row calls were stopped."),
		parked_jobs: Count.describe("Jobs of this tenant that wait for the model."),
		recent: Recent.nullable(),
	})
	.openapi("Model");

export const ModelList = listOf(ModelBody).openapi("ModelList");

interface Model extends ModelState {
	name: string;
	provider: string;
	parkedJobs: number;
	/** Not all parked jobs were counted. */
	isCut: boolean;
	/** Undefined: no job of it became final. */
	recent: UsageBucket | undefined;
}

export function viewModel(model: Model): z.infer<typeof ModelBody> {
	return {
		id: model.name,
		object: "model",
		created: 0,
		owned_by: model.provider,
		state: model.state,
		until: timestampOrNull(model.openUntil),
		permits: model.permits,
		trips: model.trips,
		parked_jobs: { value: model.parkedJobs, or_more: model.isCut },
		recent: viewRecent(model.recent),
	};
}

function viewRecent(used: UsageBucket | undefined): z.infer<typeof Recent> | null {
	if (used === undefined) return null;
	const { jobs, ends } = used;
	return {
		jobs,
		failure_rate: jobs === 0 ? 0 : ((ends?.failed ?? 0) + (ends?.expired ?? 0)) / jobs,
		p50: quantile(ends?.run ?? [], 0.5),
		p95: quantile(ends?.run ?? [], 0.95),
	};
}

export const StatsBody = z
	.object({
		object: z.literal("stats"),
		open: z
			.array(z.object({ status: z.string(), status_reason: z.string().nullable(), jobs: Count }))
			.describe(
				"Running jobs, those about to run, and those that wait for a slot, a budget or a model: by status and reason.",
			),
		oldest_open_at: time
			.nullable()
			.describe("When the oldest of these jobs was created. Null if there is none, or one `or_more` is true."),
		due_later: Count,
		pending_deliveries: Count,
		sampled_at: time
			.nullable()
			.describe(
				"When the sweeper, once a minute, counted the two before: jobs that wait for their `run_at` or for a retry of more than a minute, and deliveries that are not settled. Null: there was no open work, unless `or_more` is true.",
			),
		ended_today: z
			.object({ jobs: z.number().int(), succeeded: z.number().int() })
			.describe("Jobs that became final on this UTC day, in any state."),
		ended_24h: z
			.object({
				succeeded: z.number().int(),
				failed: z.number().int(),
				cancelled: z.number().int(),
				expired: z.number().int(),
				or_more: z
					.boolean()
					.describe("True: more models were used than are counted. The oldest hours are left out first."),
			})
			.describe("Jobs that became final in this hour and the 23 before."),
	})
	.openapi("Stats");

/** A day of minutes. */
export const BACKLOG_ROWS_MAX = 1_440;

const count = z.number().int();

export const BacklogSampleBody = z
	.object({
		id: z.string().describe("The same as `start_at`."),
		object: z.literal("backlog_sample"),
		start_at: time.describe("When the minute or the hour begins."),
		sampled_at: time.describe("When it was counted last."),
		open_jobs: count.describe("Queued and running. Of an hour, each number is the most that was counted."),
		parked_jobs: count.describe("Those that wait for a slot, a budget or a model."),
		later_jobs: count.describe("Those that wait for their `run_at`, or for a retry of more than a minute."),
		oldest_waiting_seconds: z
			.number()
			.describe("How long the queued job that has been due for the longest had waited. 0: none was due."),
		pending_deliveries: count,
		or_more: z
			.boolean()
			.describe("True: there was more open work than the sweeper counts, so the numbers may be too low."),
	})
	.openapi("BacklogSample");

export const BacklogList = listOf(BacklogSampleBody).openapi("BacklogList");

export const backlogQuery = z.strictObject({
	since: timeInput
		.transform((text) => Date.parse(text))
		.optional()
		.describe("The first time. By default, a day ago by the minute, and 30 days by the hour."),
	bucket: z
		.enum(["minute", "hour"], { error: "Must be minute or hour." })
		.default("minute")
		.describe("Minutes are kept for 7 days, hours for 90."),
	limit: z
		.string()
		.regex(/^([1-9]\d{0,2}|1[0-3]\d\d|14[0-3]\d|1440)$/, { error: "Must be a whole number from 1 to 1440." })
		.transform(Number)
		.default(BACKLOG_ROWS_MAX)
		.openapi({ type: "integer", minimum: 1, maximum: BACKLOG_ROWS_MAX, default: BACKLOG_ROWS_MAX }),
	after: after((id) => time.safeParse(id).success, "Must be the id of a sample, such as 2026-01-02T03:04:00.000Z."),
});

export function viewBacklogSample(row: BacklogRow): z.infer<typeof BacklogSampleBody> {
	const start = timestamp(row.startAt);
	return {
		id: start,
		object: "backlog_sample",
		start_at: start,
		sampled_at: timestamp(row.sampledAt),
		open_jobs: row.openJobs,
		parked_jobs: row.parkedJobs,
		later_jobs: row.laterJobs,
		oldest_waiting_seconds: row.oldestMs / 1_000,
		pending_deliveries: row.pendingDeliveries,
		or_more: row.isCut,
	};
}
