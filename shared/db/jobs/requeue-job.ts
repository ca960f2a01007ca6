/** Puts a leased job back in the queue: after a failure that may pass, or to call its next model. */
import type { JobKey } from "../../core/jobs/job.ts";
import type { StatusReason } from "../../core/jobs/job-states.ts";
import type { JobProgress } from "../../core/jobs/settlement.ts";
import { ENQUEUE_GRACE_MS, SLOT_WAIT_MS } from "../../core/jobs/wakeups.ts";
import type { BreakerEvent } from "../../core/upstreams/breaker.ts";
import { breakerKeysOf } from "../../core/upstreams/credentials.ts";
import { breakerStatement, openUntil } from "../admission/breakers.ts";
import { tenantKey } from "../admission/keys.ts";
import { passProbeOn, releaseForTenants } from "../admission/release.ts";
import { exceedsSlots, othersWait, waitingIn } from "../admission/tenant-limits.ts";
import { jsonOrNull } from "../columns.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { jobKeysFromRows } from "../key-list.ts";

export interface Requeue extends JobKey {
	fence: number;
	reason: StatusReason;
	delayMs: number;
	/** What the call added; `model` is the one to call next, and `attempt` counts the attempts made on it. */
	progress: JobProgress;
	/** Of the next model. */
	credential: string;
	/** What the failure means for all calls to the same upstream. */
	breakerEvent: BreakerEvent | null;
}

export interface Requeued {
	/** False: the lease was no longer ours, and the job did not change. */
	done: boolean;
	/**
	 * Until the job is due: not before a breaker of its own that it tripped is half-open, so that it can be the probe. Null: it
	 * gave its slot back, and its message with it.
	 */
	waitMs: number | null;
	/** Jobs of the tenant that were released to its slot, which may include this one: enqueue them. */
	released: JobKey[];
	/** The job that is the next probe in place of this one: enqueue it for that time. */
	nextProbe: (JobKey & { waitMs: number }) | null;
}

export async function requeueJob(db: Database, requeue: Requeue): Promise<Requeued> {
	const { breakerEvent, tenantId } = requeue;
	const rows = await db.transactNamed("requeue job", {
		breaker: breakerEvent === null ? [] : breakerStatement(db, breakerEvent),
		requeued: requeueStatement(db, requeue),
		nextProbe: breakerEvent === null ? [] : passProbeOn(db, requeue, breakerEvent.key),
		released: releaseForTenants(db, [tenantId]),
	});
	const [requeued] = rows.requeued;
	const released = jobKeysFromRows(rows.released);
	const nextProbe =
		rows.nextProbe.map((row) => ({ tenantId, jobId: String(row.id), waitMs: Number(row.wait_ms) }))[0] ?? null;
	return { done: requeued !== undefined, waitMs: waitMsOf(requeued), released, nextProbe };
}

/** A job that moves on to a model of another credential does not wait for the breakers that it tripped. */
function keysToWaitFor({ tenantId, credential, progress, breakerEvent }: Requeue): (string | null)[] {
	if (breakerEvent === null) return [null, null];
	const { key, sharedKey } = breakerEvent;
	return breakerKeysOf({ tenantId, credential, model: progress.model }).includes(key) ? [key, sharedKey] : [null, null];
}

/**
 * Past its deadline a job only waits for a storage that does not respond: it is looked at again after so long at the earliest,
 * so that an outage is not met with all the jobs whose deadlines fall into it.
 */
const OVERDUE_WAIT_MS = 60_000;

function waitMsOf(requeued: Record<string, unknown> | undefined): number | null {
	return requeued === undefined || requeued.slot === null ? null : Number(requeued.wait_ms);
}

/** The breaker that the job's failure left open, of the keys bound as `?12` and `?13`. */
const OPEN_BREAKER = `(SELECT key FROM breakers WHERE key IN (?12, ?13) AND open_until > ${NOW}
	ORDER BY open_until DESC, shared_key IS NULL DESC LIMIT 1)`;

/**
 * A job that failed as a probe goes behind those parked on its breaker, unless it waits for longer than the breaker is open, or may
 * move on to a further model.
 */
const STANDS_BACK = `(deadline_at > ${NOW} AND ${openUntil("?12, ?13")} >= ${NOW} + ?5 AND models ->> '$[#-1]' = ?7
	AND EXISTS (SELECT 1 FROM jobs AS others WHERE others.parked_on = ${OPEN_BREAKER}))`;

/**
 * A job that is due soon keeps its slot, unless jobs of its tenant wait for one or the limit was lowered. One that is due at
 * once lines up with those that wait; the release that follows may well give it the slot back. Any other waits for its time,
 * and then for the sweeper.
 */
function requeueStatement(db: Database, requeue: Requeue): Statement {
	const { progress } = requeue;
	const due = `iif(deadline_at > ${NOW}, min(max(${NOW} + ?5, ${openUntil("?12, ?13")}), deadline_at), ${NOW} + max(?5, ${OVERDUE_WAIT_MS}))`;
	const keepsSlot = `slot IS NOT NULL AND ${due} - ${NOW} <= ${SLOT_WAIT_MS} AND NOT ${STANDS_BACK} AND NOT ${othersWait("?2")} AND NOT ${exceedsSlots("?2")}`;
	const linesUp = `slot IS NOT NULL AND ${due} <= ${NOW} AND ${NOW} < deadline_at AND ${othersWait("?2")}`;
	return {
		sql: `UPDATE jobs
		   SET status = 'queued', status_reason = CASE WHEN ${linesUp} THEN 'running_limit' ELSE ?6 END,
		       run_at = ${due}, redispatches = 0, lease_expires_at = NULL,
		       slot = CASE WHEN ${keepsSlot} THEN slot END,
		       open_in = CASE WHEN open_in IS NULL AND NOT coalesce(${keepsSlot}, FALSE) THEN ${waitingIn("?2")} ELSE open_in END,
		       parked_on = CASE WHEN ${linesUp} THEN ${tenantKey("?2")} WHEN ${STANDS_BACK} THEN ${OPEN_BREAKER} END,
		       probed_at = CASE WHEN ${OPEN_BREAKER} IS NOT NULL THEN ${NOW} WHEN model = ?7 THEN probed_at END,
		       sweep_at = CASE WHEN ${linesUp} OR ${STANDS_BACK} THEN deadline_at WHEN ${keepsSlot} THEN min(max(deadline_at, ${due}), ${due} + ${ENQUEUE_GRACE_MS})
		                       ELSE ${due} END,
		       waits_since = CASE WHEN model = ?7 THEN waits_since END, version = version + 1, model = ?7, credential = ?8, attempt = ?9, attempts = ?10, usage = ?11
		 WHERE tenant_id = ?2 AND id = ?3 AND fence = ?4 AND status = 'running'
		RETURNING run_at - ${NOW} AS wait_ms, slot`,
		params: [
			db.clock(),
			requeue.tenantId,
			requeue.jobId,
			requeue.fence,
			requeue.delayMs,
			requeue.reason,
			progress.model,
			requeue.credential,
			progress.attempt,
			JSON.stringify(progress.attempts),
			jsonOrNull(progress.usage),
			...keysToWaitFor(requeue),
		],
	};
}
