/** What a holder reads from R2 before it calls, or ends a job: each answer tells "not there" from "R2 does not say". */
import type { Job } from "../../shared/core/jobs/job.ts";
import type { JsonObject } from "../../shared/core/json/json.ts";
import { readInput } from "../../shared/storage/inputs.ts";
import { findStoredResult, type StoredResult } from "../../shared/storage/results.ts";
import { logError } from "../log.ts";
import type { Consumer } from "./run-batch.ts";

/** An answer that an earlier holder may have stored. A job's first holder has nobody before it, and does not ask. */
export async function findEarlierResult({ objects }: Consumer, job: Job): Promise<StoredResult | null | "unknown"> {
	if (job.fence === 1) return null;
	try {
		return await findStoredResult(objects, job);
	} catch (error) {
		logError("result.lookup_failed", { jobId: job.jobId }, error);
		return "unknown";
	}
}

export async function loadInput({ objects }: Consumer, job: Job): Promise<JsonObject | "missing" | "unknown"> {
	try {
		const text = job.inputKey === null ? job.input : await readInput(objects, job.inputKey);
		if (text === null) return "missing";
		// Our own writing: it was validated at submission.
		const input: JsonObject = JSON.parse(text);
		return input;
	} catch (error) {
		logError("input.read_failed", { jobId: job.jobId }, error);
		return "unknown";
	}
}
