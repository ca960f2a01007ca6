/** Stores a new job, and the idempotency key it came with, in one transaction: the 202 depends on nothing else. */
import { z } from "zod";
import { type Idempotency, isCounted } from "../../core/jobs/idempotency.ts";
import type { Job, JobKey } from "../../core/jobs/job.ts";
import { ENQUEUE_GRACE_MS, QUEUE_WAIT_MS_MAX } from "../../core/jobs/wakeups.ts";
import type { Actor } from "../../core/tenants/audit.ts";
import { TenantLimits } from "../../core/tenants/tenant.ts";
import { tenantKey } from "../admission/keys.ts";
import { openIn, overBudget, TOMORROW, tooManyOpen } from "../admission/tenant-limits.ts";
import { getsSlot } from "../admission/tenant-slots.ts";
import { column, jsonOrNull } from "../columns.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { DELETED_TENANTS } from "../deleted-tenants.ts";
import { audited } from "../tenants/audit-log.ts";
import { claimKey, HOLDER, holderParams } from "./claim-key.ts";
import { JOB_COLUMNS_LIGHT, jobFromRow } from "./job-row.ts";

/** Durations may have fractions of a millisecond, as callers' seconds do; they are rounded up. */
type AsSubmitted =
	| keyof JobKey
	| ("input" | "inputKey" | "inputBytes" | "webhook" | "gateway" | "metadata" | "priority" | "timeoutMs")
	| ("maxAttempts" | "retainMs" | "retryOf" | "origin" | "deadlineMs" | "credential");

/** `credential` is the first model's. */
export interface NewJob extends Pick<Job, AsSubmitted> {
	models: [string, ...string[]];
	/** Not before this time (Unix milliseconds), or not before this long after submission. */
	start: { runAt: number } | { delayMs: number };
	idempotency: Idempotency | null;
	/** Who asks that `retryOf` be run again. */
	retriedBy?: Actor;
}

export type Submission =
	| { outcome: "created" | "replayed"; job: Job }
	/** The key came before with another body. */
	| { outcome: "key_reused" }
	/** The key's job has been erased; it is not run again. */
	| { outcome: "erased" }
	/** The tenant has been deleted. */
	| { outcome: "deleted" }
	/** The tenant has as much as it may; nothing was stored. */
	| { outcome: "refused"; limit: "open_jobs" | "tokens_per_day"; quota: number; msUntilTomorrow: number };

/** Where the answer is lost, `submitAgain`. */
export async function submitJob(db: Database, job: NewJob): Promise<Submission> {
	const make = making(db, job, "TRUE");
	const [made] = (await db.transact("submit job", [...make, ...told(db, job)]))[make.length - 1] ?? [];
	if (made !== undefined) return { outcome: "created", job: jobFromRow(made) };
	// What kept the job out may have gone since: it is asked for anew, in one transaction with the reason.
	return await makeOrExplain(db, job, "TRUE");
}

/**
 * Once more, with the same `jobId`: what is there already is answered, and what was there and has been erased meanwhile is
 * not made anew.
 */
export async function submitAgain(db: Database, job: NewJob): Promise<Submission> {
	return await makeOrExplain(db, job, NOT_ERASED);
}

/** The key that the job came with, and the job: the last one answers it where it is made. */
function making(db: Database, job: NewJob, isNew: string): Statement[] {
	if (job.idempotency === null) return [insertJob(db, job, `${withinLimits("?4")} AND ${isNew}`)];
	return [claimKey(db, job, job.idempotency, withinLimits("?2")), insertJob(db, job, `${KEY_CLAIMED} AND ${isNew}`)];
}

async function makeOrExplain(db: Database, job: NewJob, isNew: string): Promise<Submission> {
	const { idempotency } = job;
	const make = [...making(db, job, isNew), ...told(db, job)];
	if (idempotency === null) {
		const whyNot = explainRefusal(IS_STORED, [db.clock(), job.tenantId, job.jobId]);
		const answers = await db.transact("submit job without key or explain", [
			...make,
			selectJob(job.tenantId, job.jobId),
			whyNot,
		]);
		const [[row] = [], refused = []] = answers.slice(-2);
		return row === undefined ? refusalFromRow(refused[0]) : { outcome: "created", job: jobFromRow(row) };
	}
	const holder = holderParams(db, job, idempotency);
	const answers = await db.transact<Record<string, unknown>>("submit job with key or explain", [
		...make,
		{ sql: `SELECT job_id, fingerprint ${HOLDER}`, params: holder },
		{
			sql: `SELECT ${JOB_COLUMNS_LIGHT} FROM jobs WHERE tenant_id = ?2 AND id = (SELECT job_id ${HOLDER})`,
			params: holder,
		},
		explainRefusal(`SELECT 1 ${HOLDER}`, holder),
	]);
	const [[owner] = [], rows = [], refused = []] = answers.slice(-3);
	if (owner === undefined) return refusalFromRow(refused[0]);
	if (!isCounted(idempotency) && owner.fingerprint !== idempotency.fingerprint) return { outcome: "key_reused" };
	if (rows[0] === undefined) return { outcome: "erased" };
	return { outcome: owner.job_id === job.jobId ? "created" : "replayed", job: jobFromRow(rows[0]) };
}

