/**
 * Puts jobs aside that are due and may not run now, in the transaction that leases the others: no message goes round for
 * them, and only their deadline is looked after.
 */
import type { JobKey } from "../../core/jobs/job.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { ASKED, keyList } from "../key-list.ts";
import { KEYS_OF_JOB } from "./breakers.ts";
import { overBudget, TOMORROW } from "./tenant-limits.ts";
import { slotKey } from "./tenant-slots.ts";

/** Puts aside what is due but kept away: no message goes round for it, and only its deadline is looked after. */
export function parkForUpstream(db: Database, keys: JobKey[]): Statement {
	const closed = `FROM breakers WHERE key IN ${KEYS_OF_JOB} AND open_until > ${NOW} ORDER BY open_until DESC LIMIT 1`;
	return {
		sql: `UPDATE jobs
		   SET parked_on = (SELECT key ${closed}), status_reason = (SELECT reason ${closed}),
		       run_at = (SELECT open_until ${closed}), version = version + 1, sweep_at = deadline_at, slot = NULL
		 WHERE ${ASKED} AND status = 'queued' AND run_at <= ${NOW} AND parked_on IS NULL AND EXISTS (SELECT 1 ${closed})`,
		params: [db.clock(), keyList(keys)],
	};
}

/** What is due, is kept away by nothing else, and was not leased: its tenant has no slot left for it. */
export function parkForSlot(db: Database, keys: JobKey[]): Statement {
	return {
		sql: `UPDATE jobs
		   SET parked_on = ${slotKey("tenant_id")}, status_reason = 'running_limit', version = version + 1, sweep_at = deadline_at
		 WHERE ${ASKED} AND status = 'queued' AND run_at <= ${NOW} AND parked_on IS NULL AND slot IS NULL
		   AND deadline_at > ${NOW}`,
		params: [db.clock(), keyList(keys)],
	};
}

/**
 * A tenant that has spent its tokens of the day makes no call before the next, by UTC. Its jobs wait with those that have
 * no slot, of which it gives none meanwhile.
 */
export function parkOverBudget(db: Database, keys: JobKey[]): Statement {
	return {
		sql: `UPDATE jobs
		   SET parked_on = ${slotKey("tenant_id")}, status_reason = 'budget_spent', run_at = ${TOMORROW}, slot = NULL,
		       version = version + 1, sweep_at = deadline_at
		 WHERE ${ASKED} AND status = 'queued' AND run_at <= ${NOW} AND parked_on IS NULL AND deadline_at > ${NOW}
		   AND ${overBudget("jobs.tenant_id")}`,
		params: [db.clock(), keyList(keys)],
	};
}
