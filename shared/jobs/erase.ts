/** Erases a final job: its row, its history, and its input and result in R2. */
import { newId } from "../core/ids.ts";
import type { JobKey } from "../core/jobs/job.ts";
import type { Runtime } from "../core/runtime.ts";
import type { Actor } from "../core/tenants/audit.ts";
import type { Database } from "../db/database.ts";
import { findJobSummary } from "../db/jobs/find-job.ts";
import { eraseJob } from "../db/upkeep/erase-jobs.ts";
import { eraseObjects } from "../storage/erase-objects.ts";
import { keysOfJob } from "../storage/keys.ts";
import type { ObjectStore } from "../storage/object-store.ts";

export interface EraseBindings {
	db: Database;
	objects: ObjectStore;
	runtime: Runtime;
	/** Called with the number of R2 objects that could not be erased. The sweeper erases them later, by the tombstone. */
	onEraseFailed(objects: number, error: unknown): void;
}

export async function erase(
	{ db, objects, runtime, onEraseFailed }: EraseBindings,
	key: JobKey,
	by: Actor,
): Promise<"erased" | "not_final" | "unknown"> {
	const erased = await eraseJob(db, key, newId("tmb", runtime), by);
	if (erased === null) return (await findJobSummary(db, key)) === null ? "unknown" : "not_final";
	const keys = keysOfJob(erased);
	try {
		await eraseObjects(objects, keys);
	} catch (error) {
		onEraseFailed(keys.length, error);
	}
	return "erased";
}
