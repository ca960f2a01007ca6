/** API keys, created by their tenant or by the operator. */
import { z } from "@hono/zod-openapi";
import { type ApiKey, SCOPES } from "../core/tenants/api-key.ts";
import { afterId, limit, listOf, order } from "./page.ts";
import { time, timeInput, timestamp, timestampOrNull } from "./time.ts";

export const ApiKeyBody = z
	.object({
		id: z.string(),
		object: z.literal("api_key"),
		tenant_id: z.string(),
		name: z.string(),
		scopes: z.array(z.string()),
		created_by: z
			.string()
			.nullable()
			.describe("The key that created this one, and whose revocation revokes it. Null: the operator."),
		created_at: time,
		last_used_at: time.nullable().describe("Rounded down to the hour."),
		expires_at: time.nullable(),
		revoked_at: time.nullable(),
	})
	.openapi("ApiKey");

export const NewApiKeyBody = ApiKeyBody.extend({
	key: z.string().describe("Shown only once. Only its hash is stored."),
}).openapi("NewApiKey");

export const ApiKeyList = listOf(ApiKeyBody).openapi("ApiKeyList");

export const CreateApiKey = z
	.strictObject({
		name: z.string().min(1).max(200).default("unnamed"),
		scopes: z
			.array(z.enum(SCOPES))
			.min(1)
			.max(SCOPES.length)
			.optional()
			.describe(
				"By default, all scopes of the key of this request except `keys:manage`. With `webhooks:write` a key can register an endpoint that receives every event, results included.",
			),
		expires_at: timeInput
			.optional()
			.describe("A key expires no later than the key that creates it, which is also the default."),
	})
	.openapi("CreateApiKey");

export const keysQuery = z.strictObject({ limit, after: afterId("key"), order });
/** Admin lists have one order. */
export const adminKeysQuery = z.strictObject({ limit, after: afterId("key") });

export function viewKey(key: ApiKey): z.infer<typeof ApiKeyBody> {
	return {
		id: key.keyId,
		object: "api_key",
		tenant_id: key.tenantId,
		name: key.name,
		scopes: key.scopes,
		created_by: key.madeBy,
		created_at: timestamp(key.createdAt),
		last_used_at: timestampOrNull(key.lastUsedAt),
		expires_at: timestampOrNull(key.expiresAt),
		revoked_at: timestampOrNull(key.revokedAt),
	};
}

export const CreateSession = z.strictObject({ key: z.string().min(1).max(200) }).openapi("CreateSession");

export const CreateOperatorSession = z
	.strictObject({ token: z.string().min(1).max(1_000) })
	.openapi("CreateOperatorSession");

export const OperatorSessionBody = z
	.object({
		object: z.literal("operator_session"),
		expires_at: time.nullable().describe("Null: the request was made with ADMIN_TOKEN itself."),
	})
	.openapi("OperatorSession");

export function viewOperatorSession(endsAt: number | null): z.infer<typeof OperatorSessionBody> {
	return { object: "operator_session", expires_at: timestampOrNull(endsAt) };
}

/** Who the caller of a request is. */
export const SessionBody = z
	.object({
		object: z.literal("session"),
		tenant: z.object({ id: z.string(), name: z.string() }),
		key: ApiKeyBody.pick({ id: true, name: true, scopes: true, expires_at: true }),
		expires_at: time.nullable().describe("When the session ends. With an API key, together with the key."),
	})
	.openapi("Session");

export function viewSession(
	key: Pick<ApiKey, "keyId" | "tenantId" | "name" | "scopes" | "expiresAt"> & { tenantName: string },
	endsAt: number | null,
): z.infer<typeof SessionBody> {
	return {
		object: "session",
		tenant: { id: key.tenantId, name: key.tenantName },
		key: { id: key.keyId, name: key.name, scopes: key.scopes, expires_at: timestampOrNull(key.expiresAt) },
		expires_at: timestampOrNull(endsAt),
	};
}
