/**
 * The first result wins: it is put under the job's only key, put-if-absent, before the row refers to it. Its metadata has
 * everything that the row needs, so that a result whose settlement was lost is settled later without another call.
 */
import { z } from "zod";
import { type Attempt, AttemptSchema } from "../core/jobs/attempts.ts";
import type { JobKey } from "../core/jobs/job.ts";
import type { StoredResult } from "../core/jobs/settlement.ts";
import { resultKey } from "./keys.ts";
import type { ObjectStore } from "./object-store.ts";

const Metadata = z.object({
	attempt: z
		.string()
		.transform((text, context) => {
			try {
				return JSON.parse(text) as unknown;
			} catch {
				context.addIssue("not JSON");
				return z.NEVER;
			}
		})
		.pipe(AttemptSchema),
	modelAttempt: z.coerce.number(),
});

/** Puts `body` unless a result is stored already. Returns what is stored then: ours, or the earlier one. */
export async function storeResult(
	objects: ObjectStore,
	job: JobKey,
	body: Uint8Array,
	call: { attempt: Attempt; modelAttempt: number },
): Promise<{ first: boolean; stored: StoredResult }> {
	const isFirst = await objects.putIfAbsent(resultKey(job), body, {
		attempt: JSON.stringify(call.attempt),
		modelAttempt: String(call.modelAttempt),
	});
	if (isFirst) return { first: true, stored: { ...call, bytes: body.byteLength } };
	const stored = await findStoredResult(objects, job);
	if (stored === null) throw new Error("the stored result vanished between two reads");
	return { first: stored.attempt?.fence === call.attempt.fence, stored };
}

/** The metadata of the stored result; null: there is none. */
export async function findStoredResult(objects: ObjectStore, job: JobKey): Promise<StoredResult | null> {
	const head = await objects.head(resultKey(job));
	if (head === null) return null;
	// A result counts, whatever another version wrote beside it.
	const { data = { attempt: null, modelAttempt: null } } = Metadata.safeParse(head.customMetadata);
	return { ...data, bytes: head.size };
}

/** The size of the stored result; null: there is none. */
export async function findResultBytes(objects: ObjectStore, job: JobKey): Promise<number | null> {
	return (await objects.head(resultKey(job)))?.size ?? null;
}

/** The stored result; null: there is none. */
export async function readResult(objects: ObjectStore, job: JobKey): Promise<string | null> {
	return await objects.text(resultKey(job));
}

/** The same, as bytes. */
export async function readResultBytes(objects: ObjectStore, job: JobKey): Promise<Uint8Array | null> {
	return await objects.bytes(resultKey(job));
}

/** The stored result, or a range of it, as a stream; null: there is none. */
export async function openResult(
	objects: ObjectStore,
	job: JobKey,
	part: { offset: number; length: number } | null,
): Promise<ReadableStream | null> {
	return await objects.open(resultKey(job), part);
}
