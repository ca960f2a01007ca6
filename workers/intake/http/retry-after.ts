/** When to ask for a job again. */
import type { Job } from "../../../shared/core/jobs/job.ts";

/** Seconds: soon at first, then ever more seldom, a tenth of the job's age; and not before it may run. */
export function retryAfterSeconds(job: Job, now: number): number {
	const age = (now - job.createdAt) / 10_000;
	const untilRun = job.status === "queued" ? (job.runAt - now) / 1000 : 0;
	return Math.ceil(Math.min(Math.max(age, untilRun, 1), 60));
}
