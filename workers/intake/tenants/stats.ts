import { createRoute } from "@hono/zod-openapi";
import { StatsBody } from "../../../shared/api/model.ts";
import { timestampOrNull } from "../../../shared/api/time.ts";
import { hoursBefore, type UsageRow } from "../../../shared/core/tenants/usage.ts";
import { countJobs } from "../../../shared/db/jobs/count-jobs.ts";
import { listUsage } from "../../../shared/db/tenants/list-usage.ts";
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

/** A day of forty models. */
const ENDED_ROWS_MAX = 1_000;

export const statsRoute = newApp().openapi(route, async (c) => {
	const { db, runtime } = c.env.services;
	const { tenantId } = c.var.caller;
	const lastDay = {
		...{ tenantId, from: null, to: null, isAscending: true, rowsMax: ENDED_ROWS_MAX, hoursOfUnit: 1 as const },
		after: hoursBefore(runtime.now(), 24),
	};
	const [{ open, oldestCreatedAt, endedToday }, { rows, isCut }] = await Promise.all([
		countJobs(db, tenantId),
		listUsage(db, lastDay),
	]);
	const sumOf = (count: (row: UsageRow) => number | undefined) => rows.reduce((sum, row) => sum + (count(row) ?? 0), 0);
	return c.json(
		{
			object: "stats" as const,
			open: open.map(({ status, status_reason, jobs, ...group }) => ({
				status,
				status_reason,
				jobs: { value: jobs, or_more: group.isCut },
			})),
			oldest_open_at: timestampOrNull(oldestCreatedAt),
			ended_today: endedToday,
			ended_24h: {
				succeeded: sumOf(({ succeeded }) => succeeded),
				failed: sumOf(({ ends }) => ends?.failed),
				cancelled: sumOf(({ ends }) => ends?.cancelled),
				expired: sumOf(({ ends }) => ends?.expired),
				or_more: isCut,
			},
		},
		200,
	);
});
