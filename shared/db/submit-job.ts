/** Stores a new job, and the idempotency key it came with, in one transaction: the 202 depends on nothing else. */
import type { Job, JobKey } from "../core/job.ts";
import { DOORBELL_GRACE_MS, QUEUE_WAIT_MS_MAX } from "../core/waits.ts";
import { type Database, NOW, type Statement } from "./database.ts";
import { JOB_COLUMNS_LIGHT, jobFromRow } from "./job-row.ts";
import { jsonOrNull } from "./json-column.ts";

/** How long an idempotency key is remembered; the field's usual day. */
const IDEMPOTENCY_MS = 24 * 3_600_000;

/** Durations may have fractions of a millisecond, as callers' seconds do; they are rounded up. */
type AsSubmitted =
	| keyof JobKey
	| ("input" | "inputKey" | "inputBytes" | "webhook" | "gateway" | "metadata" | "priority" | "timeoutMs")
	| ("maxAttempts" | "retainMs" | "retryOf" | "origin" | "deadlineMs" | "lane");

/** `lane` is the first model's. */
export interface NewJob extends Pick<Job, AsSubmitted> {
	models: [string, ...string[]];
	/** Not before this time (Unix milliseconds), or not before this long after submission. */
	start: { runAt: number } | { delayMs: number };
	/** SHA-256 of method, path and raw body stands behind the key: the same key with another body is a mistake. */
	idempotency: { key: string; fingerprint: string } | null;
}

export type Submission =
	| { outcome: "created" | "replayed"; job: Job }
	/** The key came before with another body. */
	| { outcome: "key_reused" }
	/** The key's job has been erased; it is not run again. */
	| { outcome: "erased" };

/**
 * Safe to repeat with the same `jobId` where the answer was lost: what is there already is answered, and what was there
 * and has been erased meanwhile is not made anew.
 * @param isRepeat whether an earlier try may have been committed
 */
export async function submitJob(db: Database, job: NewJob, isRepeat = false): Promise<Submission> {
	if (job.idempotency === null) {
		const insert = insertJob(db, job, isRepeat ? NOT_BURIED : "TRUE");
		const [, rows = []] = await db.batch([insert, selectJob(job.tenantId, job.jobId)]);
		return rows[0] === undefined ? { outcome: "erased" } : { outcome: "created", job: jobFromRow(rows[0]) };
	}
	const [, , keys = [], rows = []] = await db.batch<{ job_id: string; fingerprint: string }>([
		claimKey(db, job, job.idempotency),
		insertJob(db, job, KEY_CLAIMED),
		{
			sql: "SELECT job_id, fingerprint FROM idempotency_keys WHERE tenant_id = ?1 AND key = ?2",
			params: [job.tenantId, job.idempotency.key],
		},
		{
			sql: `SELECT ${JOB_COLUMNS_LIGHT} FROM jobs WHERE tenant_id = ?1 AND id =
			      (SELECT job_id FROM idempotency_keys WHERE tenant_id = ?1 AND key = ?2)`,
			params: [job.tenantId, job.idempotency.key],
		},
	]);
	const owner = keys[0];
	if (owner === undefined) throw new Error("an idempotency key vanished in its own transaction");
	if (owner.fingerprint !== job.idempotency.fingerprint) return { outcome: "key_reused" };
	if (rows[0] === undefined) return { outcome: "erased" };
	return { outcome: owner.job_id === job.jobId ? "created" : "replayed", job: jobFromRow(rows[0]) };
}

/** First come, first served; a key whose day is over starts anew. */
function claimKey(db: Database, job: NewJob, idempotency: { key: string; fingerprint: string }): Statement {
	return {
		sql: `INSERT INTO idempotency_keys (tenant_id, key, fingerprint, job_id, expires_at)
		      VALUES (?2, ?3, ?4, ?5, ${NOW} + ?6)
		      ON CONFLICT (tenant_id, key) DO UPDATE
		         SET fingerprint = excluded.fingerprint, job_id = excluded.job_id, expires_at = excluded.expires_at
		       WHERE idempotency_keys.expires_at <= ${NOW}`,
		params: [db.clock(), job.tenantId, idempotency.key, idempotency.fingerprint, job.jobId, IDEMPOTENCY_MS],
	};
}

/** The statement just before claimed the key: neither another submission nor an earlier try of this one had it. */
const KEY_CLAIMED = "changes() > 0";
/** An erased job leaves a tombstone for longer than any request lives. Looked for on a repeat only: it reads them all. */
const NOT_BURIED =
	"NOT EXISTS (SELECT 1 FROM tombstones CROSS JOIN json_each(tombstones.jobs) AS buried WHERE buried.value ->> 1 = ?5)";

/** Inserts nothing where `condition` does not hold, or where this job is stored already. */
function insertJob(db: Database, job: NewJob, condition: string): Statement {
	return {
		sql: `WITH at AS (SELECT ${NOW} AS now), due AS (SELECT now, coalesce(?2, now + ?3) AS run_at FROM at)
		INSERT INTO jobs (tenant_id, id, status, models, model, lane, input, input_key, input_bytes, webhook, gateway, metadata,
		                  priority, timeout_ms, max_attempts, retain_ms, retry_of, origin,
		                  created_at, run_at, deadline_ms, deadline_at, sweep_at)
		SELECT ?4, ?5, 'queued', ?6, ?7, ?21, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?20,
		       now, run_at, ?19, max(now, run_at) + ?19,
		       min(max(now, run_at) + ?19,
		           CASE WHEN run_at - now > ${QUEUE_WAIT_MS_MAX} THEN run_at ELSE max(now, run_at) + ${DOORBELL_GRACE_MS} END)
		  FROM due
		 WHERE ${condition}
		    ON CONFLICT DO NOTHING`,
		params: [
			db.clock(),
			"runAt" in job.start ? job.start.runAt : null,
			"delayMs" in job.start ? Math.ceil(job.start.delayMs) : 0,
			job.tenantId,
			job.jobId,
			JSON.stringify(job.models),
			job.models[0],
			job.input,
			job.inputKey,
			job.inputBytes,
			jsonOrNull(job.webhook),
			jsonOrNull(job.gateway),
			jsonOrNull(job.metadata),
			job.priority,
			Math.ceil(job.timeoutMs),
			job.maxAttempts,
			Math.ceil(job.retainMs),
			job.retryOf,
			Math.ceil(job.deadlineMs),
			job.origin,
			job.lane,
		],
	};
}

function selectJob(tenantId: string, jobId: string): Statement {
	return {
		sql: `SELECT ${JOB_COLUMNS_LIGHT} FROM jobs WHERE tenant_id = ?1 AND id = ?2`,
		params: [tenantId, jobId],
	};
}
