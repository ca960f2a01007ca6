/**
 * A settlement whose answer is lost may have taken effect. It is read back by id, lease and holder, and repeated only
 * when the row says that it did not.
 */
import type { JobState } from "../../shared/core/jobs/job-states.ts";
import { StorageUnavailable } from "../../shared/core/storage-unavailable.ts";
import { findLeaseState } from "../../shared/db/jobs/find-job.ts";
import { logError } from "../log.ts";
import type { Lease } from "./run-attempt.ts";
import type { Consumer } from "./run-batch.ts";

/** `done`: as we wrote it. `lost`: the job moved on without us. `unknown`: D1 does not answer; settled later from R2. */
export type Written = "done" | "lost" | "unknown";

const TRIES = 4;
const RETRY_MS_FIRST = 500;

/** @param target the status that `write` sets */
export async function retryWrite(
	{ db, runtime, holder }: Consumer,
	{ job }: Lease,
	target: JobState,
	write: () => Promise<boolean>,
): Promise<Written> {
	for (let tried = 1; ; tried++) {
		try {
			if (tried > 1) {
				const standing = await findLeaseState(db, job);
				if (standing?.fence !== job.fence || standing.holder !== holder) return "lost";
				if (standing.status !== "running") return standing.status === target ? "done" : "lost";
			}
			return (await write()) ? "done" : "lost";
		} catch (error) {
			if (!(error instanceof StorageUnavailable)) throw error;
			logError("settlement.write_failed", { jobId: job.jobId, tried, target }, error);
		}
		if (tried === TRIES) return "unknown";
		await runtime.sleep(RETRY_MS_FIRST * 2 ** (tried - 1));
	}
}
