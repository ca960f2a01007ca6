/** Lists a tenant's jobs in the order of their ids, which sort by time. */

import { smallestIdAt } from "../../core/ids.ts";
import type { JobSummary } from "../../core/jobs/job.ts";
import type { JobState } from "../../core/jobs/job-states.ts";
import type { Database } from "../database.ts";
import { JOB_SUMMARY_COLUMNS, jobSummaryFromRow } from "./job-row.ts";

/** How many jobs a page reads at most: a filter that few jobs match gives short pages, not slow ones. */
const ROWS_LOOKED_AT_MAX = 1_000;

/** Ids and `created_at` come from different clocks, so bounds on ids leave this much room. */
const CLOCKS_APART_MS = 3_600_000;

export interface JobFilter {
	status: JobState | null;
	model: string | null;
	createdAfter: number | null;
	createdBefore: number | null;
	metadata: Record<string, string>;
}

export interface JobPage {
	jobs: JobSummary[];
	hasMore: boolean;
	/** Where the next page starts: the last id read, which need not be the last one on the page. */
	nextAfter: string | null;
}

export async function listJobs(
	db: Database,
	query: { tenantId: string; filter: JobFilter; limit: number; after: string | null; order: "asc" | "desc" },
): Promise<JobPage> {
	const rows = await db.all<{ id: string; is_match: number; looked_at: number }>("list jobs", listStatement(query));
	const matching = rows.filter((row) => row.is_match === 1);
	const page = matching.slice(0, query.limit);
	const isFull = matching.length > query.limit;
	const lookedAtAll = (rows[0]?.looked_at ?? 0) < ROWS_LOOKED_AT_MAX;
	const lastSeen = isFull ? page.at(-1)?.id : rows.at(-1)?.id;
	const hasMore = isFull || !lookedAtAll;
	return { jobs: page.map(jobSummaryFromRow), hasMore, nextAfter: hasMore ? (lastSeen ?? null) : null };
}

/** The rows that match, and the last one read, whether it matches or not. */
function listStatement(query: Parameters<typeof listJobs>[1]) {
	const { filter, order } = query;
	const isAscending = order === "asc";
	const lower = filter.createdAfter === null ? "" : smallestIdAt("job", filter.createdAfter - CLOCKS_APART_MS);
	const upper = filter.createdBefore === null ? "job`" : smallestIdAt("job", filter.createdBefore + CLOCKS_APART_MS);
	const direction = isAscending ? "ASC" : "DESC";
	return {
		sql: `WITH looked AS MATERIALIZED (
			SELECT ${JOB_SUMMARY_COLUMNS},
			       (?5 IS NULL OR status = ?5) AND (?6 IS NULL OR model = ?6)
			   AND (?7 IS NULL OR created_at > ?7) AND (?8 IS NULL OR created_at < ?8)
			   AND NOT EXISTS (SELECT 1 FROM json_each(?9) AS wanted
			                    WHERE (SELECT value FROM json_each(jobs.metadata) WHERE key = wanted.key) IS NOT wanted.value)
			       AS is_match
			  FROM jobs
			 WHERE tenant_id = ?1 AND id > ?2 AND id < ?3
			 ORDER BY id ${direction} LIMIT ${hasFilter(filter) ? ROWS_LOOKED_AT_MAX : "?4"})
		SELECT *, (SELECT count(*) FROM looked) AS looked_at FROM looked
		 WHERE is_match OR id = (SELECT ${isAscending ? "max" : "min"}(id) FROM looked)
		 ORDER BY id ${direction} LIMIT ?4`,
		params: [
			query.tenantId,
			isAscending ? later(lower, query.after) : lower,
			isAscending ? upper : earlier(upper, query.after),
			// One more: if it matches, there is a next page; if not, it is the last row read.
			query.limit + 1,
			filter.status,
			filter.model,
			filter.createdAfter,
			filter.createdBefore,
			JSON.stringify(filter.metadata),
		],
	};
}

function hasFilter(filter: JobFilter): boolean {
	const { status, model, createdAfter, createdBefore, metadata } = filter;
	return (
		[status, model, createdAfter, createdBefore].some((value) => value !== null) || Object.keys(metadata).length > 0
	);
}

function later(bound: string, after: string | null): string {
	return after !== null && after > bound ? after : bound;
}

function earlier(bound: string, after: string | null): string {
	return after !== null && after < bound ? after : bound;
}
