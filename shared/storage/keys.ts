/** All R2 keys. One bucket holds the results, and the inputs that are too large for a row. */
import type { JobKey } from "../core/jobs/job.ts";

const DAY_MS = 86_400_000;

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

/**
 * Starts with the day, so that inputs whose row was never committed can be deleted day by day.
 * @param request names the request where it may be repeated: its repeats put their copies side by side, so that the erasure of
 * the job finds them all. Null: no repeat of the request would be recognised
 */
export function inputKey(job: JobKey, timeMs: number, request: string | null = null): string {
	return `${inputsOfTenant(job.tenantId, timeMs)}${request === null ? "" : `${request}/`}${job.jobId}`;
}

/** The prefix of all inputs put on the UTC day that `timeMs` lies in. */
export function inputsOfDay(timeMs: number): string {
	return `inputs/${new Date(timeMs).toISOString().slice(0, 10)}/`;
}

/** The prefix of those of one tenant. */
export function inputsOfTenant(tenantId: string, timeMs: number): string {
	return `${inputsOfDay(timeMs)}${tenantId}/`;
}

/** The prefixes of the inputs that repeats of the same request put, on the day of this one or the day before. */
export function inputsOfRepeats(key: string): string[] {
	const [, day = "", tenantId = "", request, jobId] = key.split("/");
	const dayMs = Date.parse(day);
	if (request === undefined || jobId === undefined || Number.isNaN(dayMs)) return [];
	return [dayMs, dayMs - DAY_MS].map((timeMs) => `${inputsOfTenant(tenantId, timeMs)}${request}/`);
}

export function isInputKey(key: string): boolean {
	return key.startsWith("inputs/");
}

/** The job an input key belongs to; null for a foreign key. */
export function jobOfInputKey(key: string): JobKey | null {
	const [, , tenantId, ...rest] = key.split("/");
	const jobId = rest.at(-1);
	return tenantId === undefined || jobId === undefined ? null : { tenantId, jobId };
}
