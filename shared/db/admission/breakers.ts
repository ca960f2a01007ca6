/**
 * Circuit breakers of upstreams: a credential, or a model called with a credential. Each tenant has its own ones, and all tenants
 * share one more for each upstream.
 *
 * A failed call is evidence for the own breaker of its tenant. The shared one opens if an own breaker trips while another
 * tenant's has, or by its own count of failures, to which each tenant adds half of what it takes at most. So whatever one tenant
 * sends, and whatever it is answered, closes an upstream to itself alone. A job needs all of its breakers, own and shared, and is
 * parked on the one that stays open longest.
 *
 * A breaker has a row once a call failed. It gates every call until `open_until`, and is then half-open: it admits a few calls,
 * more with each success, and half as many after a refusal, until its row is deleted. A healthy upstream has no row and costs one
 * look-up. Jobs parked on a shared key are released in turn by tenants (`release.ts`).
 */
import type { JobKey } from "../../core/jobs/job.ts";
import {
	type BreakerEvent,
	FAILURES_SHARED,
	FAILURES_TO_TRIP,
	OBSERVED_MS,
	OPEN_MS_FIRST,
	OPEN_MS_MAX,
	PERMITS_EARNED,
	PROBE_MS,
	SUCCESSES_TO_RECOVER,
	UNAVAILABLE_MS_FIRST,
	WITNESS_MS,
} from "../../core/upstreams/breaker.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { keyList, REQUESTED } from "../key-list.ts";
import { breakerKeys } from "./keys.ts";

/** Whether the breaker of `key` gates the call at `place` in its line. */
export const gatedBy = (key: string, place: string) =>
	`EXISTS (SELECT 1 FROM breakers WHERE key = ${key} AND (open_until > ${NOW} OR permits < ${place}))`;

/** How many calls the breakers of `keys` admit now. Null: any number. */
export const callsAdmitted = (keys: string) =>
	`(SELECT min(CASE WHEN open_until > ${NOW} THEN 0 ELSE permits END) FROM breakers WHERE breakers.key IN (${keys}))`;

/** When a call may start at the earliest that depends on the breakers of `keys`. */
export const openUntil = (keys: string) => `coalesce((SELECT max(open_until) FROM breakers WHERE key IN (${keys})), 0)`;

/** Doubles with each trip. */
const doubled = (firstMs: string) => `min(${OPEN_MS_MAX}, ${firstMs} << min(trips, 16))`;

/** The failed call was leased, at `?3`, after the last trip: its failure is not part of what that trip counted. */
const IS_LATER = "(tripped_at < ?3)";

/** An own breaker observes as long as the shared one, so that in that time each tenant counts once. */
const OBSERVED_UNTIL = `coalesce((SELECT observed_until FROM breakers WHERE key IN (?2, ?7) AND observed_until > ${NOW}
	ORDER BY shared_key IS NOT NULL LIMIT 1), ${NOW} + ${OBSERVED_MS})`;
/** What the breaker has counted is of the current observation. */
const isOf = (observation: string) => `(observed_until > ${NOW} AND observed_until = ${observation})`;
const IS_OBSERVING = isOf("(SELECT until FROM observation)");

/** Many failures, and as many as successes, trip a breaker. */
const IS_MOST = `${IS_OBSERVING} AND failures + 1 >= ${FAILURES_TO_TRIP} AND failures + 1 >= successes`;
/** Until it recovered from a trip, one failed call trips an own breaker again. */
const OWN_TRIPS = `(?8 OR EXISTS (SELECT 1 FROM breakers WHERE key = ?2 AND ${IS_LATER} AND (trips > 0 OR (${IS_MOST}))))`;

/** Another tenant's breaker of the upstream tripped, and its calls were not taken since. */
const IS_WITNESSED = `EXISTS (SELECT 1 FROM breakers AS witness
	WHERE witness.shared_key = ?7 AND witness.open_until > ${NOW} - ${WITNESS_MS} AND witness.key <> ?2
	  AND witness.trips > 0 AND witness.successes = 0)`;

