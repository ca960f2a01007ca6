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
		"Of open jobs, 1,000 with a slot and 1,000 that wait for a slot, a budget or a model are counted. Jobs that are due later are left out.",
	middleware: [requireKey("jobs:read")] as const,
	request: { query: noQuery },
	responses: { 200: jsonResponse("The counts.", StatsBody), ...commonErrors },
});

export const statsRoute = newApp().openapi(route, async (c) => {
	const { open, oldestCreatedAt, endedToday } = await countJobs(c.env.services.db, c.var.caller.tenantId);
	return c.json(
		{
			object: "stats" as const,
			open: open.map(({ status, status_reason, jobs, isCut }) => ({
				status,
				status_reason,
				jobs: { value: jobs, or_more: isCut },
			})),
			oldest_open_at: timestampOrNull(oldestCreatedAt),
			ended_today: endedToday,
		},
		200,
	);
});
