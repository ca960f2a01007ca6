/**
 * Stores new jobs, and the idempotency keys they came with, in one transaction: the 202 depends on nothing else.
 *
 * One statement stores a set of jobs; a single job is a set of one. The jobs are admitted in their order, as if each had been
 * submitted after the one before.
 */
import { z } from "zod";
import { keyText } from "../../core/ids.ts";
import { type Idempotency, isCounted } from "../../core/jobs/idempotency.ts";
import type { Entrance, Job, JobKey, JobSummary, StoredWebhookTarget } from "../../core/jobs/job.ts";
import { ENQUEUE_GRACE_MS, SLOT_WAIT_MS } from "../../core/jobs/wakeups.ts";
import type { Actor } from "../../core/tenants/audit.ts";
import { TenantLimits } from "../../core/tenants/tenant.ts";
import { tenantKey } from "../admission/keys.ts";
import { bytesLeft, openIn, openLeft, overBudget, slotsLeft, TOMORROW, waitingIn } from "../admission/tenant-limits.ts";
import { column, jsonOrNull } from "../columns.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { DELETED_TENANTS } from "../deleted-tenants.ts";
import { audited } from "../tenants/audit-log.ts";
import { claimKeys, claimOf, HOLDERS, KEY_IS_CLAIMED, KEY_IS_FREE } from "./idempotency-keys.ts";
import { JOB_SUMMARY_COLUMNS, jobSummaryFromRow } from "./job-row.ts";

/** Durations may have fractions of a millisecond, as callers' seconds do; they are rounded up. */
type AsSubmitted =
	| keyof (JobKey & Entrance)
	| ("input" | "inputKey" | "inputBytes" | "webhook" | "gateway" | "metadata" | "priority" | "timeoutMs")
	| ("maxAttempts" | "retainMs" | "retryOf" | "origin" | "deadlineMs" | "credential");

/** `credential` is the one of the first model. */
export interface NewJob extends Pick<Job, Exclude<AsSubmitted, "webhook">> {
	webhook: StoredWebhookTarget | null;
	models: [string, ...string[]];
	/** By its input. */
	tokensEstimated: number;
	/** Not before this time (Unix milliseconds), or not before this long after submission. */
	start: { runAt: number } | { delayMs: number };
	idempotency: Idempotency | null;
	/** Who retries `retryOf`, for the audit log. */
	retriedBy?: Actor;
}

const REFUSING_LIMITS = ["tokens_per_day", "open_jobs", "stored_bytes"] as const;
type RefusingLimit = (typeof REFUSING_LIMITS)[number];

export type Submission =
	/** A new job that has a slot gets a queue message. The sweeper, or a slot that is given back, admits any other. */
	| { outcome: "created"; job: JobSummary; hasSlot: boolean }
	| { outcome: "replayed"; job: JobSummary }
	/** The key is in use for a different request. */
	| { outcome: "key_reused" }
	/** The key's job has been erased; it is not run again. */
	| { outcome: "erased" }
	/** The tenant has been deleted. */
	| { outcome: "deleted" }
	/** A limit of the tenant is reached; nothing was stored. */
	| { outcome: "refused"; limit: RefusingLimit; quota: number; msUntilTomorrow: number };

/** What identifies a job and its submission. */
type Submitted = Pick<NewJob, "tenantId" | "jobId" | "idempotency">;

/**
 * Returns one submission per job, in their order. All jobs of a call must fit in the 2 MB that D1 takes.
 * @param isRepeat the same call was made before and its response was lost: jobs that it stored are returned, and jobs that
 * were erased since are not stored again
 */