/** The failure counts in the shared breaker too: it is one of its tenant's first in this observation. */
const IS_SHARED = `(NOT ?8
	AND NOT EXISTS (SELECT 1 FROM breakers WHERE key = ?2 AND ${IS_OBSERVING} AND failures >= ${FAILURES_SHARED})
	AND NOT EXISTS (SELECT 1 FROM breakers WHERE key = ?7 AND NOT ${IS_LATER}))`;
/** After a trip, one such failure trips a shared breaker again until a call of any tenant succeeded. */
const SHARED_TRIPS = `EXISTS (SELECT 1 FROM breakers WHERE key = ?7 AND ((trips > 0 AND successes = 0) OR (${IS_MOST})))`;

/** Its calls were taken after its last trip. `successes` also begins again with an observation. */
const IS_RESUMED = "(permits IS NOT NULL AND coalesce(succeeded_at, 0) > tripped_at)";
/** Of the calls that it admitted at once. Before its first refusal, each success added one. */
const HALF = "max(1, coalesce(calls_at_once, 1 + nullif(successes, 0)) / 2)";

/**
 * Records a failed call in the own breaker of its tenant, and in the shared one if it is evidence for all. `excluded.trips` is 1
 * for a trip and 0 for a failure that is only counted.
 *
 * If the breaker tripped after the call was leased, `open_until` is only moved later. An earlier trip's `open_until` is
 * replaced: it may be the time reserved for a probe, which no provider requested. After its probe the breaker resumes with half
 * of the calls that it admitted at once.
 * A wait that the provider requested does not count as one more trip, so it does not double the next one. A trip leaves
 * `failures` at no more than a tenant may share, and does not begin a new observation.
 */
export function breakerStatement(db: Database, event: BreakerEvent): Statement {
	const isTrip = event.kind === "trip";
	const { reason, waitMs, isRequested } = isTrip ? event : { reason: "unavailable", waitMs: 0, isRequested: false };
	return {
		sql: `WITH observation (until) AS MATERIALIZED (SELECT ${OBSERVED_UNTIL}), evidence (own_trips, is_witnessed, is_shared, shared_trips) AS MATERIALIZED (
		       SELECT ${OWN_TRIPS}, ${IS_WITNESSED}, ${IS_SHARED}, ${SHARED_TRIPS})
		INSERT INTO breakers (key, shared_key, reason, open_until, permits, trips, tripped_at, failures, observed_until)
		SELECT key, shared_key, ?4, iif(trips, ${NOW} + max(?5, iif(?6, 0, ?9)), 0), iif(trips, 1, NULL), trips, iif(trips, ${NOW}, 0),
		       counted, (SELECT until FROM observation)
		  FROM (SELECT ?2 AS key, ?7 AS shared_key, own_trips AS trips, NOT ?8 AS counted FROM evidence
		        UNION ALL
		        SELECT ?7, NULL, (own_trips AND is_witnessed) OR (is_shared AND shared_trips), is_shared FROM evidence
		         WHERE is_shared OR (own_trips AND is_witnessed)) WHERE TRUE
		ON CONFLICT (key) DO UPDATE
		   SET reason = iif(excluded.trips, excluded.reason, reason),
		       open_until = CASE WHEN NOT excluded.trips THEN open_until
		           ELSE max(iif(${IS_LATER}, 0, open_until), ${NOW} + max(?5, iif(?6, 0, ${doubled("?9")}))) END,
		       permits = iif(excluded.trips, 1, permits),
		       calls_at_once = iif(excluded.trips AND ${IS_RESUMED}, ${HALF}, calls_at_once),
		       trips = max(excluded.trips, trips + (excluded.trips AND NOT ?6 AND (${IS_LATER} OR open_until <= ${NOW}))),
		       tripped_at = iif(excluded.trips, ${NOW}, tripped_at),
		       failures = min(iif(excluded.trips, ${FAILURES_SHARED}, failures + 1), iif(${isOf("excluded.observed_until")}, failures, 0) + excluded.failures),
		       successes = iif(excluded.trips OR (trips = 0 AND NOT ${isOf("excluded.observed_until")}), 0, successes),
		       observed_until = excluded.observed_until`,
		params: [
			db.clock(),
			event.key,
			event.leasedAt,
			reason,
			waitMs,
			isRequested ? 1 : 0,
			event.sharedKey,
			isTrip ? 1 : 0,
			isTrip ? OPEN_MS_FIRST : UNAVAILABLE_MS_FIRST,
		],
	};
}

