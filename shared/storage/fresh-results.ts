/**
 * Results that this isolate stored a moment ago, so that a webhook sent from the same isolate need not fetch its result from
 * R2. A result never changes, so the copy stays valid; without a copy, the sender reads R2. The copy of a job that was erased
 * meanwhile is never taken, because its row is gone; it is dropped with the isolate or when newer results fill the map.
 */
import type { JobKey } from "../core/jobs/job.ts";
import { resultKey } from "./keys.ts";

/** Receivers fetch larger results by their link: Standard Webhooks advises bodies of at most some 20 kB. */
export const INLINE_RESULT_BYTES_MAX = 16_384;
/** At most 8 MiB of an isolate's 128: two bytes a character if any of them is not Latin-1. */
const RESULTS_MAX = 256;

export class FreshResults {
	/** Oldest first. */
	readonly #texts = new Map<string, string>();

	/** Call this once R2 holds exactly these bytes under the job's key. */
	keep(job: JobKey, text: string, bytes: number): void {
		if (bytes > INLINE_RESULT_BYTES_MAX) return;
		const [oldest] = this.#texts.keys();
		if (oldest !== undefined && this.#texts.size >= RESULTS_MAX) this.#texts.delete(oldest);
		this.#texts.set(resultKey(job), text);
	}

	/** Removes the copy: one webhook needs it once. */
	take(job: JobKey): string | null {
		const key = resultKey(job);
		const text = this.#texts.get(key) ?? null;
		this.#texts.delete(key);
		return text;
	}
}
