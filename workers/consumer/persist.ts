/** How a holder uses D1 and R2: how long it retries when one does not respond, and what it assumes then. */

import { Repeats, StorageUnavailable } from "../../shared/core/errors.ts";
import type { Attempt } from "../../shared/core/jobs/attempts.ts";
import type { Job, JobKey } from "../../shared/core/jobs/job.ts";
import type { JobState } from "../../shared/core/jobs/job-states.ts";
import type { StoredResult } from "../../shared/core/jobs/settlement.ts";
import { JsonBody } from "../../shared/core/json/json-body.ts";
import { firstWaitMs } from "../../shared/core/webhooks/delivery-schedule.ts";
import { findLeaseState } from "../../shared/db/jobs/find-job.ts";
import { type Leased, leaseJobs } from "../../shared/db/jobs/lease-jobs.ts";
import { putCanary } from "../../shared/storage/canary.ts";
import { readInput } from "../../shared/storage/inputs.ts";
import { findStoredResult, storeResult } from "../../shared/storage/results.ts";
import { logError, logWarning } from "../log.ts";
import { type Consumer, type Lease, STORE_END_MS_MAX } from "./consumer.ts";

const D1_RETRY_MS_FIRST = 500;
const TRIES_MAX = 4;

const STORE_RETRY_MS_FIRST = 250;
const STORE_RETRY_MS_MAX = 10_000;

/** D1 may serve a request long after its sender gave it up. Such a lease would only hold its job up until it expires. */
const LEASE_LATE_MS = 30_000;

/**
 * A lease request whose response is lost may have taken effect. Repeated by the same holder, it returns the leases of both
 * requests. Null: D1 did not respond.
 */
export async function leaseWithRetry(
	{ db, holder, config, runtime, databaseClock }: Consumer,
	keys: JobKey[],
): Promise<Leased | null> {
	const onUnreadable = (error: unknown) => logError("job.parse_failed", { jobs: keys.length }, error);
	const request = { keys, holder, leaseMs: config.leaseMs, deliveryWaitMs: firstWaitMs(config.deliveryScheduleMs) };
	const repeats = new Repeats(TRIES_MAX);
	for (let tried = 1; ; tried++) {
		const sentAt = runtime.now();
		const notAfter = databaseClock.at(sentAt + LEASE_LATE_MS);
		try {
			const leased = await leaseJobs(db, { ...request, notAfter, isRepeated: tried > 1, onUnreadable });
			if (leased.jobs.length > 0) databaseClock.learn(leased.now, sentAt);
			return leased;
		} catch (error) {
			const write = error instanceof StorageUnavailable ? logWarning : logError;
			write("jobs.lease_failed", { jobs: keys.length, tried }, error);
			if (!(error instanceof StorageUnavailable) || !repeats.allowAfter(error)) return null;
		}
		await runtime.sleep(D1_RETRY_MS_FIRST * 2 ** (tried - 1));
	}
}

/** `done`: our write took effect. `lost`: the job moved on without us. `unknown`: D1 does not respond; settled later from R2. */
export interface Written<T> {
	written: "done" | "lost" | "unknown";
	/** What the write returned. Null: no response to it came. */
	value: T | null;
}

/**
 * A settlement whose response is lost may have taken effect. It is read back by id, fence and holder, and repeated only
 * when the row says that it did not.
 * @param target the status that `write` sets
 */
export async function retryWrite<T extends { done: boolean }>(
	{ db, runtime, holder }: Consumer,
	job: Job,
	target: JobState,
	write: () => Promise<T>,
): Promise<Written<T>> {
	const repeats = new Repeats(TRIES_MAX);
	for (let tried = 1; ; tried++) {
		try {
			if (tried > 1) {
				const row = await findLeaseState(db, job);
				if (row?.fence !== job.fence || row.holder !== holder) return { written: "lost", value: null };
				if (row.status !== "running") return { written: row.status === target ? "done" : "lost", value: null };
			}
			const value = await write();
			return { written: value.done ? "done" : "lost", value };
		} catch (error) {
			if (!(error instanceof StorageUnavailable)) throw error;
			logWarning("settlement.write_failed", { jobId: job.jobId, tried, target }, error);
			if (!repeats.allowAfter(error)) return { written: "unknown", value: null };
		}
		await runtime.sleep(D1_RETRY_MS_FIRST * 2 ** (tried - 1));
	}
}

/** The result that an earlier holder may have stored. A job's first holder has none before it, and skips the read. */
export async function findEarlierResult({ objects }: Consumer, job: Job): Promise<StoredResult | null | "unknown"> {
	if (job.fence === 1) return null;
	try {
		return await findStoredResult(objects, job);
	} catch (error) {
		logWarning("result.lookup_failed", { jobId: job.jobId }, error);
		return "unknown";
	}
}

export async function loadInput({ objects }: Consumer, job: Job): Promise<JsonBody | "missing" | "unknown"> {
	try {
		const bytes = await readInput(objects, job);
		return bytes === null ? "missing" : new JsonBody(bytes);
	} catch (error) {
		logWarning("input.read_failed", { jobId: job.jobId }, error);
		return "unknown";
	}
}

/**
 * Whether a result could be stored, as far as is known. After a put failed in this isolate, or lost the last result of the job, a
 * small one must succeed before the next call is paid for.
 */
export async function mayStoreResult({ objects, storageHealth, runtime }: Consumer, job: Job): Promise<boolean> {
	if (storageHealth.mayPut && job.attempts.at(-1)?.outcome !== "not_stored") return true;
	try {
		await putCanary(objects, runtime.random());
		storageHealth.mayPut = true;
		return true;
	} catch (error) {
		logWarning("canary.put_failed", { jobId: job.jobId }, error);
		storageHealth.mayPut = false;
		return false;
	}
}

/**
 * Puts a result that was paid for into R2, and retries while the lease is held, for as long as the invocation lives: a storage
 * fault must not make us pay twice. Returns what is stored under the job's key. Null: R2 did not store it, and the result is lost.
 */
export async function storeWhileHeld(
	{ objects, runtime, storageHealth }: Consumer,
	{ job, lost, startedAt }: Lease,
	body: Uint8Array,
	call: { attempt: Attempt; modelAttempt: number },
): Promise<{ first: boolean; stored: StoredResult } | null> {
	const giveUpAt = startedAt + STORE_END_MS_MAX;
	for (let waitMs = STORE_RETRY_MS_FIRST; ; waitMs = Math.min(2 * waitMs, STORE_RETRY_MS_MAX)) {
		try {
			const stored = await storeResult(objects, job, body, call);
			storageHealth.mayPut = true;
			return stored;
		} catch (error) {
			storageHealth.mayPut = false;
			const isLast = lost.aborted || runtime.now() + waitMs > giveUpAt;
			const write = isLast ? logError : logWarning;
			write("result.store_failed", { jobId: job.jobId, bytes: body.byteLength }, error);
			if (isLast) return null;
		}
		await runtime.sleep(waitMs, lost);
	}
}
