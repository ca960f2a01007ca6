import { createRoute, z } from "@hono/zod-openapi";
import { timestamp } from "../../../shared/api/job.ts";
import {
	adminErrors,
	commonErrors,
	errorResponse,
	jsonResponse,
	listOf,
	pageOf,
	pageQuery,
} from "../../../shared/api/schemas.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { isId } from "../../../shared/core/ids.ts";
import { AUDIT_ACTIONS, type AuditEntry as Entry } from "../../../shared/core/tenants/audit.ts";
import type { Database } from "../../../shared/db/database.ts";
import { listAuditLog } from "../../../shared/db/tenants/audit-log.ts";
import { findTenant } from "../../../shared/db/tenants/tenants.ts";
import { requireAdmin, requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";

const AuditEntry = z
	.object({
		id: z.string(),
		object: z.literal("audit_entry"),
		created_at: z.iso.datetime({ precision: 3 }),
		actor: z.string().describe("The id of an API key, or `operator`."),
		action: z.enum(AUDIT_ACTIONS),
		target_id: z.string().describe("What it was done to."),
		request_id: z.string().describe("The `x-request-id` of the answer to the request that did it."),
	})
	.openapi("AuditEntry");

const query = z.strictObject({
	...pageQuery,
	after: z
		.string()
		.refine((id) => isId("aud", id), { error: "Must be an id, `aud_…`." })
		.optional()
		.describe("The last id of the page before."),
});
const description =
	"What was done to keys, endpoints, secrets and stored jobs, by whom; kept for 400 days. Submissions, polls and cancellations are not in it: jobs tell of themselves.";
const page = jsonResponse("One page.", listOf(AuditEntry).openapi("AuditEntryList"));

/** Whoever manages keys answers for what is done with them; no other key needs to know which keys there are. */
const own = createRoute({
	method: "get",
	path: "/v1/audit_log",
	tags: ["Access"],
	summary: "List who changed what, newest first",
	description,
	middleware: [requireKey("keys:manage")] as const,
	request: { query },
	responses: { 200: page, ...commonErrors },
});

const anyones = createRoute({
	method: "get",
	path: "/v1/admin/tenants/{id}/audit_log",
	tags: ["Admin"],
	security: [{ admin: [] }],
	summary: "List who changed what at a tenant, newest first",
	description: `${description} A deleted tenant's entries stay.`,
	middleware: [requireAdmin] as const,
	request: { params: z.object({ id: z.string() }), query },
	responses: { 200: page, ...adminErrors, 404: errorResponse("There is no such tenant, and never was one.") },
});

export const auditLogRoutes = newApp()
	.openapi(own, async (c) => {
		const { services } = c.env;
		const { caller } = c.var;
		return c.json(await pageFor(services.db, caller.tenantId, c.req.valid("query")), 200);
	})
	.openapi(anyones, async (c) => {
		const { db } = c.env.services;
		const tenantId = c.req.param("id");
		const found = await pageFor(db, tenantId, c.req.valid("query"));
		if (found.data.length === 0 && (await findTenant(db, tenantId)) === null) {
			throw new AppError("not_found", "There is no such tenant.");
		}
		return c.json(found, 200);
	});

async function pageFor(db: Database, tenantId: string, { limit, after, order }: z.infer<typeof query>) {
	const found = await listAuditLog(db, tenantId, {
		limit: limit + 1,
		after: after ?? null,
		isAscending: order === "asc",
	});
	return pageOf(found.map(viewEntry), limit);
}

function viewEntry({ entryId, at, actor, action, target, requestId }: Entry): z.infer<typeof AuditEntry> {
	return {
		id: entryId,
		object: "audit_entry",
		created_at: timestamp(at),
		actor,
		action,
		target_id: target,
		request_id: requestId,
	};
}
