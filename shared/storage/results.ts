/**
 * The first answer wins: a result is put under its job's one key, put-if-absent, before the row says so. Its metadata
 * carries all that the row needs, so that an answer whose settlement was lost is settled later and not bought again.
 */
import { z } from "zod";
import { type Attempt, AttemptSchema } from "../core/jobs/attempts.ts";
import type { JobKey } from "../core/jobs/job.ts";
import { resultKey } from "./keys.ts";
import type { ObjectStore } from "./object-store.ts";

export interface StoredResult {
	/** The call that brought it: model, provider, times, usage, log id. */
	attempt: Attempt;
	/** How many counted attempts had been made on its model, this one included. */
	modelAttempt: number;
	bytes: number;
}

const Metadata = z.object({
	attempt: z
		.string()
		.transform((text) => JSON.parse(text) as unknown)
		.pipe(AttemptSchema),
	modelAttempt: z.coerce.number(),
});

/** Puts `body` unless an answer is there already. Answers what is stored now: ours, or the one that came first. */
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
	if (stored === null) throw new Error("a result was there and then was not");
	return { first: stored.attempt.fence === call.attempt.fence, stored };
}

/** What R2 says was answered; null where nothing was. */
export async function findStoredResult(objects: ObjectStore, job: JobKey): Promise<StoredResult | null> {
	const head = await objects.head(resultKey(job));
	if (head === null) return null;
	return { ...Metadata.parse(head.customMetadata), bytes: head.size };
}

/** The stored result; null where there is none. */
export async function readResult(objects: ObjectStore, job: JobKey): Promise<string | null> {
	return await objects.text(resultKey(job));
}

/** The stored result, or a part of it that lies within, as a stream; null where there is none. */
export async function openResult(
	objects: ObjectStore,
	job: JobKey,
	part: { offset: number; length: number } | null,
): Promise<ReadableStream | null> {
	return await objects.open(resultKey(job), part);
}
