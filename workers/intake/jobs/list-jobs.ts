import { createRoute, z } from "@hono/zod-openapi";
import { viewJob } from "../../../shared/api/job.ts";
import { commonErrors, isJobId, Job, jsonResponse, listOf, pageQuery } from "../../../shared/api/schemas.ts";
import { JOB_STATES } from "../../../shared/core/jobs/job-states.ts";
import { listJobs } from "../../../shared/db/jobs/list-jobs.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { originOf } from "../http/origin.ts";

const METADATA_FILTER = /^metadata\[(.+)\]$/;

const Query = z
	.object({
		...pageQuery,
		after: z.string().refine(isJobId, { error: "Must be the id of a job." }).optional(),
		status: z.enum(JOB_STATES).optional(),
		model: z.string().optional(),
		created_after: z.iso.datetime({ offset: true }).optional(),
		created_before: z.iso.datetime({ offset: true }).optional(),
	})
	// `metadata[key]=value`, any number of them; every other name is a mistake.
	.catchall(z.string())
	.superRefine((query, context) => {
		const known: string[] = ["limit", "after", "order", "status", "model", "created_after", "created_before"];
		for (const name of Object.keys(query)) {
			if (known.includes(name) || METADATA_FILTER.test(name)) continue;
			context.addIssue({ code: "custom", path: [name], message: "This parameter is not known here." });
		}
	});

const route = createRoute({
	method: "get",
	path: "/v1/jobs",
	tags: ["Jobs"],
	summary: "List jobs, newest first",
	description:
		"Filter by metadata with `metadata[key]=value`. A filter looks at 1,000 jobs a page at most, so that a page may be short and yet `has_more`: go on with `after=<next_after>`.",
	middleware: [requireKey("jobs:read")] as const,
	request: { query: Query },
	responses: {
		200: jsonResponse("One page.", listOf(Job).extend({ next_after: z.string().nullable() }).openapi("JobList")),
		...commonErrors,
	},
});

export const listJobsRoute = newApp().openapi(route, async (c) => {
	const { limit, after, order, status, model, created_after, created_before, ...rest } = c.req.valid("query");
	const metadata = Object.entries(rest).map(([name, value]) => [METADATA_FILTER.exec(name)?.[1] ?? "", String(value)]);
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
			metadata: Object.fromEntries(metadata),
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
