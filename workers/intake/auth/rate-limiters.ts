/** The platform's rate limiters, and this isolate's counters in front of them. */
import type { Runtime } from "../../../shared/core/runtime.ts";
import { type Timers, withTimeout } from "../../../shared/core/timeout.ts";

/** The platform's limiter responds from nearby memory. A request does not wait longer than this for it. */
const RESPONSE_MS_MAX = 250;

/** Bounds the memory. Forgotten counters let at most 49 more units of each key pass. */
const COUNTERS_MAX = 10_000;

/** The platform's rate limiter, with a time limit. */
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

interface RequestCounter {
	/** Units that the limiter has not counted. */
	uncounted: number;
	/** The limiter's last result. While a key is over its limit, the limiter counts each of its requests. */
	isOver: boolean;
}

/** Counts what each key's requests cost within this isolate, so that the platform's limiter is called for few of them. */
export class RequestCounters {
	readonly #byKey = new Map<string, RequestCounter>();

	of(keyId: string): RequestCounter {
		const known = this.#byKey.get(keyId);
		if (known !== undefined) return known;
		if (this.#byKey.size >= COUNTERS_MAX) this.#byKey.clear();
		const counter = { uncounted: 0, isOver: false };
		this.#byKey.set(keyId, counter);
		return counter;
	}
}

export interface RateLimiters {
	keyRate: RateLimiter;
	unauthenticatedRate: RateLimiter;
}

export function bindRateLimiters(
	env: { KEY_RATE: RateLimit; UNAUTHENTICATED_RATE: RateLimit },
	runtime: Runtime,
): RateLimiters {
	return {
		keyRate: new RateLimiter(env.KEY_RATE, runtime),
		unauthenticatedRate: new RateLimiter(env.UNAUTHENTICATED_RATE, runtime),
	};
}
