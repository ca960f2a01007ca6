/** Takes the right to run jobs: the one statement that starts a call, and that takes over from a holder who is gone. */
import { ATTEMPTS_KEPT } from "../core/attempts.ts";
import type { Job, JobKey } from "../core/job.ts";
import { type Database, NOW, type Statement, StorageUnavailable } from "./database.ts";
import { JOB_COLUMNS, jobFromRow } from "./job-row.ts";

export interface LeaseRequest {
	keys: JobKey[];
	/** Random per invocation: tells our leases from others' when the answer to this statement was lost. */
	holder: string;
	leaseMs: number;
	/** Is told of a row that no code of ours could have written, which is left out so that its neighbours run. */
	onUnreadable?: (error: unknown) => void;
}

/** What became of a key that was not leased. */
export type Missed = JobKey &
	/** Due in `waitMs`. */
	({ kind: "early"; waitMs: number } /** Held, parked, final, erased: nothing to do now. */ | { kind: "idle" });

/**
 * Leases what is due among `keys`, in one statement. The lease number grows by one: every later write of the holder is
 * guarded by it, so a holder whose lease was taken over can write nothing. A taken-over call stays counted and goes into
 * the history as `abandoned`. No number of deaths wears the statement out: past `max_attempts` no call is made, and the
 * count stays where it is until a holder lives to settle the job.
 */
export async function leaseJobs(db: Database, request: LeaseRequest): Promise<Job[]> {
	try {
		const [leased = []] = await db.batch([leaseStatement(db, request), sweepByLeaseEnd(request)]);
		return readable(leased, request);
	} catch (error) {
		if (!(error instanceof StorageUnavailable)) throw error;
		// The answer is lost, the leases may be ours all the same: read back what this very statement would have leased.
		return readable(await db.all(ownLeases(request)), request);
	}
}

function readable(rows: unknown[], { onUnreadable }: LeaseRequest): Job[] {
	return rows.flatMap((row) => {
		try {
			return [jobFromRow(row)];
		} catch (error) {
			if (onUnreadable === undefined) throw error;
			onUnreadable(error);
			return [];
		}
	});
}

/** Of a full history the second entry goes; the path `$.none` removes nothing. */
function leaseStatement(db: Database, { keys, holder, leaseMs }: LeaseRequest): Statement {
	return {
		sql: `UPDATE jobs
		   SET status = 'running', status_reason = NULL, version = version + 1,
		       lease = lease + 1, holder = ?2, attempt = min(attempt, max_attempts) + 1,
		       leased_at = ${NOW}, lease_expires_at = ${NOW} + ?3, started_at = coalesce(started_at, ${NOW}),
		       attempts = CASE WHEN status = 'running' AND attempt <= max_attempts THEN json_remove(json_insert(
		           attempts, '$[#]', json_object(
		               'number', coalesce(json_extract(attempts, '$[#-1].number'), 0) + 1, 'lease', lease,
		               'counted', json('true'), 'model', model, 'provider', NULL,
		               'startedAt', leased_at, 'endedAt', lease_expires_at, 'outcome', 'abandoned',
		               'status', NULL, 'code', NULL, 'message', NULL, 'retryAfterMs', NULL, 'logId', NULL, 'usage', NULL
		           )), iif(json_array_length(attempts) < ${ATTEMPTS_KEPT}, '$.none', '$[1]')) ELSE attempts END
		 WHERE (tenant_id, id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?4))
		   AND ((status = 'queued' AND run_at <= ${NOW} AND parked_on IS NULL)
		     OR (status = 'running' AND lease_expires_at <= ${NOW}))
		RETURNING ${JOB_COLUMNS}`,
		params: [db.clock(), holder, leaseMs, keyList(keys)],
	};
}

/**
 * A job that was rung for in vain is swept ever more seldom; once it runs, its holder's death must show within a lease.
 * Any other job asked to be swept earlier than that, and nothing is written.
 */
function sweepByLeaseEnd({ keys, holder }: LeaseRequest): Statement {
	return {
		sql: `UPDATE jobs SET sweep_at = lease_expires_at
		 WHERE (tenant_id, id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1))
		   AND status = 'running' AND holder = ?2 AND sweep_at > lease_expires_at`,
		params: [keyList(keys), holder],
	};
}

function ownLeases({ keys, holder }: LeaseRequest): Statement {
	return {
		sql: `SELECT ${JOB_COLUMNS} FROM jobs
		 WHERE (tenant_id, id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1))
		   AND status = 'running' AND holder = ?2`,
		params: [keyList(keys), holder],
	};
}

/** Explains a miss. Only a job that is merely early is worth another ring by the same message. */
export async function explainMisses(db: Database, keys: JobKey[]): Promise<Missed[]> {
	const rows = await db.all<{ tenant_id: string; id: string; wait_ms: number }>({
		sql: `SELECT tenant_id, id, run_at - ${NOW} AS wait_ms FROM jobs
		 WHERE (tenant_id, id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2))
		   AND status = 'queued' AND parked_on IS NULL`,
		params: [db.clock(), keyList(keys)],
	});
	return keys.map((key) => {
		const row = rows.find((candidate) => candidate.tenant_id === key.tenantId && candidate.id === key.jobId);
		return row === undefined ? { ...key, kind: "idle" } : { ...key, kind: "early", waitMs: row.wait_ms };
	});
}

/** Keys as one bound parameter, whatever their number: D1 binds a hundred at most. */
export function keyList(keys: JobKey[]): string {
	return JSON.stringify(keys.map((key) => [key.tenantId, key.jobId]));
}
