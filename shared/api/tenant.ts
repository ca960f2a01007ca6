/** Tenants, for the operator. */
import { z } from "@hono/zod-openapi";
import { type Tenant, TenantLimits, TenantLimitsChange } from "../core/tenants/tenant.ts";
import { afterId, limit, listOf } from "./page.ts";
import { time, timestamp } from "./time.ts";

export const TenantBody = z
	.object({
		id: z.string(),
		object: z.literal("tenant"),
		name: z.string(),
		limits: TenantLimits,
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

export function viewTenant({ tenantId, name, limits, createdAt }: Tenant): z.infer<typeof TenantBody> {
	return { id: tenantId, object: "tenant", name, limits, created_at: timestamp(createdAt) };
}
