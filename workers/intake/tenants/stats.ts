import { createRoute } from "@hono/zod-openapi";
import { StatsBody } from "../../../shared/api/model.ts";
import { timestampOrNull } from "../../../shared/api/time.ts";
import { countJobs } from "../../../shared/db/jobs/count-jobs.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { commonErrors, jsonResponse, noQuery } from "../http/describe-route.ts";

const route = createRoute({
	operationId: "getStats",
	method: "get",
	path: "/v1/stats",
	tags: ["Usage"],
	summary: "Count jobs",
	description:
		"Of open jobs with a slot, and those that wait for a slot, a budget or a model, 1,000 are counted. Jobs that are due later and pending deliveries are as the last sweep counted them. Up to two seconds old.",
	middleware: [requireKey("jobs:read")] as const,
	request: { query: noQuery },
	responses: { 200: jsonResponse("The counts.", StatsBody), ...commonErrors },
});

export const statsRoute = newApp().openapi(route, async (c) => {
	const { db, runtime, recentStats } = c.env.services;
	const { tenantId } = c.var.caller;
	const counts = await recentStats.read(tenantId, runtime.now(), () => countJobs(db, tenantId));
	const { isCut, ...ended } = counts.ended;
	const { sampled } = counts;
	return c.json(
		{
			object: "stats" as const,
			open: counts.open.map(({ status, reason, jobs, isCut }) => ({
				status,
				status_reason: reason,
				jobs: { value: jobs, or_more: isCut },
			})),
			oldest_open_at: timestampOrNull(counts.oldestCreatedAt),
			due_later: { value: sampled.laterJobs, or_more: sampled.isCut },
			pending_deliveries: { value: sampled.pendingDeliveries, or_more: sampled.isCut },
			sampled_at: timestampOrNull(sampled.at),
			ended_today: counts.endedToday,
			ended_24h: { ...ended, or_more: isCut },
		},
		200,
	);
});
