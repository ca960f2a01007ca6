/** Releases parked jobs: the one way back to the queue, whatever key they are parked on. */
import type { JobKey } from "../../core/jobs/job.ts";
import { ENQUEUE_GRACE_MS, SLOT_WAIT_MS } from "../../core/jobs/wakeups.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { distinctKeys } from "../distinct-keys.ts";
import { jobKeysFromRows, keyList, REQUESTED } from "../key-list.ts";
import { callsAdmitted, openUntil } from "./breakers.ts";
import { ownKey, tenantKey, tenantOfKey } from "./keys.ts";
import { slotsLeft, slotsToGive } from "./tenant-limits.ts";

/** How many jobs one statement releases at most, where the caller names no other limit. The sweeper releases the rest. */
export const RELEASED_MAX = 100;

const SOON = `min(${NOW} + ${ENQUEUE_GRACE_MS}, deadline_at)`;
/** What a released job becomes: queued, and soon in the queue. */
const RELEASED = `parked_on = NULL, status_reason = NULL, slot = jobs.tenant_id, sweep_at = ${SOON},
	run_at = ${NOW}, redispatches = 0, version = version + 1`;
/** What it becomes if its tenant has no slot free: it lines up with the others of its tenant. */
const RELEASED_TO_SLOT = `parked_on = iif(has_slot, NULL, ${tenantKey("jobs.tenant_id")}),
	status_reason = iif(has_slot, NULL, 'running_limit'), slot = iif(has_slot, jobs.tenant_id, NULL),
	sweep_at = iif(has_slot, ${SOON}, deadline_at), run_at = ${NOW}, redispatches = 0, version = version + 1`;

/** Priorities are 0 to 9. */
const ABOVE_ANY = 10;

/** The job that follows `last` among those parked on its tenant's key: of the same priority, or else of the next lower one. */
const WAITING = `FROM jobs AS waiting WHERE waiting.parked_on = ${tenantKey("last.tenant_id")} AND waiting.tenant_id = last.tenant_id`;
const FOLLOWING = `coalesce(
	(SELECT waiting.id ${WAITING} AND waiting.priority = last.priority AND waiting.id > last.id ORDER BY waiting.id LIMIT 1),
	(SELECT waiting.id ${WAITING} AND waiting.priority < last.priority ORDER BY waiting.priority DESC, waiting.id LIMIT 1))`;

/**
 * Gives the free slots of `tenants` to their parked jobs: the most urgent first, then the oldest. For a transaction that may
 * free slots. Enqueue the jobs in its rows: `jobKeysFromRows`. Reads a few rows for each job that it releases, however many
 * wait.
 * @param limit for each tenant
 */
export function releaseForTenants(db: Database, tenants: readonly string[], limit = RELEASED_MAX): Statement {
	return {
		sql: `WITH RECURSIVE last (tenant_id, slots_left, priority, id) AS (
		       SELECT value, min(?3, ${slotsToGive("value")}), ${ABOVE_ANY}, '' FROM json_each(?2)
		       UNION ALL
		       SELECT last.tenant_id, slots_left - 1, jobs.priority, jobs.id FROM last CROSS JOIN jobs
		           ON jobs.tenant_id = last.tenant_id AND jobs.id = ${FOLLOWING}
		        WHERE slots_left > 0)
		UPDATE jobs
		   SET ${RELEASED}
		 WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM last WHERE id <> '')
		RETURNING tenant_id, id`,
		params: [db.clock(), JSON.stringify([...new Set(tenants)]), limit],
	};
}

/**
 * Lines due jobs without a slot up with the others of their tenants, and releases as many as there are slots. Returns the
 * released jobs: enqueue them.
 */
export async function admitJobs(db: Database, jobs: readonly JobKey[]): Promise<JobKey[]> {
	if (jobs.length === 0) return [];
	const rows = await db.transactNamed("admit jobs", {
		parked: {
			sql: `UPDATE jobs
			   SET parked_on = ${tenantKey("tenant_id")}, status_reason = 'running_limit', version = version + 1,
			       redispatches = 0, sweep_at = deadline_at
			 WHERE ${REQUESTED} AND status = 'queued' AND slot IS NULL AND parked_on IS NULL
			   AND run_at <= ${NOW} AND deadline_at > ${NOW}`,
			params: [db.clock(), keyList(jobs)],
		},
		released: releaseForTenants(
			db,
			jobs.map(({ tenantId }) => tenantId),
		),
	});
	return jobKeysFromRows(rows.released);
}

