/** Rows of `webhook_endpoints`, and how an endpoint is made of one. */

import { z } from "zod";
import { WEBHOOK_PAYLOADS } from "../../core/jobs/job.ts";
import { DISABLED_REASONS, ENDPOINT_STATES, type WebhookEndpoint } from "../../core/webhooks/webhook-endpoint.ts";
import { column } from "../columns.ts";
import { receiverKey } from "./receiver-breakers.ts";

const EndpointRow = z.object({
	tenant_id: z.string(),
	id: z.string(),
	name: z.string(),
	url: z.string(),
	event_types: column(z.array(z.string())),
	payload: z.enum(WEBHOOK_PAYLOADS),
	status: z.enum(ENDPOINT_STATES),
	disabled_at: z.number().nullable(),
	disabled_reason: z.enum(DISABLED_REASONS).nullable(),
	paused_until: z.number().nullable(),
	secret: z.string(),
	secret_hint: z.string(),
	previous_secret: z.string().nullable(),
	created_at: z.number(),
	updated_at: z.number(),
});

/** The columns of an endpoint, for SELECT and RETURNING. A previous secret that no longer signs at `now` is null. */
export const endpointColumns = (now: string) =>
	`tenant_id, id, name, url, event_types, payload, status, disabled_at, disabled_reason, secret, secret_hint,
	 (SELECT open_until FROM receiver_breakers
	   WHERE key = ${receiverKey("webhook_endpoints.tenant_id", "webhook_endpoints.id")} AND open_until > ${now}) AS paused_until,
	 CASE WHEN previous_secret_until > ${now} THEN previous_secret END AS previous_secret, created_at, updated_at`;

export function endpointFromRow(raw: unknown): WebhookEndpoint {
	const row = EndpointRow.parse(raw);
	return {
		tenantId: row.tenant_id,
		endpointId: row.id,
		name: row.name,
		url: row.url,
		eventTypes: row.event_types,
		payload: row.payload,
		status: row.status,
		disabledAt: row.disabled_at,
		disabledReason: row.disabled_reason,
		pausedUntil: row.paused_until,
		sealedSecrets: row.previous_secret === null ? [row.secret] : [row.secret, row.previous_secret],
		secretHint: row.secret_hint,
		createdAt: row.created_at,
		updatedAt: row.updated_at,
	};
}
