/** Failed jobs, grouped by what went wrong. */
import type { Job } from "../../../client/schemas.ts";

export interface FailureGroup {
	code: string;
	/** Newest first, never empty. */
	jobs: Job[];
}

/** In the order of their newest jobs. */
export function groupFailures(jobs: Job[]): FailureGroup[] {
	const groups = new Map<string, Job[]>();
	for (const job of jobs) {
		const code = job.error?.code ?? "unknown";
		groups.set(code, [...(groups.get(code) ?? []), job]);
	}
	return [...groups].map(([code, ofCode]) => ({ code, jobs: ofCode }));
}
