/** Two rate limits: of requests per API key, and of requests without a valid key per client address. */
import type { Context } from "hono";
import { AppError } from "../../../shared/core/errors.ts";
import type { Runtime } from "../../../shared/core/runtime.ts";
import {
	clientOf,
	KEY_RATE,
	type Rate,
	REQUESTS_PER_COUNT,
	UNAUTHENTICATED_RATE,
} from "../../../shared/core/tenants/rate-limits.ts";
import { type Timers, withTimeout } from "../../../shared/core/timeout.ts";
import { logError } from "../../log.ts";
import type { IntakeEnv } from "../services.ts";

/** The platform's limiter responds from memory nearby. Beyond this, a request is better off without it. */
const RESPONSE_MS_MAX = 250;

/** Counters are small, and forgetting them lets through at most nine more requests of each key. */
const COUNTERS_MAX = 10_000;

/** The platform's rate limiter, with a time limit. */
export class RateLimiter {
	readonly #binding: RateLimit;
	readonly #timers: Timers;

	constructor(binding: RateLimit, timers: Timers) {
		this.#binding = binding;
		this.#timers = timers;
	}

	/** Counts one request of `key`. False: over the limit. */
	async allows(key: string): Promise<boolean> {
		return (await withTimeout(this.#timers, RESPONSE_MS_MAX, this.#binding.limit({ key }))).success;
	}
}

interface RequestCounter {
	/** Requests since the limiter was last called. */
	uncounted: number;
	/** The limiter's last result. While over the limit, each request is counted. */
	isOver: boolean;
}

/** Counts each key's requests within this isolate, so that the platform's limiter is called once for ten of them. */
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

/** Called only with a key that is valid, so that no one else can use up its rate. */
export async function checkKeyRate(c: Context<IntakeEnv>, keyId: string): Promise<void> {
	const counter = c.env.services.counters.of(keyId);
	counter.uncounted += 1;
	if (!counter.isOver && counter.uncounted < REQUESTS_PER_COUNT) return;
	counter.uncounted = 0;
	counter.isOver = !(await isWithin(c, c.env.services.keyRate, keyId));
	if (!counter.isOver) return;
	throw tooMany(KEY_RATE, "Rate limit exceeded for this API key. Send fewer requests, or poll less often.");
}

/**
 * The error for a request without a valid key. The platform sets the address itself and overwrites the request's own header.
 * A request without an address did not come from outside, and is not counted.
 */
export async function rejectUnauthenticated(c: Context<IntakeEnv>, message: string): Promise<AppError> {
	const address = c.req.header("cf-connecting-ip");
	const isKnown = address === undefined || (await isWithin(c, c.env.services.unauthenticatedRate, clientOf(address)));
	if (isKnown) return new AppError("unauthorized", message);
	return tooMany(UNAUTHENTICATED_RATE, "Too many requests without a valid API key from this address.");
}

/** A limiter that fails or hangs limits nothing: it must never cause an outage. */
async function isWithin(c: Context<IntakeEnv>, limiter: RateLimiter, key: string): Promise<boolean> {
	try {
		return await limiter.allows(key);
	} catch (error) {
		logError("rate.count_failed", { requestId: c.env.requestId }, error);
		return true;
	}
}

/** The limiter does not say when its window ends, so a whole window is waited for. */
function tooMany(policy: Rate, message: string): AppError {
	return new AppError("rate_limited", message, null, { policy, retryAfterSeconds: policy.windowSeconds });
}
