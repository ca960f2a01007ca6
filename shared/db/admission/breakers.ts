/**
 * Upstreams in trouble. A row in `breakers` keeps every consumer away from its key until its time; then it lets few
 * calls in, and more with each that succeeds; then it goes. What is healthy has no row and costs nothing but a look.
 */

import type { JobKey } from "../../core/jobs/job.ts";
import { ENQUEUE_GRACE_MS } from "../../core/jobs/wakeups.ts";
import {
	type BreakerEvent,
	FAILURES_TO_TRIP,
	OBSERVED_MS,
	OPEN_MS_FIRST,
	OPEN_MS_MAX,
	PERMITS_EARNED,
	PROBE_MS,
	SUCCESSES_TO_RECOVER,
	UNAVAILABLE_MS_FIRST,
} from "../../core/upstreams/breaker.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { slotsToGive, tenantOfKey } from "./tenant-slots.ts";

/** The keys that a job's next call depends on. */
export const KEYS_OF_JOB = "(jobs.credential, jobs.credential || '|' || jobs.model)";

/** Doubles with each strike. */
const doubled = (firstMs: number) => `min(${OPEN_MS_MAX}, ${firstMs} << min(trips, 16))`;

/** The statement that goes with the failed job's own. */
export function breakerStatement(db: Database, breakerEvent: BreakerEvent): Statement {
	return breakerEvent.kind === "strike" ? strike(db, breakerEvent) : observe(db, breakerEvent);
}

/** The failed call was let through by all that was known, so what it brings is news; bound as `?3`. */
const IS_NEWS = "(tripped_at < ?3)";

/**
 * What somebody asked for since the call was leased is only ever made longer. What was known before gives way: the door
 * that a probe closes behind it is not a time that the provider asked for. A probe that was sent away again costs the
 * trust that was won; a provider that says how long is believed, and its next word does not count for more.
 */
function strike(db: Database, breakerEvent: Extract<BreakerEvent, { kind: "strike" }>): Statement {
	const { key, leasedAt, reason, waitMs, isAsked } = breakerEvent;
	return {
		sql: `INSERT INTO breakers (key, reason, open_until, permits, trips, tripped_at, observed_until)
		VALUES (?2, ?4, ${NOW} + max(?5, CASE WHEN ?6 THEN 0 ELSE ${OPEN_MS_FIRST} END), 1, 1, ${NOW},
		        ${NOW} + ${OBSERVED_MS})
		ON CONFLICT (key) DO UPDATE
		   SET reason = excluded.reason, permits = 1, successes = 0, tripped_at = excluded.tripped_at,
		       open_until = max(iif(${IS_NEWS}, 0, open_until),
		                   ${NOW} + max(?5, CASE WHEN ?6 THEN 0 ELSE ${doubled(OPEN_MS_FIRST)} END)),
		       trips = trips + (NOT ?6 AND (${IS_NEWS} OR open_until <= ${NOW})), observed_until = ${NOW} + ${OBSERVED_MS}`,
		params: [db.clock(), key, leasedAt, reason, waitMs, isAsked ? 1 : 0],
	};
}

/**
 * Counts a transient failure, and trips when they are many and most. A probe that fails trips at once; a call that was
 * under way when the cool-down began is none.
 */
function observe(db: Database, { key, leasedAt }: BreakerEvent): Statement {
	const isProbe = `permits IS NOT NULL AND ${IS_NEWS}`;
	const isMost = `observed_until > ${NOW} AND failures + 1 >= ${FAILURES_TO_TRIP} AND failures + 1 >= successes`;
	const trips = `((${isProbe}) OR (${isMost}))`;
	return {
		sql: `INSERT INTO breakers (key, reason, open_until, permits, trips, tripped_at, failures, observed_until)
		VALUES (?2, 'unavailable', 0, NULL, 0, 0, 1, ${NOW} + ${OBSERVED_MS})
		ON CONFLICT (key) DO UPDATE
		   SET open_until = CASE WHEN ${trips} THEN max(open_until, ${NOW} + ${doubled(UNAVAILABLE_MS_FIRST)}) ELSE open_until END,
		       reason = CASE WHEN ${trips} THEN 'unavailable' ELSE reason END,
		       tripped_at = CASE WHEN ${trips} THEN ${NOW} ELSE tripped_at END,
		       trips = trips + (${trips} AND (${IS_NEWS} OR open_until <= ${NOW})),
		       permits = CASE WHEN ${trips} THEN 1 ELSE permits END,
		       failures = CASE WHEN ${trips} THEN 0 WHEN observed_until > ${NOW} THEN failures + 1 ELSE 1 END,
		       successes = CASE WHEN ${trips} OR observed_until <= ${NOW} THEN 0 ELSE successes END,
		       observed_until = CASE WHEN observed_until > ${NOW} THEN observed_until ELSE ${NOW} + ${OBSERVED_MS} END`,
		params: [db.clock(), key, leasedAt],
	};
}

