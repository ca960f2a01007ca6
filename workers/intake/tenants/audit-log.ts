import { createRoute, type z } from "@hono/zod-openapi";
import { AuditEntryList, auditLogQuery, viewAuditEntry } from "../../../shared/api/audit.ts";
import { pageOf } from "../../../shared/api/page.ts";
import type { Database } from "../../../shared/db/database.ts";
import { listAuditLog } from "../../../shared/db/tenants/audit-log.ts";
import { findTenant } from "../../../shared/db/tenants/tenants.ts";
import { requireAdmin, requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import {
	adminErrors,
	BY_OPERATOR,
	commonErrors,
	errorResponse,
	idParams,
	jsonResponse,
} from "../http/describe-route.ts";
import { noSuchTenant } from "./load-tenant.ts";

const description =
	"Changes to keys, endpoints, secrets and stored jobs, and readings of the signing secret, each with the key that made it. Entries are kept for 400 days. Submissions, other reads and cancellations are not logged.";
const page = jsonResponse("One page of entries.", AuditEntryList);

/** Needs `keys:manage`, because entries name the tenant's other keys. */
const list = createRoute({
	operationId: "listAuditLog",
	method: "get",
	path: "/v1/audit_log",
	tags: ["Access"],
	summary: "List the audit log",
	description: `${description} Newest first.`,
	middleware: [requireKey("keys:manage")] as const,
	request: { query: auditLogQuery },
	responses: { 200: page, ...commonErrors },
});

const adminList = createRoute({
	operationId: "listTenantAuditLog",
	method: "get",
	path: "/v1/admin/tenants/{id}/audit_log",
	tags: ["Admin"],
	security: BY_OPERATOR,
	summary: "List a tenant's audit log",
	description: `${description} Newest first. The entries of a deleted tenant remain.`,
	middleware: [requireAdmin] as const,
	request: { params: idParams, query: auditLogQuery },
	responses: {
		200: page,
		...adminErrors,
		404: errorResponse("No such tenant. The log of a deleted tenant can still be read."),
	},
});

export const auditLogRoutes = newApp()
	.openapi(list, async (c) => {
		const { services } = c.env;
		const { caller } = c.var;
		return c.json(await pageFor(services.db, caller.tenantId, c.req.valid("query")), 200);
	})
	.openapi(adminList, async (c) => {
		const { db } = c.env.services;
		const tenantId = c.req.param("id");
		const found = await pageFor(db, tenantId, c.req.valid("query"));
		if (found.data.length === 0 && (await findTenant(db, tenantId)) === null) throw noSuchTenant();
		return c.json(found, 200);
	});

async function pageFor(db: Database, tenantId: string, { limit, after, order }: z.infer<typeof auditLogQuery>) {
	const found = await listAuditLog(db, tenantId, {
		limit: limit + 1,
		after: after ?? null,
		isAscending: order === "asc",
	});
	return pageOf(found.map(viewAuditEntry), limit);
}
