/**
 * Clock, randomness, timers, network and cryptography. Everything outside `workers/runtime.ts` takes them as a value, so that
 * the whole service also runs in plain Node under a simulated world.
 */
export interface Runtime {
	/** This machine's clock, Unix milliseconds. Never compared with a time in D1: those are the database's own. */
	now(): number;
	/** Uniform in [0, 1). For jitter, never for secrets. */
	random(): number;
	/** Cryptographically random bytes, for ids, keys and secrets. */
	randomBytes(length: number): Uint8Array<ArrayBuffer>;
	/** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
	sleep(ms: number, signal?: AbortSignal): Promise<void>;
	/** Calls `onTime` once after `ms`. The returned function cancels the timer. */
	timer(ms: number, onTime: () => void): () => void;
	fetch(url: string, init: RequestInit): Promise<Response>;
	subtle: SubtleCrypto;
	/** SHA-256 of bytes that are known one part after the other. */
	startDigest(): Digest;
}

export interface Digest {
	/** The bytes may change once this resolves, but not before. */
	add(bytes: Uint8Array): Promise<void>;
	/** Call once, after all bytes were added. */
	end(): Promise<ArrayBuffer>;
}
