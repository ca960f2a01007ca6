/** Inputs too large for a row. */
import type { JobKey } from "../core/jobs/job.ts";
import { inputKey } from "./keys.ts";
import type { ObjectStore } from "./object-store.ts";

/** Above this an input lives in R2: D1 rows end at 2 MB, and a lease reads whole batches of them. */
export const INLINE_INPUT_BYTES_MAX = 32 * 1024;

/** Puts the input and answers its key. It is there before the row that names it. */
export async function storeInput(objects: ObjectStore, job: JobKey, input: string, timeMs: number): Promise<string> {
	const key = inputKey(job, timeMs);
	await objects.put(key, input);
	return key;
}

/** Null: the object is gone, which only an erasure does. */
export async function readInput(objects: ObjectStore, key: string): Promise<string | null> {
	return await objects.text(key);
}