export async function submitJobs(db: Database, jobs: readonly NewJob[], isRepeat = false): Promise<Submission[]> {
	const submissions = new Map<NewJob, Submission>();
	for (const wave of wavesOf(jobs)) {
		const made = isRepeat ? new Map<string, Submission>() : await makeJobs(db, wave);
		const left = wave.filter(({ jobId }) => !made.has(jobId));
		const explained = left.length === 0 ? [] : await makeOrExplain(db, left, isRepeat);
		for (const job of wave) {
			const submission = made.get(job.jobId) ?? explained[left.indexOf(job)];
			if (submission !== undefined) submissions.set(job, submission);
		}
	}
	return jobs.flatMap((job) => submissions.get(job) ?? []);
}

/**
 * Splits the jobs into transactions. In each, an idempotency key occurs once, because a second job with the key is a replay of
 * the first. A retry is alone in its own, because its audit entry depends on whether the statement before stored anything.
 */
function wavesOf(jobs: readonly NewJob[]): NewJob[][] {
	const waves: { jobs: NewJob[]; keys: Set<string> }[] = [];
	for (const job of jobs) {
		const key = job.idempotency === null ? null : keyText(job.tenantId, job.idempotency.key);
		const mayJoin = job.retriedBy === undefined && waves.at(-1)?.jobs[0]?.retriedBy === undefined;
		let wave = waves.at(-1);
		if (wave === undefined || !mayJoin || (key !== null && wave.keys.has(key))) {
			wave = { jobs: [], keys: new Set() };
			waves.push(wave);
		}
		wave.jobs.push(job);
		if (key !== null) wave.keys.add(key);
	}
	return waves.map(({ jobs }) => jobs);
}

async function makeJobs(db: Database, jobs: readonly NewJob[]): Promise<Map<string, Submission>> {
	const { statements, at } = making(db, jobs, NOT_ERASED);
	const rows = (await db.transact<Record<string, unknown>>("submit job", statements))[at] ?? [];
	return new Map(rows.map(storedFromRow).map(({ job, hasSlot }) => [job.jobId, { outcome: "created", job, hasSlot }]));
}

/** For SELECT and RETURNING, and the `storedFromRow` of such a row. */
const STORED_COLUMNS = `${JOB_SUMMARY_COLUMNS}, slot`;
const storedFromRow = (row: Record<string, unknown>) => ({ job: jobSummaryFromRow(row), hasSlot: row.slot !== null });

/** Tries again, in one transaction with the query for the reason: the limit or the key that refused a job may be free by now. */
async function makeOrExplain(db: Database, jobs: readonly NewJob[], isRepeat: boolean): Promise<Submission[]> {
	const { statements } = making(db, jobs, isRepeat ? IS_NEW : NOT_ERASED);
	const rows = await db.transact<Record<string, unknown>>("submit job or explain", [
		...statements,
		...explanation(db, jobs),
	]);
	const [holders = [], stored = [], refusals = []] = rows.slice(-3);
	return explain(jobs, { holders, stored, refusals }).map((submission) => submission ?? { outcome: "erased" });
}

/** What submissions of these jobs come to, without storing anything. Null: the job is new, and no limit refuses it. */
export async function foreseeSubmissions(db: Database, jobs: readonly Submitted[]): Promise<(Submission | null)[]> {
	if (jobs.length === 0) return [];
	const rows = await db.transact<Record<string, unknown>>("foresee submissions", explanation(db, jobs));
	const [holders = [], stored = [], refusals = []] = rows;
	return explain(jobs, { holders, stored, refusals });
}

/** The outcome of an earlier submission with this key. Null: there was none. */
export async function findSubmission(
	db: Database,
	tenantId: string,
	idempotency: Idempotency,
): Promise<Submission | null> {
	const submitted = [{ tenantId, jobId: "", idempotency }];
	const [holders = [], stored = []] = await db.transact<Record<string, unknown>>(
		"find idempotency key",
		explanation(db, submitted).slice(0, 2),
	);
	return holders.length === 0 ? null : (explain(submitted, { holders, stored, refusals: [] })[0] ?? null);
}

