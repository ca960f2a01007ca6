import { createRoute } from "@hono/zod-openapi";
import { JobList, jobsQuery, metadataFilter, viewJob } from "../../../shared/api/job.ts";
import { listJobs } from "../../../shared/db/jobs/list-jobs.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { commonErrors, jsonResponse } from "../http/describe-route.ts";
import { originOf } from "../http/headers.ts";

const route = createRoute({
	operationId: "listJobs",
	method: "get",
	path: "/v1/jobs",
	tags: ["Jobs"],
	summary: "List jobs, newest first",
	description:
		"Filter by metadata with `metadata[key]=value`. Up to four such filters. With a filter, a page reads at most 1,000 jobs, with metadata filters 1,000 / (1 + filters), so it may be short while `has_more` is true. Continue with `after=<next_after>`.",
	middleware: [requireKey("jobs:read")] as const,
	request: { query: jobsQuery },
	responses: {
		200: jsonResponse("One page of jobs.", JobList),
		...commonErrors,
	},
});

export const listJobsRoute = newApp().openapi(route, async (c) => {
	const { limit, after, order, status, model, created_after, created_before, ...rest } = c.req.valid("query");
	const page = await listJobs(c.env.services.db, {
		tenantId: c.var.caller.tenantId,
		limit,
		after: after ?? null,
		order,
		filter: {
			status: status ?? null,
			model: model ?? null,
			createdAfter: created_after === undefined ? null : Date.parse(created_after),
			createdBefore: created_before === undefined ? null : Date.parse(created_before),
			metadata: metadataFilter(rest),
		},
	});
	const data = page.jobs.map((job) => viewJob(job, originOf(c)));
	return c.json(
		{
			object: "list" as const,
			data,
			has_more: page.hasMore,
			first_id: data[0]?.id ?? null,
			last_id: data.at(-1)?.id ?? null,
			next_after: page.nextAfter,
		},
		200,
	);
});
