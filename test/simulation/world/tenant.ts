/** Tenants as the service's own code makes them. */
import { newId } from "../../../shared/core/ids.ts";
import { makeApiKey, type Scope } from "../../../shared/core/tenants/api-key.ts";
import { OPERATOR } from "../../../shared/core/tenants/audit.ts";
import type { TenantLimits } from "../../../shared/core/tenants/tenant.ts";
import { sha256Hex } from "../../../shared/crypto/digest.ts";
import { seal } from "../../../shared/crypto/seal.ts";
import { Database } from "../../../shared/db/database.ts";
import { createApiKey } from "../../../shared/db/tenants/api-keys.ts";
import { createTenant } from "../../../shared/db/tenants/tenants.ts";
import { newWebhookSecret } from "../../../shared/webhooks/secrets.ts";
import type { Service } from "./service.ts";

/** `keyWith`: makes another key of the tenant. */
export async function makeTenant(
	{ database, config, invocation }: Service,
	name: string,
	limits: Partial<TenantLimits> = {},
) {
	const { runtime } = invocation("intake");
	const db = new Database(database.bindingFor(null), runtime);
	const operator = { actor: OPERATOR, requestId: `req_${"0".repeat(26)}` };
	const tenantId = newId("ten", runtime);
	const secret = newWebhookSecret(runtime);
	const sealedSecret = await seal(runtime, config.signingKeys[0] ?? "", tenantId, secret);
	await createTenant(db, { tenantId, name, limits, sealedSecret }, operator);
	const keyWith = async (scopes: readonly Scope[]) => {
		const keyId = newId("key", runtime);
		const key = makeApiKey(keyId, runtime.randomBytes);
		const keyHash = await sha256Hex(runtime, key);
		const made = { keyId, tenantId, name, keyHash, scopes: [...scopes], expiresAt: null, makerId: null };
		await createApiKey(db, made, operator);
		return key;
	};
	return { db, tenantId, secret, keyWith };
}
