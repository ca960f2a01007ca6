/** The state of the service, at a bounded cost however long the backlog. */
import { z } from "zod";
import { column } from "../columns.ts";
import type { Database, Statement } from "../database.ts";
import { distinctKeys } from "../distinct-keys.ts";

/** Counts stop here. */
const COUNTED_MAX = 1_000;
/** How many parked keys, and how many tenants with slots in use, are read. */
const KEYS_MAX = 100;

export interface Status {
	openJobs: number;
	pendingDeliveries: number;
	/** When the oldest open job was created. */
	oldestCreatedAt: number | null;
	parked: { key: string; jobs: number }[];
	lastSweepAt: number | null;
	lastSweepCounts: Record<string, number>;
}

const Counts = z.object({ jobs: z.number(), deliveries: z.number() });
const Oldest = z.object({ created_at: z.number().nullable() });
const Parked = z.array(z.object({ key: z.string(), jobs: z.number() }));
const Sweep = z.object({ value: column(z.record(z.string(), z.number())), updated_at: z.number() });

const toSweep = (table: string) =>
	`(SELECT * FROM ${table} WHERE sweep_at IS NOT NULL ORDER BY sweep_at LIMIT ${COUNTED_MAX})`;

const COUNTS = `SELECT (SELECT count(*) FROM ${toSweep("jobs")}) AS jobs, (SELECT count(*) FROM ${toSweep("deliveries")}) AS deliveries`;

const PARKED = `WITH RECURSIVE ${distinctKeys("parked", "jobs", "parked_on", KEYS_MAX)}
	SELECT key, (SELECT count(*) FROM (SELECT 1 FROM jobs WHERE parked_on = key LIMIT ${COUNTED_MAX})) AS jobs
	  FROM parked WHERE key IS NOT NULL`;

/**
 * No index has open jobs by age. So this is the oldest of the jobs that the sweeper checks next, of those that hold a slot, and
 * of those parked. With more than a thousand open jobs it may miss those that wait for a retry, and with more than a thousand on
 * a key the oldest of them.
 */
const OLDEST = `WITH RECURSIVE ${distinctKeys("held", "jobs", "slot", KEYS_MAX)},
	${distinctKeys("parked", "jobs", "parked_on", KEYS_MAX)}
	SELECT min(created_at) AS created_at FROM (
	       SELECT created_at FROM ${toSweep("jobs")}
	       UNION ALL
	       SELECT (SELECT created_at FROM jobs WHERE slot = held.key ORDER BY tenant_id, id LIMIT 1) FROM held
	       UNION ALL
	       SELECT (SELECT min(created_at) FROM (SELECT created_at FROM jobs WHERE parked_on = parked.key LIMIT ${COUNTED_MAX}))
	         FROM parked WHERE parked.key IS NOT NULL)`;

const LAST_SWEEP = "SELECT value, updated_at FROM sweeper_notes WHERE name = 'last_sweep'";

export async function readStatus(db: Database): Promise<Status> {
	const read = (sql: string): Statement => ({ sql, params: [] });
	const rows = await db.transactNamed("read status", {
		counts: read(COUNTS),
		oldest: read(OLDEST),
		parked: read(PARKED),
		lastSweep: read(LAST_SWEEP),
	});
	const { jobs, deliveries } = Counts.parse(rows.counts[0]);
	const [lastSweep] = rows.lastSweep;
	const sweep = lastSweep === undefined ? null : Sweep.parse(lastSweep);
	return {
		openJobs: jobs,
		pendingDeliveries: deliveries,
		oldestCreatedAt: Oldest.parse(rows.oldest[0]).created_at,
		parked: Parked.parse(rows.parked),
		lastSweepAt: sweep?.updated_at ?? null,
		lastSweepCounts: sweep?.value ?? {},
	};
}
