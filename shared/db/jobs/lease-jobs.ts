/** Takes the right to run jobs: the one transaction that starts a call, or takes over from a holder that died. */
import { ATTEMPTS_KEPT } from "../../core/jobs/attempts.ts";
import type { Job, JobKey } from "../../core/jobs/job.ts";
import type { DeliveryKey } from "../../core/webhooks/delivery.ts";
import { takePermits } from "../admission/breakers.ts";
import { ADMITTED, findGated, GateReason, parkWaiting } from "../admission/may-run.ts";
import { releaseForTenants } from "../admission/release.ts";
import { TOKENS_TO_RESERVE, takeSlots } from "../admission/tenant-limits.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { isListed, jobKeysFromRows, keyList, REQUESTED } from "../key-list.ts";
import { insertStartDeliveries, pendingFromRows } from "../outbox.ts";
import { JOB_COLUMNS, jobFromRow } from "./job-row.ts";

export interface LeaseRequest {
	keys: JobKey[];
	/** Random per invocation: distinguishes our leases if a response was lost. */
	holder: string;
	leaseMs: number;
	/** From the commit to the first attempt of a delivery. 0 unless given. */
	deliveryWaitMs?: number;
	/** The same request was made before and its response was lost: it may have leased some of `keys`. */
	isRepeated?: boolean;
	/** By the database's clock: a request that it executes later leases nothing, because its sender has given up. Null: no limit. */
	notAfter?: number | null;
	/** Called for a row that our code cannot have written. It is left out, so that its neighbours run. */
	onUnreadable?: (error: unknown) => void;
}

export interface Leased {
	jobs: Job[];
	/** The database's clock at the time of the transaction. */
	now: number;
	/** Deliveries that the jobs' start inserted: enqueue them. */
	pending: DeliveryKey[];
	/** Jobs that were released to slots given back by this request's jobs: enqueue them. */
	released: JobKey[];
	/** Taken-over jobs that may make no call, by id, with the reason. They are only settled, if R2 has their result. */
	gated: Map<string, GateReason>;
	/** Of these, the jobs that move on to their next model instead. */
	movingOn: Set<string>;
	/**
	 * Keys of the half-open breakers that admitted calls, each with the last success of such a call. The outcomes of these calls
	 * open or close them.
	 */
	probedBreakers: Map<string, number | null>;
}

/**
 * Leases those of `keys` that may run now, and parks those that are due and may not, in one round trip. The fence grows by
 * one: every later write of the holder is guarded by it, so a holder whose lease was taken over can write nothing. A
 * taken-over call goes into the history as `abandoned`; it stays counted if a heartbeat recorded it. Past `max_attempts` no call
 * is made, and the count stays as it is until a holder lives long enough to settle the job.
 *
 * If the response is lost, the leases may be ours all the same. Repeat the request as the same holder, with `isRepeated`:
 * jobs that the lost request leased are no longer due, and are read back in the transaction that leases the rest.
 */
export async function leaseJobs(db: Database, request: LeaseRequest): Promise<Leased> {
	const { keys, holder, deliveryWaitMs: waitMs = 0, isRepeated = false } = request;
	const tenants = keys.map(({ tenantId }) => tenantId);
	const rows = await db.transactNamed("lease jobs", {
		leased: leaseStatement(db, request),
		// Right after the lease: it reads `changes()`.
		deliveries: insertStartDeliveries(db, keys, { holder, waitMs }),
		// Before `probed` takes permits: it must see those that the lease saw.
		gated: findGated(db, keys, holder, isRepeated),
		probed: takePermits(db, keys, holder),
		held: isRepeated ? readHeld(db, request) : [],
		slots: takeSlots(db, keys, holder),
		parked: parkWaiting(db, keys),
		swept: sweepAtLeaseEnd(request),
		released: releaseForTenants(db, tenants),
	});
	const jobs = readable(isRepeated ? rows.held : rows.leased, request);
	const leasedNow = new Set(rows.leased.map(({ id }) => String(id)));
	// Which of the jobs taken over by the lost request are probes is unknown, so all that have a breaker count as gated.
	const takenOverBefore = new Set(isRepeated ? jobs.filter(isTakenOver).map(({ jobId }) => jobId) : []);
	const isGated = (id: string, isGatedNow: boolean) => (leasedNow.has(id) ? isGatedNow : takenOverBefore.has(id));
	const movesOn = (row: Record<string, unknown>) => row.is_gated === 1 && row.moves_on === 1;
	const gated = rows.gated.filter((row) => movesOn(row) || isGated(String(row.id), row.is_gated === 1));
	return {
		jobs,
		now: Number(rows.held[0]?.now ?? jobs[0]?.leasedAt ?? 0),
		gated: new Map(gated.map((row) => [String(row.id), GateReason.parse(row.gate_reason)])),
		movingOn: new Set(rows.gated.filter(movesOn).map(({ id }) => String(id))),
		pending: pendingFromRows(rows.deliveries),
		released: jobKeysFromRows(rows.released),
		probedBreakers: new Map(
			rows.probed.map(({ key, succeeded_at: at }) => [String(key), at === null ? null : Number(at)]),
		),
	};
}

