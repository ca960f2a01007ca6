/** Replaces the metadata of a job: the only part of a request that may change. */
import type { Door, JobKey } from "../../core/jobs/job.ts";
import { jsonOrNull } from "../columns.ts";
import type { Database } from "../database.ts";

/** False: there is no such final job that came by this door. */
export async function updateMetadata(
	db: Database,
	key: JobKey & { door: Door },
	metadata: Record<string, string> | null,
): Promise<boolean> {
	const row = await db.first("update metadata", {
		sql: `UPDATE jobs SET metadata = ?4, version = version + 1
		       WHERE tenant_id = ?1 AND id = ?2 AND door = ?3 AND finished_at IS NOT NULL RETURNING id`,
		params: [key.tenantId, key.jobId, key.door, jsonOrNull(metadata)],
	});
	return row !== null;
}
