// biome-ignore-all lint/suspicious/noTemplateCurlyInString: patches quote the source, templates and all.
/** In the statements: fences, guards and transactions. */
import type { PlantedBug } from "./bugs.ts";

export const DATABASE_BUGS: readonly PlantedBug[] = [
	{
		name: "a job is finished whoever holds its lease",
		seenBy: 83,
		file: "shared/db/finish-jobs.ts",
		find: "WHERE tenant_id = ?2 AND id = ?3 AND status = ?4 AND lease = ?5\n\t\tRETURNING id`",
		replace: "WHERE tenant_id = ?2 AND id = ?3 AND status = ?4 AND ?5 >= 0\n\t\tRETURNING id`",
	},
	{
		name: "a job is requeued whoever holds its lease",
		seenBy: 45,
		file: "shared/db/requeue-job.ts",
		find: "AND lease = ?4 AND status = 'running'",
		replace: "AND ?4 > 0 AND status = 'running'",
	},
	{
		name: "a heartbeat extends whatever lease there is",
		seenBy: 149,
		file: "shared/db/hold-leases.ts",
		find: "jobs.lease = held.lease AND jobs.status = 'running'",
		replace: "jobs.status = 'running'",
	},
	{
		name: "a running job is leased though its lease is in force",
		seenBy: 1,
		file: "shared/db/may-run.ts",
		find: "(status = 'running' AND lease_expires_at <= ${NOW})",
		replace: "(status = 'running')",
	},
	{
		name: "a job is leased before its time",
		seenBy: 4,
		file: "shared/db/may-run.ts",
		find: "((run_at <= ${NOW} AND parked_on IS NULL)",
		replace: "((parked_on IS NULL)",
	},
	{
		name: "a cool-down never ends for those who wait for it",
		seenBy: 22,
		file: "shared/db/cool-downs.ts",
		find: "FROM jobs WHERE parked_on = ?2 ORDER BY",
		replace: "FROM jobs WHERE parked_on = ?2 AND FALSE ORDER BY",
	},
	{
		name: "nobody takes over from a dead holder",
		seenBy: 2,
		file: "shared/db/may-run.ts",
		find: "OR (status = 'running' AND lease_expires_at <= ${NOW})",
		replace: "",
	},
	{
		name: "taking over grants the same lease again",
		seenBy: 2,
		file: "shared/db/lease-jobs.ts",
		find: "lease = lease + 1, holder = ?3",
		replace: "lease = max(lease, 1), holder = ?3",
	},
	{
		name: "dead holders wear the lease statement out",
		seenBy: 2,
		file: "shared/db/lease-jobs.ts",
		find: "attempt = min(attempt, max_attempts) + 1",
		replace: "attempt = attempt + 1",
	},
	{
		name: "an answer to the lease statement that was lost is not read back",
		seenBy: 25,
		file: "shared/db/lease-jobs.ts",
		find: "readable(request.isRepeated ? own : rows, request)",
		replace: "readable(rows, request)",
	},
	{
		name: "an end owes no webhook",
		seenBy: 1,
		file: "shared/db/finish-jobs.ts",
		find: "[finishStatement(db, end), oweStatement(db, end)]",
		replace: "[finishStatement(db, end), finishStatement(db, end)]",
	},
	{
		name: "an end and its webhook are two transactions",
		seenBy: 1,
		file: "shared/db/finish-jobs.ts",
		find: `const rows = await db.batch<Record<string, unknown>>([
		...ends.flatMap((end) => [finishStatement(db, end), oweStatement(db, end)]),
		...tenants.map((tenantId) => giveFreeSlots(db, tenantId)),
	]);`,
		replace: `const rows: Record<string, unknown>[][] = [];
	for (const end of ends) {
		rows.push(await db.all(finishStatement(db, end)));
		rows.push(await db.all(oweStatement(db, end)));
	}
	for (const tenantId of tenants) rows.push(await db.all(giveFreeSlots(db, tenantId)));`,
	},
	{
		name: "an end does not show in the version",
		seenBy: 1,
		file: "shared/db/finish-jobs.ts",
		find: "parked_on = NULL, slot = NULL, open_in = NULL, version = version + 1",
		replace: "parked_on = NULL, slot = NULL, open_in = NULL",
	},
	{
		name: "a delivery attempt is recorded over another's",
		seenBy: 6,
		file: "shared/db/record-delivery.ts",
		find: "AND attempts_made = ?4 AND status = 'pending'",
		replace: "AND ?4 >= 0",
	},
	{
		name: "the next delivery attempt is never swept for",
		seenBy: 33,
		file: "shared/db/record-delivery.ts",
		find: "${NOW} + ?7 + ?8, sweep_at)",
		replace: "${NOW} + ?7 + 999999999 + ?8, sweep_at)",
	},
	{
		name: "jobs that still owe a webhook are pruned",
		seenBy: 6,
		file: "shared/db/erase-jobs.ts",
		find: "AND deliveries.status = 'pending')`",
		replace: "AND deliveries.status = 'nothing')`",
	},
	{
		name: "jobs under way are erased",
		seenBy: 20,
		file: "shared/db/erase-jobs.ts",
		find: 'const FINAL = "finished_at IS NOT NULL"',
		replace: 'const FINAL = "created_at IS NOT NULL"',
	},
	{
		name: "an erased job leaves no tombstone",
		seenBy: 6,
		file: "shared/db/erase-jobs.ts",
		find: "AND ${condition} HAVING count(*) > 0",
		replace: "AND ${condition} HAVING count(*) > 99",
	},
];
