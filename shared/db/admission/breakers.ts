/**
 * Circuit breakers of upstreams. A row in `breakers` gates every call to its key until `open_until`. The breaker is then
 * half-open: it admits a few calls, and more with each success, until its row is deleted. A healthy upstream has no row and
 * costs one look-up.
 */
import type { JobKey } from "../../core/jobs/job.ts";
import {
	type BreakerEvent,
	FAILURES_TO_TRIP,
	OBSERVED_MS,
	OPEN_MS_FIRST,
	OPEN_MS_MAX,
	PERMITS_EARNED,
	PROBE_MS,
	SUCCESSES_TO_RECOVER,
	type Trip,
	UNAVAILABLE_MS_FIRST,
} from "../../core/upstreams/breaker.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { keyList, REQUESTED } from "../key-list.ts";
import { breakerKeys } from "./keys.ts";

/** Whether the breaker of `key` gates the call at `place` in its line. */
export const gatedBy = (key: string, place: string) =>
	`EXISTS (SELECT 1 FROM breakers WHERE key = ${key} AND (open_until > ${NOW} OR permits < ${place}))`;

/** How many calls the breaker of `key` admits now, up to `limit`. */
export const callsAdmitted = (key: string, limit: string) => `coalesce(
	(SELECT CASE WHEN open_until > ${NOW} THEN 0 ELSE min(${limit}, permits) END FROM breakers WHERE breakers.key = ${key}),
	${limit})`;

/** When a call to `key` may start at the earliest. */
export const openUntil = (key: string) => `coalesce((SELECT open_until FROM breakers WHERE key = ${key}), 0)`;

/** Doubles with each trip. */
const doubled = (firstMs: number) => `min(${OPEN_MS_MAX}, ${firstMs} << min(trips, 16))`;

/** The failed call was leased, at `?3`, after the last trip: its failure is not part of what that trip counted. */
const IS_LATER = "(tripped_at < ?3)";

export function breakerStatement(db: Database, event: BreakerEvent): Statement {
	return event.kind === "trip" ? trip(db, event) : countFailure(db, event);
}

/**
 * If the breaker tripped after the call was leased, `open_until` is only moved later. An earlier trip's `open_until` is
 * replaced: it may be the time reserved for a probe, which no provider requested. The permits earned so far are lost.
 * A wait that the provider requested does not count as one more trip, so it does not double the next one.
 */
function trip(db: Database, { key, leasedAt, reason, waitMs, isRequested }: Trip): Statement {
	return {
		sql: `INSERT INTO breakers (key, reason, open_until, permits, trips, tripped_at, observed_until)
		VALUES (?2, ?4, ${NOW} + max(?5, CASE WHEN ?6 THEN 0 ELSE ${OPEN_MS_FIRST} END), 1, 1, ${NOW},
		        ${NOW} + ${OBSERVED_MS})
		ON CONFLICT (key) DO UPDATE
		   SET reason = excluded.reason, permits = 1, successes = 0, tripped_at = excluded.tripped_at,
		       open_until = max(iif(${IS_LATER}, 0, open_until),
		                        ${NOW} + max(?5, CASE WHEN ?6 THEN 0 ELSE ${doubled(OPEN_MS_FIRST)} END)),
		       trips = trips + (NOT ?6 AND (${IS_LATER} OR open_until <= ${NOW})), observed_until = ${NOW} + ${OBSERVED_MS}`,
		params: [db.clock(), key, leasedAt, reason, waitMs, isRequested ? 1 : 0],
	};
}

/**
 * Counts a transient failure; many failures, and more than successes, trip the breaker. A failed probe trips it at once; a
 * call that was in flight when the breaker tripped is not a probe.
 */