/** `at`: the index of the statement that returns the stored jobs. */
function making(db: Database, jobs: readonly NewJob[], condition: string): { statements: Statement[]; at: number } {
	const rows = jobs.map(rowOf);
	const params = [db.clock(), JSON.stringify(rows)];
	// A claim reads no input, so D1 gets the inputs once.
	const claimParams = [db.clock(), JSON.stringify(rows.map((row) => ({ ...row, input: null })))];
	const claim = {
		sql: `WITH ${admitted(KEY_IS_FREE, condition, "NULL")} ${claimKeys("admitted")}`,
		params: claimParams,
	};
	const insert = {
		sql: `WITH ${admitted(KEY_IS_CLAIMED, condition, slotsLeft("tenant.tenant_id"))} ${INSERT}`,
		params,
	};
	const claims = jobs.some(({ idempotency }) => idempotency !== null) ? [claim] : [];
	return { statements: [...claims, insert, ...jobs.flatMap((job) => auditStatement(db, job))], at: claims.length };
}

/** Must come right after the statement that stores the job: it reads `changes()`. */
function auditStatement(db: Database, { tenantId, retryOf, retriedBy }: NewJob): Statement[] {
	if (retriedBy === undefined || retryOf === null) return [];
	return [audited(db, retriedBy, { action: "job.retried", tenantId, target: retryOf })];
}

function rowOf(job: NewJob) {
	return {
		...claimOf(job.idempotency),
		tenantId: job.tenantId,
		jobId: job.jobId,
		runAt: "runAt" in job.start ? job.start.runAt : null,
		delayMs: "delayMs" in job.start ? Math.ceil(job.start.delayMs) : 0,
		models: JSON.stringify(job.models),
		model: job.models[0],
		credential: job.credential,
		input: job.input,
		inputKey: job.inputKey,
		inputBytes: job.inputBytes,
		tokensEstimated: job.tokensEstimated,
		webhook: jsonOrNull(job.webhook),
		gateway: jsonOrNull(job.gateway),
		metadata: jsonOrNull(job.metadata),
		priority: job.priority,
		timeoutMs: Math.ceil(job.timeoutMs),
		maxAttempts: job.maxAttempts,
		retainMs: Math.ceil(job.retainMs),
		retryOf: job.retryOf,
		origin: job.origin,
		deadlineMs: Math.ceil(job.deadlineMs),
		door: job.door,
		store: job.store,
		background: job.background,
	};
}

const STORED = "FROM jobs AS stored WHERE stored.tenant_id = submitted.tenant_id AND stored.id = submitted.id";

/** A request whose response was lost may be executed after its repeat, when the owner has erased the job. The tombstone outlives it. */
const NOT_ERASED = "NOT EXISTS (SELECT 1 FROM tombstones WHERE erased_job = submitted.id)";
/** No job is pruned before its repeat comes. */
const IS_NEW = `NOT EXISTS (SELECT 1 ${STORED}) AND ${NOT_ERASED}`;

/** How many more jobs a tenant may submit; null: any number. */
const mayAdd = (tenant: string) =>
	`CASE WHEN ${tenant} IN ${DELETED_TENANTS} OR ${overBudget(tenant)} THEN 0 ELSE ${openLeft(tenant)} END`;

/** A common table of the jobs bound as `?2`. */
const SUBMITTED = `submitted AS MATERIALIZED (
	SELECT one.key AS place, value ->> 'tenantId' AS tenant_id, value ->> 'jobId' AS id, value ->> 'key' AS key,
	       value ->> 'fingerprint' AS fingerprint, value ->> 'since' AS since, value ->> 'joinsFailed' AS joins_failed, value ->> 'keepMs' AS keep_ms,
	       value ->> 'runAt' AS run_at, value ->> 'delayMs' AS delay_ms, value AS job
	  FROM json_each(?2) AS one)`;

