/** Puts a paid answer into R2, and does not give up while the lease lives: it is not bought again for a fault of ours. */
import type { Attempt } from "../../shared/core/jobs/attempts.ts";
import { type StoredResult, storeResult } from "../../shared/storage/results.ts";
import { logError } from "../log.ts";
import type { Lease } from "./run-attempt.ts";
import type { Consumer } from "./run-batch.ts";

/** An invocation has 15 minutes of wall time; an attempt may use 13 of them. */
const STORE_MS_MAX = 60_000;
const RETRY_MS_FIRST = 250;
const RETRY_MS_MAX = 10_000;

/** What is stored under the job's key now; null: R2 would not have it, and the answer is lost. */
export async function storeWhileHeld(
	{ objects, runtime }: Consumer,
	{ job, lost }: Lease,
	body: Uint8Array,
	call: { attempt: Attempt; modelAttempt: number },
): Promise<{ first: boolean; stored: StoredResult } | null> {
	const giveUpAt = runtime.now() + STORE_MS_MAX;
	for (let waitMs = RETRY_MS_FIRST; ; waitMs = Math.min(2 * waitMs, RETRY_MS_MAX)) {
		try {
			return await storeResult(objects, job, body, call);
		} catch (error) {
			logError("result.store_failed", { jobId: job.jobId, bytes: body.byteLength }, error);
		}
		if (lost.aborted || runtime.now() + waitMs > giveUpAt) return null;
		await runtime.sleep(waitMs, lost);
	}
}
