/** Who is to be told of an event: written in the transaction that makes it happen, so that nobody is forgotten. */

import type { JobKey } from "../core/jobs/job.ts";
import { ENQUEUE_GRACE_MS } from "../core/jobs/wakeups.ts";
import type { DeliveryKey } from "../core/webhooks/delivery.ts";
import { eventTypeOf, type JobEventKind, ONE_OFF_RECEIVER } from "../core/webhooks/events.ts";
import type { WebhookEndpointKey } from "../core/webhooks/webhook-endpoint.ts";
import { type Database, NOW, type Statement } from "./database.ts";

/** How long the record of a delivery is kept that no job takes with it, from when it was last asked for. */
export const RECORD_KEPT_MS = 30 * 24 * 3_600_000;

const COLUMNS = `tenant_id, id, job_id, event_id, event_type, event, endpoint_id, url, payload,
	status, created_at, next_attempt_at, sweep_at, finished_at, prune_at`;

/** The last columns of a delivery that is due at once, or of one that is not made because its endpoint is disabled. */
const PENDING = `'pending', ${NOW}, ${NOW}, ${NOW} + ${ENQUEUE_GRACE_MS}, NULL`;
const IF_ENABLED = (value: string) => `CASE endpoint.status WHEN 'enabled' THEN ${value} END`;
const PENDING_IF_ENABLED = `iif(endpoint.status = 'enabled', 'pending', 'skipped'), ${NOW}, ${IF_ENABLED(NOW)},
	${IF_ENABLED(`${NOW} + ${ENQUEUE_GRACE_MS}`)}, CASE endpoint.status WHEN 'disabled' THEN ${NOW} END`;

const asksFor = (type: string, family: string) =>
	`EXISTS (SELECT 1 FROM json_each(endpoint.event_types) WHERE value IN (${type}, ${family}))`;

/** What happened to a job. */
export interface JobEvent extends JobKey {
	happening: JobEventKind;
}

/**
 * SQL that owes jobs' events to their one-off receivers and to each endpoint that asks for them. Made twice, they are the
 * same rows. Each guard's is made once: it is long. Bound by `insertJobDeliveries`.
 * @param guard condition on `jobs` under which it happened; `told` is a field of what tells of it. Parameters from ?3
 */
export function jobDeliveriesSql<News extends JobEvent>(
	guard: (told: (field: keyof News & string) => string) => string,
): string {
	const condition = guard((field) => `news ->> '${field}'`);
	const named = (kind: string) => `'${kind}_' || substr(jobs.id, 5) || '_' || happening`;
	const ids = (receiver: string) =>
		`jobs.tenant_id, ${named("dlv")} || '_' || ${receiver}, jobs.id, ${named("evt")}, event_type, NULL`;
	const told = `(SELECT value AS news, value ->> 'tenantId' AS of_tenant, value ->> 'jobId' AS of_job,
		       value ->> 'happening' AS happening, value ->> 'eventType' AS event_type FROM json_each(?2))
		 CROSS JOIN jobs ON jobs.tenant_id = of_tenant AND jobs.id = of_job`;
	return `INSERT INTO deliveries (${COLUMNS})
		SELECT ${ids(`'${ONE_OFF_RECEIVER}'`)}, NULL, webhook ->> 'url', webhook ->> 'payload', ${PENDING}, NULL
		  FROM ${told}
		 WHERE ${condition} AND webhook IS NOT NULL
		   AND CASE WHEN webhook ->> 'events' IS NULL THEN happening <> 'started'
		       ELSE EXISTS (SELECT 1 FROM json_each(jobs.webhook, '$.events') WHERE value IN (event_type, 'job.*')) END
		UNION ALL
		SELECT ${ids("endpoint.id")}, endpoint.id, endpoint.url, endpoint.payload, ${PENDING_IF_ENABLED}, NULL
		  FROM ${told} CROSS JOIN webhook_endpoints AS endpoint ON endpoint.tenant_id = jobs.tenant_id
		 WHERE ${condition} AND ${asksFor("event_type", "'job.*'")}
		    ON CONFLICT DO NOTHING
		RETURNING tenant_id, id, job_id, status`;
}

/** @param sql by `jobDeliveriesSql` @param params of its guard */
export function insertJobDeliveries(
	db: Database,
	sql: string,
	news: readonly JobEvent[],
	params: Statement["params"] = [],
): Statement {
	const told = JSON.stringify(news.map((one) => ({ ...one, eventType: eventTypeOf(one.happening) })));
	return { sql, params: [db.clock(), told, ...params] };
}

/**
 * Owes `endpoint.disabled` to the owner's other endpoints that ask for it, if the statement just before disabled it. Repeated for the same time of
 * disabling, it is the same rows; endpoints made since are not told of old troubles.
 */
export function insertEndpointDisabledDeliveries(
	db: Database,
	{ tenantId, endpointId }: WebhookEndpointKey,
): Statement {
	const what = "substr(gone.id, 4) || '_disabled_' || gone.disabled_at";
	return {
		sql: `INSERT INTO deliveries (${COLUMNS})
		SELECT gone.tenant_id, 'dlv_' || ${what} || '_' || endpoint.id, '', 'evt_' || ${what}, 'endpoint.disabled',
		       json_object('id', gone.id, 'object', 'webhook_endpoint', 'name', gone.name, 'url', gone.url,
		                   'status', gone.status, 'disabled_at', gone.disabled_at / 1000,
		                   'disabled_reason', gone.disabled_reason),
		       endpoint.id, endpoint.url, endpoint.payload, ${PENDING}, ${NOW} + ${RECORD_KEPT_MS}
		  FROM webhook_endpoints AS gone JOIN webhook_endpoints AS endpoint ON endpoint.tenant_id = gone.tenant_id
		 WHERE changes() > 0 AND gone.tenant_id = ?2 AND gone.id = ?3 AND gone.status = 'disabled' AND endpoint.id <> gone.id
		   AND endpoint.status = 'enabled' AND endpoint.created_at <= gone.disabled_at
		   AND ${asksFor("'endpoint.disabled'", "'endpoint.*'")}
		    ON CONFLICT DO NOTHING
		RETURNING tenant_id, id, status`,
		params: [db.clock(), tenantId, endpointId],
	};
}

/** Whom to ring for, by what these statements answer. */
export function pendingFromRows(rows: readonly Record<string, unknown>[]): DeliveryKey[] {
	const pending = rows.filter(({ status }) => status === "pending");
	return pending.map((row) => ({ tenantId: String(row.tenant_id), deliveryId: String(row.id) }));
}
