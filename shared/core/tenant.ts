/** Tenants own everything. */
import { z } from "zod";

const limit = z.number().int().min(0).max(1_000_000_000).nullable();

/** Each a number, or null for none. */
export const TenantLimits = z.strictObject({
	open_jobs: limit.default(null),
	running_jobs: limit.default(null),
	tokens_per_day: limit.default(null),
	webhook_endpoints: limit.default(20),
});
export type TenantLimits = z.infer<typeof TenantLimits>;

/** What a change names; the rest stays as it is. Not `partial()` of the above, whose defaults would fill the rest in. */
export const TenantLimitsChange = z.strictObject({
	open_jobs: limit.optional(),
	running_jobs: limit.optional(),
	tokens_per_day: limit.optional(),
	webhook_endpoints: limit.optional(),
});

export interface Tenant {
	tenantId: string;
	name: string;
	limits: TenantLimits;
	createdAt: number;
}

export interface ApiKey {
	keyId: string;
	tenantId: string;
	name: string;
	scopes: string[];
	createdAt: number;
	expiresAt: number | null;
	revokedAt: number | null;
}