/**
 * Uses up permits for the jobs just leased. The call that takes the last one opens the breaker again, until a probe succeeds
 * or is overdue. Returns the breakers that admitted calls.
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
		RETURNING breakers.key, succeeded_at`,
		params: [db.clock(), keyList(keys), holder],
	};
}

/** While jobs wait for it, a breaker stays, and releases no more of them than it has permits. */
const NONE_PARKED = "NOT EXISTS (SELECT 1 FROM jobs WHERE parked_on = breakers.key)";

/** One more call at once, after as many successes as there are calls at once. */
const WIDENED = "calls_at_once + 1.0 / calls_at_once";

/** While a breaker is open, its last permit is in use. */
const PERMIT_BACK = `iif(open_until > ${NOW}, 0, permits) + 1`;

/**
 * Before its first refusal, a breaker admits twice as many calls with each round of successes. Later it resumes with half of those
 * that were too many, and adds one in a round.
 */
const PERMITS_AFTER_SUCCESS = `CASE WHEN permits IS NULL THEN NULL
	WHEN calls_at_once IS NULL THEN permits + ${PERMITS_EARNED}
	WHEN NOT ${IS_RESUMED} THEN max(permits, CAST(calls_at_once AS INTEGER))
	ELSE ${PERMIT_BACK} + CAST(${WIDENED} AS INTEGER) - CAST(calls_at_once AS INTEGER) END`;

/**
 * A call admitted by the breakers of `keys` succeeded: they get more permits, or close.
 * @param leasedAt when that call was leased: a breaker that tripped later stays as it is
 * @returns how many permits one of them earned at most
 */
export async function recordRecovery(db: Database, keys: string[], leasedAt: number): Promise<number> {
	const list = JSON.stringify(keys);
	const [recovered = []] = await db.transact<{ resumed: number | null }>("record recovery", [
		{
			sql: `UPDATE breakers
			   SET permits = ${PERMITS_AFTER_SUCCESS}, calls_at_once = iif(${IS_RESUMED}, ${WIDENED}, calls_at_once),
			       successes = successes + 1, succeeded_at = ${NOW},
			       trips = iif(successes + 1 >= ${SUCCESSES_TO_RECOVER}, 0, trips),
			       open_until = CASE WHEN permits IS NULL THEN open_until ELSE min(open_until, ${NOW}) END
			 WHERE key IN (SELECT value FROM json_each(?2)) AND tripped_at < ?3
			RETURNING iif(successes = 1 AND trips > 0, CAST(calls_at_once AS INTEGER), NULL) AS resumed`,
			params: [db.clock(), list, leasedAt],
		},
		{
			sql: `DELETE FROM breakers
			 WHERE key IN (SELECT value FROM json_each(?2))
			   AND CASE WHEN permits IS NULL THEN observed_until <= ${NOW} ELSE successes >= ${SUCCESSES_TO_RECOVER} AND ${NONE_PARKED} END`,
			params: [db.clock(), list],
		},
	]);
	return Math.max(PERMITS_EARNED, ...recovered.map(({ resumed }) => resumed ?? 0));
}

/**
 * A call admitted by the breakers of `keys` ended without a word for or against the upstream: they get its permit back. A breaker
 * that no call passed since its last trip stays open until its probe is overdue.
 * @param leasedAt when that call was leased
 * @param isFailure it counts as a failure, which trips an own breaker that has not recovered: that one gets none
 * @returns the keys of those that got one
 */
export async function returnPermits(
	db: Database,
	keys: string[],
	leasedAt: number,
	isFailure: boolean,
): Promise<string[]> {
	const rows = await db.all<{ key: string }>("return permits", {
		sql: `UPDATE breakers SET permits = ${PERMIT_BACK}, open_until = min(open_until, ${NOW})
		 WHERE key IN (SELECT value FROM json_each(?2)) AND tripped_at < ?3 AND ${IS_RESUMED}
		   AND NOT (?4 AND trips > 0 AND shared_key IS NOT NULL)
		RETURNING key`,
		params: [db.clock(), JSON.stringify(keys), leasedAt, isFailure ? 1 : 0],
	});
	return rows.map(({ key }) => key);
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
