import { createRoute } from "@hono/zod-openapi";
import { ApiKeyList, adminKeysQuery, CreateApiKey, NewApiKeyBody, viewKey } from "../../../shared/api/key.ts";
import { pageOf } from "../../../shared/api/page.ts";
import { DEFAULT_SCOPES } from "../../../shared/core/tenants/api-key.ts";
import { listApiKeys } from "../../../shared/db/tenants/api-keys.ts";
import { findTenant } from "../../../shared/db/tenants/tenants.ts";
import { operatorAsActor } from "../auth/audit-actor.ts";
import { requireAdmin } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import {
	adminErrors,
	BY_OPERATOR,
	bodyErrors,
	errorResponse,
	idParams,
	jsonBody,
	jsonResponse,
	noQuery,
} from "../http/describe-route.ts";
import { requireBody } from "../http/strict-body.ts";
import { makeKey, revoke } from "./keys.ts";
import { noSuchTenant } from "./load-tenant.ts";

const shared = { tags: ["Admin"], security: BY_OPERATOR };

const create = createRoute({
	...shared,
	operationId: "createTenantKey",
	method: "post",
	path: "/v1/admin/tenants/{id}/keys",
	summary: "Create an API key for a tenant",
	middleware: [requireAdmin, requireBody] as const,
	request: { params: idParams, query: noQuery, body: jsonBody(CreateApiKey) },
	responses: {
		201: jsonResponse("The key.", NewApiKeyBody),
		...adminErrors,
		...bodyErrors,
		404: errorResponse("No such tenant."),
		409: errorResponse("`limit_reached`: API key limit reached. Revoke a key, or raise the tenant's limit `api_keys`."),
	},
});

const list = createRoute({
	...shared,
	operationId: "listTenantKeys",
	method: "get",
	path: "/v1/admin/tenants/{id}/keys",
	summary: "List a tenant's API keys",
	description: "Newest first.",
	middleware: [requireAdmin] as const,
	request: { params: idParams, query: adminKeysQuery },
	responses: {
		200: jsonResponse("One page of keys.", ApiKeyList),
		...adminErrors,
		404: errorResponse("No such tenant."),
	},
});

const remove = createRoute({
	...shared,
	operationId: "revokeTenantKey",
	method: "delete",
	path: "/v1/admin/keys/{id}",
	summary: "Revoke an API key of any tenant",
	description:
		"Also revokes all keys that this key created, and those that they created. Takes effect everywhere within 10 seconds.",
	middleware: [requireAdmin] as const,
	request: { params: idParams, query: noQuery },
	responses: { 204: { description: "Revoked." }, ...adminErrors, 404: errorResponse("No such API key.") },
});

export const adminKeyRoutes = newApp()
	.openapi(create, async (c) => {
		const request = c.req.valid("json");
		const owner = { tenantId: c.req.param("id"), makerId: null, scopes: request.scopes ?? DEFAULT_SCOPES };
		const made = await makeKey(c.env.services, owner, request, operatorAsActor(c));
		if (made === null) throw noSuchTenant();
		return c.json(made, 201);
	})
	.openapi(list, async (c) => {
		const { limit, after = null } = c.req.valid("query");
		const { db } = c.env.services;
		const tenantId = c.req.param("id");
		const found = await listApiKeys(db, tenantId, { limit: limit + 1, after, isAscending: false });
		if (found.length === 0 && (await findTenant(db, tenantId)) === null) throw noSuchTenant();
		return c.json(pageOf(found.map(viewKey), limit), 200);
	})
	.openapi(remove, async (c) => {
		await revoke(c.env.services, c.req.param("id"), null, operatorAsActor(c));
		return c.body(null, 204);
	});
