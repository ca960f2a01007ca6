/** Shares what a call found out about its upstream with all consumers. Best effort: the sweeper walks the parked keys. */
import type { FailureDecision } from "../../shared/core/jobs/decide.ts";
import { type BreakerEvent, breakerEventFor } from "../../shared/core/upstreams/breaker.ts";
import { credentialFor } from "../../shared/core/upstreams/credentials.ts";
import type { ModelFailure } from "../../shared/core/upstreams/failures.ts";
import { recordFailure, recordRecovery } from "../../shared/db/admission/breakers.ts";
import { releaseParked } from "../../shared/db/admission/release.ts";
import { logError } from "../log.ts";
import type { Consumer, Lease } from "./consumer.ts";

/** A half-open breaker let the call through, and its provider responded: more calls may follow. */
export async function reportRecovery({ db, jobQueue }: Consumer, { job, probedBreakers }: Lease): Promise<void> {
	try {
		await recordRecovery(db, probedBreakers, job.leasedAt ?? 0);
		for (const key of probedBreakers) await jobQueue.enqueue(await releaseParked(db, key));
	} catch (error) {
		logError("recovery.report_failed", { jobId: job.jobId }, error);
	}
}

/** Answers the event that is left to the write which queues the job again; null: everything is reported. */
export async function reportFailure(
	consumer: Consumer,
	lease: Lease,
	failure: ModelFailure,
	decision: FailureDecision,
): Promise<BreakerEvent | null> {
	const { jobId, model, leasedAt } = lease.job;
	const credential = credentialFor(consumer.config.modelRoutes, model) ?? "";
	const waitMs = decision.next === "queued" ? decision.delayMs : 0;
	const event = breakerEventFor({ credential, model, leasedAt: leasedAt ?? 0 }, failure, waitMs);
	if (event === null) {
		// A provider that refuses a call for good responds to calls again.
		if (failure.isCallMade) await reportRecovery(consumer, lease);
		return null;
	}
	if (decision.next === "queued") return event;
	try {
		await recordFailure(consumer.db, event);
	} catch (error) {
		logError("failure.report_failed", { jobId }, error);
	}
	return null;
}
