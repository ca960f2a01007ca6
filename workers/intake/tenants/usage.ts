import { createRoute } from "@hono/zod-openapi";
import { pageOf } from "../../../shared/api/page.ts";
import { parseUsageId, UsageList, usageQuery, viewUsageDay } from "../../../shared/api/usage.ts";
import { listUsage } from "../../../shared/db/tenants/list-usage.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { commonErrors, jsonResponse } from "../http/describe-route.ts";

const route = createRoute({
	operationId: "listUsage",
	method: "get",
	path: "/v1/usage",
	tags: ["Usage"],
	summary: "List usage by UTC day and model",
	description:
		"Newest first. A job is counted when it becomes final, and stays counted when it is erased. Days without final jobs are left out.",
	middleware: [requireKey("usage:read")] as const,
	request: { query: usageQuery },
	responses: { 200: jsonResponse("One page of days.", UsageList), ...commonErrors },
});

export const usageRoute = newApp().openapi(route, async (c) => {
	const { limit, after = "", order, from = null, to = null } = c.req.valid("query");
	const found = await listUsage(c.env.services.db, {
		tenantId: c.var.caller.tenantId,
		from,
		to,
		after: parseUsageId(after),
		isAscending: order === "asc",
		limit: limit + 1,
	});
	return c.json(pageOf(found.map(viewUsageDay), limit), 200);
});
