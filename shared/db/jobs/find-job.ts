/** Reads one job. */
import type { Job, JobKey, JobSummary, JobWithHistory } from "../../core/jobs/job.ts";
import type { JobState } from "../../core/jobs/job-states.ts";
import type { Database } from "../database.ts";
import { DELETED_TENANTS } from "../deleted-tenants.ts";
import {
	JOB_COLUMNS,
	JOB_HISTORY_COLUMNS,
	JOB_SUMMARY_COLUMNS,
	jobFromRow,
	jobSummaryFromRow,
	jobWithHistoryFromRow,
} from "./job-row.ts";

/** Signed links work without a key, so authentication does not stop those of a deleted tenant. */
const IS_SERVED = `tenant_id NOT IN ${DELETED_TENANTS}`;

/** For polls. Null: unknown, erased, or another tenant's, which look the same. */
export async function findJobSummary(db: Database, key: JobKey): Promise<JobSummary | null> {
	const row = await db.first("find job summary", {
		sql: `SELECT ${JOB_SUMMARY_COLUMNS} FROM jobs WHERE tenant_id = ?1 AND id = ?2 AND ${IS_SERVED}`,
		params: [key.tenantId, key.jobId],
	});
	return row === null ? null : jobSummaryFromRow(row);
}

export async function findJobWithHistory(db: Database, key: JobKey): Promise<JobWithHistory | null> {
	const row = await db.first("find job", {
		sql: `SELECT ${JOB_HISTORY_COLUMNS} FROM jobs WHERE tenant_id = ?1 AND id = ?2 AND ${IS_SERVED}`,
		params: [key.tenantId, key.jobId],
	});
	return row === null ? null : jobWithHistoryFromRow(row);
}

export async function findJobWithInput(db: Database, key: JobKey): Promise<Job | null> {
	const row = await db.first("find job with input", {
		sql: `SELECT ${JOB_COLUMNS} FROM jobs WHERE tenant_id = ?1 AND id = ?2 AND ${IS_SERVED}`,
		params: [key.tenantId, key.jobId],
	});
	return row === null ? null : jobFromRow(row);
}

/** Shows whether a holder's write with a lost response took effect. */
export interface LeaseState {
	status: JobState;
	fence: number;
	holder: string | null;
}

export async function findLeaseState(db: Database, key: JobKey): Promise<LeaseState | null> {
	return await db.first<LeaseState>("find lease state", {
		sql: "SELECT status, fence, holder FROM jobs WHERE tenant_id = ?1 AND id = ?2",
		params: [key.tenantId, key.jobId],
	});
}
