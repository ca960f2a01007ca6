/** The final state of a cancelled job. */
import { addUsage, estimatedUsage, newAttempt, withAttempt } from "./attempts.ts";
import type { JobWithHistory } from "./job.ts";
import type { JobProgress } from "./settlement.ts";

/** The holder of a running job finds its lease gone and aborts the call. */
export function cancelled(job: JobWithHistory, now: number) {
	const isRunning = job.status === "running";
	return {
		tenantId: job.tenantId,
		jobId: job.jobId,
		from: isRunning ? ("running" as const) : ("queued" as const),
		fence: job.fence,
		status: "cancelled" as const,
		reason: null,
		error: null,
		cancellation: isRunning ? ("in_flight" as const) : ("before_start" as const),
		resultBytes: null,
		progress: isRunning ? progressOf(job, now) : null,
	};
}

function progressOf(job: JobWithHistory, now: number): JobProgress {
	const { model, attempt, maxAttempts, attempts, usage } = job;
	// A lease beyond the last attempt only settles the job: its holder makes no call, so none is recorded.
	if (attempt > maxAttempts) return { model, attempt: maxAttempts, attempts, usage };
	const startedAt = job.leasedAt ?? now;
	const endedAt = Math.max(startedAt, now);
	const spent = estimatedUsage(job);
	const call = newAttempt(job, { outcome: "cancelled", counted: true, startedAt, endedAt, usage: spent });
	return { model, attempt, attempts: withAttempt(attempts, call), usage: addUsage(usage, spent) };
}
