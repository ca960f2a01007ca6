import type { Database } from "../../../shared/db/database.ts";
import { type NewJob, type Submission, submitJobs } from "../../../shared/db/jobs/submit-jobs.ts";

/** Submits one job: the set of one. */
export async function submitJob(db: Database, job: NewJob, isRepeat = false): Promise<Submission> {
	const [submission] = await submitJobs(db, [job], isRepeat);
	if (submission === undefined) throw new Error("no submission came back");
	return submission;
}
