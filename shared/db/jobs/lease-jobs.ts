/** Takes the right to run jobs: the one transaction that starts a call, and that takes over from a holder who is gone. */

import { ATTEMPTS_KEPT } from "../../core/jobs/attempts.ts";
import type { Job, JobKey } from "../../core/jobs/job.ts";
import { PROBE_MS } from "../../core/upstreams/breaker.ts";
import type { DeliveryKey } from "../../core/webhooks/delivery.ts";
import { KEYS_OF_JOB } from "../admission/breakers.ts";
import { DUE, GATED, HAS_SLOT, placed } from "../admission/may-run.ts";
import { parkForSlot, parkForUpstream, parkOverBudget } from "../admission/park-jobs.ts";
import { giveFreeSlots, jobKeysFromRows, takeFreeSlots } from "../admission/tenant-slots.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { ASKED, keyList } from "../key-list.ts";
import { insertJobDeliveries, jobDeliveriesSql, pendingFromRows } from "../outbox.ts";
import { JOB_COLUMNS, jobFromRow } from "./job-row.ts";

export interface LeaseRequest {
	keys: JobKey[];
	/** Random per invocation: tells our leases from others' when the answer was lost. */
	holder: string;
	leaseMs: number;
	/** The same request was made before, and its answer was lost: what it may have leased is leased. */
	isRepeated?: boolean;
	/** Is told of a row that no code of ours could have written, which is left out so that its neighbours run. */
	onUnreadable?: (error: unknown) => void;
}

/** What was leased. */
export interface Leased {
	jobs: Job[];
	/** The database's clock when it answered. */
	now: number;
	/** Deliveries that the jobs' start owes: ring for them once. */
	owed: DeliveryKey[];
	/** Jobs that have a slot now which others of this request gave up: ring for them. */
	freed: JobKey[];
	/** Ids of those that were taken over and may make no call: to be settled if R2 has their answer. */
	gated: Set<string>;
	/** The cool-downs that calls were let through: how they end is news. */
	probedBreakers: Set<string>;
}

/**
 * Leases what is due among `keys`, in one round trip. The lease number grows by one: every later write of the holder is
 * guarded by it, so a holder whose lease was taken over can write nothing. A taken-over call stays counted and goes into
 * the history as `abandoned`. No number of deaths wears the statement out: past `max_attempts` no call is made, and the
 * count stays where it is until a holder lives to settle the job. A job whose upstream cools down is parked instead.
 *
 * Where the answer is lost, the leases may be ours all the same. Ask again as the same holder, with `isRepeated`: what the
 * lost request leased is not due any more, and is read back in the same transaction that leases the rest.
 */
export async function leaseJobs(db: Database, request: LeaseRequest): Promise<Leased> {
	const { keys, holder } = request;
	const [rows = [], owed = [], kept = [], probed = [], ...rest] = await db.transact<Record<string, unknown>>(
		"lease jobs",
		[
			leaseStatement(db, request),
			insertStartDeliveries(db, request),
			findGated(db, request),
			takePermits(db, request),
			...(request.isRepeated ? [ownLeases(db, request)] : []),
			takeFreeSlots(db, keys, holder),
			parkOverBudget(db, keys),
			parkForUpstream(db, keys),
			parkForSlot(db, keys),
			sweepByLeaseEnd(request),
			...[...new Set(keys.map(({ tenantId }) => tenantId))].map((tenantId) => giveFreeSlots(db, tenantId)),
		],
	);
	const own = (request.isRepeated && rest.shift()) || [];
	const jobs = readable(request.isRepeated ? own : rows, request);
	// The lost request may have let probes through and closed the door behind them: those of its leases are let be. Whom
	// it took over is a probe or was kept away, nobody knows, and waits, whatever has come to an end since.
	const leasedNow = new Set(rows.map((row) => row.id));
	const takenOver = new Set(request.isRepeated ? jobs.filter(isTakenOver).map(({ jobId }) => jobId) : []);
	const isKept = ({ id, is_closed }: Record<string, unknown>) =>
		leasedNow.has(id) ? is_closed === 1 : takenOver.has(String(id));
	return {
		jobs,
		now: Number(own[0]?.now ?? jobs[0]?.leasedAt ?? 0),
		gated: new Set(kept.filter(isKept).map((row) => String(row.id))),
		owed: pendingFromRows(owed),
		freed: jobKeysFromRows(rest.flat()),
		probedBreakers: new Set(probed.map((row) => String(row.key))),
	};
}

