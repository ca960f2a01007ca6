/** One batch: leased in one statement, called side by side, watched together. */
import type { Config } from "../../shared/core/config.ts";
import type { Job, JobKey } from "../../shared/core/jobs/job.ts";
import { queueDelaySeconds } from "../../shared/core/jobs/wakeups.ts";
import type { Runtime } from "../../shared/core/runtime.ts";
import { keysOf } from "../../shared/core/upstreams/credentials.ts";
import { whyNotLeased } from "../../shared/db/jobs/why-not-leased.ts";
import { wake } from "../../shared/jobs/wake.ts";
import type { AskModel } from "../../shared/model/port.ts";
import { ACK, AFTER_CRASH, type Disposition } from "../../shared/queues/messages.ts";
import type { FreshResults } from "../../shared/storage/fresh-results.ts";
import type { Bindings } from "../bindings.ts";
import { logError } from "../log.ts";
import type { ByteBudget } from "./byte-budget.ts";
import type { Ends } from "./group-ends.ts";
import { leaseWithRetry } from "./lease-with-retry.ts";
import { type Lease, runAttempt } from "./run-attempt.ts";
import { afterLease } from "./settle.ts";
import { watchLeases } from "./watch-leases.ts";

/** What a consumer works with. */
export interface Consumer extends Bindings {
	ask: AskModel;
	config: Config;
	runtime: Runtime;
	inputBudget: ByteBudget;
	/** Random per invocation: names our leases. */
	holder: string;
	ends: Ends;
	freshResults: FreshResults;
}

/** `tell` is called once for each key, as soon as its own fate is known: no job waits for a neighbour. */
export async function runBatch(
	consumer: Consumer,
	keys: JobKey[],
	tell: (key: JobKey, disposition: Disposition) => void,
): Promise<void> {
	const startedAt = consumer.runtime.now();
	const leased = await leaseWithRetry(consumer, keys);
	if (leased === null) {
		for (const key of keys) tell(key, afterLease(consumer));
		return;
	}
	const { jobs, gated, probedBreakers, owed, freed } = leased;
	const leasedHereAt = consumer.runtime.now();
	const watch = watchLeases(consumer, jobs);
	const leaseOf = (job: Job): Lease => ({
		job,
		startedAt,
		mayCall: !gated.has(job.jobId),
		probedBreakers: keysOf(job).filter((key) => probedBreakers.has(key)),
		lost: watch.signalOf(job),
		now: () => leased.now + consumer.runtime.now() - leasedHereAt,
	});
	const attempts = jobs.map(async (job) => {
		const disposition = await caught(consumer, job, () => runAttempt(consumer, leaseOf(job)));
		watch.release(job);
		tell(job, disposition);
	});
	const missed = keys.filter((key) => !jobs.some((job) => job.tenantId === key.tenantId && job.jobId === key.jobId));
	const woken = wake(consumer, { deliveries: owed, jobs: freed });
	await Promise.all([...attempts, tellMissed(consumer, missed, tell), woken]);
	await watch.stop();
}

/**
 * A bug or a lost binding. Caught here so that one job cannot send its neighbours round again; the lease and
 * `max_attempts` bound the rest.
 */
async function caught(consumer: Consumer, job: JobKey, attempt: () => Promise<Disposition>): Promise<Disposition> {
	try {
		return await attempt();
	} catch (error) {
		logError("attempt.crashed", { jobId: job.jobId }, error);
		return afterLease(consumer);
	}
}

/** An early message comes back when its job is due, if that is soon; any other miss is harmless. */
async function tellMissed(
	{ db }: Consumer,
	keys: JobKey[],
	tell: (key: JobKey, disposition: Disposition) => void,
): Promise<void> {
	if (keys.length === 0) return;
	try {
		for (const miss of await whyNotLeased(db, keys)) {
			const delaySeconds = miss.kind === "early" ? queueDelaySeconds(miss.waitMs) : null;
			tell(miss, delaySeconds === null ? ACK : { kind: "retry", delaySeconds });
		}
	} catch (error) {
		logError("misses.explain_failed", { jobs: keys.length }, error);
		for (const key of keys) tell(key, AFTER_CRASH);
	}
}
