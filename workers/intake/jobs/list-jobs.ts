import { createRoute, type z } from "@hono/zod-openapi";
import {
	JobList,
	jobsQuery,
	LISTED_RESULT_BYTES_MAX,
	LISTED_RESULTS_BYTES_MAX,
	metadataFilter,
	viewJob,
} from "../../../shared/api/job.ts";
import type { JobSummary } from "../../../shared/core/jobs/job.ts";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import { type JobFilter, listJobs } from "../../../shared/db/jobs/list-jobs.ts";
import type { ObjectStore } from "../../../shared/storage/object-store.ts";
import { openResult } from "../../../shared/storage/results.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { commonErrors, jsonResponse } from "../http/describe-route.ts";
import { originOf } from "../http/headers.ts";
import { jsonOf, type Stored, spliced, splicedList } from "./spliced-json.ts";

const route = createRoute({
	operationId: "listJobs",
	method: "get",
	path: "/v1/jobs",
	tags: ["Jobs"],
	summary: "List jobs, newest first",
	description:
		"Filter by metadata with `metadata[key]=value`. Up to four such filters. With a filter, a page reads at most 1,000 jobs, with metadata filters 1,000 / (1 + filters), so it may be short while `has_more` is true. Continue with `after=<next_after>`. `include=result` adds the stored completions.",
	middleware: [requireKey("jobs:read")] as const,
	request: { query: jobsQuery },
	responses: {
		200: jsonResponse("One page of jobs.", JobList),
		...commonErrors,
	},
});

export const listJobsRoute = newApp().openapi(route, async (c) => {
	const query = c.req.valid("query");
	const { limit, after = null, order } = query;
	const page = await listJobs(c.env.services.db, {
		tenantId: c.var.caller.tenantId,
		limit,
		after,
		order,
		filter: filterOf(query),
	});
	const data = page.items.map((job) => viewJob(job, originOf(c), c.env.services.config.modelPrices));
	const paging = {
		has_more: page.hasMore,
		first_id: data[0]?.id ?? null,
		last_id: data.at(-1)?.id ?? null,
		next_after: page.nextAfter,
	};
	if (query.include === undefined) return c.json({ object: "list" as const, data, ...paging }, 200);
	const results = await openResults(c.env.services.objects, page.items);
	const jobs = data.map((job, at) => spliced(job, { result: results[at] ?? null }));
	return jsonOf<z.infer<typeof JobList>>(c, spliced({ object: "list", ...paging }, { data: splicedList(jobs) }));
});

function filterOf(query: z.infer<typeof jobsQuery>): JobFilter {
	return {
		statuses: query.status ?? null,
		statusReason: query.status_reason ?? null,
		model: query.model ?? null,
		retryOf: query.retry_of ?? null,
		door: query.door ?? null,
		isStored: null,
		createdAfter: timeIn(query.created_after),
		createdBefore: timeIn(query.created_before),
		finishedAfter: timeIn(query.finished_after),
		finishedBefore: timeIn(query.finished_before),
		metadata: metadataFilter(query),
	};
}

const timeIn = (text: string | undefined) => (text === undefined ? null : Date.parse(text));

/** The results that a list may show, in the order of their jobs. Null: there is none, or it is too large. */
async function openResults(objects: ObjectStore, jobs: JobSummary[]): Promise<(Stored[] | null)[]> {
	const results: (Stored[] | null)[] = [];
	let left = LISTED_RESULTS_BYTES_MAX;
	for (const job of jobs) {
		const size = job.resultBytes ?? Number.POSITIVE_INFINITY;
		const isListed = size <= Math.min(LISTED_RESULT_BYTES_MAX, left);
		const open = async () => (await openResult(objects, job, null)) ?? utf8("null");
		// The first is opened at once: while R2 is down, the response is an error, not a part of a list.
		const isFirst = left === LISTED_RESULTS_BYTES_MAX;
		results.push(isListed ? [isFirst ? await open() : open] : null);
		if (isListed) left -= size;
	}
	return results;
}
