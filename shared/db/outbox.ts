/**
 * The outbox: the deliveries of an event are inserted in the transaction of the change it reports. No webhook is sent before
 * the commit, and none is lost after it. A statement that runs twice inserts the same rows, because all ids are derived here:
 *
 *     evt_<ulid>_<kind>             one event, of the job with that ulid; the `webhook-id`, the same for every receiver and attempt
 *     dlv_<ulid>_<kind>_<receiver>  its delivery to one receiver: an endpoint's id, or `webhook` for the job's own
 *
 * `waitMs` is the first wait of the schedule, the same for which `wake` delays the messages of the deliveries.
 */

import type { JobKey } from "../core/jobs/job.ts";
import type { FinalState } from "../core/jobs/job-states.ts";
import { sweepAtFor } from "../core/jobs/wakeups.ts";
import type { DeliveryKey } from "../core/webhooks/delivery.ts";
import { eventTypeOf, type JobEventKind } from "../core/webhooks/events.ts";
import type { WebhookEndpointKey } from "../core/webhooks/webhook-endpoint.ts";
import { type Database, NOW, type Statement } from "./database.ts";

/** How long a delivery without a job is kept, from when it was last requested. */
export const RECORD_KEPT_MS = 30 * 24 * 3_600_000;

/** Matches the deliveries of one job by their ids alone; "`" is the character after "_". @param jobId an SQL expression */
export const isDeliveryOf = (jobId: string) =>
	`deliveries.id > 'dlv_' || substr(${jobId}, 5) || '_' AND deliveries.id < 'dlv_' || substr(${jobId}, 5) || '\`'`;

const COLUMNS = `tenant_id, id, job_id, event_id, event_type, event, endpoint_id, url, url_digest, payload,
		       status, created_at, next_attempt_at, sweep_at, finished_at, prune_at`;

/**
 * SQL that inserts the deliveries of job events, listed in `?2` as `[{tenantId, jobId, kind, type}, …]`: to the job's own
 * webhook, and to each endpoint that subscribed to the type. A disabled endpoint gets a skipped one, for `recover` to find.
 * @param guard a condition on `jobs` and on `event`, one entry of the list. Its other parameters count from ?5
 */
const jobDeliveriesSql = (guard: string) => `
		INSERT INTO deliveries (${COLUMNS})
		WITH happened AS (
		     SELECT jobs.tenant_id, jobs.id AS job_id, jobs.webhook, event ->> 'kind' AS kind, event ->> 'type' AS event_type,
		            substr(jobs.id, 5) || '_' || (event ->> 'kind') AS name
		       FROM (SELECT value AS event FROM json_each(?2))
		      CROSS JOIN jobs ON jobs.tenant_id = event ->> 'tenantId' AND jobs.id = event ->> 'jobId'
		      WHERE ${guard})
		SELECT tenant_id, 'dlv_' || name || '_webhook', job_id, 'evt_' || name, event_type, NULL,
		       NULL, webhook ->> 'url', webhook ->> 'urlDigest', webhook ->> 'payload',
		       'pending', ${NOW}, ${NOW} + ?3, ${NOW} + ?4, NULL, NULL
		  FROM happened
		 WHERE webhook IS NOT NULL
		   AND CASE WHEN webhook ->> 'events' IS NULL THEN kind <> 'started'
		       ELSE EXISTS (SELECT 1 FROM json_each(webhook, '$.events') WHERE value IN (event_type, 'job.*')) END
		UNION ALL
		SELECT happened.tenant_id, 'dlv_' || happened.name || '_' || endpoint.id, job_id, 'evt_' || happened.name, event_type, NULL,
		       endpoint.id, endpoint.url, NULL, endpoint.payload,
		       iif(endpoint.status = 'enabled', 'pending', 'skipped'), ${NOW},
		       iif(endpoint.status = 'enabled', ${NOW} + ?3, NULL),
		       iif(endpoint.status = 'enabled', ${NOW} + ?4, NULL),
		       iif(endpoint.status = 'enabled', NULL, ${NOW}), NULL
		  FROM happened CROSS JOIN webhook_endpoints AS endpoint ON endpoint.tenant_id = happened.tenant_id
		 WHERE EXISTS (SELECT 1 FROM json_each(endpoint.event_types) WHERE value IN (event_type, 'job.*'))
		    ON CONFLICT DO NOTHING
		RETURNING tenant_id, id, job_id, status`;