/** Goes right after the statement that makes the job. */
function told(db: Database, { tenantId, retryOf, retriedBy }: NewJob): Statement[] {
	if (retriedBy === undefined || retryOf === null) return [];
	return [audited(db, retriedBy, { action: "job.retried", tenantId, target: retryOf })];
}

/** What the tenant may have, as it is in this very transaction. */
const withinLimits = (tenant: string) =>
	`${tenant} NOT IN ${DELETED_TENANTS} AND NOT ${overBudget(tenant)} AND NOT ${tooManyOpen(tenant)}`;

const IS_STORED = "SELECT 1 FROM jobs WHERE tenant_id = ?2 AND id = ?3";

/** What kept the job out, before anybody ends another; empty where it is stored. The tenant is `?2`. */
function explainRefusal(stored: string, params: Statement["params"]): Statement {
	return {
		sql: `SELECT deleted_at IS NOT NULL AS is_deleted, ${overBudget("?2")} AS is_over, ${tooManyOpen("?2")} AS is_full,
		             limits, ${TOMORROW} - ${NOW} AS wait_ms
		        FROM tenants WHERE id = ?2 AND NOT EXISTS (${stored})`,
		params,
	};
}

const RefusalRow = z.object({
	is_deleted: z.number(),
	is_over: z.number(),
	is_full: z.number(),
	limits: column(TenantLimits),
	wait_ms: z.number(),
});

/** Kept out by no limit, the job was stored before and has been erased since. */
function refusalFromRow(raw: unknown): Submission {
	const row = RefusalRow.optional().parse(raw);
	if (row?.is_deleted === 1) return { outcome: "deleted" };
	if (row === undefined || row.is_over + row.is_full === 0) return { outcome: "erased" };
	const limit = row.is_over ? "tokens_per_day" : "open_jobs";
	return { outcome: "refused", limit, quota: row.limits[limit] ?? 0, msUntilTomorrow: row.wait_ms };
}

/** The statement just before claimed the key: neither another submission nor an earlier try of this one had it. */
const KEY_CLAIMED = "changes() > 0";
/**
 * An erased job leaves its R2 keys, which end with its id, in a tombstone for longer than any request lives. Checked on a
 * repeat only: it reads all tombstones.
 */
const NOT_ERASED = `NOT EXISTS (
	SELECT 1 FROM tombstones CROSS JOIN json_each(tombstones.keys) AS key WHERE key.value LIKE '%/' || ?5)`;

/** Inserts nothing where `condition` does not hold, or where this job is stored already. */
function insertJob(db: Database, job: NewJob, condition: string): Statement {
	return {
		sql: `WITH at AS (SELECT ${NOW} AS now), due AS (SELECT now, coalesce(?2, now + ?3) AS run_at FROM at),
		     place AS MATERIALIZED (SELECT now, run_at, run_at <= now AS is_due,
		                      CASE WHEN run_at <= now THEN ${getsSlot("?4", "1")} ELSE FALSE END AS has_slot FROM due)
		INSERT INTO jobs (tenant_id, id, status, models, model, credential, input, input_key, input_bytes, webhook, gateway, metadata,
		                  priority, timeout_ms, max_attempts, retain_ms, retry_of, origin,
		                  created_at, run_at, deadline_ms, deadline_at, slot, open_in, parked_on, status_reason, sweep_at)
		SELECT ?4, ?5, 'queued', ?6, ?7, ?21, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?20,
		       now, run_at, ?19, max(now, run_at) + ?19,
		       iif(has_slot, ?4, NULL), ${openIn("?4")}, CASE WHEN is_due AND NOT has_slot THEN ${tenantKey("?4")} END,
		       CASE WHEN is_due AND NOT has_slot THEN 'running_limit' END,
		       min(max(now, run_at) + ?19,
		           CASE WHEN is_due AND NOT has_slot THEN max(now, run_at) + ?19
		                WHEN run_at - now > ${QUEUE_WAIT_MS_MAX} THEN run_at ELSE max(now, run_at) + ${ENQUEUE_GRACE_MS} END)
		  FROM place
		 WHERE ${condition}
		    ON CONFLICT DO NOTHING
		RETURNING ${JOB_COLUMNS_LIGHT}`,
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
			job.credential,
		],
	};
}

function selectJob(tenantId: string, jobId: string): Statement {
	return {
		sql: `SELECT ${JOB_COLUMNS_LIGHT} FROM jobs WHERE tenant_id = ?1 AND id = ?2`,
		params: [tenantId, jobId],
	};
}
