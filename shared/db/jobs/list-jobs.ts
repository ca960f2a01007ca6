/** Lists a tenant's jobs in the order of their ids, which sort by time. */

import { smallestIdAt, timeOf } from "../../core/ids.ts";
import type { JobSummary } from "../../core/jobs/job.ts";
import type { JobState } from "../../core/jobs/job-states.ts";
import type { Database, Statement } from "../database.ts";
import { JOB_SUMMARY_COLUMNS, jobSummaryFromRow } from "./job-row.ts";

/** How many jobs a page reads at most: a filter that few jobs match gives short pages, not slow ones. */
const ROWS_LOOKED_AT_MAX = 1_000;

/** Each metadata filter makes a row more costly. */
const rowsLookedAt = ({ metadata }: JobFilter) => Math.floor(ROWS_LOOKED_AT_MAX / (1 + Object.keys(metadata).length));

/** Ids and `created_at` come from different clocks, so bounds on ids leave this much room. */
const CLOCKS_APART_MS = 3_600_000;

export interface JobFilter {
	/** Null: in any state. */
	statuses: JobState[] | null;
	statusReason: string | null;
	model: string | null;
	retryOf: string | null;
	createdAfter: number | null;
	createdBefore: number | null;
	finishedAfter: number | null;
	finishedBefore: number | null;
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
	const lookedAtAll = (rows[0]?.looked_at ?? 0) < rowsLookedAt(query.filter);
	const lastSeen = isFull ? page.at(-1)?.id : rows.at(-1)?.id;
	const hasMore = isFull || !lookedAtAll;
	return { jobs: page.map(jobSummaryFromRow), hasMore, nextAfter: hasMore ? (lastSeen ?? null) : null };
}

/** The rows that match, and the last one looked at, whether it matches or not. */
function listStatement(query: Parameters<typeof listJobs>[1]): Statement {
	const { filter, order } = query;
	const isAscending = order === "asc";
	const { lower, upper } = boundsOf(filter);
	const params = [
		query.tenantId,
		isAscending ? later(lower, query.after) : lower,
		isAscending ? upper : earlier(upper, query.after),
		// One more: if it matches, there is a next page; if not, it is the last row looked at.
		query.limit + 1,
	];
	const direction = isAscending ? "ASC" : "DESC";
	if (hasFilter(filter)) return filtered(filter, direction, params);
	return {
		sql: `SELECT ${JOB_SUMMARY_COLUMNS}, 1 AS is_match, 0 AS looked_at FROM jobs
		       WHERE tenant_id = ?1 AND id > ?2 AND id < ?3 ORDER BY id ${direction} LIMIT ?4`,
		params,
	};
}

/** Of the ids that may pass: a job is created after the job that it retries, and before it is final. */
function boundsOf({ createdAfter, createdBefore, finishedBefore, retryOf }: JobFilter) {
	const after = [createdAfter, retryOf === null ? null : timeOf(retryOf)].filter((time) => time !== null);
	const before = [createdBefore, finishedBefore].filter((time) => time !== null);
	return {
		lower: after.length === 0 ? "" : smallestIdAt("job", Math.max(...after) - CLOCKS_APART_MS),
		upper: before.length === 0 ? "job`" : smallestIdAt("job", Math.min(...before) + CLOCKS_APART_MS),
	};
}

/** What narrows a page to the index of the jobs that went wrong: it looks at no others. */
const FAILED = ["INDEXED BY jobs_failed", "AND status IN ('failed', 'expired')"];

function isOfFailed(statuses: JobState[] | null): boolean {
	return statuses?.every((status) => status === "failed" || status === "expired") ?? false;
}

/** Looks at ids and filtered columns only, and parses a row's metadata once. The rows of the page alone are read whole. */
function filtered(filter: JobFilter, direction: "ASC" | "DESC", params: Statement["params"]): Statement {
	const { statuses, metadata, ...wanted } = filter;
	const [index = "", condition = ""] = isOfFailed(statuses) ? FAILED : [];
	return {
		sql: `WITH wanted AS MATERIALIZED (SELECT key, value FROM json_each(?13)),
		looked AS MATERIALIZED (
			SELECT id,
			       (?5 IS NULL OR instr(?5, ' ' || status || ' ') > 0) AND (?6 IS NULL OR status_reason = ?6)
			   AND (?7 IS NULL OR model = ?7) AND (?8 IS NULL OR retry_of = ?8)
			   AND (?9 IS NULL OR created_at > ?9) AND (?10 IS NULL OR created_at < ?10)
			   AND (?11 IS NULL OR finished_at > ?11) AND (?12 IS NULL OR finished_at < ?12)
			   AND (?14 = 0 OR ?14 = (SELECT count(*) FROM json_each(jobs.metadata) WHERE (key, value) IN wanted))
			       AS is_match
			  FROM jobs ${index}
			 WHERE tenant_id = ?1 AND id > ?2 AND id < ?3 ${condition}
			 ORDER BY id ${direction} LIMIT ${rowsLookedAt(filter)}),
		seen AS MATERIALIZED (SELECT count(*) AS looked_at, ${direction === "ASC" ? "max" : "min"}(id) AS last FROM looked),
		page AS MATERIALIZED (
			SELECT id, is_match, looked_at FROM seen CROSS JOIN looked WHERE is_match OR id = last
			 ORDER BY id ${direction} LIMIT ?4)
		SELECT ${JOB_SUMMARY_COLUMNS}, is_match, looked_at FROM page CROSS JOIN jobs USING (id)
		 WHERE tenant_id = ?1 ORDER BY id ${direction}`,
		params: [
			...params,
			statuses === null ? null : ` ${statuses.join(" ")} `,
			wanted.statusReason,
			wanted.model,
			wanted.retryOf,
			wanted.createdAfter,
			wanted.createdBefore,
			wanted.finishedAfter,
			wanted.finishedBefore,
			JSON.stringify(metadata),
			Object.keys(metadata).length,
		],
	};
}

function hasFilter({ metadata, ...filter }: JobFilter): boolean {
	return Object.values(filter).some((value) => value !== null) || Object.keys(metadata).length > 0;
}

function later(bound: string, after: string | null): string {
	return after !== null && after > bound ? after : bound;
}

function earlier(bound: string, after: string | null): string {
	return after !== null && after < bound ? after : bound;
}
