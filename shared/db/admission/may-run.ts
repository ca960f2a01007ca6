/**
 * Which jobs of a request may run now, as SQL, and what the others are parked on. Every reason why a queued job does not run is
 * here: its time, the key that it is parked on, its tenant's budget and slots, and the breakers of its credential and its model.
 */
import { z } from "zod";
import { MOVE_ON_MS } from "../../core/jobs/decide.ts";
import type { JobKey } from "../../core/jobs/job.ts";
import { PROBE_MS } from "../../core/upstreams/breaker.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { keyList, REQUESTED } from "../key-list.ts";
import { gatedBy } from "./breakers.ts";
import { breakerKeys, credentialKey, modelKey, ownKey, tenantKey } from "./keys.ts";
import { getsSlot, isAllReserved, overBudget, TOMORROW, waitingIn } from "./tenant-limits.ts";

/** In line with the other requested jobs of its tenant that want the same: by priority, then by age. */
const placeIn = (group: string) => `row_number() OVER (PARTITION BY tenant_id, ${group} ORDER BY priority DESC, id)`;

/**
 * The requested jobs, each with its place in line for its tenant's slots and for the permits of its breakers. Tenants take turns
 * for the permits of a shared breaker.
 */
const placed = (condition: string) => `(
	SELECT *, row_number() OVER (PARTITION BY credential ORDER BY own_place_in_credential, id) AS place_in_credential,
	       row_number() OVER (PARTITION BY credential, model ORDER BY own_place_at_model, id) AS place_at_model
	  FROM (SELECT tenant_id, id, status, credential, model, models, deadline_at, slot, waits_since,
	               ${placeIn("slot IS NULL")} AS place_in_tenant,
	               ${placeIn("credential")} AS own_place_in_credential,
	               ${placeIn("credential, model")} AS own_place_at_model
	          FROM jobs WHERE ${REQUESTED} AND (${condition}))) AS placed`;

/** A queued job whose time has come, a parked job whose deadline has passed, or a running job whose lease has run out. */
const DUE = `(status = 'queued' AND iif(parked_on IS NULL, run_at, deadline_at) <= ${NOW})
	OR (status = 'running' AND lease_expires_at <= ${NOW})`;

const GATED_BY_BREAKERS = `(
	   ${gatedBy(ownKey("placed.tenant_id", credentialKey("placed")), "own_place_in_credential")}
	OR ${gatedBy(ownKey("placed.tenant_id", modelKey("placed")), "own_place_at_model")}
	OR ${gatedBy(credentialKey("placed"), "place_in_credential")}
	OR ${gatedBy(modelKey("placed"), "place_at_model")})`;

/** No call may be made. A job past its deadline is never gated: it makes no call, and must be settled. */
const GATED = `deadline_at > ${NOW} AND (${overBudget("placed.tenant_id")} OR ${GATED_BY_BREAKERS})`;

const hasFurtherModel = (job: string) => `${job}.models ->> '$[#-1]' <> ${job}.model`;

/** The job moves on to its further model: the present one is closed to it for more than `aheadMs`, or has been for too long. */
const movesOn = (
	aheadMs: number,
) => `(${hasFurtherModel("placed")} AND deadline_at > ${NOW} AND NOT ${overBudget("placed.tenant_id")}
	AND ((waits_since <= ${NOW} - ${MOVE_ON_MS} AND ${GATED_BY_BREAKERS}) OR EXISTS (
	      SELECT 1 FROM breakers WHERE key IN ${breakerKeys("placed")} AND open_until > ${NOW} + ${aheadMs})))`;
const MOVES_ON = movesOn(MOVE_ON_MS);

/** Jobs without a slot get the free ones of their tenant, in order. None is of use while all its tokens are reserved. */
const HAS_SLOT = `CASE WHEN deadline_at <= ${NOW} THEN TRUE
	WHEN ${isAllReserved("placed.tenant_id")} THEN FALSE
	WHEN slot IS NOT NULL THEN TRUE
	ELSE ${getsSlot("placed.tenant_id", "place_in_tenant")} END`;

/**
 * Of the requested jobs, bound as `?2`, those that are leased now. A running job whose holder died is taken over even if it
 * is gated: its result may be in R2. One that moves on makes no call under this lease.
 */