function countFailure(db: Database, { key, leasedAt }: BreakerEvent): Statement {
	const isProbe = `permits IS NOT NULL AND ${IS_LATER}`;
	const isMost = `observed_until > ${NOW} AND failures + 1 >= ${FAILURES_TO_TRIP} AND failures + 1 >= successes`;
	const trips = `((${isProbe}) OR (${isMost}))`;
	return {
		sql: `INSERT INTO breakers (key, reason, open_until, permits, trips, tripped_at, failures, observed_until)
		VALUES (?2, 'unavailable', 0, NULL, 0, 0, 1, ${NOW} + ${OBSERVED_MS})
		ON CONFLICT (key) DO UPDATE
		   SET open_until = CASE WHEN ${trips} THEN max(open_until, ${NOW} + ${doubled(UNAVAILABLE_MS_FIRST)}) ELSE open_until END,
		       reason = CASE WHEN ${trips} THEN 'unavailable' ELSE reason END,
		       tripped_at = CASE WHEN ${trips} THEN ${NOW} ELSE tripped_at END,
		       trips = trips + (${trips} AND (${IS_LATER} OR open_until <= ${NOW})),
		       permits = CASE WHEN ${trips} THEN 1 ELSE permits END,
		       failures = CASE WHEN ${trips} THEN 0 WHEN observed_until > ${NOW} THEN failures + 1 ELSE 1 END,
		       successes = CASE WHEN ${trips} OR observed_until <= ${NOW} THEN 0 ELSE successes END,
		       observed_until = CASE WHEN observed_until > ${NOW} THEN observed_until ELSE ${NOW} + ${OBSERVED_MS} END`,
		params: [db.clock(), key, leasedAt],
	};
}

/**
 * Uses up permits for the jobs just leased. The call that takes the last one opens the breaker again, until a probe succeeds
 * or is overdue. Returns the keys of the breakers that admitted calls.
 */
export function takePermits(db: Database, keys: JobKey[], holder: string): Statement {
	return {
		sql: `UPDATE breakers
		   SET permits = max(1, permits - used.calls),
		       open_until = CASE WHEN permits <= used.calls THEN ${NOW} + ${PROBE_MS} ELSE open_until END
		  FROM (SELECT upstream.key, count(*) AS calls
		          FROM jobs JOIN breakers AS upstream ON upstream.key IN ${breakerKeys("jobs")}
		         WHERE ${REQUESTED} AND status = 'running' AND holder = ?3 AND deadline_at > ${NOW} GROUP BY upstream.key) AS used
		 WHERE breakers.key = used.key AND breakers.open_until <= ${NOW}
		RETURNING breakers.key`,
		params: [db.clock(), keyList(keys), holder],
	};
}

/** While jobs wait for it, a breaker stays, and releases no more of them than it has permits. */
const NONE_PARKED = "NOT EXISTS (SELECT 1 FROM jobs WHERE parked_on = breakers.key)";

/**
 * A call admitted by the breakers of `keys` succeeded: they get more permits, or close.
 * @param leasedAt when that call was leased: a breaker that tripped later stays as it is
 */
export async function recordRecovery(db: Database, keys: string[], leasedAt: number): Promise<void> {
	if (keys.length === 0) return;
	const list = JSON.stringify(keys);
	await db.transact("record recovery", [
		{
			sql: `UPDATE breakers
			   SET permits = permits + ${PERMITS_EARNED}, successes = successes + 1,
			       open_until = CASE WHEN permits IS NULL THEN open_until ELSE min(open_until, ${NOW}) END
			 WHERE key IN (SELECT value FROM json_each(?2)) AND tripped_at < ?3`,
			params: [db.clock(), list, leasedAt],
		},
		{
			sql: `DELETE FROM breakers
			 WHERE key IN (SELECT value FROM json_each(?2))
			   AND CASE WHEN permits IS NULL THEN observed_until <= ${NOW} ELSE successes >= ${SUCCESSES_TO_RECOVER} AND ${NONE_PARKED} END`,
			params: [db.clock(), list],
		},
	]);
}

/** For a failure that leaves no job waiting. The failure of a requeued job is recorded in the transaction that requeues it. */
export async function recordFailure(db: Database, event: BreakerEvent): Promise<void> {
	await db.all("record failure", breakerStatement(db, event));
}

/** Drops breakers that have expired and that no job is parked on. */
export async function pruneBreakers(db: Database): Promise<number> {
	const rows = await db.all("prune breakers", {
		sql: `DELETE FROM breakers
		 WHERE open_until <= ${NOW} - ${PROBE_MS} AND observed_until <= ${NOW} - ${OBSERVED_MS}
		   AND ${NONE_PARKED}
		RETURNING key`,
		params: [db.clock()],
	});
	return rows.length;
}