/**
 * What is left of a cool-down after a call of it was answered: more slots, or nothing.
 * @param leasedAt when that call was leased: a strike since then knows better, and stands
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
			   AND CASE WHEN permits IS NULL THEN observed_until <= ${NOW} ELSE successes >= ${SUCCESSES_TO_RECOVER} END`,
			params: [db.clock(), list],
		},
	]);
}

/**
 * Lets parked jobs of `key` go, the most urgent first: as many as its cool-down has slots, or `limit` where it has none
 * any more; of those who wait for their tenant's slots, as many as it has left. Ring for what this answers.
 */
export async function releaseParked(db: Database, key: string, limit: number): Promise<JobKey[]> {
	const rows = await db.all<{ tenant_id: string; id: string }>("release parked", {
		sql: `UPDATE jobs
		   SET parked_on = NULL, status_reason = NULL, version = version + 1, redispatches = 0, run_at = min(run_at, ${NOW}),
		       slot = ${tenantOfKey("?2")},
		       sweep_at = min(${NOW} + ${ENQUEUE_GRACE_MS}, deadline_at)
		 WHERE (tenant_id, id) IN (
		       SELECT tenant_id, id FROM jobs WHERE parked_on = ?2 ORDER BY priority DESC, id
		        LIMIT CASE WHEN ${tenantOfKey("?2")} IS NOT NULL THEN min(?3, ${slotsToGive(tenantOfKey("?2"))})
		              ELSE coalesce((SELECT CASE WHEN open_until > ${NOW} THEN 0 ELSE min(?3, permits) END
		                          FROM breakers WHERE key = ?2), ?3) END)
		RETURNING tenant_id, id`,
		params: [db.clock(), key, limit],
	});
	return rows.map((row) => ({ tenantId: row.tenant_id, jobId: row.id }));
}

/**
 * The keys that jobs are parked on and that nothing keeps closed, each found by one step through the index, however many
 * jobs wait.
 */
export async function findParkedKeys(db: Database, limit: number): Promise<string[]> {
	const rows = await db.all<{ key: string }>("find parked keys", {
		sql: `WITH RECURSIVE keys (key) AS (
			SELECT min(parked_on) FROM jobs WHERE parked_on IS NOT NULL
			UNION ALL
			SELECT (SELECT min(parked_on) FROM jobs WHERE parked_on > keys.key) FROM keys WHERE keys.key IS NOT NULL
		)
		SELECT key FROM keys
		 WHERE key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM breakers WHERE key = keys.key AND open_until > ${NOW})
		   AND (${tenantOfKey("key")} IS NULL OR ${slotsToGive(tenantOfKey("key"))} > 0) LIMIT ?2`,
		params: [db.clock(), limit],
	});
	return rows.map((row) => row.key);
}

/** Forgets what is over and what nobody asks for any more. */
export async function pruneBreakers(db: Database): Promise<number> {
	const rows = await db.all("prune breakers", {
		sql: `DELETE FROM breakers
		 WHERE open_until <= ${NOW} - ${PROBE_MS} AND observed_until <= ${NOW} - ${OBSERVED_MS}
		   AND NOT EXISTS (SELECT 1 FROM jobs WHERE parked_on = breakers.key)
		RETURNING key`,
		params: [db.clock()],
	});
	return rows.length;
}

/** For a failure after which no job waits; where one does, the statement goes with its own. */
export async function recordFailure(db: Database, breakerEvent: BreakerEvent): Promise<void> {
	await db.all("record failure", breakerStatement(db, breakerEvent));
}
