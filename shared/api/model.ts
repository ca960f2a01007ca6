/** What a caller sees of its work at a glance: models, as OpenAI's list has them, and counts of jobs. */
import { z } from "@hono/zod-openapi";
import { quantile, type UsageBucket } from "../core/tenants/usage.ts";
import type { ModelState } from "../core/upstreams/breaker.ts";
import { listOf } from "./page.ts";
import { time, timestampOrNull } from "./time.ts";

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
		ended_today: z
			.object({ jobs: z.number().int(), succeeded: z.number().int() })
			.describe("Jobs that became final on this UTC day, in any state."),
		ended_24h: z
			.object({
				succeeded: z.number().int(),
				failed: z.number().int(),
				cancelled: z.number().int(),
				expired: z.number().int(),
				or_more: z.boolean().describe("True: more models were used than are counted."),
			})
			.describe("Jobs that became final in this hour and the 23 before."),
	})
	.openapi("Stats");
