/**
 * Parks the requested jobs that are due and were not leased, in the transaction that leases the others. No queue message is
 * sent for a parked job until `release.ts` releases it; the sweeper only watches its deadline.
 */
import type { JobKey } from "../../core/jobs/job.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { keyList, REQUESTED } from "../key-list.ts";
import { breakerKeys, tenantKey } from "./keys.ts";
import { overBudget, TOMORROW } from "./tenant-limits.ts";

/** Of the job's open breakers, the one that stays open longest. */
const OPEN_BREAKER = `(SELECT key FROM breakers WHERE key IN ${breakerKeys("jobs")} AND open_until > ${NOW}
	ORDER BY open_until DESC LIMIT 1)`;

/**
 * What each job waits for, the first that applies: tomorrow's budget, a breaker, a slot. A parked job gives its slot back.
 */
export function parkWaiting(db: Database, keys: JobKey[]): Statement {
	return {
		sql: `UPDATE jobs
		   SET parked_on = waiting.parked_on, status_reason = waiting.reason, run_at = waiting.run_at, slot = NULL,
		       version = version + 1, sweep_at = deadline_at
		  FROM (
		       SELECT due.tenant_id, due.id,
		              CASE WHEN is_over_budget OR breaker.key IS NULL THEN ${tenantKey("due.tenant_id")} ELSE breaker.key END AS parked_on,
		              CASE WHEN is_over_budget THEN 'budget_spent' ELSE coalesce(breaker.reason, 'running_limit') END AS reason,
		              CASE WHEN is_over_budget THEN ${TOMORROW} ELSE coalesce(breaker.open_until, due.run_at) END AS run_at
		         FROM (SELECT tenant_id, id, run_at, slot, ${overBudget("jobs.tenant_id")} AS is_over_budget, ${OPEN_BREAKER} AS breaker
		                 FROM jobs
		                WHERE ${REQUESTED} AND status = 'queued' AND run_at <= ${NOW} AND parked_on IS NULL AND deadline_at > ${NOW}) AS due
		         LEFT JOIN breakers AS breaker ON breaker.key = due.breaker
		        WHERE is_over_budget OR breaker.key IS NOT NULL OR due.slot IS NULL) AS waiting
		 WHERE jobs.tenant_id = waiting.tenant_id AND jobs.id = waiting.id`,
		params: [db.clock(), keyList(keys)],
	};
}
