/** The platform's rate limiter, with a time limit. */
import { type Timers, withTimeout } from "../shared/core/timeout.ts";

/** The platform's limiter responds from nearby memory. A request does not wait longer than this for it. */
const RESPONSE_MS_MAX = 250;

export class RateLimiter {
	readonly #binding: RateLimit;
	readonly #timers: Timers;

	constructor(binding: RateLimit, timers: Timers) {
		this.#binding = binding;
		this.#timers = timers;
	}

	/** Counts `key` once. False: over the limit. */
	async allows(key: string): Promise<boolean> {
		return (await withTimeout(this.#timers, RESPONSE_MS_MAX, this.#binding.limit({ key }))).success;
	}
}