/**
 * Common tables, up to `admitted`: the new jobs that their tenants' limits admit, with their place among the tenant's jobs.
 * @param isKeyOurs whether a job with an idempotency key is new
 * @param slots how many slots the tenant has left
 */
const admitted = (isKeyOurs: string, condition: string, slots: string) => `
	at AS (SELECT ${NOW} AS now), ${SUBMITTED},
	due AS (SELECT submitted.*, now, coalesce(run_at, now + delay_ms) AS starts_at FROM submitted, at
	         WHERE (submitted.key IS NULL OR ${isKeyOurs}) AND ${condition}),
	fresh AS MATERIALIZED (
		SELECT *, starts_at <= now AS is_due, starts_at <= now + ${SLOT_WAIT_MS} AS is_soon,
		       row_number() OVER (PARTITION BY tenant_id ORDER BY place) AS nth,
		       row_number() OVER (PARTITION BY tenant_id, starts_at <= now + ${SLOT_WAIT_MS} ORDER BY place) AS nth_soon,
		       sum(job ->> 'inputBytes') OVER (PARTITION BY tenant_id ORDER BY place) - (job ->> 'inputBytes') AS bytes_before
		  FROM due),
	tenant AS MATERIALIZED (
		SELECT tenant_id, any_is_soon, ${mayAdd("one.tenant_id")} AS may_add
		  FROM (SELECT tenant_id, max(is_soon) AS any_is_soon FROM fresh GROUP BY tenant_id) AS one),
	room AS MATERIALIZED (
		SELECT tenant_id, may_add, ${openIn("tenant.tenant_id")} AS open_in, ${waitingIn("tenant.tenant_id")} AS waiting_in,
		       ${bytesLeft("tenant.tenant_id")} AS bytes_left,
		       CASE WHEN any_is_soon THEN ${slots} END AS slots_left
		  FROM tenant WHERE may_add IS NULL OR may_add > 0),
	admitted AS (
		SELECT *, is_soon AND nth_soon <= slots_left AS has_slot, is_due AND nth_soon > slots_left AS is_parked
		  FROM fresh JOIN room USING (tenant_id)
		 WHERE (may_add IS NULL OR nth <= may_add) AND (bytes_left IS NULL OR bytes_before < bytes_left))`;

const INSERT = `
	INSERT INTO jobs (tenant_id, id, status, models, model, credential, input, input_key, input_bytes, tokens_estimated, webhook, gateway,
	                  metadata, priority, timeout_ms, max_attempts, retain_ms, retry_of, origin, door, store, background,
	                  created_at, run_at, deadline_ms, deadline_at, slot, open_in, parked_on, status_reason, sweep_at)
	SELECT tenant_id, id, 'queued', job ->> 'models', job ->> 'model', job ->> 'credential', job ->> 'input',
	       job ->> 'inputKey', job ->> 'inputBytes', job ->> 'tokensEstimated', job ->> 'webhook', job ->> 'gateway', job ->> 'metadata',
	       job ->> 'priority', job ->> 'timeoutMs', job ->> 'maxAttempts', job ->> 'retainMs', job ->> 'retryOf',
	       job ->> 'origin', job ->> 'door', job ->> 'store', job ->> 'background', now, starts_at, job ->> 'deadlineMs', max(now, starts_at) + (job ->> 'deadlineMs'),
	       iif(has_slot, tenant_id, NULL), coalesce(open_in, iif(has_slot, NULL, waiting_in)), iif(is_parked, ${tenantKey("tenant_id")}, NULL),
	       iif(is_parked, 'running_limit', NULL),
	       min(max(now, starts_at) + (job ->> 'deadlineMs'),
	           CASE WHEN is_parked THEN max(now, starts_at) + (job ->> 'deadlineMs')
	                WHEN has_slot THEN max(now, starts_at) + ${ENQUEUE_GRACE_MS}
	                ELSE starts_at END)
	  FROM admitted WHERE TRUE
	    ON CONFLICT DO NOTHING
	RETURNING ${STORED_COLUMNS}`;

