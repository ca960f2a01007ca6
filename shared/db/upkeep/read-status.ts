/** How the service is doing, at a bounded price: at most a thousand rows of each kind are looked at. */
import { z } from "zod";
import { column } from "../columns.ts";
import type { Database } from "../database.ts";

const COUNTED_MAX = 1_000;

export interface Status {
	openJobs: number;
	pendingDeliveries: number;
	/** Of the jobs counted. */
	oldestCreatedAt: number | null;
	parked: { key: string; jobs: number }[];
	lastSweepAt: number | null;
	lastSweepCounts: Record<string, number>;
}

const Counts = z.object({ jobs: z.number(), oldest: z.number().nullable(), deliveries: z.number() });
const Parked = z.array(z.object({ key: z.string(), jobs: z.number() }));
const Sweep = z.object({ value: column(z.record(z.string(), z.number())), updated_at: z.number() });

export async function readStatus(db: Database): Promise<Status> {
	const underWay = `(SELECT created_at, parked_on FROM jobs WHERE sweep_at IS NOT NULL ORDER BY sweep_at LIMIT ${COUNTED_MAX})`;
	const owed = `(SELECT 1 FROM deliveries WHERE sweep_at IS NOT NULL ORDER BY sweep_at LIMIT ${COUNTED_MAX})`;
	const [counts, parked, sweeps = []] = await db.transact<Record<string, unknown>>("read status", [
		{
			sql: `SELECT count(*) AS jobs, min(created_at) AS oldest, (SELECT count(*) FROM ${owed}) AS deliveries FROM ${underWay}`,
			params: [],
		},
		{
			sql: `SELECT parked_on AS key, count(*) AS jobs FROM ${underWay} WHERE parked_on IS NOT NULL GROUP BY parked_on`,
			params: [],
		},
		{ sql: "SELECT value, updated_at FROM sweeper_notes WHERE name = 'last_sweep'", params: [] },
	]);
	const { jobs, oldest, deliveries } = Counts.parse(counts?.[0]);
	const sweep = sweeps[0] === undefined ? null : Sweep.parse(sweeps[0]);
	return {
		openJobs: jobs,
		pendingDeliveries: deliveries,
		oldestCreatedAt: oldest,
		parked: Parked.parse(parked),
		lastSweepAt: sweep?.updated_at ?? null,
		lastSweepCounts: sweep?.value ?? {},
	};
}
