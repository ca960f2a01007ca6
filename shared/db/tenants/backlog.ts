/** A tenant's open work over time, as the sweeper counted it. */
import { z } from "zod";
import type { BacklogRow } from "../../core/tenants/backlog.ts";
import { type Database, NOW } from "../database.ts";

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
