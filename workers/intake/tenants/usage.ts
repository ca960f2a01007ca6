import { createRoute, z } from "@hono/zod-openapi";
import { pageOf } from "../../../shared/api/page.ts";
import {
	UsageBucketList,
	UsageList,
	usageCursor,
	usageQuery,
	viewUsageBucket,
	viewUsageDay,
} from "../../../shared/api/usage.ts";
import { costOf } from "../../../shared/core/model-prices.ts";
import { addUp, type UsageBucket } from "../../../shared/core/tenants/usage.ts";
import { listUsage } from "../../../shared/db/tenants/list-usage.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { commonErrors, jsonResponse } from "../http/describe-route.ts";

const route = createRoute({
	operationId: "listUsage",
	method: "get",
	path: "/v1/usage",
	tags: ["Usage"],
	summary: "List usage by time and model",
	description:
		"By UTC day and model, newest first. With `bucket` or `group_by`, by hour or day, with all final states and with histograms of how long jobs waited and ran. A job is counted when it becomes final, and stays counted when it is erased. Times without final jobs are left out; hours are known from migration `0019_count_usage_by_hour.sql` on. A page may be short while `has_more` is true: continue with `after=<last_id>`.",
	middleware: [requireKey("usage:read")] as const,
	request: { query: usageQuery },
	responses: { 200: jsonResponse("One page.", z.union([UsageList, UsageBucketList])), ...commonErrors },
});

/** Unless the query says how many. */
const DAYS_MAX = 20;
const BUCKETS_MAX = 1_000;

export const usageRoute = newApp().openapi(route, async (c) => {
	const { db, config } = c.env.services;
	const { limit, after, order, from = null, to = null, bucket, group_by } = c.req.valid("query");
	const areDays = bucket === undefined && group_by === undefined;
	const hours = bucket === "hour" ? 1 : 24;
	const isAscending = order === "asc";
	const { rows, isCut } = await listUsage(db, {
		tenantId: c.var.caller.tenantId,
		from,
		to,
		after: after === undefined ? null : usageCursor(after),
		isAscending,
		rowsMax: null,
		hoursOfUnit: hours,
	});
	const found = addUp(rows, {
		hours,
		byModel: areDays || group_by === "model",
		costOf: (row) => costOf(config.modelPrices, row.model, row),
	}).sort(isAscending ? inOrder : (a, b) => inOrder(b, a));
	if (!areDays) {
		const shown = wholeOnes(found, limit ?? BUCKETS_MAX);
		const page = pageOf(shown.map(viewUsageBucket), shown.length);
		return c.json({ ...page, has_more: isCut || shown.length < found.length }, 200);
	}
	const page = pageOf(
		found.map(({ model, ...usage }) => viewUsageDay({ ...usage, model: model ?? "" })),
		limit ?? DAYS_MAX,
	);
	return c.json({ ...page, has_more: page.has_more || isCut }, 200);
});

/** As many as fit of those that begin together, or all of the first. A page goes on after the last one's time. */
function wholeOnes(found: UsageBucket[], limit: number): UsageBucket[] {
	const next = found[limit];
	if (next === undefined) return found;
	const whole = found.slice(0, limit).filter(({ startAt }) => startAt !== next.startAt);
	return whole.length > 0 ? whole : found.filter(({ startAt }) => startAt === next.startAt);
}

function inOrder(a: UsageBucket, b: UsageBucket): number {
	return a.startAt - b.startAt || compare(a.model ?? "", b.model ?? "");
}

/** As the database sorts them. */
function compare(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}
