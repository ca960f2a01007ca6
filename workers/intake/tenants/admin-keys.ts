import { createRoute, z } from "@hono/zod-openapi";
import { ApiKeyList, CreateApiKey, NewApiKeyView, viewKey } from "../../../shared/api/key-views.ts";
import {
	adminErrors,
	adminPageQuery,
	bodyErrors,
	errorResponse,
	jsonResponse,
	noQuery,
	pageOf,
} from "../../../shared/api/schemas.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { DEFAULT_SCOPES } from "../../../shared/core/tenants/scopes.ts";
import { listApiKeys, revokeApiKey } from "../../../shared/db/tenants/api-keys.ts";
import { findTenant } from "../../../shared/db/tenants/tenants.ts";
import { operatorAsActor } from "../auth/audit-actor.ts";
import { requireAdmin } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { requireBody } from "../http/strict-body.ts";
import { makeKey } from "./make-key.ts";

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
		201: jsonResponse("The key.", NewApiKeyView),
		...adminErrors,
		...bodyErrors,
		404: errorResponse("There is no such tenant."),
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
		200: jsonResponse("One page.", ApiKeyList),
		...adminErrors,
		404: errorResponse("There is no such tenant."),
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
	responses: { 204: { description: "Revoked." }, ...adminErrors, 404: errorResponse("There is no such key.") },
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
	.openapi(revoke, async (c) => {
		const isRevoked = await revokeApiKey(c.env.services.db, c.req.param("id"), null, operatorAsActor(c));
		if (!isRevoked) throw new AppError("not_found", "There is no such key.");
		return c.body(null, 204);
	});

function noSuchTenant(): AppError {
	return new AppError("not_found", "There is no such tenant.");
}