/** The shared breaker beside the own one of `key`. */
const sharedKeyOf = (key: string) => `(SELECT own.shared_key FROM breakers AS own WHERE own.key = ${key})`;

/** Up to `?3` tenants with jobs parked on `?2`, in order of their ids; `condition` limits the ids. */
const tenantsParked = (name: string, condition: string) => `${name} (tenant_id) AS (
	SELECT min(tenant_id) FROM jobs WHERE parked_on = ?2 AND ${condition}
	UNION ALL
	SELECT (SELECT min(tenant_id) FROM jobs WHERE parked_on = ?2 AND tenant_id > ${name}.tenant_id AND ${condition})
	  FROM ${name} WHERE ${name}.tenant_id IS NOT NULL
	LIMIT ?3)`;

/** Of one tenant, as many as it is released. */
const EACH = "SELECT (calls - 1) / max(1, (SELECT count(*) FROM line)) + 1 FROM admitted";
const parkedJobs = (condition: string, order: string) => `
	SELECT id FROM jobs WHERE parked_on = ?2 AND jobs.tenant_id = line.tenant_id AND ${condition} ORDER BY ${order} LIMIT (${EACH})`;

/**
 * The jobs to release of those parked on `?2`, a key of breakers: one of each tenant, then a second one of each, as many as its
 * breakers admit and ?3 at most. The tenants take turns: the first is the one after `served`, the tenant that was served last.
 * Within a tenant the most urgent job comes first, then the oldest; those that failed as probes come last. Reads a few rows for
 * each job and each tenant, and those that failed.
 */
const inTurn = (served: string) => `
	served (tenant_id) AS (SELECT coalesce((SELECT ${served} FROM breakers WHERE key = ?2), '')),
	admitted (calls) AS (SELECT CAST(min(?3, coalesce(${callsAdmitted("?2")}, ?3)) AS INTEGER)),
	${tenantsParked("later", "tenant_id > (SELECT tenant_id FROM served)")},
	${tenantsParked("earlier", "tenant_id <= (SELECT tenant_id FROM served)")},
	line (tenant_id, place) AS (
	       SELECT tenant_id, row_number() OVER (ORDER BY lap, tenant_id)
	         FROM (SELECT tenant_id, 0 AS lap FROM later UNION ALL SELECT tenant_id, 1 FROM earlier)
	        WHERE tenant_id IS NOT NULL ORDER BY lap, tenant_id LIMIT (SELECT calls FROM admitted)),
	picked (tenant_id, place, id, round) AS (
	       SELECT line.tenant_id, place, parked.value, parked.key
	         FROM line CROSS JOIN json_each((
	              SELECT json_group_array(id) FROM (
	                     SELECT id FROM (${parkedJobs("probed_at IS NULL", "priority DESC, id")})
	                     UNION ALL SELECT id FROM (${parkedJobs("probed_at IS NOT NULL", "probed_at, id")})
	                      LIMIT (${EACH})))) AS parked
	        WHERE parked.key < coalesce(${callsAdmitted(`${ownKey("line.tenant_id", "?2")}, ${sharedKeyOf("?2")}`)}, ?3)
	        ORDER BY parked.key, place LIMIT (SELECT calls FROM admitted))`;

/** For a key that tenants share: where the next release begins. */
function takeTurns(db: Database, key: string, limit: number): Statement {
	return {
		sql: `WITH RECURSIVE ${inTurn("served_last")}
		UPDATE breakers
		   SET served_before = served_last,
		       served_last = coalesce((SELECT tenant_id FROM picked ORDER BY round DESC, place DESC LIMIT 1),
		                              (SELECT tenant_id FROM line ORDER BY place DESC LIMIT 1), served_last)
		 WHERE key = ?2 AND shared_key IS NULL`,
		params: [db.clock(), key, limit],
	};
}