/** From a holder whose call is told as abandoned; past `max_attempts` none is told, and none is made. */
function isTakenOver({ attempts, fence }: Job): boolean {
	const last = attempts.at(-1);
	return last?.outcome === "abandoned" && last.fence === fence - 1;
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
		   SET status = 'running', status_reason = NULL, parked_on = NULL, version = version + 1,
		       fence = fence + 1, holder = ?3, attempt = min(attempt, max_attempts) + 1,
		       leased_at = ${NOW}, lease_expires_at = ${NOW} + ?4, started_at = coalesce(started_at, ${NOW}),
		       attempts = CASE WHEN status = 'running' AND attempt <= max_attempts THEN json_remove(json_insert(
		           attempts, '$[#]', json_object(
		               'number', coalesce(json_extract(attempts, '$[#-1].number'), 0) + 1, 'fence', fence,
		               'counted', json('true'), 'model', model, 'provider', NULL,
		               'startedAt', leased_at, 'endedAt', lease_expires_at, 'outcome', 'abandoned',
		               'status', NULL, 'code', NULL, 'message', NULL, 'retryAfterMs', NULL, 'logId', NULL, 'usage', NULL
		           )), iif(json_array_length(attempts) < ${ATTEMPTS_KEPT}, '$.none', '$[1]')) ELSE attempts END
		 WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM ${placed(DUE)}
		        WHERE status = 'running' OR (NOT (${GATED}) AND ${HAS_SLOT}))
		RETURNING ${JOB_COLUMNS}`,
		params: [db.clock(), keyList(keys), holder, leaseMs],
	};
}

/** A job starts once, by the statement just before: whoever leases it later does not start it anew. */
const START_DELIVERIES = jobDeliveriesSql(
	() => "changes() > 0 AND jobs.status = 'running' AND jobs.holder = ?3 AND jobs.fence = 1",
);

function insertStartDeliveries(db: Database, { keys, holder }: LeaseRequest): Statement {
	const news = keys.map(({ tenantId, jobId }) => ({ tenantId, jobId, happening: "started" as const }));
	return insertJobDeliveries(db, START_DELIVERIES, news, [holder]);
}

/**
 * A job whose holder died may have its answer in R2, so it is taken over even while its upstream is left alone. Answers all
 * that have an upstream in trouble, and whether it is closed to them.
 */
function findGated(db: Database, { keys, holder }: LeaseRequest): Statement {
	return {
		sql: `SELECT id, ${GATED} AS is_closed FROM ${placed("status = 'running' AND holder = ?3")}
		       WHERE ${GATED} OR (deadline_at > ${NOW}
		         AND EXISTS (SELECT 1 FROM breakers WHERE key IN (credential, credential || '|' || model)))`,
		params: [db.clock(), keyList(keys), holder],
	};
}

/** What was leased uses up slots; the last one closes the door until a probe is back, or overdue. */
function takePermits(db: Database, { keys, holder }: LeaseRequest): Statement {
	return {
		sql: `UPDATE breakers
		   SET permits = max(1, permits - used.calls), open_until = CASE WHEN permits <= used.calls THEN ${NOW} + ${PROBE_MS} ELSE open_until END
		  FROM (SELECT upstream.key, count(*) AS calls
		          FROM jobs JOIN breakers AS upstream ON upstream.key IN ${KEYS_OF_JOB}
		         WHERE ${ASKED} AND status = 'running' AND holder = ?3 AND deadline_at > ${NOW} GROUP BY upstream.key) AS used
		 WHERE breakers.key = used.key AND breakers.open_until <= ${NOW}
		RETURNING breakers.key`,
		params: [db.clock(), keyList(keys), holder],
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

function ownLeases(db: Database, { keys, holder }: LeaseRequest): Statement {
	return {
		sql: `SELECT ${JOB_COLUMNS}, ${NOW} AS now FROM jobs WHERE ${ASKED} AND status = 'running' AND holder = ?3`,
		params: [db.clock(), keyList(keys), holder],
	};
}
