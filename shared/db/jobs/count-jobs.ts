/** How many jobs of a tenant are open and why they wait, at a bounded cost however many there are. */
import { z } from "zod";
import { JOB_STATES } from "../../core/jobs/job-states.ts";
import { tenantKey } from "../admission/keys.ts";
import { TODAY } from "../admission/tenant-limits.ts";
import type { Database } from "../database.ts";

/** Jobs with a slot, and parked ones, are each counted up to this number. */
const COUNTED_MAX = 1_000;
/** How many breakers are looked at for the parked ones: the tenant's own, and shared ones. */
const BREAKERS_MAX = 100;

const GroupRow = z.object({
	is_parked: z.number(),
	status: z.enum(JOB_STATES),
	status_reason: z.string().nullable(),
	jobs: z.number(),
	oldest: z.number(),
});
const Ended = z.object({ jobs: z.number(), succeeded: z.number() });

export interface JobCounts {
	/** `isCut`: counting stopped. */
	open: (z.infer<typeof GroupRow> & { isCut: boolean })[];
	/** When the oldest of those counted was created. Null: there is none. */
	oldestCreatedAt: number | null;
	/** On this UTC day, in any state. */
	endedToday: z.infer<typeof Ended>;
}

const between = (prefix: string, last: string) =>
	`SELECT key FROM (SELECT key FROM breakers WHERE key >= ${prefix} AND key < ${last} LIMIT ${BREAKERS_MAX})`;

/** What jobs of the tenant may be parked on: a breaker stays while jobs wait for it. */
const KEYS = `SELECT ${tenantKey("?1")} UNION ALL ${between("'own:' || ?1 || '|'", "'own:' || ?1 || '}'")}
	UNION ALL ${between("'credential:'", "'credential;'")} UNION ALL ${between("'model:'", "'model;'")}`;

const OPEN = `SELECT is_parked, status, status_reason, count(*) AS jobs, min(created_at) AS oldest FROM (
	SELECT * FROM (SELECT 0 AS is_parked, status, status_reason, created_at FROM jobs INDEXED BY jobs_with_slot
	                WHERE slot = ?1 LIMIT ${COUNTED_MAX})
	UNION ALL
	SELECT * FROM (SELECT 1, status, status_reason, created_at FROM jobs INDEXED BY jobs_parked
	                WHERE parked_on IN (${KEYS}) AND tenant_id = ?1 LIMIT ${COUNTED_MAX}))
	GROUP BY is_parked, status, status_reason`;

const ENDED = `SELECT coalesce(sum(jobs), 0) AS jobs, coalesce(sum(succeeded), 0) AS succeeded FROM usage
	WHERE tenant_id = ?2 AND day = ${TODAY}`;

/** Jobs that are due later, or wait for a retry of more than a minute, have no slot and are left out: no index has them by tenant. */
export async function countJobs(db: Database, tenantId: string): Promise<JobCounts> {
	const rows = await db.transactNamed("count jobs", {
		open: { sql: OPEN, params: [tenantId] },
		ended: { sql: ENDED, params: [db.clock(), tenantId] },
	});
	const groups = z.array(GroupRow).parse(rows.open);
	const counted = (isParked: number) =>
		groups.reduce((sum, group) => sum + (group.is_parked === isParked ? group.jobs : 0), 0);
	const isCut = [counted(0) >= COUNTED_MAX, counted(1) >= COUNTED_MAX];
	return {
		open: groups.map((group) => ({ ...group, isCut: isCut[group.is_parked] ?? false })),
		oldestCreatedAt: groups.length === 0 ? null : Math.min(...groups.map(({ oldest }) => oldest)),
		endedToday: Ended.parse(rows.ended[0]),
	};
}
