/** Counts the open work of all tenants, at a bounded cost, and keeps what was counted: 7 days by minute, 90 days by hour. */
import { z } from "zod";
import { type BacklogSample, HOUR_MS, MINUTE_MS, type OpenWork } from "../../core/tenants/backlog.ts";
import { type Database, NOW } from "../database.ts";
import { DELETED_TENANTS } from "../deleted-tenants.ts";

/** Each counts as two rows, so one sweep reads 10,000 rows at most. */
export const JOBS_SAMPLED_MAX = 4_000;
export const DELIVERIES_SAMPLED_MAX = 900;
/** Of the last two minutes. */
const TENANTS_BEFORE_MAX = 200;

const MINUTES_KEPT_MS = 7 * 24 * HOUR_MS;
const HOURS_KEPT_MS = 90 * 24 * HOUR_MS;

const flag = z.number().transform((value) => value === 1);
const Groups = z.array(
	z
		.object({
			tenant_id: z.string(),
			model: z.string(),
			is_queued: flag,
			is_parked: flag,
			is_later: flag,
			jobs: z.number(),
			oldest_ms: z.number().nullable(),
		})
		.transform(({ tenant_id, model, jobs, ...group }) => ({
			...{ tenantId: tenant_id, model, jobs, oldestMs: group.oldest_ms },
			...{ isQueued: group.is_queued, isParked: group.is_parked, isLater: group.is_later },
		})),
);
const Deliveries = z.array(
	z
		.object({ tenant_id: z.string(), deliveries: z.number() })
		.transform(({ tenant_id, deliveries }) => ({ tenantId: tenant_id, deliveries })),
);
const Before = z.array(z.object({ tenant_id: z.string() }));

/** The first that the sweeper checks, so that jobs which are due in many days are left out first. */
const JOBS = `SELECT tenant_id, model, is_queued, is_parked, is_later, count(*) AS jobs, max(waited_ms) AS oldest_ms FROM (
	SELECT tenant_id, model, status = 'queued' AS is_queued, parked_on IS NOT NULL AS is_parked,
	       status = 'queued' AND slot IS NULL AND parked_on IS NULL AS is_later,
	       iif(status = 'queued' AND deadline_at - deadline_ms <= ${NOW}, ${NOW} - (deadline_at - deadline_ms), NULL) AS waited_ms
	  FROM jobs WHERE sweep_at IS NOT NULL ORDER BY sweep_at LIMIT ${JOBS_SAMPLED_MAX})
	GROUP BY tenant_id, model, is_queued, is_parked, is_later`;

const DELIVERIES = `SELECT tenant_id, count(*) AS deliveries FROM (
	SELECT tenant_id FROM deliveries WHERE sweep_at IS NOT NULL ORDER BY sweep_at LIMIT ${DELIVERIES_SAMPLED_MAX})
	GROUP BY tenant_id`;

const THIS_MINUTE = `(${NOW} - ${NOW} % ${MINUTE_MS})`;

const BEFORE = `SELECT tenant_id FROM backlog
	 WHERE minutes = 1 AND start_at >= ${THIS_MINUTE} - ${MINUTE_MS} AND (open_jobs > 0 OR pending_deliveries > 0) LIMIT ${TENANTS_BEFORE_MAX}`;

export async function readOpenWork(db: Database): Promise<OpenWork> {
	const found = await db.transactNamed("read open work", {
		jobs: { sql: JOBS, params: [db.clock()] },
		deliveries: { sql: DELIVERIES, params: [] },
		before: { sql: BEFORE, params: [db.clock()] },
	});
	const [jobs, deliveries] = [Groups.parse(found.jobs), Deliveries.parse(found.deliveries)];
	return {
		jobs,
		deliveries,
		before: [...new Set(Before.parse(found.before).map(({ tenant_id }) => tenant_id))],
		isCut:
			jobs.reduce((sum, group) => sum + group.jobs, 0) >= JOBS_SAMPLED_MAX ||
			deliveries.reduce((sum, one) => sum + one.deliveries, 0) >= DELIVERIES_SAMPLED_MAX,
	};
}

const COUNTS = ["open_jobs", "parked_jobs", "later_jobs", "oldest_ms", "pending_deliveries"] as const;
const COLUMNS = `tenant_id, minutes, start_at, sampled_at, ${COUNTS.join(", ")}, is_cut, models`;

/** @param lengthMs of the time that the rows are about */
const samples = (minutes: 1 | 60, lengthMs: number, models: string) => `SELECT value ->> 0, ${minutes},
	${NOW} - ${NOW} % ${lengthMs}, ${NOW}, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, ?3, ${models}
	  FROM json_each(?2) WHERE value ->> 0 NOT IN ${DELETED_TENANTS}`;

/** Where it was counted more than once, a minute has what was counted last, and an hour the most. */
export async function writeBacklog(db: Database, found: readonly BacklogSample[], isCut: boolean): Promise<void> {
	const rows = found.map((one) => [
		...[one.tenantId, one.openJobs, one.parkedJobs, one.laterJobs, one.oldestMs, one.pendingDeliveries],
		one.models,
	]);
	const params = [db.clock(), JSON.stringify(rows), isCut ? 1 : 0];
	const latest = (column: string) => `${column} = excluded.${column}`;
	const most = (column: string) => `${column} = max(${column}, excluded.${column})`;
	await db.transact("write backlog", [
		{
			sql: `INSERT INTO backlog (${COLUMNS}) ${samples(1, MINUTE_MS, "NULL")}
			      ON CONFLICT DO UPDATE SET ${[...COUNTS, "sampled_at", "is_cut"].map(latest).join(", ")}`,
			params,
		},
		{
			sql: `INSERT INTO backlog (${COLUMNS}) ${samples(60, HOUR_MS, "value ->> 6")}
			      ON CONFLICT DO UPDATE SET ${[...[...COUNTS, "is_cut"].map(most), ...["sampled_at", "models"].map(latest)].join(", ")}`,
			params,
		},
	]);
}

export async function pruneBacklog(db: Database, limit: number): Promise<number> {
	const past = (minutes: 1 | 60, keptMs: number) => ({
		sql: `DELETE FROM backlog WHERE (tenant_id, minutes, start_at) IN
		      (SELECT tenant_id, minutes, start_at FROM backlog WHERE minutes = ${minutes} AND start_at < ${NOW} - ${keptMs} LIMIT ?2)
		      RETURNING start_at`,
		params: [db.clock(), limit],
	});
	const pruned = await db.transact("prune backlog", [past(1, MINUTES_KEPT_MS), past(60, HOURS_KEPT_MS)]);
	return Math.max(...pruned.map((rows) => rows.length));
}
