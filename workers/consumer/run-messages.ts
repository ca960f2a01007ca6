/** The jobs of one queue batch: leased in one statement, called side by side as a rule, watched together. */
import { mayKillHolders, runsAlone } from "../../shared/core/jobs/attempts.ts";
import type { Job, JobKey } from "../../shared/core/jobs/job.ts";
import { breakerKeysOf } from "../../shared/core/upstreams/credentials.ts";
import { whyNotLeased } from "../../shared/db/jobs/why-not-leased.ts";
import { wake } from "../../shared/jobs/wake.ts";
import {
	ACK,
	AFTER_CRASH,
	type Disposition,
	retryAfterLease,
	retryAfterLeaseSpread,
	retryWhenDue,
} from "../../shared/queues/dispositions.ts";
import { logDebug, logError, logWarning } from "../log.ts";
import type { Consumer, Lease } from "./consumer.ts";
import { leaseWithRetry } from "./persist.ts";
import { runAttempt } from "./run-attempt.ts";
import { watchLeases } from "./watch-leases.ts";

/** Called once for each key, as soon as its outcome is known. */
type Dispose = (key: JobKey, disposition: Disposition) => void;

export async function runMessages(consumer: Consumer, keys: JobKey[], dispose: Dispose): Promise<void> {
	if (keys.length === 0) return;
	const { config, runtime } = consumer;
	const startedAt = runtime.now();
	const leased = await leaseWithRetry(consumer, keys);
	if (leased === null) {
		for (const key of keys) dispose(key, retryAfterLeaseSpread(config.leaseMs, runtime.random));
		return;
	}
	const { jobs, gated, movingOn, probedBreakers, pending, released } = leased;
	const leasedHereAt = runtime.now();
	logDebug("jobs.leased", { messages: keys.length, leased: jobs.length, durationMs: leasedHereAt - startedAt });
	const watch = watchLeases(consumer, jobs, startedAt);
	const leaseOf = (job: Job): Lease => ({
		job,
		startedAt,
		gatedBy: gated.get(job.jobId) ?? null,
		movesOn: movingOn.has(job.jobId),
		probedBreakers: breakerKeysOf(job).filter((key) => probedBreakers.has(key)),
		succeededAt: lastOf(breakerKeysOf(job).map((key) => probedBreakers.get(key) ?? null)),
		lost: watch.signalOf(job),
		hasLapsed: () => watch.hasLapsed(job),
		beginCall: () => watch.beginCall(job, mayKillHolders(job)),
		now: () => leased.now + runtime.now() - leasedHereAt,
	});
	const running = new Set(jobs);
	const disposeNow = async (key: JobKey, disposition: Disposition) =>
		dispose(key, running.size > 0 ? await withoutNeighbours(consumer, key, disposition) : disposition);
	const run = async (job: Job) => {
		const disposition = await runOrRetry(consumer, leaseOf(job));
		watch.release(job);
		running.delete(job);
		await disposeNow(job, disposition);
	};
	const missed = keys.filter((key) => !jobs.some((job) => job.tenantId === key.tenantId && job.jobId === key.jobId));
	const woken = wake(consumer, { deliveries: pending, jobs: released });
	await Promise.all([runAll(jobs, run), disposeOfMissed(consumer, missed, disposeNow), woken]);
	await watch.stop();
}

function lastOf(times: readonly (number | null)[]): number | null {
	const known = times.filter((time) => time !== null);
	return known.length === 0 ? null : Math.max(...known);
}

/** Side by side, and then, one after the other, the jobs that may kill this isolate: nothing else is lost with it then. */
async function runAll(jobs: readonly Job[], run: (job: Job) => Promise<void>): Promise<void> {
	await Promise.all(jobs.filter((job) => !runsAlone(job)).map(run));
	for (const job of jobs.filter(runsAlone)) await run(job);
}

/**
 * Catches a bug or a lost binding here, so that one job does not cause its neighbours to be retried. The lease and
 * `max_attempts` bound the rest.
 */
async function runOrRetry(consumer: Consumer, lease: Lease): Promise<Disposition> {
	try {
		return await runAttempt(consumer, lease);
	} catch (error) {
		logError("attempt.crashed", { jobId: lease.job.jobId }, error);
		return retryAfterLease(consumer.config.leaseMs);
	}
}

/** An early message comes back when its job is due, if that is soon; any other miss is harmless. */
async function disposeOfMissed(
	consumer: Consumer,
	keys: JobKey[],
	dispose: (key: JobKey, disposition: Disposition) => Promise<void>,
): Promise<void> {
	if (keys.length === 0) return;
	const dispositions = await dispositionsOfMissed(consumer, keys);
	await Promise.all(dispositions.map(({ key, disposition }) => dispose(key, disposition)));
}

async function dispositionsOfMissed(
	{ db, runtime, databaseClock }: Consumer,
	keys: JobKey[],
): Promise<{ key: JobKey; disposition: Disposition }[]> {
	const sentAt = runtime.now();
	try {
		return (await whyNotLeased(db, keys)).map((miss) => {
			// The request may have been refused because the database's clock was set.
			if (miss.kind === "early") databaseClock.learn(miss.now, sentAt);
			return { key: miss, disposition: miss.kind === "early" ? retryWhenDue(miss.waitMs) : ACK };
		});
	} catch (error) {
		logWarning("misses.explain_failed", { jobs: keys.length }, error);
		return keys.map((key) => ({ key, disposition: AFTER_CRASH }));
	}
}

/**
 * A retried message comes back when the whole batch is over, which may take 13 minutes. While a neighbour runs, a new message
 * is enqueued at once instead.
 */
async function withoutNeighbours({ jobQueue }: Consumer, key: JobKey, disposition: Disposition): Promise<Disposition> {
	if (disposition.kind === "ack") return ACK;
	try {
		await jobQueue.enqueue([key], disposition.delaySeconds);
		return ACK;
	} catch (error) {
		logWarning("job.enqueue_failed", { jobId: key.jobId }, error);
		return disposition;
	}
}