export const ADMITTED = `SELECT tenant_id, id FROM ${placed(DUE)}
	WHERE status = 'running' OR ((NOT (${GATED}) OR ${MOVES_ON}) AND ${HAS_SLOT})`;

/** The status reason of a gated job. */
export const GateReason = z.enum(["budget_spent", "throttled", "unavailable", "blocked"]);
export type GateReason = z.infer<typeof GateReason>;

const GATE_REASON = `CASE WHEN ${overBudget("placed.tenant_id")} THEN 'budget_spent'
	ELSE (SELECT reason FROM breakers WHERE key IN ${breakerKeys("placed")} ORDER BY open_until DESC LIMIT 1) END`;

/**
 * Of the jobs just leased, those that are gated or have a breaker at all: `is_gated` distinguishes them.
 * @param isRepeated a lost request may have leased them. As probes, it opened their breakers for `PROBE_MS`; a breaker that
 *   stays open for longer was open then, or has tripped since
 */
export function findGated(db: Database, keys: JobKey[], holder: string, isRepeated: boolean): Statement {
	return {
		sql: `SELECT id, ${GATED} AS is_gated, ${movesOn(isRepeated ? PROBE_MS : MOVE_ON_MS)} AS moves_on, ${GATE_REASON} AS gate_reason FROM ${placed("status = 'running' AND holder = ?3")}
		       WHERE ${GATED} OR (deadline_at > ${NOW}
		         AND EXISTS (SELECT 1 FROM breakers WHERE key IN ${breakerKeys("placed")}))`,
		params: [db.clock(), keyList(keys), holder],
	};
}

/** Of the job's open breakers, the one that stays open longest; of two, the shared one. */
const OPEN_BREAKER = `(SELECT key FROM breakers WHERE key IN ${breakerKeys("jobs")} AND open_until > ${NOW}
	ORDER BY open_until DESC, shared_key IS NULL DESC LIMIT 1)`;

/**
 * Parks the requested jobs that are due and were not leased, in the transaction that leases the others, on the first that
 * applies: tomorrow's budget, a breaker, a slot. A parked job gives its slot back. No queue message is sent for it until
 * `release.ts` releases it; the sweeper only watches its deadline. A job with a further model is not parked on a breaker: it
 * waits for its time, so that it is leased again and may move on.
 */
export function parkWaiting(db: Database, keys: JobKey[]): Statement {
	return {
		sql: `UPDATE jobs
		   SET parked_on = waiting.parked_on, status_reason = waiting.reason, run_at = waiting.run_at, slot = NULL,
		       open_in = coalesce(open_in, ${waitingIn("waiting.tenant_id")}),
		       version = version + 1, sweep_at = iif(waiting.parked_on IS NULL, min(waiting.run_at, deadline_at), deadline_at),
		       waits_since = iif(waiting.parked_on IS NULL, coalesce(waits_since, ${NOW}), waits_since)
		  FROM (
		       SELECT due.tenant_id, due.id,
		              CASE WHEN is_over_budget OR breaker.key IS NULL THEN ${tenantKey("due.tenant_id")}
		                   WHEN NOT has_further_model THEN breaker.key END AS parked_on,
		              CASE WHEN is_over_budget THEN 'budget_spent' ELSE coalesce(breaker.reason, 'running_limit') END AS reason,
		              CASE WHEN is_over_budget THEN ${TOMORROW} ELSE coalesce(breaker.open_until, due.run_at) END AS run_at
		         FROM (SELECT tenant_id, id, run_at, slot, ${overBudget("jobs.tenant_id")} AS is_over_budget,
		                      ${isAllReserved("jobs.tenant_id")} AS is_all_reserved, ${OPEN_BREAKER} AS breaker,
		                      ${hasFurtherModel("jobs")} AS has_further_model
		                 FROM jobs
		                WHERE ${REQUESTED} AND status = 'queued' AND run_at <= ${NOW} AND parked_on IS NULL AND deadline_at > ${NOW}) AS due
		         LEFT JOIN breakers AS breaker ON breaker.key = due.breaker
		        WHERE is_over_budget OR breaker.key IS NOT NULL OR is_all_reserved OR due.slot IS NULL) AS waiting
		 WHERE jobs.tenant_id = waiting.tenant_id AND jobs.id = waiting.id`,
		params: [db.clock(), keyList(keys)],
	};
}