/** The job has the state and fence that `event` was decided on. */
export const IS_UNCHANGED = "jobs.status = event ->> 'from' AND jobs.fence = event ->> 'fence'";

const INSERT_FINAL_DELIVERIES = jobDeliveriesSql(IS_UNCHANGED);

/** Must come right before the statement that finalizes, with the same guard: a job that is not finalized gets no deliveries. */
export function insertFinalDeliveries(
	db: Database,
	finalizations: readonly (JobKey & { from: string; fence: number; status: FinalState })[],
	waitMs: number,
): Statement {
	const events = finalizations.map((one) => ({ ...jobEvent(one, one.status), from: one.from, fence: one.fence }));
	return { sql: INSERT_FINAL_DELIVERIES, params: [db.clock(), JSON.stringify(events), ...untilDueAndSwept(waitMs)] };
}

/** The statement right before was the job's first lease: a job starts once. */
const INSERT_START_DELIVERIES = jobDeliveriesSql(
	"changes() > 0 AND jobs.status = 'running' AND jobs.holder = ?5 AND jobs.fence = 1",
);

/** Must come right after the statement with which `holder` leases `jobs`. */
export function insertStartDeliveries(
	db: Database,
	jobs: readonly JobKey[],
	{ holder, waitMs }: { holder: string; waitMs: number },
): Statement {
	const events = jobs.map((job) => jobEvent(job, "started"));
	return {
		sql: INSERT_START_DELIVERIES,
		params: [db.clock(), JSON.stringify(events), ...untilDueAndSwept(waitMs), holder],
	};
}

/** From the commit, in milliseconds, for deliveries whose first attempt waits `waitMs`. */
function untilDueAndSwept(waitMs: number): [number, number] {
	return [waitMs, sweepAtFor(waitMs, 0)];
}

function jobEvent({ tenantId, jobId }: JobKey, kind: JobEventKind) {
	return { tenantId, jobId, kind, type: eventTypeOf(kind) };
}

/**
 * Must come right after the statement that disables an endpoint. Inserts a delivery of `endpoint.disabled` to each of the
 * owner's other endpoints that subscribed to it. Endpoints that were created later get none.
 */
export function insertEndpointDisabledDeliveries(
	db: Database,
	{ tenantId, endpointId }: WebhookEndpointKey,
	waitMs: number,
): Statement {
	const name = "substr(disabled.id, 4) || '_disabled_' || disabled.disabled_at";
	return {
		sql: `INSERT INTO deliveries (${COLUMNS})
		SELECT disabled.tenant_id, 'dlv_' || ${name} || '_' || endpoint.id, '', 'evt_' || ${name}, 'endpoint.disabled',
		       json_object('id', disabled.id, 'object', 'webhook_endpoint', 'name', disabled.name, 'url', disabled.url,
		                   'status', disabled.status, 'disabled_at', disabled.disabled_at / 1000,
		                   'disabled_reason', disabled.disabled_reason),
		       endpoint.id, endpoint.url, NULL, endpoint.payload,
		       'pending', ${NOW}, ${NOW} + ?4, ${NOW} + ?5, NULL, ${NOW} + ${RECORD_KEPT_MS}
		  FROM webhook_endpoints AS disabled JOIN webhook_endpoints AS endpoint ON endpoint.tenant_id = disabled.tenant_id
		 WHERE changes() > 0 AND disabled.tenant_id = ?2 AND disabled.id = ?3 AND disabled.status = 'disabled'
		   AND endpoint.id <> disabled.id AND endpoint.status = 'enabled' AND endpoint.created_at <= disabled.disabled_at
		   AND EXISTS (SELECT 1 FROM json_each(endpoint.event_types) WHERE value IN ('endpoint.disabled', 'endpoint.*'))
		    ON CONFLICT DO NOTHING
		RETURNING tenant_id, id, status`,
		params: [db.clock(), tenantId, endpointId, ...untilDueAndSwept(waitMs)],
	};
}

/** The deliveries to enqueue, from the rows that these statements return. */
export function pendingFromRows(rows: readonly Record<string, unknown>[]): DeliveryKey[] {
	return deliveryKeysFromRows(rows.filter(({ status }) => status === "pending"));
}

export function deliveryKeysFromRows(rows: readonly Record<string, unknown>[]): DeliveryKey[] {
	return rows.map((row) => ({ tenantId: String(row.tenant_id), deliveryId: String(row.id) }));
}
