import { createRoute, z } from "@hono/zod-openapi";
import { makeApiKey } from "../../../shared/core/api-key.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { newId } from "../../../shared/core/ids.ts";
import { timestamp, timestampOrNull } from "../../../shared/core/job-view.ts";
import { DEFAULT_SCOPES, SCOPES } from "../../../shared/core/scopes.ts";
import type { ApiKey as StoredKey } from "../../../shared/core/tenant.ts";
import { createApiKey, listApiKeys, revokeApiKey } from "../../../shared/db/api-keys.ts";
import { findTenant } from "../../../shared/db/tenants.ts";
import { sha256Hex } from "../../../shared/webhooks/digest.ts";
import { operatorAsActor } from "../actor.ts";
import { newApp } from "../app.ts";
import { requireAdmin } from "../middleware/authenticate.ts";
import { requireBody } from "../middleware/strict-body.ts";
import {
	adminErrors,
	adminPageQuery,
	bodyErrors,
	errorAnswer,
	jsonAnswer,
	listOf,
	noQuery,
	pageOf,
} from "../schemas.ts";

const time = z.iso.datetime({ precision: 3 });

const ApiKey = z
	.object({
		id: z.string(),
		object: z.literal("api_key"),
		tenant_id: z.string(),
		name: z.string(),
		scopes: z.array(z.string()),
		created_at: time,
		expires_at: time.nullable(),
		revoked_at: time.nullable(),
	})
	.openapi("ApiKey");

const NewApiKey = ApiKey.extend({ key: z.string().describe("Shown this once; only a hash of it is kept.") }).openapi(
	"NewApiKey",
);

const CreateApiKey = z
	.strictObject({
		name: z.string().min(1).max(200).default("unnamed"),
		scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length).optional().describe("All but `keys:manage` by default."),
		expires_at: z.iso.datetime({ offset: true }).optional(),
	})
	.openapi("CreateApiKey");

const params = z.object({ id: z.string() });
const shared = { tags: ["Admin"], security: [{ admin: [] }] };

const create = createRoute({
	...shared,
	method: "post",
	path: "/v1/admin/tenants/{id}/keys",
	summary: "Make an API key",
	middleware: [requireAdmin, requireBody] as const,
	request: {
		params,
		query: noQuery,
		body: { required: true, content: { "application/json": { schema: CreateApiKey } } },
	},
	responses: {
		201: jsonAnswer("The key.", NewApiKey),
		...adminErrors,
		...bodyErrors,
		404: errorAnswer("There is no such tenant."),
	},
});

const list = createRoute({
	...shared,
	method: "get",
	path: "/v1/admin/tenants/{id}/keys",
	summary: "List a tenant's API keys, newest first",
	middleware: [requireAdmin] as const,
	request: { params, query: adminPageQuery("key") },
	responses: {
		200: jsonAnswer("One page.", listOf(ApiKey).openapi("ApiKeyList")),
		...adminErrors,
		404: errorAnswer("There is no such tenant."),
	},
});

const revoke = createRoute({
	...shared,
	method: "delete",
	path: "/v1/admin/keys/{id}",
	summary: "Revoke an API key",
	description: "Takes effect within 10 seconds everywhere.",
	middleware: [requireAdmin] as const,
	request: { params, query: noQuery },
	responses: { 204: { description: "Revoked." }, ...adminErrors, 404: errorAnswer("There is no such key.") },
});

export const adminKeyRoutes = newApp()
	.openapi(create, async (c) => {
		const { db, runtime } = c.var.services;
		const request = c.req.valid("json");
		const expiresAt = request.expires_at === undefined ? null : Date.parse(request.expires_at);
		if (expiresAt !== null && expiresAt <= runtime.now()) {
			throw new AppError("invalid_request", "Must be in the future.", "expires_at");
		}
		const keyId = newId("key", runtime);
		const key = makeApiKey(keyId, runtime.randomBytes);
		const made = {
			keyId,
			tenantId: c.req.param("id"),
			name: request.name,
			keyHash: await sha256Hex(runtime, key),
			scopes: request.scopes ?? DEFAULT_SCOPES,
			expiresAt,
		};
		const stored = await createApiKey(db, made, operatorAsActor(c));
		if (stored === null) throw noSuchTenant();
		return c.json({ ...viewKey(stored), key }, 201);
	})
	.openapi(list, async (c) => {
		const { limit, after } = c.req.valid("query");
		const { db } = c.var.services;
		const tenantId = c.req.param("id");
		const found = await listApiKeys(db, tenantId, limit + 1, after ?? null);
		if (found.length === 0 && (await findTenant(db, tenantId)) === null) throw noSuchTenant();
		return c.json(pageOf(found.map(viewKey), limit), 200);
	})
	.openapi(revoke, async (c) => {
		const isRevoked = await revokeApiKey(c.var.services.db, c.req.param("id"), operatorAsActor(c));
		if (!isRevoked) throw new AppError("not_found", "There is no such key.");
		return c.body(null, 204);
	});

function noSuchTenant(): AppError {
	return new AppError("not_found", "There is no such tenant.");
}

function viewKey(key: StoredKey): z.infer<typeof ApiKey> {
	return {
		id: key.keyId,
		object: "api_key",
		tenant_id: key.tenantId,
		name: key.name,
		scopes: key.scopes,
		created_at: timestamp(key.createdAt),
		expires_at: timestampOrNull(key.expiresAt),
		revoked_at: timestampOrNull(key.revokedAt),
	};
}
