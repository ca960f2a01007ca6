/** Tenants, for the operator. */
import { z } from "@hono/zod-openapi";
import { type Tenant, TenantLimits, TenantLimitsChange, type TenantUse } from "../core/tenants/tenant.ts";
import { afterId, limit, listOf } from "./page.ts";
import { time, timestamp } from "./time.ts";

export const TenantBody = z
	.object({
		id: z.string(),
		object: z.literal("tenant"),
		name: z.string(),
		limits: TenantLimits,
		use: z
			.object({
				open_jobs: z.number().int(),
				tokens_today: z.number().int().nullable(),
				stored_bytes: z.number().int().nullable(),
			})
			.optional()
			.describe(
				"What the limits are compared with, where the tenant is read. Null: without that limit, it is not counted.",
			),
		created_at: time,
	})
	.openapi("Tenant");

export const TenantList = listOf(TenantBody).openapi("TenantList");

const name = z.string().min(1).max(200);

export const CreateTenant = z.strictObject({ name, limits: TenantLimitsChange.optional() }).openapi("CreateTenant");

export const UpdateTenant = z
	.strictObject({ name: name.optional(), limits: TenantLimitsChange.optional() })
	.openapi("UpdateTenant");

export const tenantsQuery = z.strictObject({ limit, after: afterId("ten") });

export function viewTenant({
	tenantId,
	name,
	limits,
	use,
	createdAt,
}: Tenant & { use?: TenantUse }): z.infer<typeof TenantBody> {
	const shown = use && { open_jobs: use.openJobs, tokens_today: use.tokensToday, stored_bytes: use.storedBytes };
	return {
		id: tenantId,
		object: "tenant",
		name,
		limits,
		...(shown === undefined ? {} : { use: shown }),
		created_at: timestamp(createdAt),
	};
}
