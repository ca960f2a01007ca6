/** Keeps the leases of one invocation alive while its calls run, and aborts the call of each lease that is no longer ours. */
import type { Job, JobKey } from "../../shared/core/jobs/job.ts";
import { extendLeases, findHeldLeases, type HeldLease } from "../../shared/db/jobs/hold-leases.ts";
import { logWarning } from "../log.ts";
import type { Consumer } from "./consumer.ts";

/** How soon a cancelled call is aborted, at the cost of one small read per batch. */
const LOOK_EVERY_MS = 5_000;

export interface LeaseWatch {
	/** Aborts when the lease is lost: the job was cancelled, or taken over. */
	signalOf(job: JobKey): AbortSignal;
	/**
	 * The next heartbeat records that the job is called. `atOnce`: a heartbeat of its own does so before this returns. False: it
	 * could not, or the lease is lost.
	 */
	beginCall(job: JobKey, atOnce: boolean): Promise<boolean>;
	/** The lease has expired by this machine's clock: it was paused, or no heartbeat succeeded. Another holder may have the job. */
	hasLapsed(job: JobKey): boolean;
	/** The job is settled, or given up: stop watching it. */
	release(job: JobKey): void;
	stop(): Promise<void>;
}

interface Held extends HeldLease {
	isCalled: boolean;
	/** By this machine's clock. */
	expiresAt: number;
	controller: AbortController;
}

/** @param requestedAt this machine's clock before the leases were requested */
export function watchLeases(consumer: Consumer, jobs: Job[], requestedAt: number): LeaseWatch {
	const held = new Map<string, Held>();
	const expiresAt = requestedAt + consumer.config.leaseMs;
	for (const { tenantId, jobId, fence } of jobs) {
		held.set(jobId, { tenantId, jobId, fence, isCalled: false, expiresAt, controller: new AbortController() });
	}
	const over = new AbortController();
	const loop = keepWatch(consumer, held, over.signal);
	return {
		signalOf: (job) => held.get(job.jobId)?.controller.signal ?? AbortSignal.abort(),
		beginCall: async ({ jobId }, atOnce) => {
			const lease = held.get(jobId);
			if (lease === undefined) return false;
			lease.isCalled = true;
			return !atOnce || ((await look(consumer, held, [lease], true)) && !lease.controller.signal.aborted);
		},
		hasLapsed: ({ jobId }) => consumer.runtime.now() >= (held.get(jobId)?.expiresAt ?? 0),
		release: (job) => {
			held.delete(job.jobId);
		},
		stop: async () => {
			over.abort();
			await loop;
		},
	};
}

async function keepWatch(consumer: Consumer, held: Map<string, Held>, over: AbortSignal): Promise<void> {
	const { runtime, config } = consumer;
	const stepMs = Math.min(LOOK_EVERY_MS, config.heartbeatMs);
	let heartbeatAt = runtime.now() + config.heartbeatMs;
	while (!over.aborted) {
		await runtime.sleep(stepMs, over);
		if (over.aborted || held.size === 0) continue;
		const isHeartbeat = runtime.now() >= heartbeatAt;
		const didRespond = await look(consumer, held, [...held.values()], isHeartbeat);
		// A failed heartbeat is repeated at the next look: two missed in a row would cost the lease.
		if (isHeartbeat && didRespond) heartbeatAt = runtime.now() + config.heartbeatMs;
	}
}

/** False: D1 did not respond. */
async function look(
	{ db, config, runtime }: Consumer,
	held: Map<string, Held>,
	looked: Held[],
	isHeartbeat: boolean,
): Promise<boolean> {
	const expiresAt = runtime.now() + config.leaseMs;
	try {
		const ours = isHeartbeat ? await extendLeases(db, looked, config.leaseMs) : await findHeldLeases(db, looked);
		for (const lease of looked) {
			const { jobId, controller } = lease;
			if (isHeartbeat) lease.expiresAt = expiresAt;
			// A job that was released during the look was settled by us: its lease is not lost.
			if (!ours.has(jobId) && held.has(jobId)) controller.abort(new Error("the lease is no longer ours"));
		}
		return true;
	} catch (error) {
		// Nothing is known, so nothing is aborted. The fence guards all later writes.
		logWarning("leases.lookup_failed", { leases: looked.length, isHeartbeat }, error);
		return false;
	}
}
