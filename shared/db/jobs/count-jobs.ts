/** How many jobs of a tenant are open and why they wait, at a bounded cost however many there are. */
import { z } from "zod";
import { JOB_STATES } from "../../core/jobs/job-states.ts";
import { tenantKey } from "../admission/keys.ts";
import { TODAY } from "../admission/tenant-limits.ts";
import type { Database } from "../database.ts";

/** Jobs with a slot, and parked ones, are each counted up to this number. */
const COUNTED_MAX = 1_000;
/** How many breakers are looked at for the parked ones: of the tenant's own, and of each kind of shared ones. */
const BREAKERS_MAX = 300;

const GroupRow = z.object({
	is_parked: z.number(),
	status: z.enum(JOB_STATES),
	status_reason: z.string().nullable(),
	jobs: z.number(),
	oldest: z.number().nullable(),
	has_more_breakers: z.number(),
});
const Ended = z.object({ jobs: z.number(), succeeded: z.number() });

export interface JobCounts {
	/** `isCut`: counting stopped. */
	open: (z.infer<typeof GroupRow> & { isCut: boolean })[];
	/** When the oldest was created. Null: there is none, or counting stopped. */
	oldestCreatedAt: number | null;
	/** On this UTC day, in any state. */
	endedToday: z.infer<typeof Ended>;
}

const range = (start: string, end: string) =>
	`SELECT * FROM (SELECT key, permits, ${start} AS start FROM breakers WHERE key >= ${start} AND key < ${end} LIMIT ${BREAKERS_MAX})`;

/**
 * What jobs of the tenant may be parked on. A breaker stays while jobs wait for it; one without permits has never tripped, and none
 * do. If a range has more breakers, a group without jobs says so.
 */
const OPEN = `WITH found (key, permits, start) AS MATERIALIZED (
		${range("'own:' || ?1 || '|'", "'own:' || ?1 || '}'")}
		UNION ALL ${range("'credential:'", "'credential;'")} UNION ALL ${range("'model:'", "'model;'")})
	SELECT is_parked, status, status_reason, count(created_at) AS jobs, min(created_at) AS oldest,
	       max(created_at IS NULL) AS has_more_breakers FROM (
	SELECT * FROM (SELECT 0 AS is_parked, status, status_reason, created_at FROM jobs INDEXED BY jobs_with_slot
	                WHERE slot = ?1 LIMIT ${COUNTED_MAX})
	UNION ALL
	SELECT * FROM (SELECT 1, status, status_reason, created_at FROM jobs INDEXED BY jobs_parked
	                WHERE parked_on IN (SELECT ${tenantKey("?1")} UNION ALL SELECT key FROM found WHERE permits IS NOT NULL)
	                  AND tenant_id = ?1 LIMIT ${COUNTED_MAX})
	UNION ALL
	SELECT 1, 'queued', NULL, NULL FROM found GROUP BY start HAVING count(*) = ${BREAKERS_MAX})
	GROUP BY is_parked, status, status_reason`;

/** Days from before hours were counted are in the second table. */
const ENDED = `SELECT coalesce(sum(jobs), 0) AS jobs, coalesce(sum(succeeded), 0) AS succeeded FROM (
	SELECT succeeded + failed + cancelled + expired AS jobs, succeeded FROM usage_hours
	 WHERE tenant_id = ?2 AND hour >= ${TODAY} * 24
	UNION ALL SELECT jobs, succeeded FROM usage WHERE tenant_id = ?2 AND day = ${TODAY})`;

/** Jobs that are due later, or wait for a retry of more than a minute, have no slot and are left out: no index has them by tenant. */
export async function countJobs(db: Database, tenantId: string): Promise<JobCounts> {
	const rows = await db.transactNamed("count jobs", {
		open: { sql: OPEN, params: [tenantId] },
		ended: { sql: ENDED, params: [db.clock(), tenantId] },
	});
	const groups = z.array(GroupRow).parse(rows.open);
	const counted = (isParked: number) =>
		groups.reduce((sum, group) => sum + (group.is_parked === isParked ? group.jobs : 0), 0);
	const hasMoreBreakers = groups.some((group) => group.has_more_breakers === 1);
	const isCut = [counted(0) >= COUNTED_MAX, counted(1) >= COUNTED_MAX || hasMoreBreakers];
	const created = groups.flatMap(({ oldest }) => oldest ?? []);
	return {
		open: groups.map((group) => ({ ...group, isCut: isCut[group.is_parked] ?? false })),
		oldestCreatedAt: created.length === 0 || isCut.includes(true) ? null : Math.min(...created),
		endedToday: Ended.parse(rows.ended[0]),
	};
}
