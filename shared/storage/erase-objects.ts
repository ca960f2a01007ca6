/** Deletes R2 objects by their keys, and lists inputs, to find those whose job was never inserted. */
import type { JobKey } from "../core/jobs/job.ts";
import { jobOfInputKey } from "./keys.ts";
import type { ObjectStore } from "./object-store.ts";

/** R2 deletes at most a thousand keys a call. */
const KEYS_PER_CALL_MAX = 1_000;

export interface StoredInput extends JobKey {
	key: string;
}

export async function eraseObjects(objects: ObjectStore, keys: readonly string[]): Promise<void> {
	for (let from = 0; from < keys.length; from += KEYS_PER_CALL_MAX) {
		await objects.delete(keys.slice(from, from + KEYS_PER_CALL_MAX));
	}
}

/** One page of the inputs whose keys start with `prefix`. */
export async function listInputs(
	objects: ObjectStore,
	prefix: string,
	cursor: string | null,
): Promise<{ inputs: StoredInput[]; next: string | null }> {
	const page = await objects.list(prefix, cursor);
	return {
		inputs: page.objects.flatMap(({ key }) => {
			const job = jobOfInputKey(key);
			return job === null ? [] : [{ ...job, key }];
		}),
		next: page.truncated ? page.cursor : null,
	};
}
