/** Tenants own everything. */
import { z } from "zod";
import { TENANT_RATE } from "./rate-limits.ts";

/** Such as 10^15: a thousand terabytes. */
const STORED_BYTES_MAX = 1e15;

const limit = z.number().int().min(0).max(1_000_000_000).nullable();
const bytes = z.number().int().min(0).max(STORED_BYTES_MAX).nullable();
/** The platform counts no more than that. */
const requests = z.number().int().min(0).max(TENANT_RATE.quota).nullable();

/**
 * How many jobs a tenant without its own limit may have in the queue or running at a time. Production makes 240 calls at once
 * (60 batches of four): four such tenants fill the queue, and one alone uses a quarter of it. With more, another tenant's
 * first job waits longer. A tenant with long calls needs a limit of its own, such as 240.
 */
export const FAIR_SHARE = 60;

/** Null: no limit; for `running_jobs`, the fair share. */
export const TenantLimits = z.strictObject({
	/** A tenant whose row does not name it is bounded by its slots, and by so many jobs that ever waited for one. */
	open_jobs: limit.default(100_000),
	running_jobs: limit.default(null),
	tokens_per_day: limit.default(null),
	/** Of inputs and results. */
	stored_bytes: bytes.default(null),
	webhook_endpoints: limit.default(20),
	/** Those in force. */
	api_keys: limit.default(50),
	/** Units in ten seconds. */
	requests: requests.default(TENANT_RATE.quota),
	/** Requests with `Prefer: wait` at once. */
	waits: limit.default(100),
});
export type TenantLimits = z.infer<typeof TenantLimits>;

/** A change to some of the limits. Not `partial()` of the above, whose defaults would fill in the others. */
export const TenantLimitsChange = z.strictObject({
	open_jobs: limit.optional(),
	running_jobs: limit.optional(),
	tokens_per_day: limit.optional(),
	stored_bytes: bytes.optional(),
	webhook_endpoints: limit.optional(),
	api_keys: limit.optional(),
	requests: requests.optional(),
	waits: limit.optional(),
});

export type TenantLimitsChange = z.infer<typeof TenantLimitsChange>;

export const LIMIT_NAMES = TenantLimits.keyof().options;

/** Of a tenant whose row does not name the limit. */
export const DEFAULT_LIMITS = TenantLimits.parse({});

/** What a tenant has of what its limits bound. Null: without the limit, it is not counted. */
export interface TenantUse {
	openJobs: number;
	tokensToday: number | null;
	storedBytes: number | null;
}

export interface Tenant {
	tenantId: string;
	name: string;
	limits: TenantLimits;
	createdAt: number;
}
