import { createRoute } from "@hono/zod-openapi";
import { BacklogList, backlogQuery, viewBacklogSample } from "../../../shared/api/model.ts";
import { pageOf } from "../../../shared/api/page.ts";
import { listBacklog } from "../../../shared/db/tenants/backlog.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { commonErrors, jsonResponse } from "../http/describe-route.ts";

const DAY_MS = 86_400_000;

const route = createRoute({
	operationId: "listBacklog",
	method: "get",
	path: "/v1/backlog",
	tags: ["Usage"],
	summary: "List open work by time",
	description:
		"How many jobs and deliveries were open, and how long the oldest waited, as the sweeper counts once a minute; oldest first. Times without open work are left out, but for the one at which it ended.",
	middleware: [requireKey("jobs:read")] as const,
	request: { query: backlogQuery },
	responses: { 200: jsonResponse("One page.", BacklogList), ...commonErrors },
});

export const backlogRoute = newApp().openapi(route, async (c) => {
	const { since, bucket, limit, after } = c.req.valid("query");
	const isByMinute = bucket === "minute";
	const rows = await listBacklog(c.env.services.db, {
		tenantId: c.var.caller.tenantId,
		minutes: isByMinute ? 1 : 60,
		since: after === undefined ? (since ?? null) : Date.parse(after) + 1,
		agoMs: isByMinute ? DAY_MS : 30 * DAY_MS,
		limit: limit + 1,
	});
	return c.json(pageOf(rows.map(viewBacklogSample), limit), 200);
});
