/** The platform's rate limiters, and this isolate's counters in front of them. */
import type { Runtime } from "../../../shared/core/runtime.ts";
import type { Rate } from "../../../shared/core/tenants/rate-limits.ts";
import { RateLimiter } from "../../rate-limiter.ts";

/** Bounds the memory. Forgotten counters let at most 49 more units of each tenant pass. */
const COUNTERS_MAX = 10_000;

interface RequestCounter {
	/** Units that the limiter has not counted. */
	uncounted: number;
	/** The limiter's last result. While a tenant is over its limit, the limiter counts each of its requests. */
	isOver: boolean;
	/** Units since `windowStart`, of a tenant whose own limit is lower than the limiter's. */
	spent: number;
	windowStart: number;
}

/** Counts what each tenant's requests cost within this isolate, so that the platform's limiter is called for few of them. */
export class RequestCounters {
	readonly #byTenant = new Map<string, RequestCounter>();

	of(tenantId: string): RequestCounter {
		const known = this.#byTenant.get(tenantId);
		if (known !== undefined) return known;
		if (this.#byTenant.size >= COUNTERS_MAX) this.#byTenant.clear();
		const counter = { uncounted: 0, isOver: false, spent: 0, windowStart: Number.NEGATIVE_INFINITY };
		this.#byTenant.set(tenantId, counter);
		return counter;
	}
}

/** Milliseconds until the window ends in which `max` units are spent. Null: `units` more were counted. */
export function spendWithin(counter: RequestCounter, units: number, { windowSeconds, quota }: Rate, now: number) {
	const windowMs = windowSeconds * 1000;
	if (now >= counter.windowStart + windowMs) Object.assign(counter, { windowStart: now, spent: 0 });
	if (counter.spent >= quota) return counter.windowStart + windowMs - now;
	counter.spent += units;
	return null;
}

export interface RateLimiters {
	tenantRate: RateLimiter;
	unauthenticatedRate: RateLimiter;
}

export function bindRateLimiters(
	env: { TENANT_RATE: RateLimit; UNAUTHENTICATED_RATE: RateLimit },
	runtime: Runtime,
): RateLimiters {
	return {
		tenantRate: new RateLimiter(env.TENANT_RATE, runtime),
		unauthenticatedRate: new RateLimiter(env.UNAUTHENTICATED_RATE, runtime),
	};
}
