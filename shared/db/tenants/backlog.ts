/** A tenant's open work over time, as the sweeper counted it. */
import { z } from "zod";
import { type BacklogRow, MINUTE_MS } from "../../core/tenants/backlog.ts";
import { type Database, NOW, type Statement } from "../database.ts";

const Row = z
	.object({
		start_at: z.number(),
		sampled_at: z.number(),
		open_jobs: z.number(),
		parked_jobs: z.number(),
		later_jobs: z.number(),
		oldest_ms: z.number(),
		pending_deliveries: z.number(),
		is_cut: z.number(),
	})
	.transform(
		(row): BacklogRow => ({
			startAt: row.start_at,
			sampledAt: row.sampled_at,
			openJobs: row.open_jobs,
			parkedJobs: row.parked_jobs,
			laterJobs: row.later_jobs,
			oldestMs: row.oldest_ms,
			pendingDeliveries: row.pending_deliveries,
			isCut: row.is_cut === 1,
		}),
	);

const COLUMNS = "start_at, sampled_at, open_jobs, parked_jobs, later_jobs, oldest_ms, pending_deliveries, is_cut";

export interface BacklogQuery {
	tenantId: string;
	minutes: 1 | 60;
	/** The first time, included. Null: so long ago. */
	since: number | null;
	agoMs: number;
	limit: number;
}

/** In order of time. */
export async function listBacklog(db: Database, query: BacklogQuery): Promise<BacklogRow[]> {
	const rows = await db.all("list backlog", {
		sql: `SELECT ${COLUMNS} FROM backlog
		       WHERE tenant_id = ?2 AND minutes = ?3 AND start_at >= coalesce(?4, ${NOW} - ?5) ORDER BY start_at LIMIT ?6`,
		params: [db.clock(), query.tenantId, query.minutes, query.since, query.agoMs, query.limit],
	});
	return z.array(Row).parse(rows);
}

/** A sweep a minute, one of which may be late. */
const CURRENT_MS = 3 * MINUTE_MS;
const SWEEP = "SELECT value ->> 'backlogCut' AS cut FROM sweeper_notes WHERE name = 'last_sweep'";

/** What the last sweep counted. Read it with `lastSampleFrom`. */
export function lastSample(db: Database, tenantId: string): Statement[] {
	const last = `SELECT ${COLUMNS} FROM backlog
		WHERE tenant_id = ?2 AND minutes = 1 AND start_at >= ${NOW} - ${CURRENT_MS} ORDER BY start_at DESC LIMIT 1`;
	return [
		{ sql: last, params: [db.clock(), tenantId] },
		{ sql: SWEEP, params: [] },
	];
}

/** `row` is null where the tenant had no open work, or, if `isCut`, perhaps none that was counted. */
export function lastSampleFrom(rows: readonly Record<string, unknown>[]): { row: BacklogRow | null; isCut: boolean } {
	const found = rows.find((row) => "start_at" in row);
	const row = found === undefined ? null : Row.parse(found);
	return { row, isCut: row?.isCut ?? rows.some(({ cut }) => cut === 1) };
}
