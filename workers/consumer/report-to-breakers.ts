/** Tells everybody else what a call found out about its upstream. Best effort: the sweeper walks the parked keys. */
import type { BreakerEvent } from "../../shared/core/upstreams/breaker.ts";
import { recordFailure, recordRecovery, releaseParked } from "../../shared/db/admission/breakers.ts";
import { logError } from "../log.ts";
import type { Lease } from "./run-attempt.ts";
import type { Consumer } from "./run-batch.ts";

/** Whom one recovered call lets go at most; the next, and the sweeper, let go of more. */
const RELEASED_MAX = 100;

/** A call that a cool-down let through was answered: more may follow, and those who wait are rung for. */
export async function reportRecovery({ db, jobQueue }: Consumer, { job, probedBreakers }: Lease): Promise<void> {
	try {
		await recordRecovery(db, probedBreakers, job.leasedAt ?? 0);
		for (const key of probedBreakers) await jobQueue.enqueue(await releaseParked(db, key, RELEASED_MAX));
	} catch (error) {
		logError("recovery.report_failed", { jobId: job.jobId }, error);
	}
}

/** For a failure after which its own job does not wait. */
export async function reportFailure({ db }: Consumer, { job }: Lease, breakerEvent: BreakerEvent): Promise<void> {
	try {
		await recordFailure(db, breakerEvent);
	} catch (error) {
		logError("failure.report_failed", { jobId: job.jobId }, error);
	}
}