/** What `explain` reads: the holders of the keys, the jobs that are stored, and the limits that tenants have reached. */
function explanation(db: Database, submitted: readonly Submitted[]): Statement[] {
	const list = submitted.map(({ tenantId, jobId, idempotency }) => ({ tenantId, jobId, ...claimOf(idempotency) }));
	const params = [db.clock(), JSON.stringify(list)];
	const holders = `holders AS (SELECT submitted.place, held.tenant_id, held.job_id, held.fingerprint FROM ${HOLDERS})`;
	return [
		{ sql: `WITH ${SUBMITTED}, ${holders} SELECT place, job_id, fingerprint FROM holders`, params },
		{
			sql: `WITH ${SUBMITTED}, ${holders}, named (owner, named_id) AS (
			      SELECT tenant_id, job_id FROM holders UNION SELECT tenant_id, id FROM submitted WHERE submitted.key IS NULL)
			SELECT ${STORED_COLUMNS} FROM named CROSS JOIN jobs ON tenant_id = owner AND id = named_id`,
			params,
		},
		{
			sql: `WITH ${SUBMITTED}, ${holders}
			SELECT id, deleted_at IS NOT NULL AS is_deleted, limits,
			       CASE WHEN ${overBudget("refused.tenant_id")} THEN 'tokens_per_day'
			            WHEN ${openLeft("refused.tenant_id")} <= 0 THEN 'open_jobs'
			            WHEN ${bytesLeft("refused.tenant_id")} <= 0 THEN 'stored_bytes' END AS reached, ${TOMORROW} - ${NOW} AS wait_ms
			  FROM (SELECT DISTINCT tenant_id FROM submitted
			         WHERE NOT EXISTS (SELECT 1 ${STORED}) AND place NOT IN (SELECT place FROM holders)) AS refused
			 CROSS JOIN tenants ON id = refused.tenant_id`,
			params,
		},
	];
}

interface ExplanationRows {
	holders: Record<string, unknown>[];
	stored: Record<string, unknown>[];
	refusals: Record<string, unknown>[];
}

/** Null: nothing keeps the job from being stored, or it was stored before and erased since. */
function explain(submitted: readonly Submitted[], rows: ExplanationRows): (Submission | null)[] {
	const jobs = new Map(rows.stored.map(storedFromRow).map((one) => [keyText(one.job.tenantId, one.job.jobId), one]));
	return submitted.map(({ tenantId, jobId, idempotency }, place) => {
		const refused = () => refusalFromRow(rows.refusals.find(({ id }) => id === tenantId));
		if (idempotency === null) {
			const stored = jobs.get(keyText(tenantId, jobId));
			return stored === undefined ? refused() : { outcome: "created", ...stored };
		}
		const holder = rows.holders.find((row) => row.place === place);
		if (holder === undefined) return refused();
		if (!isCounted(idempotency) && holder.fingerprint !== idempotency.fingerprint) return { outcome: "key_reused" };
		const stored = jobs.get(keyText(tenantId, holder.job_id));
		if (stored === undefined) return { outcome: "erased" };
		return stored.job.jobId === jobId ? { outcome: "created", ...stored } : { outcome: "replayed", job: stored.job };
	});
}

const RefusalRow = z.object({
	is_deleted: z.number(),
	reached: z.enum(REFUSING_LIMITS).nullable(),
	limits: column(TenantLimits),
	wait_ms: z.number(),
});

function refusalFromRow(raw: unknown): Submission | null {
	const row = RefusalRow.optional().parse(raw);
	if (row?.is_deleted === 1) return { outcome: "deleted" };
	if (row === undefined || row.reached === null) return null;
	const { reached: limit, limits, wait_ms } = row;
	return { outcome: "refused", limit, quota: limits[limit] ?? 0, msUntilTomorrow: wait_ms };
}