/** The last entry of the history is the call of the holder before, recorded as abandoned by this lease. */
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

/** The lease expired before a heartbeat recorded a call: it uses up no attempt. Past `max_attempts` the count stays as it is. */
const IS_UNCALLED = "(status = 'running' AND attempt <= max_attempts AND called_fence IS NOT fence)";

/** A full history loses its second entry; the path `$.none` removes nothing. */
function leaseStatement(db: Database, { keys, holder, leaseMs, notAfter = null }: LeaseRequest): Statement {
	return {
		sql: `UPDATE jobs
		   SET status = 'running', status_reason = NULL, parked_on = NULL, version = version + 1,
		       fence = fence + 1, holder = ?3, attempt = iif(${IS_UNCALLED}, attempt, min(attempt, max_attempts) + 1),
		       leased_at = ${NOW}, lease_expires_at = ${NOW} + ?4, started_at = coalesce(started_at, ${NOW}),
		       tokens_reserved = ${TOKENS_TO_RESERVE},
		       attempts = CASE WHEN status = 'running' AND attempt <= max_attempts THEN json_remove(json_insert(
		           attempts, '$[#]', json_object(
		               'number', coalesce(json_extract(attempts, '$[#-1].number'), 0) + 1, 'fence', fence,
		               'counted', json(iif(${IS_UNCALLED}, 'false', 'true')), 'model', model, 'provider', NULL,
		               'startedAt', leased_at, 'endedAt', lease_expires_at, 'outcome', 'abandoned',
		               'status', NULL, 'code', NULL, 'message', NULL, 'retryAfterMs', NULL, 'logId', NULL, 'usage', NULL
		           )), iif(json_array_length(attempts) < ${ATTEMPTS_KEPT}, '$.none', '$[1]')) ELSE attempts END
		 WHERE (tenant_id, id) IN (${ADMITTED}) AND (?5 IS NULL OR ${NOW} <= ?5)
		RETURNING ${JOB_COLUMNS}`,
		params: [db.clock(), keyList(keys), holder, leaseMs, notAfter],
	};
}

/**
 * A job that the sweeper enqueued several times has its next sweep far ahead. Once it runs, the sweep must come when the
 * lease ends, to notice that its holder died. For any other job the sweep is earlier anyway, and nothing is written.
 */
function sweepAtLeaseEnd({ keys, holder }: LeaseRequest): Statement {
	return {
		sql: `UPDATE jobs SET sweep_at = lease_expires_at
		 WHERE ${isListed("?1")} AND status = 'running' AND holder = ?2 AND sweep_at > lease_expires_at`,
		params: [keyList(keys), holder],
	};
}

/** The jobs that this holder has leased, now or by the request with the lost response. */
function readHeld(db: Database, { keys, holder }: LeaseRequest): Statement {
	return {
		sql: `SELECT ${JOB_COLUMNS}, ${NOW} AS now FROM jobs WHERE ${REQUESTED} AND status = 'running' AND holder = ?3`,
		params: [db.clock(), keyList(keys), holder],
	};
}
