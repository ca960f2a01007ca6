import { createRoute, z } from "@hono/zod-openapi";
import { commonErrors, jsonResponse, listOf, pageOf, pageQuery } from "../../../shared/api/schemas.ts";
import type { UsageDay } from "../../../shared/core/tenants/usage-day.ts";
import { listUsage } from "../../../shared/db/tenants/list-usage.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";

const tokens = z.number().int();

const UsageDayView = z
	.object({
		id: z.string().describe("The day and the model: `2026-01-02:openai/gpt-5.5`."),
		object: z.literal("usage"),
		date: z.iso.date(),
		model: z.string().describe("That answered, or was asked last."),
		jobs: z.number().int().describe("That ended on this day, however they did."),
		succeeded: z.number().int(),
		prompt_tokens: tokens,
		completion_tokens: tokens,
		total_tokens: tokens.describe("Of all attempts. What a provider did not report is not counted."),
	})
	.openapi("UsageDay");

const LAST_SEEN = /^(\d{4}-\d{2}-\d{2}):(.+)$/s;

const date = z.iso.date({ error: "Must be a day such as 2026-01-02." });

const Query = z.strictObject({
	limit: pageQuery.limit,
	order: pageQuery.order,
	after: z
		.string()
		.refine((id) => date.safeParse(LAST_SEEN.exec(id)?.[1]).success, {
			error: "Must be the id of a row: `<day>:<model>`.",
		})
		.optional()
		.describe("The last id of the page before."),
	from: date.optional().describe("The first UTC day. Thirty days up to the last one by default."),
	to: date.optional().describe("The last UTC day. Today by default."),
});

const route = createRoute({
	method: "get",
	path: "/v1/usage",
	tags: ["Usage"],
	summary: "See what jobs used, by UTC day and model, newest first",
	description: "Added up as jobs end, and kept when they are erased. Days on which none ended are left out.",
	middleware: [requireKey("usage:read")] as const,
	request: { query: Query },
	responses: { 200: jsonResponse("One page.", listOf(UsageDayView).openapi("UsageList")), ...commonErrors },
});

export const usageRoute = newApp().openapi(route, async (c) => {
	const { limit, after, order, from = null, to = null } = c.req.valid("query");
	const [, lastDate, lastModel] = LAST_SEEN.exec(after ?? "") ?? [];
	const found = await listUsage(c.env.services.db, {
		tenantId: c.var.caller.tenantId,
		from,
		to,
		after: lastDate === undefined || lastModel === undefined ? null : { date: lastDate, model: lastModel },
		isAscending: order === "asc",
		limit: limit + 1,
	});
	return c.json(pageOf(found.map(viewUsageDay), limit), 200);
});

function viewUsageDay(usage: UsageDay): z.infer<typeof UsageDayView> {
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
	};
}
