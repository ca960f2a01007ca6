/** Tells everybody else what a call found out about its upstream. Best effort: the sweeper walks the parked keys. */
import type { CoolDown } from "../../shared/core/upstreams/breaker.ts";
import { recordFailure, recordRecovery, releaseParked } from "../../shared/db/admission/breakers.ts";
import { logTrouble } from "../log.ts";
import type { Lease } from "./run-attempt.ts";
import type { Consumer } from "./run-batch.ts";

/** Whom one recovered call lets go at most; the next, and the sweeper, let go of more. */
const RELEASED_MAX = 100;

/** A call that a cool-down let through was answered: more may follow, and those who wait are rung for. */
export async function tellRecovery({ db, jobBell }: Consumer, { job, probedKeys }: Lease): Promise<void> {
	try {
		await recordRecovery(db, probedKeys, job.leasedAt ?? 0);
		for (const key of probedKeys) await jobBell.ring(await releaseParked(db, key, RELEASED_MAX));
	} catch (error) {
		logTrouble("recovery.not_told", { jobId: job.jobId }, error);
	}
}

/** For a failure after which its own job does not wait. */
export async function tellFailure({ db }: Consumer, { job }: Lease, coolDown: CoolDown): Promise<void> {
	try {
		await recordFailure(db, coolDown);
	} catch (error) {
		logTrouble("failure.not_told", { jobId: job.jobId }, error);
	}
}
