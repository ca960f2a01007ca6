/** Carries decisions out: each is one guarded transition, and says what the queue is to be told. */
import { type Attempt, addUsage, withAttempt } from "../../shared/core/jobs/attempts.ts";
import { deadlineError, type FailureDecision, type Precheck, poisonedError } from "../../shared/core/jobs/decide.ts";
import type { Job, JobError } from "../../shared/core/jobs/job.ts";
import { queueDelaySeconds } from "../../shared/core/jobs/wakeups.ts";
import { type BreakerEvent, breakerEventFor } from "../../shared/core/upstreams/breaker.ts";
import { credentialFor } from "../../shared/core/upstreams/credentials.ts";
import type { ModelFailure } from "../../shared/core/upstreams/failures.ts";
import type { Finalization, Finished } from "../../shared/db/jobs/finish-jobs.ts";
import { type Requeue, type Requeued, requeueJob } from "../../shared/db/jobs/requeue-job.ts";
import { wake } from "../../shared/jobs/wake.ts";
import { ACK, type Disposition } from "../../shared/queues/messages.ts";
import type { StoredResult } from "../../shared/storage/results.ts";
import { log } from "../log.ts";
import { reportFailure, reportRecovery } from "./report-to-breakers.ts";
import { retryWrite } from "./retry-write.ts";
import type { Lease } from "./run-attempt.ts";
import type { Consumer } from "./run-batch.ts";

/** How long to leave a job alone whose answer or input our own storage did not take or give. */
const STORAGE_WAIT_MS = 15_000;
/** Doubled with each answer lost in a row: each was paid for. */
const STORAGE_WAIT_MS_MAX = 900_000;

/** `stored` is in R2 under the job's key: it is the job's answer, whoever brought it. */
export async function settleResult(
	consumer: Consumer,
	lease: Lease,
	stored: StoredResult,
	attempts: Attempt[],
): Promise<Disposition> {
	const { job } = lease;
	return await finish(consumer, lease, {
		status: "succeeded",
		resultBytes: stored.bytes,
		progress: { model: stored.attempt.model, attempt: stored.modelAttempt, ...history(job, attempts) },
	});
}

export async function settleFailure(
	consumer: Consumer,
	lease: Lease,
	failure: ModelFailure,
	decision: FailureDecision,
	entry: Attempt,
): Promise<Disposition> {
	const { job } = lease;
	const past = history(job, withAttempt(job.attempts, entry));
	const delayMs = decision.next === "queued" ? decision.delayMs : 0;
	const upstream = {
		credential: currentCredential(consumer, job.model),
		model: job.model,
		leasedAt: job.leasedAt ?? 0,
	};
	const breakerEvent = breakerEventFor(upstream, failure, delayMs);
	// A provider that refuses a call for good answers calls again.
	if (breakerEvent === null) await reportRecovery(consumer, lease);
	if (decision.next === "queued") {
		const { reason, model, attempt } = decision;
		return await requeue(consumer, lease, { reason, delayMs, progress: { model, attempt, ...past } }, breakerEvent);
	}
	if (breakerEvent !== null) await reportFailure(consumer, lease, breakerEvent);
	const reason = decision.next === "expired" ? "deadline_passed" : decision.reason;
	const progress = { model: job.model, attempt: decision.attempt, ...past };
	return await finish(consumer, lease, { status: decision.next, reason, error: decision.error, progress });
}

/** The lease made no call, so it gives the attempt that it counted back. */
export async function settlePrecheck(
	consumer: Consumer,
	lease: Lease,
	precheckFailure: Exclude<Precheck, "call"> | "input_missing",
): Promise<Disposition> {
	const { job } = lease;
	const progress = { model: job.model, attempt: job.attempt - 1, ...history(job, job.attempts) };
	return await finish(consumer, lease, { ...endOf(job, precheckFailure), progress });
}

function endOf(job: Job, precheckFailure: Exclude<Precheck, "call"> | "input_missing"): Omit<End, "progress"> {
	switch (precheckFailure) {
		case "poisoned":
			return { status: "failed", reason: "poisoned", error: poisonedError(job) };
		case "expired":
			return { status: "expired", reason: "deadline_passed", error: deadlineError(job) };
		case "input_missing":
			return { status: "failed", reason: "permanent", error: inputMissingError(job) };
	}
}

function inputMissingError({ model }: Job): JobError {
	return { code: "input_missing", message: "The stored input is gone; submit the job anew.", status: null, model };
}

