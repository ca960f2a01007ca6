/** Two rate limits: of what requests cost per tenant, and of requests without a valid key per client address. */
import type { Context } from "hono";
import { AppError } from "../../../shared/core/errors.ts";
import {
	clientOf,
	type Rate,
	TENANT_RATE,
	UNAUTHENTICATED_RATE,
	UNITS_PER_COUNT,
	unitsOf,
} from "../../../shared/core/tenants/rate-limits.ts";
import { logWarning } from "../../log.ts";
import type { RateLimiter } from "../../rate-limiter.ts";
import { readWait } from "../http/wait.ts";
import type { IntakeEnv } from "../services.ts";
import { spendWithin } from "./rate-limiters.ts";

/** Routes whose responses are held open. Only POST waits there, and a list costs no less. */
const HELD = /^\/v1\/(chat\/completions|responses)\/?$/;

const TOO_MANY = "Rate limit of this tenant exceeded. Send fewer requests, or poll less often.";

/**
 * Call it only with a valid key, so that no one else can use up the tenant's rate. A tenant's own limit, if it is lower than the
 * platform's, is counted by each isolate.
 */
export async function checkTenantRate(
	c: Context<IntakeEnv>,
	{ tenantId, requests }: { tenantId: string; requests: number | null },
): Promise<void> {
	const { counters, runtime, tenantRate } = c.env.services;
	const counter = counters.of(tenantId);
	const units = unitsOf({
		method: c.req.method,
		path: c.req.path,
		query: () => Object.keys(c.req.query()),
		waits: HELD.test(c.req.path) || readWait(c.req.header("prefer")) !== null,
	});
	if (requests !== null && requests < TENANT_RATE.quota) {
		const own = { ...TENANT_RATE, quota: requests };
		const waitMs = spendWithin(counter, units, own, runtime.now());
		if (waitMs !== null) throw tooMany(own, TOO_MANY, Math.ceil(waitMs / 1000));
	}
	counter.uncounted += units;
	if (!counter.isOver && counter.uncounted < UNITS_PER_COUNT) return;
	counter.uncounted = Math.max(0, counter.uncounted - UNITS_PER_COUNT);
	counter.isOver = !(await isWithin(c, tenantRate, tenantId));
	if (!counter.isOver) return;
	throw tooMany(TENANT_RATE, TOO_MANY);
}

/** The error for a request without a valid key, which it counts. */
export async function rejectUnauthenticated(c: Context<IntakeEnv>, message: string): Promise<AppError> {
	await countUnauthenticated(c);
	return new AppError("unauthorized", message);
}

/**
 * Counts a request without a valid key, or with one that is unknown so far, and throws if its address sends too many. The
 * platform sets the header with the client's address, so it cannot be forged. A request without one did not come from outside,
 * and is not counted.
 */
export async function countUnauthenticated(c: Context<IntakeEnv>): Promise<void> {
	const address = c.req.header("cf-connecting-ip");
	if (address === undefined || (await isWithin(c, c.env.services.unauthenticatedRate, clientOf(address)))) return;
	throw tooMany(UNAUTHENTICATED_RATE, "Too many requests without a valid API key from this address.");
}

/** A limiter that fails or hangs limits nothing: it must never cause an outage. */
async function isWithin(c: Context<IntakeEnv>, limiter: RateLimiter, key: string): Promise<boolean> {
	try {
		return await limiter.allows(key);
	} catch (error) {
		logWarning("rate.count_failed", { requestId: c.env.requestId }, error);
		return true;
	}
}

/** The platform's limiter does not say when its window ends, so `Retry-After` is a whole window. */
function tooMany(policy: Rate, message: string, retryAfterSeconds = policy.windowSeconds): AppError {
	return new AppError("rate_limited", message, null, { policy, retryAfterSeconds });
}
