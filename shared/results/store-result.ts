/**
 * The first answer wins: a result is put under its job's one key, put-if-absent, before the row says so. Its metadata
 * carries all that the row needs, so that an answer whose settlement was lost is settled later and not bought again.
 */
import { z } from "zod";
import { type Attempt, AttemptSchema } from "../core/attempts.ts";
import type { JobKey } from "../core/job.ts";
import { resultKey } from "./keys.ts";

export interface StoredAnswer {
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
	bucket: R2Bucket,
	job: JobKey,
	body: Uint8Array,
	call: { attempt: Attempt; modelAttempt: number },
): Promise<{ first: boolean; stored: StoredAnswer }> {
	const put = await bucket.put(resultKey(job), body, {
		onlyIf: { etagDoesNotMatch: "*" },
		httpMetadata: { contentType: "application/json" },
		customMetadata: { attempt: JSON.stringify(call.attempt), modelAttempt: String(call.modelAttempt) },
	});
	if (put !== null) return { first: true, stored: { ...call, bytes: body.byteLength } };
	const stored = await findStoredAnswer(bucket, job);
	if (stored === null) throw new Error("a result was there and then was not");
	return { first: stored.attempt.lease === call.attempt.lease, stored };
}

/** What R2 says was answered; null where nothing was. */
export async function findStoredAnswer(bucket: R2Bucket, job: JobKey): Promise<StoredAnswer | null> {
	const head = await bucket.head(resultKey(job));
	if (head === null) return null;
	return { ...Metadata.parse(head.customMetadata), bytes: head.size };
}

/** The stored result, or a part of it that lies within; null where there is none. */
export async function readResult(
	bucket: R2Bucket,
	job: JobKey,
	part: { offset: number; length: number } | null = null,
): Promise<R2ObjectBody | null> {
	return await bucket.get(resultKey(job), part === null ? {} : { range: part });
}
