/** Inputs too large for a row. */
import type { JobKey } from "../core/jobs/job.ts";
import { inputKey } from "./keys.ts";
import type { ObjectStore } from "./object-store.ts";

/** A larger input is stored in R2: a D1 row may have 2 MB, and a lease reads a batch of rows. */
export const INLINE_INPUT_BYTES_MAX = 32 * 1024;

/** Puts the input and returns its key. Called before the row that names it is written. */
export async function storeInput(objects: ObjectStore, job: JobKey, input: string, timeMs: number): Promise<string> {
	const key = inputKey(job, timeMs);
	await objects.put(key, input);
	return key;
}

/** Null: the object was erased. */
export async function readInput(objects: ObjectStore, key: string): Promise<string | null> {
	return await objects.text(key);
}
