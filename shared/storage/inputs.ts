/** Inputs too large for a row. */
import type { Job } from "../core/jobs/job.ts";
import type { ObjectStore } from "./object-store.ts";

/** A larger input is stored in R2: a D1 row may have 2 MB, and a lease reads a batch of rows. */
export const INLINE_INPUT_BYTES_MAX = 32 * 1024;

/** Puts the input under `key`. Called before the row that names it is written. */
export async function storeInput(objects: ObjectStore, key: string, input: Uint8Array): Promise<void> {
	await objects.put(key, input);
}

/** The input of a job, from its row or from R2. Null: the object was erased. */
export async function readInput(
	objects: ObjectStore,
	{ input, inputKey }: Pick<Job, "input" | "inputKey">,
): Promise<Uint8Array | null> {
	if (inputKey !== null) return await objects.bytes(inputKey);
	return input === null ? null : new TextEncoder().encode(input);
}

/** The same, or a range of it, not read from R2 before its reader wants it. */
export async function openInput(
	objects: ObjectStore,
	{ input, inputKey }: Pick<Job, "input" | "inputKey">,
	part: { offset: number; length: number } | null,
): Promise<ReadableStream | Uint8Array<ArrayBuffer> | null> {
	if (inputKey !== null) return await objects.open(inputKey, part);
	if (input === null) return null;
	const bytes = new Uint8Array(new TextEncoder().encode(input));
	return part === null ? bytes : bytes.slice(part.offset, part.offset + part.length);
}
