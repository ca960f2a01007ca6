/**
 * A lease whose answer is lost may have taken effect. It is asked for again by the same holder, which is told of both, so
 * that no attempt is used up by a call that nobody makes.
 */
import type { JobKey } from "../../shared/core/jobs/job.ts";
import { StorageUnavailable } from "../../shared/core/storage-unavailable.ts";
import { type Leased, leaseJobs } from "../../shared/db/jobs/lease-jobs.ts";
import { logError } from "../log.ts";
import type { Consumer } from "./run-batch.ts";

const RETRY_MS_FIRST = 500;
const RETRY_MS_MAX = 10_000;

/** Null: D1 does not answer, for so long that what was leased could not be held any more. */
export async function leaseWithRetry(
	{ db, holder, config, runtime }: Consumer,
	keys: JobKey[],
): Promise<Leased | null> {
	if (keys.length === 0) return { jobs: [], now: 0, owed: [], freed: [], gated: new Set(), probedBreakers: new Set() };
	const onUnreadable = (error: unknown) => logError("job.unreadable", { jobs: keys.length }, error);
	const giveUpAt = runtime.now() + config.leaseMs - config.heartbeatMs;
	for (let tried = 1; ; tried++) {
		try {
			return await leaseJobs(db, { keys, holder, leaseMs: config.leaseMs, isRepeated: tried > 1, onUnreadable });
		} catch (error) {
			logError("jobs.lease_failed", { jobs: keys.length, tried }, error);
			if (!(error instanceof StorageUnavailable) || runtime.now() > giveUpAt) return null;
		}
		await runtime.sleep(Math.min(RETRY_MS_FIRST * 2 ** (tried - 1), RETRY_MS_MAX));
	}
}
