/** The platform's rate limiter, with an answer in time or none. */
import { type Timers, withTimeout } from "../../../shared/core/timeout.ts";

/** It answers from memory close by. Whoever waits longer for it than for D1 is better off without it. */
const RESPONSE_MS_MAX = 250;

export class RateLimiter {
	readonly #binding: RateLimit;
	readonly #timers: Timers;

	constructor(binding: RateLimit, timers: Timers) {
		this.#binding = binding;
		this.#timers = timers;
	}

	/** Counts one request of `key`. False: there were too many. */
	async allows(key: string): Promise<boolean> {
		return (await withTimeout(this.#timers, RESPONSE_MS_MAX, this.#binding.limit({ key }))).success;
	}
}
