/** The tenant of an admin request. A deleted tenant and an unknown one get the same 404. */
import { AppError } from "../../../shared/core/errors.ts";
import type { Tenant } from "../../../shared/core/tenants/tenant.ts";

export function existingTenant(tenant: Tenant | null): Tenant {
	if (tenant === null) throw noSuchTenant();
	return tenant;
}

export function noSuchTenant(): AppError {
	return new AppError("not_found", "No such tenant.");
}
