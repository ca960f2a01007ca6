/**
 * How often one may ask, as `RateLimit-Policy` tells it. `wrangler.toml` sets the same numbers. RateLimiters and no quotas: each
 * location of the network counts by itself, and not to the last request.
 */
export interface Rate {
	name: string;
	quota: number;
	windowSeconds: number;
}

/** One API key. A loop without a pause comes to it; a thousand requests a second that somebody meant hardly do. */
export const KEY_RATE: Rate = { name: "key", quota: 10_000, windowSeconds: 10 };

/**
 * How many requests of a key the platform's limiter is asked for at once; `wrangler.toml` has the quota divided by it. An
 * isolate may leave nine uncounted: next to nothing of the quota, and a tenth of the questions.
 */
export const REQUESTS_PER_COUNT = 10;

/**
 * One address without a valid key. A thousand guesses a minute run into it however they lie to the window; a forgotten
 * program with an old key, which asks every second, does not.
 */
export const UNAUTHENTICATED_RATE: Rate = { name: "address", quota: 300, windowSeconds: 60 };