/** Our own storage failed the job: it is tried again soon and no attempt is used. `entry`: the call made, if one was. */
export async function settleUnstored(consumer: Consumer, lease: Lease, entry: Attempt | null): Promise<Disposition> {
	const { job } = lease;
	const past = history(job, entry === null ? job.attempts : withAttempt(job.attempts, entry));
	const lostInARow = past.attempts.length - 1 - past.attempts.findLastIndex(({ outcome }) => outcome !== "not_stored");
	return await requeue(consumer, lease, {
		reason: "storage_unavailable",
		delayMs: Math.min(STORAGE_WAIT_MS * 2 ** Math.max(0, lostInARow - 1), STORAGE_WAIT_MS_MAX),
		progress: { model: job.model, attempt: job.attempt - 1, ...past },
	});
}

/** No call was made, for the upstream is left alone: the job waits like any other of its kind, and uses no attempt. */
export async function handBack(consumer: Consumer, lease: Lease): Promise<Disposition> {
	const { job } = lease;
	const progress = { model: job.model, attempt: job.attempt - 1, ...history(job, job.attempts) };
	return await requeue(consumer, lease, { reason: "throttled", delayMs: 0, progress });
}

/** The credential of `model` by the routes of today. A model that no route serves any more fails by itself. */
function currentCredential({ config }: Consumer, model: string): string {
	return credentialFor(config.modelRoutes, model) ?? "";
}

type End = Pick<Finalization, "status" | "progress"> & Partial<Pick<Finalization, "reason" | "error" | "resultBytes">>;

async function finish(consumer: Consumer, lease: Lease, end: End): Promise<Disposition> {
	const { tenantId, jobId, fence } = lease.job;
	const guard = { tenantId, jobId, from: "running" as const, fence };
	const nothing = { reason: null, error: null, cancellation: null, resultBytes: null };
	let ended: Pick<Finished, "owed" | "freed"> = { owed: [], freed: [] };
	const written = await retryWrite(consumer, lease, end.status, async () => {
		const finished = await consumer.ends.commit({ ...nothing, ...end, ...guard });
		ended = finished;
		return finished.done;
	});
	report(lease, end.status, end.reason ?? null, written);
	if (written === "unknown") return afterLease(consumer);
	await wake(consumer, { deliveries: ended.owed, jobs: ended.freed });
	return ACK;
}

async function requeue(
	consumer: Consumer,
	lease: Lease,
	next: Pick<Requeue, "reason" | "delayMs" | "progress">,
	breakerEvent: BreakerEvent | null = null,
): Promise<Disposition> {
	const { tenantId, jobId, fence } = lease.job;
	const credential = currentCredential(consumer, next.progress.model);
	let requeued: Requeued = { waitMs: next.delayMs, freed: [] };
	const written = await retryWrite(consumer, lease, "queued", async () => {
		const due = await requeueJob(consumer.db, { tenantId, jobId, fence, credential, breakerEvent, ...next });
		requeued = due ?? requeued;
		return due !== null;
	});
	report(lease, "queued", next.reason, written);
	if (written === "unknown") return afterLease(consumer);
	await consumer.jobQueue.tryEnqueue(requeued.freed);
	const delaySeconds = written === "done" ? queueDelaySeconds(requeued.waitMs) : null;
	return delaySeconds === null ? ACK : { kind: "retry", delaySeconds };
}

/** When the lease has run out, this message's next delivery takes it over and finds what there is in R2. */
export function afterLease({ config }: Consumer): Disposition {
	return { kind: "retry", delaySeconds: Math.ceil(config.leaseMs / 1000) };
}

/** The history, and the tokens spent: what the row knew, and what the entries that are new, or mended, have cost. */
function history(job: Job, attempts: Attempt[]) {
	const known = new Map(job.attempts.map((entry) => [entry.fence, entry]));
	const added = attempts.filter((entry) => (known.get(entry.fence)?.usage ?? null) === null);
	return { attempts, usage: added.reduce((spent, entry) => addUsage(spent, entry.usage), job.usage) };
}

function report({ job, now }: Lease, next: string, reason: string | null, written: string): void {
	const { jobId, attempt, fence, model, leasedAt } = job;
	log("attempt.settled", { jobId, attempt, fence, model, next, reason, written, durationMs: now() - (leasedAt ?? 0) });
}
