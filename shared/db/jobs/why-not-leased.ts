/** Why a job was not leased for its message. */
import type { JobKey } from "../../core/jobs/job.ts";
import { type Database, NOW } from "../database.ts";
import { keyList, REQUESTED } from "../key-list.ts";

/** The job may be due by now, because its lease request was too late: a shorter delay would make its message spin. */
const WAIT_MS_MIN = 1_000;

/**
 * `early`: due in `waitMs`, or its lease has expired and the request for the next one was too late. `idle`: leased by another,
 * without a slot, final, erased, or of a deleted tenant: nothing to do.
 */
export type Missed = JobKey &
	(
		| {
				kind: "early";
				waitMs: number;
				/** The database's clock. */
				now: number;
		  }
		| { kind: "idle" }
	);

/** Explains a miss. Only a job that is merely early is worth a delay of the same message. */
export async function whyNotLeased(db: Database, keys: JobKey[]): Promise<Missed[]> {
	const rows = await db.all<{ tenant_id: string; id: string; wait_ms: number; now: number }>("explain missed leases", {
		sql: `SELECT tenant_id, id, run_at - ${NOW} AS wait_ms, ${NOW} AS now FROM jobs
		 WHERE ${REQUESTED}
		   AND (status = 'queued' AND slot IS NOT NULL OR status = 'running' AND lease_expires_at <= ${NOW})`,
		params: [db.clock(), keyList(keys)],
	});
	return keys.map((key) => {
		const row = rows.find((candidate) => candidate.tenant_id === key.tenantId && candidate.id === key.jobId);
		return row === undefined
			? { ...key, kind: "idle" }
			: { ...key, kind: "early", waitMs: Math.max(row.wait_ms, WAIT_MS_MIN), now: row.now };
	});
}
