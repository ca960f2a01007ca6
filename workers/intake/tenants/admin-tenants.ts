import { createRoute, z } from "@hono/zod-openapi";
import { timestamp } from "../../../shared/api/job.ts";
import {
	adminErrors,
	adminPageQuery,
	bodyErrors,
	errorResponse,
	jsonResponse,
	listOf,
	noQuery,
	pageOf,
} from "../../../shared/api/schemas.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { newId } from "../../../shared/core/ids.ts";
import { type Tenant as StoredTenant, TenantLimits, TenantLimitsChange } from "../../../shared/core/tenants/tenant.ts";
import { seal } from "../../../shared/crypto/seal.ts";
import { createTenant, findTenant, listTenants, updateTenant } from "../../../shared/db/tenants/tenants.ts";
import { deleteTenant } from "../../../shared/db/upkeep/delete-tenant.ts";
import { newWebhookSecret } from "../../../shared/webhooks/secrets.ts";
import { operatorAsActor } from "../auth/audit-actor.ts";
import { requireAdmin } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { requireBody } from "../http/strict-body.ts";

const Tenant = z
	.object({
		id: z.string(),
		object: z.literal("tenant"),
		name: z.string(),
		limits: TenantLimits,
		created_at: z.iso.datetime({ precision: 3 }),
	})
	.openapi("Tenant");

const name = z.string().min(1).max(200);
const params = z.object({ id: z.string() });
const notFound = { 404: errorResponse("There is no such tenant.") };
const shared = { tags: ["Admin"], security: [{ admin: [] }] };

const create = createRoute({
	...shared,
	method: "post",
	path: "/v1/admin/tenants",
	summary: "Create a tenant",
	middleware: [requireAdmin, requireBody] as const,
	request: {
		query: noQuery,
		body: {
			required: true,
			content: {
				"application/json": {
					schema: z.strictObject({ name, limits: TenantLimitsChange.optional() }).openapi("CreateTenant"),
				},
			},
		},
	},
	responses: { 201: jsonResponse("The tenant.", Tenant), ...adminErrors, ...bodyErrors },
});

const list = createRoute({
	...shared,
	method: "get",
	path: "/v1/admin/tenants",
	summary: "List tenants, newest first",
	middleware: [requireAdmin] as const,
	request: { query: adminPageQuery("ten") },
	responses: { 200: jsonResponse("One page.", listOf(Tenant).openapi("TenantList")), ...adminErrors },
});

const get = createRoute({
	...shared,
	method: "get",
	path: "/v1/admin/tenants/{id}",
	summary: "Get a tenant",
	middleware: [requireAdmin] as const,
	request: { params, query: noQuery },
	responses: { 200: jsonResponse("The tenant.", Tenant), ...adminErrors, ...notFound },
});

const update = createRoute({
	...shared,
	method: "patch",
	path: "/v1/admin/tenants/{id}",
	summary: "Change a tenant",
	middleware: [requireAdmin, requireBody] as const,
	request: {
		params,
		query: noQuery,
		body: {
			required: true,
			content: {
				"application/json": {
					schema: z
						.strictObject({ name: name.optional(), limits: TenantLimitsChange.optional() })
						.openapi("UpdateTenant"),
				},
			},
		},
	},
	responses: { 200: jsonResponse("The tenant.", Tenant), ...adminErrors, ...bodyErrors, ...notFound },
});

const remove = createRoute({
	...shared,
	method: "delete",
	path: "/v1/admin/tenants/{id}",
	summary: "Delete a tenant, and erase everything of it",
	description:
		"From the answer on, nothing of it is submitted, called or told, but for calls in flight, which are aborted within seconds; its keys stop within 10 seconds everywhere. What it stored is erased by the minute, 10,000 jobs at a time; its audit log alone stays. A second time answers 404.",
	middleware: [requireAdmin] as const,
	request: { params, query: noQuery },
	responses: { 204: { description: "Deleted." }, ...adminErrors, ...notFound },
});

export const adminTenantRoutes = newApp()
	.openapi(create, async (c) => {
		const { db, config, runtime } = c.env.services;
		const request = c.req.valid("json");
		const tenantId = newId("ten", runtime);
		const sealedSecret = await seal(runtime, config.signingKeys[0] ?? "", tenantId, newWebhookSecret(runtime));
		const limits = TenantLimits.parse(request.limits ?? {});
		const made = { tenantId, name: request.name, limits, sealedSecret };
		return c.json(viewTenant(await createTenant(db, made, operatorAsActor(c))), 201);
	})
	.openapi(list, async (c) => {
		const { limit, after } = c.req.valid("query");
		const found = await listTenants(c.env.services.db, limit + 1, after ?? null);
		return c.json(pageOf(found.map(viewTenant), limit), 200);
	})
	.openapi(get, async (c) => c.json(viewTenant(existing(await findTenant(c.env.services.db, c.req.param("id")))), 200))
	.openapi(update, async (c) => {
		const { db, jobQueue, background } = c.env.services;
		const old = existing(await findTenant(db, c.req.param("id")));
		const change = c.req.valid("json");
		const limits = change.limits === undefined ? null : TenantLimits.parse({ ...old.limits, ...change.limits });
		const named = { name: change.name ?? null, limits };
		const updated = await updateTenant(db, old.tenantId, named, operatorAsActor(c));
		background(jobQueue.tryEnqueue(updated?.freed ?? []));
		return c.json(viewTenant(existing(updated?.tenant ?? null)), 200);
	})
	.openapi(remove, async (c) => {
		const { db, keys } = c.env.services;
		const tenantId = c.req.param("id");
		const isDeleted = await deleteTenant(db, tenantId, operatorAsActor(c));
		keys.forgetTenant(tenantId);
		if (!isDeleted) throw noSuchTenant();
		return c.body(null, 204);
	});

function existing(tenant: StoredTenant | null): StoredTenant {
	if (tenant === null) throw noSuchTenant();
	return tenant;
}

function noSuchTenant(): AppError {
	return new AppError("not_found", "There is no such tenant.");
}

function viewTenant(tenant: StoredTenant): z.infer<typeof Tenant> {
	const { tenantId, name, limits, createdAt } = tenant;
	return { id: tenantId, object: "tenant", name, limits, created_at: timestamp(createdAt) };
}
