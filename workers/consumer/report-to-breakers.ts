/** Reports the outcome of a call to the shared breakers. Best effort: the sweeper also releases parked jobs. */
import type { FailureDecision } from "../../shared/core/jobs/decide.ts";
import { type BreakerEvent, breakerEventFor } from "../../shared/core/upstreams/breaker.ts";
import { credentialFor } from "../../shared/core/upstreams/credentials.ts";
import type { ModelFailure } from "../../shared/core/upstreams/failures.ts";
import { recordFailure, recordRecovery, returnPermits } from "../../shared/db/admission/breakers.ts";
import { releaseParked } from "../../shared/db/admission/release.ts";
import { logWarning } from "../log.ts";
import type { Consumer, Lease } from "./consumer.ts";

/** The provider responded to a call that half-open breakers admitted: they admit more. */
export async function reportRecovery({ db, jobQueue }: Consumer, { job, probedBreakers }: Lease): Promise<void> {
	if (probedBreakers.length === 0) return;
	try {
		const earned = await recordRecovery(db, probedBreakers, job.leasedAt ?? 0);
		// From all keys together hardly more jobs than there are permits.
		const limit = Math.ceil(earned / probedBreakers.length);
		await jobQueue.enqueue(await releaseParked(db, probedBreakers, limit));
	} catch (error) {
		logWarning("recovery.report_failed", { jobId: job.jobId }, error);
	}
}

/** A failed call that neither shows that the provider responds nor trips a breaker leaves its permit to the next job. */
export async function reportEnd({ db, jobQueue }: Consumer, lease: Lease, failure: ModelFailure): Promise<void> {
	const { job, probedBreakers } = lease;
	const isFailure = !failure.isCut && failure.class === "transient";
	if (probedBreakers.length === 0 || !failure.isCallMade || !(failure.isCut || isFailure)) return;
	try {
		const returned = await returnPermits(db, probedBreakers, job.leasedAt ?? 0, isFailure);
		if (returned.length > 0) await jobQueue.enqueue(await releaseParked(db, returned, 1));
	} catch (error) {
		logWarning("permits.return_failed", { jobId: job.jobId }, error);
	}
}

/** Returns the event to write in the transaction that queues the job again. Null: everything is reported. */
export async function reportFailure(
	consumer: Consumer,
	lease: Lease,
	failure: ModelFailure,
	decision: FailureDecision,
): Promise<BreakerEvent | null> {
	const { tenantId, jobId, model, leasedAt } = lease.job;
	const credential = credentialFor(consumer.config.modelRoutes, model) ?? "";
	const waitMs = decision.next === "queued" ? decision.delayMs : 0;
	const event = breakerEventFor({ tenantId, credential, model, leasedAt: leasedAt ?? 0 }, failure, waitMs);
	if (event === null) {
		// A permanent refusal still shows that the provider responds.
		if (failure.isCallMade && !failure.isCut) await reportRecovery(consumer, lease);
		return null;
	}
	if (decision.next === "queued") return event;
	try {
		await recordFailure(consumer.db, event);
	} catch (error) {
		logWarning("failure.report_failed", { jobId }, error);
	}
	return null;
}
