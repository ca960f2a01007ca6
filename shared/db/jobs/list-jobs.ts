/** Lists a tenant's jobs in the order of their ids, which sort by time. */

import { smallestIdAt, timeOf } from "../../core/ids.ts";
import type { Door, JobSummary } from "../../core/jobs/job.ts";
import type { JobState } from "../../core/jobs/job-states.ts";
import { type Page, pageFrom, pageStatement, type Row } from "../bounded-page.ts";
import type { Database, Statement } from "../database.ts";
import { JOB_SUMMARY_COLUMNS, jobSummaryFromRow } from "./job-row.ts";

/** How many jobs a page reads at most. */
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
	door: Door | null;
	/** Whether their callers asked for them to be stored. Null: whatever they said. */
	isStored: boolean | null;
	metadata: Record<string, string>;
}

export async function listJobs(
	db: Database,
	query: { tenantId: string; filter: JobFilter; limit: number; after: string | null; order: "asc" | "desc" },
): Promise<Page<JobSummary>> {
	const rows = await db.all<Row>("list jobs", listStatement(query));
	return pageFrom(rows, { limit: query.limit, rowsMax: rowsLookedAt(query.filter) }, jobSummaryFromRow);
}

function listStatement(query: Parameters<typeof listJobs>[1]): Statement {
	const { filter, order } = query;
	const isAscending = order === "asc";
	const { lower, upper } = boundsOf(filter);
	const params = [
		query.tenantId,
		isAscending ? later(lower, query.after) : lower,
		isAscending ? upper : earlier(upper, query.after),
		query.limit + 1,
	];
	const [index = null, condition = ""] = isOfFailed(filter.statuses) ? FAILED : [];
	const listing = {
		...({ table: "jobs", columns: JOB_SUMMARY_COLUMNS, index, limit: "?4", rowsMax: rowsLookedAt(filter) } as const),
		where: `tenant_id = ?1 AND id > ?2 AND id < ?3 ${condition}`,
		order: isAscending ? "id ASC" : "id DESC",
		lastId: isAscending ? "max(id)" : "min(id)",
	};
	if (!hasFilter(filter)) return pageStatement({ ...listing, matches: null }, params);
	return pageStatement({ ...listing, matches: MATCHES }, [...params, ...paramsOf(filter)]);
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
const FAILED = ["jobs_failed", "AND status IN ('failed', 'expired')"];

function isOfFailed(statuses: JobState[] | null): boolean {
	return statuses?.every((status) => status === "failed" || status === "expired") ?? false;
}

/** Parses a row's metadata once. */
const MATCHES = `(?5 IS NULL OR instr(?5, ' ' || status || ' ') > 0) AND (?6 IS NULL OR status_reason = ?6)
	AND (?7 IS NULL OR model = ?7) AND (?8 IS NULL OR retry_of = ?8)
	AND (?9 IS NULL OR created_at > ?9) AND (?10 IS NULL OR created_at < ?10)
	AND (?11 IS NULL OR finished_at > ?11) AND (?12 IS NULL OR finished_at < ?12)
	AND (?15 IS NULL OR door = ?15) AND (?16 IS NULL OR coalesce(store, 0) = ?16)
	AND (?14 = 0 OR ?14 = (SELECT count(*) FROM json_each(jobs.metadata)
	                        WHERE (key, value) IN (SELECT key, value FROM json_each(?13))))`;

/** ?5 to ?16. */
function paramsOf({ statuses, metadata, ...wanted }: JobFilter): Statement["params"] {
	return [
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
		wanted.door,
		wanted.isStored === null ? null : Number(wanted.isStored),
	];
}

/** Both states of that index: nothing of it is left out, so a page need not look further than its end. */
const isAllOfFailed = (statuses: JobState[] | null) => isOfFailed(statuses) && new Set(statuses).size === 2;

function hasFilter({ metadata, statuses, ...filter }: JobFilter): boolean {
	if (statuses !== null && !isAllOfFailed(statuses)) return true;
	return Object.values(filter).some((value) => value !== null) || Object.keys(metadata).length > 0;
}

function later(bound: string, after: string | null): string {
	return after !== null && after > bound ? after : bound;
}

function earlier(bound: string, after: string | null): string {
	return after !== null && after < bound ? after : bound;
}
