/** What makes a submission that comes again the same job. */

/** The caller's own key, good for a day. Another body under it is a mistake. */
export interface CallersKey {
	key: string;
	/** SHA-256 of method, path and raw body. */
	fingerprint: string;
}

/**
 * What stands in for a key where a caller gives none and says how often it has tried, as OpenAI's SDKs do: the API key and
 * the bytes themselves, good for two minutes. A first try is always a new submission, however alike it is to another. A
 * repeat is the submission that came last with these bytes, or a new one where none did.
 */
export interface CountedTry {
	key: string;
	/** Made when the request came, so that the first of two can be identified. */
	requestId: string;
	isRepeat: boolean;
}

export type Idempotency = CallersKey | CountedTry;

export function isCounted(idempotency: Idempotency): idempotency is CountedTry {
	return "isRepeat" in idempotency;
}

/** Whether it may have been accepted before. */
export function mayBeRepeat(idempotency: Idempotency): boolean {
	return !isCounted(idempotency) || idempotency.isRepeat;
}
