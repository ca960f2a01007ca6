/** Which of many jobs exist. */
import type { JobKey } from "../../core/jobs/job.ts";
import type { Database } from "../database.ts";
import { isListed, keyList } from "../key-list.ts";

/** The ids of those of `jobs` that have a row. */
export async function filterExisting(db: Database, jobs: JobKey[]): Promise<Set<string>> {
	const rows = await db.all<{ id: string }>("filter existing jobs", {
		sql: `SELECT id FROM jobs WHERE ${isListed("?1")}`,
		params: [keyList(jobs)],
	});
	return new Set(rows.map((row) => row.id));
}
