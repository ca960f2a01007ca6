/** What a cancellation makes of a job. */
import { nextAttemptNumber, withAttempt } from "./attempts.ts";
import type { Job } from "./job.ts";

/** The final state of a job that is cancelled as it is now. The holder of a running job finds its lease gone and aborts the call. */
export function cancelled(job: Job, now: number) {
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

/** A holder beyond the last attempt took the job over only to settle it: it makes no call. */
function progressOf(job: Job, now: number) {
	if (job.attempt > job.maxAttempts) return { ...job, attempt: job.maxAttempts };
	return { ...job, attempts: withCancelledCall(job, now) };
}

function withCancelledCall(job: Job, now: number) {
	const startedAt = job.leasedAt ?? now;
	return withAttempt(job.attempts, {
		number: nextAttemptNumber(job.attempts),
		fence: job.fence,
		counted: true,
		model: job.model,
		provider: null,
		startedAt,
		endedAt: Math.max(startedAt, now),
		outcome: "cancelled",
		status: null,
		code: null,
		message: null,
		retryAfterMs: null,
		logId: null,
		usage: null,
	});
}
