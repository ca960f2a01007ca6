/** How many jobs of a tenant are open and why they wait, at a bounded cost however many there are. */
import { z } from "zod";
import { JOB_STATES } from "../../core/jobs/job-states.ts";
import { tenantKey } from "../admission/keys.ts";
import { TODAY } from "../admission/tenant-limits.ts";
import { type Database, NOW } from "../database.ts";
import { lastSample, lastSampleFrom } from "../tenants/backlog.ts";

/** Jobs with a slot and parked ones are counted up to this number, together. */
const COUNTED_MAX = 1_000;
/** How many breakers are looked at for the parked ones: of the tenant's own, and of each kind of shared ones. */
const BREAKERS_MAX = 150;
/** A day of forty models. */
const ENDED_ROWS_MAX = 1_000;

const OpenRow = z.object({
	is_parked: z.number(),
	status: z.enum(JOB_STATES),
	status_reason: z.string().nullable(),
	/** Null: the row stands for breakers that were not looked at. */
	created_at: z.number().nullable(),
});
const Ended = z.object({
	today: z.number(),
	succeeded_today: z.number(),
	succeeded: z.number(),
	failed: z.number(),
	cancelled: z.number(),
	expired: z.number(),
	hours: z.number(),
});

interface Counted {
	status: z.infer<typeof OpenRow>["status"];
	reason: string | null;
	jobs: number;
	/** There may be more. */
	isCut: boolean;
}

export interface JobCounts {
	open: Counted[];
	/** When the oldest was created. Null: there is none, or counting stopped. */
	oldestCreatedAt: number | null;
	/** On this UTC day, in any state. */
	endedToday: { jobs: number; succeeded: number };
	/** In this hour and the 23 before. */
	ended: { succeeded: number; failed: number; cancelled: number; expired: number; isCut: boolean };
	/** What no index of a tenant has, as the last sweep counted it. */
	sampled: { at: number | null; laterJobs: number; pendingDeliveries: number; isCut: boolean };
}

const range = (start: string, end: string) =>
	`SELECT * FROM (SELECT key, permits, ${start} AS start FROM breakers WHERE key >= ${start} AND key < ${end} LIMIT ${BREAKERS_MAX})`;

/**
 * What jobs of the tenant may be parked on. A breaker stays while jobs wait for it; one without permits has never tripped, and none
 * do. If a range has more breakers, a row without a time says so. Rows are not grouped here: each would be read twice.
 */
const OPEN = `WITH found (key, permits, start) AS MATERIALIZED (
		${range("'own:' || ?1 || '|'", "'own:' || ?1 || '}'")}
		UNION ALL ${range("'credential:'", "'credential;'")} UNION ALL ${range("'model:'", "'model;'")})
	SELECT 1 AS is_parked, 'queued' AS status, NULL AS status_reason, NULL AS created_at
	  FROM found GROUP BY start HAVING count(*) = ${BREAKERS_MAX}
	UNION ALL
	SELECT 0, status, status_reason, created_at FROM jobs INDEXED BY jobs_with_slot WHERE slot = ?1
	UNION ALL
	SELECT 1, status, status_reason, created_at FROM jobs INDEXED BY jobs_parked
	 WHERE parked_on IN (SELECT ${tenantKey("?1")} UNION ALL SELECT key FROM found WHERE permits IS NOT NULL) AND tenant_id = ?1
	LIMIT ${COUNTED_MAX}`;

const HOUR = `CAST(${NOW} / 3600000 AS INTEGER)`;
const ofToday = (count: string) => `coalesce(sum(iif(hour >= ${TODAY} * 24, ${count}, 0)), 0)`;
const ALL = "succeeded + failed + cancelled + expired";

/** The newest first, so that the oldest are left out. Of a day from before hours were counted, only today's sums are known. */
const ENDED = `SELECT coalesce(sum(succeeded), 0) AS succeeded, coalesce(sum(failed), 0) AS failed,
	       coalesce(sum(cancelled), 0) AS cancelled, coalesce(sum(expired), 0) AS expired, count(*) AS hours,
	       ${ofToday(ALL)} + coalesce((SELECT sum(jobs) FROM usage WHERE tenant_id = ?2 AND day = ${TODAY}), 0) AS today,
	       ${ofToday("succeeded")} + coalesce((SELECT sum(succeeded) FROM usage WHERE tenant_id = ?2 AND day = ${TODAY}), 0) AS succeeded_today
	  FROM (SELECT hour, succeeded, failed, cancelled, expired FROM usage_hours
	         WHERE tenant_id = ?2 AND hour > ${HOUR} - 24 ORDER BY hour DESC LIMIT ${ENDED_ROWS_MAX})`;

/** Jobs that are due later, or wait for a retry of more than a minute, have no slot: they are counted by the sweeper. */
export async function countJobs(db: Database, tenantId: string): Promise<JobCounts> {
	const rows = await db.transactNamed("count jobs", {
		open: { sql: OPEN, params: [tenantId] },
		ended: { sql: ENDED, params: [db.clock(), tenantId] },
		sampled: lastSample(db, tenantId),
	});
	const { today, succeeded_today, hours, ...ended } = Ended.parse(rows.ended[0]);
	const { row, isCut } = lastSampleFrom(rows.sampled);
	return {
		...countOpen(z.array(OpenRow).parse(rows.open)),
		endedToday: { jobs: today, succeeded: succeeded_today },
		ended: { ...ended, isCut: hours >= ENDED_ROWS_MAX },
		sampled: {
			at: row?.sampledAt ?? null,
			laterJobs: row?.laterJobs ?? 0,
			pendingDeliveries: row?.pendingDeliveries ?? 0,
			isCut,
		},
	};
}

/** By status and reason. Those with a slot come first, so parked ones are cut before them. */
function countOpen(rows: z.infer<typeof OpenRow>[]): Pick<JobCounts, "open" | "oldestCreatedAt"> {
	const jobs = rows.filter(({ created_at }) => created_at !== null);
	const isAnyCut = jobs.length < rows.length || rows.length >= COUNTED_MAX;
	const areSlotsCut = jobs.filter(({ is_parked }) => is_parked === 0).length === COUNTED_MAX;
	const open = new Map<string, Counted>();
	for (const { status, status_reason: reason, created_at, is_parked } of rows) {
		const key = `${status} ${reason}`;
		const one = open.get(key) ?? { status, reason, jobs: 0, isCut: false };
		if (created_at !== null) one.jobs += 1;
		one.isCut ||= is_parked === 1 ? isAnyCut : areSlotsCut;
		open.set(key, one);
	}
	const oldest = jobs.reduce((first, { created_at }) => Math.min(first, created_at ?? first), Number.POSITIVE_INFINITY);
	const sorted = [...open].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, counted]) => counted);
	return { open: sorted, oldestCreatedAt: jobs.length === 0 || isAnyCut ? null : oldest };
}