/** After `takeTurns`. */
function releaseInTurn(db: Database, key: string, limit: number): Statement {
	return {
		sql: `WITH RECURSIVE ${inTurn("served_before")},
		released (tenant_id, id, has_slot) AS MATERIALIZED (
		       SELECT tenant_id, id, round < ${slotsLeft("picked.tenant_id")} FROM picked)
		UPDATE jobs
		   SET ${RELEASED_TO_SLOT}
		  FROM released
		 WHERE (jobs.tenant_id, jobs.id) IN (SELECT tenant_id, id FROM released)
		   AND jobs.tenant_id = released.tenant_id AND jobs.id = released.id
		RETURNING jobs.tenant_id, jobs.id, slot`,
		params: [db.clock(), key, limit],
	};
}

function releaseStatements(db: Database, key: string, limit: number): Statement[] {
	const [, tenantId] = /^tenant:(.*)$/s.exec(key) ?? [];
	if (tenantId !== undefined) return [releaseForTenants(db, [tenantId], limit)];
	return [takeTurns(db, key, limit), releaseInTurn(db, key, limit)];
}

/**
 * In the transaction in which a job of `?2`, `?3` under the lease `?4` was parked because it failed as the probe of its tenant's own
 * breaker `?5`: the first of the others gets its slot, to be the next probe as soon as the breaker is half-open. Enqueue it
 * for then. Where the breaker stays open for longer than a slot is held, the sweeper releases the next one.
 */
export function passProbeOn(
	db: Database,
	{ tenantId, jobId, fence }: JobKey & { fence: number },
	key: string,
): Statement {
	const first = (condition: string, order: string) => `SELECT id FROM (
		SELECT id FROM jobs WHERE parked_on = ?5 AND tenant_id = ?2 AND id <> ?3 AND ${condition} ORDER BY ${order} LIMIT 1)`;
	return {
		sql: `UPDATE jobs
		   SET parked_on = NULL, slot = tenant_id, run_at = ${openUntil("?5")}, redispatches = 0, version = version + 1,
		       sweep_at = min(deadline_at, ${openUntil("?5")} + ${ENQUEUE_GRACE_MS})
		 WHERE tenant_id = ?2 AND id = (${first("probed_at IS NULL", "priority DESC, id")} UNION ALL ${first("probed_at IS NOT NULL", "probed_at, id")} LIMIT 1)
		   AND EXISTS (SELECT 1 FROM jobs AS probe WHERE tenant_id = ?2 AND id = ?3 AND fence = ?4 AND parked_on = ?5)
		   AND ${openUntil("?5")} BETWEEN ${NOW} AND ${NOW} + ${SLOT_WAIT_MS} AND ${slotsLeft("?2")} > 0
		RETURNING tenant_id, id, run_at - ${NOW} AS wait_ms`,
		params: [db.clock(), tenantId, jobId, fence, key],
	};
}

/** Returns the released jobs: enqueue them. @param limit for each key */
export async function releaseParked(db: Database, keys: readonly string[], limit = RELEASED_MAX): Promise<JobKey[]> {
	const statements = keys.flatMap((key) => releaseStatements(db, key, limit));
	const rows = await db.transact<Record<string, unknown>>("release parked", statements);
	return jobKeysFromRows(rows.flat().filter(({ slot }) => slot !== null));
}

/** How many jobs parked on `key` may be released: as its tenant has free slots, or as its breakers admit calls. Null: all. */
const room = (key: string) => `CASE WHEN ${tenantOfKey(key)} IS NOT NULL
	THEN ${slotsToGive(tenantOfKey(key))} ELSE ${callsAdmitted(`${key}, ${sharedKeyOf(key)}`)} END`;

/** A key that jobs are parked on, and how many of them may be released. */
export interface ReleasableKey {
	key: string;
	room: number;
}

/** The keys after `after` that have room for at least one of the jobs parked on them. */
export async function findReleasableKeys(db: Database, limit: number, after = ""): Promise<ReleasableKey[]> {
	const rows = await db.all<{ key: string; room: number | null }>("find parked keys", {
		sql: `WITH RECURSIVE ${distinctKeys("parked", "jobs", "parked_on")}
		SELECT key, ${room("parked.key")} AS room FROM parked
		 WHERE key > ?3 AND coalesce(room, 1) > 0 LIMIT ?2`,
		params: [db.clock(), limit, after],
	});
	return rows.map(({ key, room }) => ({ key, room: room ?? Number.POSITIVE_INFINITY }));
}
