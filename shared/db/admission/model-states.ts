/** What keeps calls of a tenant from starting, model by model, at a bounded cost however many jobs wait. */
import { z } from "zod";
import type { BreakerState } from "../../core/upstreams/breaker.ts";
import { type Database, NOW } from "../database.ts";

/** Parked jobs are counted up to this number, of all models together. */
export const PARKED_COUNTED_MAX = 500;

interface ModelStates {
	/** Those that have a row: a healthy upstream has none. */
	breakers: BreakerState[];
	/** The model of each parked job. */
	parked: string[];
}

const BreakerRow = z
	.object({
		key: z.string(),
		reason: z.enum(["throttled", "blocked", "unavailable"]),
		is_open: z.number(),
		open_until: z.number(),
		permits: z.number().nullable(),
		trips: z.number(),
	})
	.transform(({ is_open, open_until, ...row }) => ({ ...row, isOpen: is_open === 1, openUntil: open_until }));
const ParkedRow = z.object({ model: z.string() });

const NAMED = "FROM breakers WHERE key IN (SELECT value FROM json_each(?2))";

/** @param keys of the breakers of all models */
export async function readModelStates(db: Database, tenantId: string, keys: readonly string[]): Promise<ModelStates> {
	const list = JSON.stringify([...new Set(keys)]);
	const rows = await db.transactNamed("read model states", {
		breakers: {
			sql: `SELECT key, reason, open_until > ${NOW} AS is_open, open_until, permits, trips ${NAMED}`,
			params: [db.clock(), list],
		},
		// A breaker stays while jobs are parked on it. Without the index's name, all jobs of the tenant would be read.
		parked: {
			sql: `SELECT model FROM jobs INDEXED BY jobs_parked WHERE parked_on IN (SELECT key ${NAMED}) AND tenant_id = ?1 LIMIT ?3`,
			params: [tenantId, list, PARKED_COUNTED_MAX],
		},
	});
	return {
		breakers: z.array(BreakerRow).parse(rows.breakers),
		parked: z
			.array(ParkedRow)
			.parse(rows.parked)
			.map(({ model }) => model),
	};
}
