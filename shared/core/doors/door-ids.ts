/** One job has one id in several forms: `job_X`, `chatcmpl-X` and `resp_X` name the same one. */
import { isId } from "../ids.ts";

const PREFIXES = { chat: "chatcmpl-", responses: "resp_" } as const;
const JOB = "job_";

/** The id by which the callers of a door know a job. */
export function doorIdOf(door: keyof typeof PREFIXES, jobId: string): string {
	return `${PREFIXES[door]}${jobId.slice(JOB.length)}`;
}

/** Null: no job has this id. */
export function jobIdOf(door: keyof typeof PREFIXES, id: string): string | null {
	const prefix = PREFIXES[door];
	const jobId = `${JOB}${id.slice(prefix.length)}`;
	return id.startsWith(prefix) && isId("job", jobId) ? jobId : null;
}
