// biome-ignore-all lint/suspicious/noTemplateCurlyInString: patches quote the source, templates and all.
/** In tenant limits: slots, open jobs, tokens a day, and the order of release. */
import type { PlantedBug } from "./bugs.ts";

export const LIMIT_BUGS: readonly PlantedBug[] = [
	{
		name: "open jobs are counted before the insertion, and not by it",
		seenBy: 1791,
		file: "shared/db/jobs/submit-jobs.ts",
		find: '\tconst rows = (await db.transact<Record<string, unknown>>("submit job", statements))[at] ?? [];',
		replace: `	const [alone] = jobs;
	if (alone?.idempotency === null) {
		const room = { sql: \`SELECT \${mayAdd("?2")} AS room\`, params: [db.clock(), alone.tenantId] };
		const [seen] = await db.all<{ room: number | null }>("count open jobs", room);
		if (seen?.room === 0) return new Map();
		for (const one of statements) one.sql = one.sql.replace(/WHERE may_add IS NULL OR (nth <= may_add|may_add > 0)/g, "");
	}
	const rows = (await db.transact<Record<string, unknown>>("submit job", statements))[at] ?? [];`,
	},
	{
		name: "a new job does not count as open",
		seenBy: 32,
		file: "shared/db/jobs/submit-jobs.ts",
		find: "iif(has_slot, tenant_id, NULL), coalesce(open_in, iif(has_slot, NULL, waiting_in)),",
		replace: "iif(has_slot, tenant_id, NULL), NULL,",
	},
	{
		name: "what was open before the limit is not counted",
		seenBy: 1280,
		file: "shared/db/tenants/tenants.ts",
		find: "limits?.open_jobs == null ? NOT_COUNTED",
		replace: "limits?.open_jobs !== 1 ? NOT_COUNTED",
	},
	{
		name: "a refused submission takes its key",
		seenBy: 47,
		file: "shared/db/jobs/submit-jobs.ts",
		find: '${claimKeys("admitted")}',
		replace: '${claimKeys("fresh")}',
	},
	{
		name: "a job leased without a slot takes none",
		seenBy: 1791,
		file: "shared/db/jobs/lease-jobs.ts",
		find: "takeSlots(db, keys, holder),",
		replace: "takeSlots(db, [], holder),",
	},
	{
		name: "a job without a slot is leased all the same",
		seenBy: 910,
		file: "shared/db/admission/may-run.ts",
		find: "WHERE status = 'running' OR ((NOT (${GATED}) OR ${MOVES_ON}) AND ${HAS_SLOT})`",
		replace: "WHERE status = 'running' OR (NOT (${GATED}) OR ${MOVES_ON})`",
	},
	{
		name: "a final job keeps its slot",
		seenBy: 7,
		file: "shared/db/jobs/finish-jobs.ts",
		find: "parked_on = NULL, slot = NULL, open_in = NULL,",
		replace: "parked_on = NULL, open_in = NULL,",
	},
	{
		name: "a job that waits for its retry keeps its slot",
		seenBy: 113,
		file: "shared/db/jobs/requeue-job.ts",
		find: "slot = CASE WHEN ${keepsSlot} THEN slot END,",
		replace: "",
	},
	{
		name: "a job that waits for its upstream keeps its slot",
		seenBy: 125,
		file: "shared/db/admission/may-run.ts",
		find: "run_at = waiting.run_at, slot = NULL,",
		replace: "run_at = waiting.run_at,",
	},
	{
		name: "a released slot is given to no job",
		seenBy: 7,
		file: "shared/db/admission/tenant-limits.ts",
		find: "THEN 0 ELSE max(0, min(${freeSlots(tenant)}, ${callsLeft(tenant)})) END`",
		replace: "THEN 0 ELSE 0 END`",
	},
	{
		name: "more jobs are released than there are slots",
		seenBy: 7,
		file: "shared/db/admission/tenant-limits.ts",
		find: "THEN 0 ELSE max(0, min(${freeSlots(tenant)}, ${callsLeft(tenant)})) END`",
		replace: "THEN 0 ELSE max(0, 1 + min(${freeSlots(tenant)}, ${callsLeft(tenant)})) END`",
	},
	{
		name: "the youngest job is released first",
		seenBy: 18,
		file: "shared/db/admission/release.ts",
		find: "ORDER BY waiting.priority DESC, waiting.id LIMIT 1",
		replace: "ORDER BY waiting.priority DESC, waiting.id DESC LIMIT 1",
	},
	{
		name: "the least urgent job is released first",
		seenBy: 18,
		file: "shared/db/admission/release.ts",
		find: "ORDER BY waiting.priority DESC, waiting.id LIMIT 1",
		replace: "ORDER BY waiting.priority, waiting.id LIMIT 1",
	},
	{
		name: "a lowered limit leaves their slots to those who have not begun",
		seenBy: 40,
		file: "shared/db/tenants/tenants.ts",
		find: "countSlots(tenantId), revokeSlots(db, tenantId)]",
		replace: "countSlots(tenantId)]",
	},
	{
		name: "the sweeper skips the jobs that wait for a slot",
		seenBy: 277,
		file: "shared/db/admission/release.ts",
		find: "WHERE key > ?3 AND coalesce(room, 1) > 0",
		replace: 'WHERE key > ?3 AND ${tenantOfKey("parked.key")} IS NULL AND coalesce(room, 1) > 0',
	},
	{
		name: "the sweeper releases all jobs that wait for a slot",
		seenBy: 7,
		file: "shared/db/admission/release.ts",
		find: 'SELECT value, min(?3, ${slotsToGive("value")}), ${ABOVE_ANY}',
		replace: "SELECT value, ?3, ${ABOVE_ANY}",
	},
	{
		name: "a job is admitted though the day's tokens are spent",
		seenBy: 19,
		file: "shared/db/jobs/submit-jobs.ts",
		find: " OR ${overBudget(tenant)} THEN 0",
		replace: " THEN 0",
	},
	{
		name: "yesterday's tokens count today",
		seenBy: 251,
		file: "shared/db/admission/tenant-limits.ts",
		find: "iif(tokens_day >= ${TODAY}",
		replace: "iif(TRUE",
	},
	{
		name: "a lowered limit lines jobs up before their time",
		seenBy: 18,
		file: "shared/db/admission/tenant-limits.ts",
		find: "const IS_DUE = `run_at <= ${NOW}`;",
		replace: "const IS_DUE = `?1 IS ?1`;",
	},
	{
		name: "a job that is given a slot is not swept for",
		scenario: "lost-message-in-a-backlog",
		file: "shared/db/admission/release.ts",
		find: "const SOON = `min(${NOW} + ${ENQUEUE_GRACE_MS}, deadline_at)`;",
		replace: "const SOON = `deadline_at`;",
	},
	{
		name: "a retry keeps its slot though the limit was lowered",
		seenBy: 220,
		file: "shared/db/jobs/requeue-job.ts",
		find: ' AND NOT ${exceedsSlots("?2")}`',
		replace: "`",
	},
	{
		name: "what a job used is not added up",
		seenBy: 113,
		file: "migrations/0013_limit_what_tenants_use.sql",
		find: "tokens_on_settle AFTER UPDATE OF usage, finished_at ON jobs WHEN ",
		replace: "tokens_on_settle AFTER UPDATE OF usage, finished_at ON jobs WHEN NEW.status = 'failed' AND ",
	},
	{
		name: "a reservation outlives its call",
		scenario: "tokens-reserved",
		file: "migrations/0013_limit_what_tenants_use.sql",
		find: "tokens_reserved = tokens_reserved + coalesce(iif(NEW.status = 'running', NEW.tokens_reserved, NULL), 0) -",
		replace: "tokens_reserved = tokens_reserved + coalesce(NEW.tokens_reserved, 0) -",
	},
	{
		name: "a call is made though calls in flight may spend the tokens",
		scenario: "tokens-reserved",
		file: "shared/db/admission/may-run.ts",
		find: '\tWHEN ${isAllReserved("placed.tenant_id")} THEN FALSE\n',
		replace: "",
	},
	{
		name: "a call that was cut is not charged",
		scenario: "tokens-reserved",
		file: "workers/consumer/run-attempt.ts",
		find: "failure.usage ?? (failure.mayBeBilled ? estimatedUsage(job) : null)",
		replace: "failure.usage",
	},
	{
		name: "a call that was cancelled is not charged",
		scenario: "tokens-reserved",
		file: "shared/core/jobs/cancel.ts",
		find: "const spent = estimatedUsage(job);",
		replace: "const spent = null;",
	},
	{
		name: "a batch is given one slot more than there are",
		scenario: "lowered-limit",
		file: "shared/db/admission/tenant-limits.ts",
		find: "`${place} <= ${slotsLeft(tenant)}`",
		replace: "`${place} <= 1 + ${slotsLeft(tenant)}`",
	},
];
