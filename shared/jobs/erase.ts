/** Erases a final job: its row, its history, and its input and result in R2. */
import { newId } from "../core/ids.ts";
import type { JobKey } from "../core/jobs/job.ts";
import type { Runtime } from "../core/runtime.ts";
import type { Actor } from "../core/tenants/audit.ts";
import type { Database } from "../db/database.ts";
import { filterExisting } from "../db/jobs/filter-existing.ts";
import { findJobSummary } from "../db/jobs/find-job.ts";
import { eraseJob } from "../db/upkeep/erase-jobs.ts";
import { eraseObjects, listInputs } from "../storage/erase-objects.ts";
import { inputsOfRepeats, keysOfJob } from "../storage/keys.ts";
import type { ObjectStore } from "../storage/object-store.ts";

export interface EraseBindings {
	db: Database;
	objects: ObjectStore;
	runtime: Runtime;
	/** Called with the number of R2 objects that could not be erased. The sweeper erases them later, by the tombstone. */
	onEraseFailed(objects: number, error: unknown): void;
}

export async function erase(
	bindings: EraseBindings,
	key: JobKey,
	by: Actor,
): Promise<"erased" | "not_final" | "unknown"> {
	const { db, objects, runtime, onEraseFailed } = bindings;
	const erased = await eraseJob(db, key, newId("tmb", runtime), by);
	if (erased === null) return (await findJobSummary(db, key)) === null ? "unknown" : "not_final";
	const keys = keysOfJob(erased);
	try {
		await eraseObjects(objects, keys);
		if (erased.inputKey !== null) await eraseCopies(bindings, erased.inputKey);
	} catch (error) {
		onEraseFailed(keys.length, error);
	}
	return "erased";
}

/**
 * Erases the copies of an erased job's input that its request's repeats put and that no job refers to: their submissions crashed,
 * or their responses from D1 were lost.
 */
export async function eraseCopies(
	{ db, objects }: Pick<EraseBindings, "db" | "objects">,
	inputKey: string,
): Promise<void> {
	for (const prefix of inputsOfRepeats(inputKey)) {
		const { inputs } = await listInputs(objects, prefix, null);
		if (inputs.length === 0) continue;
		const known = await filterExisting(db, inputs);
		await eraseObjects(
			objects,
			inputs.filter(({ jobId }) => !known.has(jobId)).map(({ key }) => key),
		);
	}
}
