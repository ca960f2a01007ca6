/** Why a job was not leased for its message. */
import type { JobKey } from "../../core/jobs/job.ts";
import { type Database, NOW } from "../database.ts";
import { DELETED_TENANTS } from "../deleted-tenants.ts";
import { keyList } from "../key-list.ts";

/** It may have come due since. Whatever else keeps a job that is due, its message must not spin. */
const WAIT_MS_MIN = 1_000;

/** What became of a key that was not leased. */
export type Missed = JobKey &
	/** Due in `waitMs`. */
	(
		| { kind: "early"; waitMs: number } /** Held, parked, final, erased, or of a deleted tenant: nothing to do now. */
		| { kind: "idle" }
	);

/** Explains a miss. Only a job that is merely early is worth a delay of the same message. */
export async function whyNotLeased(db: Database, keys: JobKey[]): Promise<Missed[]> {
	const rows = await db.all<{ tenant_id: string; id: string; wait_ms: number }>("explain missed leases", {
		sql: `SELECT tenant_id, id, run_at - ${NOW} AS wait_ms FROM jobs
		 WHERE (tenant_id, id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2))
		   AND status = 'queued' AND parked_on IS NULL AND tenant_id NOT IN ${DELETED_TENANTS}`,
		params: [db.clock(), keyList(keys)],
	});
	return keys.map((key) => {
		const row = rows.find((candidate) => candidate.tenant_id === key.tenantId && candidate.id === key.jobId);
		return row === undefined
			? { ...key, kind: "idle" }
			: { ...key, kind: "early", waitMs: Math.max(row.wait_ms, WAIT_MS_MIN) };
	});
}
