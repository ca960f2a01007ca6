/** API keys as the outside sees them, and how one is asked for: by its tenant or by the operator. */
import { z } from "@hono/zod-openapi";
import { SCOPES } from "../core/tenants/scopes.ts";
import type { ApiKey } from "../core/tenants/tenant.ts";
import { timestamp, timestampOrNull } from "./job.ts";
import { listOf } from "./schemas.ts";

const time = z.iso.datetime({ precision: 3 });

export const ApiKeyView = z
	.object({
		id: z.string(),
		object: z.literal("api_key"),
		tenant_id: z.string(),
		name: z.string(),
		scopes: z.array(z.string()),
		created_at: time,
		last_used_at: time.nullable().describe("To the hour."),
		expires_at: time.nullable(),
		revoked_at: time.nullable(),
	})
	.openapi("ApiKey");

export const NewApiKeyView = ApiKeyView.extend({
	key: z.string().describe("Shown this once; only a hash of it is kept."),
}).openapi("NewApiKey");

export const ApiKeyList = listOf(ApiKeyView).openapi("ApiKeyList");

export const CreateApiKey = z
	.strictObject({
		name: z.string().min(1).max(200).default("unnamed"),
		scopes: z
			.array(z.enum(SCOPES))
			.min(1)
			.max(SCOPES.length)
			.optional()
			.describe("All but `keys:manage` by default, as far as the key that asks has them."),
		expires_at: z.iso.datetime({ offset: true }).optional(),
	})
	.openapi("CreateApiKey");

export function viewKey(key: ApiKey): z.infer<typeof ApiKeyView> {
	return {
		id: key.keyId,
		object: "api_key",
		tenant_id: key.tenantId,
		name: key.name,
		scopes: key.scopes,
		created_at: timestamp(key.createdAt),
		last_used_at: timestampOrNull(key.lastUsedAt),
		expires_at: timestampOrNull(key.expiresAt),
		revoked_at: timestampOrNull(key.revokedAt),
	};
}
