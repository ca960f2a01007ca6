/** All R2 keys. One bucket holds the results, and the inputs that are too large for a row. */
import type { JobKey } from "../core/jobs/job.ts";

/** The only key of a job's result. */
export function resultKey(job: JobKey): string {
	return `results/${job.tenantId}/${job.jobId}`;
}

/** Holds nothing: putting it shows that R2 stores. */
export function canaryKey(number: number): string {
	return `canaries/${number}`;
}

/** All objects of a job. @param job.inputKey null: the input is in the row */
export function keysOfJob(job: JobKey & { inputKey: string | null }): string[] {
	return [resultKey(job), ...(job.inputKey === null ? [] : [job.inputKey])];
}

/** Starts with the day, so that inputs whose row was never committed can be deleted day by day. */
export function inputKey(job: JobKey, timeMs: number): string {
	return `${inputsOfDay(timeMs)}${job.tenantId}/${job.jobId}`;
}

/** The prefix of all inputs put on the UTC day that `timeMs` lies in. */
export function inputsOfDay(timeMs: number): string {
	return `inputs/${new Date(timeMs).toISOString().slice(0, 10)}/`;
}

/** The job an input key belongs to; null for a foreign key. */
export function jobOfInputKey(key: string): JobKey | null {
	const [, , tenantId, jobId] = key.split("/");
	return tenantId === undefined || jobId === undefined ? null : { tenantId, jobId };
}
