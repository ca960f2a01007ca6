/** Writes how a lease ended: one guarded transition of the row, then the messages that it causes. */
import type { Job, JobKey } from "../../shared/core/jobs/job.ts";
import type { Settlement } from "../../shared/core/jobs/settlement.ts";
import { queueDelaySeconds } from "../../shared/core/jobs/wakeups.ts";
import { credentialFor } from "../../shared/core/upstreams/credentials.ts";
import type { DeliveryKey } from "../../shared/core/webhooks/delivery.ts";
import { requeueJob } from "../../shared/db/jobs/requeue-job.ts";
import { wake } from "../../shared/jobs/wake.ts";
import { ACK, type Disposition, retryAfterLeaseSpread, retryWhenDue } from "../../shared/queues/dispositions.ts";
import { log } from "../log.ts";
import type { Consumer, Lease } from "./consumer.ts";
import { retryWrite } from "./persist.ts";

export async function settle(consumer: Consumer, { job, now }: Lease, settlement: Settlement): Promise<Disposition> {
	const { status, reason } = settlement;
	const { written, value } = await retryWrite(consumer, job, status, () => write(consumer, job, settlement));
	const { jobId, attempt, model, leasedAt } = job;
	log("attempt.settled", {
		jobId,
		attempt,
		model,
		next: status,
		reason: reason ?? undefined,
		written: written === "done" ? undefined : written,
		durationMs: now() - (leasedAt ?? 0),
	});

	if (written === "unknown") return retryAfterLeaseSpread(consumer.config.leaseMs, consumer.runtime.random);
	await wake(consumer, { deliveries: value?.deliveries ?? [], jobs: value?.released ?? [] });
	await enqueueProbe(consumer, value?.nextProbe ?? null);
	if (settlement.status !== "queued" || written === "lost") return ACK;
	return value?.waitMs === null ? ACK : retryWhenDue(value?.waitMs ?? settlement.delayMs);
}

async function enqueueProbe({ jobQueue }: Consumer, probe: Settled["nextProbe"]): Promise<void> {
	const delaySeconds = probe === null ? null : queueDelaySeconds(probe.waitMs);
	if (probe !== null && delaySeconds !== null) await jobQueue.tryEnqueue([probe], delaySeconds);
}

interface Settled {
	done: boolean;
	deliveries: DeliveryKey[];
	/** Jobs of the same tenant that were released to the slot. */
	released: JobKey[];
	/** Until a queued job is due. Null: it needs no message. */
	waitMs: number | null;
	nextProbe: (JobKey & { waitMs: number }) | null;
}

async function write(consumer: Consumer, job: Job, settlement: Settlement): Promise<Settled> {
	const { tenantId, jobId, fence } = job;
	if (settlement.status !== "queued") {
		const from = "running" as const;
		const end = { tenantId, jobId, from, fence, cancellation: null, ...settlement };
		return { ...(await consumer.finalizations.commit(end)), waitMs: 0, nextProbe: null };
	}
	// By the current routes. If none serves the model, the job fails when it is leased.
	const credential = credentialFor(consumer.config.modelRoutes, settlement.progress.model) ?? "";
	const requeued = await requeueJob(consumer.db, { tenantId, jobId, fence, credential, ...settlement });
	return { ...requeued, deliveries: [] };
}
