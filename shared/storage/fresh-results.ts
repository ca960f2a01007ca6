/**
 * Results that this isolate stored a moment ago: the webhook that tells of one, if it goes out from here, need not fetch it
 * from R2. What R2 holds of a job never changes, so a copy is as good; whoever finds none here reads it there. The copy of
 * a job that was erased meanwhile is asked for by nobody, for there is no row to tell of, and goes with the isolate or
 * when others come.
 */
import type { JobKey } from "../core/jobs/job.ts";
import { resultKey } from "./keys.ts";

/** Larger ones are fetched by their link: Standard Webhooks advises bodies of some 20 kB at most. */
export const INLINE_RESULT_BYTES_MAX = 16_384;
/** 8 MiB at most, of the 128 that an isolate has: two bytes a character where one of them is not Latin-1. */
const RESULTS_MAX = 256;

export class FreshResults {
	/** The oldest first. */
	readonly #texts = new Map<string, string>();

	/** Call it once R2 holds these very bytes under the job's key. */
	keep(job: JobKey, text: string, bytes: number): void {
		if (bytes > INLINE_RESULT_BYTES_MAX) return;
		const [oldest] = this.#texts.keys();
		if (oldest !== undefined && this.#texts.size >= RESULTS_MAX) this.#texts.delete(oldest);
		this.#texts.set(resultKey(job), text);
	}

	/** Once: what was told need not be kept. */
	take(job: JobKey): string | null {
		const key = resultKey(job);
		const text = this.#texts.get(key) ?? null;
		this.#texts.delete(key);
		return text;
	}
}
