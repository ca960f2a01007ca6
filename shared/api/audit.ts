/** Entries of the audit log. */
import { z } from "@hono/zod-openapi";
import { AUDIT_ACTIONS, type AuditEntry, isEntryId } from "../core/tenants/audit.ts";
import { after, limit, listOf, order } from "./page.ts";
import { time, timestamp } from "./time.ts";

export const AuditEntryBody = z
	.object({
		id: z.string(),
		object: z.literal("audit_entry"),
		created_at: time,
		actor: z.string().describe("The id of an API key, or `operator`."),
		action: z.enum(AUDIT_ACTIONS),
		target_id: z.string().describe("The id of what was changed."),
		request_id: z.string().describe("The `x-request-id` of the response to the request that made the change."),
	})
	.openapi("AuditEntry");

export const AuditEntryList = listOf(AuditEntryBody).openapi("AuditEntryList");

export const auditLogQuery = z.strictObject({
	limit,
	after: after(isEntryId, "Must be the id of an audit entry, `aud_…`."),
	order,
});

export function viewAuditEntry({
	entryId,
	at,
	actor,
	action,
	target,
	requestId,
}: AuditEntry): z.infer<typeof AuditEntryBody> {
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
