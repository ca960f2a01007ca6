/** What a Response says of the job behind it. */
import type { JobState } from "../jobs/job-states.ts";

/** Times are Unix milliseconds. */
export interface ResponseFacts {
	/** `job_` and a ULID, which all ids of the Response share. */
	jobId: string;
	status: JobState;
	/** The models that the caller asked for, in order, and the one whose turn it is or was. */
	models: readonly string[];
	model: string;
	/** Attempts so far. */
	attempt: number;
	createdAt: number;
	startedAt: number | null;
	finishedAt: number | null;
	/** Set for a job that failed or expired. */
	error: EndError | null;
}

/** How the API answers about a job that ended badly, and the service's own word for why. */
export interface EndError {
	status: number;
	code: string;
	type: string;
	message: string;
	param: string | null;
	reason: string;
}

export function ulidOf(jobId: string): string {
	return jobId.slice(jobId.indexOf("_") + 1);
}
