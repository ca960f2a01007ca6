import { createRoute } from "@hono/zod-openapi";
import { pageOf } from "../../../shared/api/page.ts";
import {
	CreateTenant,
	TenantBody,
	TenantList,
	tenantsQuery,
	UpdateTenant,
	viewTenant,
} from "../../../shared/api/tenant.ts";
import { newId } from "../../../shared/core/ids.ts";
import { seal } from "../../../shared/crypto/seal.ts";
import { createTenant, findTenant, listTenants, updateTenant } from "../../../shared/db/tenants/tenants.ts";
import { deleteTenant } from "../../../shared/db/upkeep/delete-tenant.ts";
import { newWebhookSecret } from "../../../shared/webhooks/secrets.ts";
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
import { existingTenant, noSuchTenant } from "./load-tenant.ts";

const notFound = { 404: errorResponse("No such tenant.") };
const shared = { tags: ["Admin"], security: BY_OPERATOR };

const create = createRoute({
	...shared,
	operationId: "createTenant",
	method: "post",
	path: "/v1/admin/tenants",
	summary: "Create a tenant",
	middleware: [requireAdmin, requireBody] as const,
	request: { query: noQuery, body: jsonBody(CreateTenant) },
	responses: { 201: jsonResponse("The tenant.", TenantBody), ...adminErrors, ...bodyErrors },
});

const list = createRoute({
	...shared,
	operationId: "listTenants",
	method: "get",
	path: "/v1/admin/tenants",
	summary: "List tenants",
	description: "Newest first.",
	middleware: [requireAdmin] as const,
	request: { query: tenantsQuery },
	responses: { 200: jsonResponse("One page of tenants.", TenantList), ...adminErrors },
});

const get = createRoute({
	...shared,
	operationId: "getTenant",
	method: "get",
	path: "/v1/admin/tenants/{id}",
	summary: "Get a tenant",
	middleware: [requireAdmin] as const,
	request: { params: idParams, query: noQuery },
	responses: { 200: jsonResponse("The tenant.", TenantBody), ...adminErrors, ...notFound },
});

const update = createRoute({
	...shared,
	operationId: "updateTenant",
	method: "patch",
	path: "/v1/admin/tenants/{id}",
	summary: "Update a tenant",
	description: "Fields and limits that are left out do not change. New limits apply at once.",
	middleware: [requireAdmin, requireBody] as const,
	request: { params: idParams, query: noQuery, body: jsonBody(UpdateTenant) },
	responses: { 200: jsonResponse("The tenant.", TenantBody), ...adminErrors, ...bodyErrors, ...notFound },
});

const remove = createRoute({
	...shared,
	operationId: "deleteTenant",
	method: "delete",
	path: "/v1/admin/tenants/{id}",
	summary: "Delete a tenant and erase its data",
	description:
		"Takes effect at once: no job of the tenant is accepted or run, and no webhook is sent. Calls in flight are aborted within seconds, and its keys stop working everywhere within 10 seconds. Its data is erased in the background, up to 10,000 jobs a minute; only its audit log remains. Deleting it again responds with 404.",
	middleware: [requireAdmin] as const,
	request: { params: idParams, query: noQuery },
	responses: { 204: { description: "Deleted." }, ...adminErrors, ...notFound },
});

export const adminTenantRoutes = newApp()
	.openapi(create, async (c) => {
		const { db, config, runtime } = c.env.services;
		const request = c.req.valid("json");
		const tenantId = newId("ten", runtime);
		const sealedSecret = await seal(runtime, config.signingKeys[0] ?? "", tenantId, newWebhookSecret(runtime));
		const made = { tenantId, name: request.name, limits: request.limits ?? {}, sealedSecret };
		return c.json(viewTenant(await createTenant(db, made, operatorAsActor(c))), 201);
	})
	.openapi(list, async (c) => {
		const { limit, after } = c.req.valid("query");
		const found = await listTenants(c.env.services.db, limit + 1, after ?? null);
		return c.json(pageOf(found.map(viewTenant), limit), 200);
	})
	.openapi(get, async (c) =>
		c.json(viewTenant(existingTenant(await findTenant(c.env.services.db, c.req.param("id")))), 200),
	)
	.openapi(update, async (c) => {
		const { db, jobQueue, background } = c.env.services;
		const { name = null, limits = null } = c.req.valid("json");
		const updated = await updateTenant(db, c.req.param("id"), { name, limits }, operatorAsActor(c));
		background(jobQueue.tryEnqueue(updated?.released ?? []));
		return c.json(viewTenant(existingTenant(updated?.tenant ?? null)), 200);
	})
	.openapi(remove, async (c) => {
		const { db, keys } = c.env.services;
		const tenantId = c.req.param("id");
		const isDeleted = await deleteTenant(db, tenantId, operatorAsActor(c));
		keys.forgetTenant(tenantId);
		if (!isDeleted) throw noSuchTenant();
		return c.body(null, 204);
	});
