/** What makes a repeated submission the same job. */

/** The caller's own `Idempotency-Key`, valid for a day. The same key with another request is an error. */
export interface CallersKey {
	key: string;
	/** SHA-256 of method, path and raw body. */
	fingerprint: string;
}

/**
 * Takes the place of a key where the client sends its retry count instead, as OpenAI's SDKs do. It is made of the API key
 * and the bytes of the request. A first try is a new submission, even if it equals another. A repeat is the latest submission
 * with these bytes, or a new one if there is none.
 */
export interface CountedTry {
	key: string;
	/** Made when the request arrives, so it shows which of two requests came first. */
	requestId: string;
	isRepeat: boolean;
	/**
	 * The client sends no count, so that its first try may be a repeat: it is the latest submission with these bytes if that
	 * has just failed.
	 */
	joinsFailed: boolean;
	/** How long the submission is remembered. */
	keepMs: number;
}

/** SDKs retry within seconds, and give up within a minute. */
export const COUNTED_TRY_MS = 2 * 60_000;

export type Idempotency = CallersKey | CountedTry;

export function isCounted(idempotency: Idempotency): idempotency is CountedTry {
	return "isRepeat" in idempotency;
}

/** Whether the same request may have been accepted before. */
export function mayBeRepeat(idempotency: Idempotency): boolean {
	return !isCounted(idempotency) || idempotency.isRepeat;
}
