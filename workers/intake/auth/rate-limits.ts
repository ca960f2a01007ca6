/** Two shields: against a key that asks without a pause, and against an address that asks without a valid key. */
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
import { logError } from "../../log.ts";
import type { IntakeEnv } from "../services.ts";
import { RateLimiter } from "./rate-limiter.ts";

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

/**
 * Asked only once the key has proved to be valid: nobody else can use up what it may ask. The platform is asked for ten
 * requests at once, and while it says no, for each.
 */
export async function checkKeyRate(c: Context<IntakeEnv>, keyId: string): Promise<void> {
	const tally = c.env.services.counters.of(keyId);
	tally.uncounted += 1;
	if (!tally.isOver && tally.uncounted < REQUESTS_PER_COUNT) return;
	tally.uncounted = 0;
	tally.isOver = !(await isWithin(c, c.env.services.keyRate, keyId));
	if (!tally.isOver) return;
	throw tooMany(
		KEY_RATE,
		"This API key asks too often. Pause between requests, or wait longer between looks at a job.",
	);
}

/**
 * What to answer a request without a valid key. The platform itself says which address it comes from, and overwrites what
 * the request says; a request that has none did not come from outside, and is not counted.
 */
export async function rejectUnauthenticated(c: Context<IntakeEnv>, message: string): Promise<AppError> {
	const address = c.req.header("cf-connecting-ip");
	const isKnown = address === undefined || (await isWithin(c, c.env.services.unauthenticatedRate, clientOf(address)));
	if (isKnown) return new AppError("unauthorized", message);
	return tooMany(UNAUTHENTICATED_RATE, "Too many requests without a valid key came from this address.");
}

/** A shield that does not answer shields nobody: it must never become the outage. */
async function isWithin(c: Context<IntakeEnv>, limiter: RateLimiter, key: string): Promise<boolean> {
	try {
		return await limiter.allows(key);
	} catch (error) {
		logError("rate.count_failed", { requestId: c.env.requestId }, error);
		return true;
	}
}

/** The limiter does not say when its window ends, so the whole of it is asked for. */
function tooMany(policy: Rate, message: string): AppError {
	return new AppError("rate_limited", message, null, { policy, retryAfterSeconds: policy.windowSeconds });
}
