/** Reads deliveries: those that messages name, and those of one job. */

import { keyText } from "../../core/ids.ts";
import type { JobKey, JobSummary } from "../../core/jobs/job.ts";
import type { Delivery, DeliveryKey } from "../../core/webhooks/delivery.ts";
import type { WebhookEndpoint } from "../../core/webhooks/webhook-endpoint.ts";
import { type Database, NOW } from "../database.ts";
import { DELETED_TENANTS } from "../deleted-tenants.ts";
import { JOB_SUMMARY_COLUMNS, jobSummaryFromRow } from "../jobs/job-row.ts";
import { isListed } from "../key-list.ts";
import { isDeliveryOf } from "../outbox.ts";
import { DELIVERY_COLUMNS, deliveryFromRow } from "./delivery-row.ts";
import { claimProbes, deliveryList, findOpenReceiverBreakers } from "./receiver-breakers.ts";
import { endpointColumns, endpointFromRow } from "./webhook-endpoint-row.ts";

/** A pending delivery, with all that is needed to send it. */
export interface PendingDelivery {
	delivery: Delivery;
	/** Null: the event is not about a job, or its job is gone. */
	job: JobSummary | null;
	/** Null: it goes to a one-off receiver, or its endpoint was deleted. */
	endpoint: WebhookEndpoint | null;
	/** The signing secrets of a one-off receiver, sealed: the newest first. */
	sealedSecrets: string[];
	/** False: its receiver's breaker is open, or half-open and another delivery has the probe. */
	maySend: boolean;
	/** The database's clock at the time of reading. */
	now: number;
}

/** All read in one transaction. Deliveries that are settled or gone are left out. */
export async function findPendingDeliveries(db: Database, keys: DeliveryKey[]): Promise<PendingDelivery[]> {
	const list = deliveryList(keys);
	const params = [db.clock(), list];
	const pending = (place: "?1" | "?2") => `FROM deliveries
		 WHERE ${isListed(place)} AND status = 'pending' AND deliveries.tenant_id NOT IN ${DELETED_TENANTS}`;
	const [probes = [], tripped = [], deliveries = [], jobs = [], endpoints = [], tenants = []] = await db.transact<
		Record<string, unknown>
	>("find pending deliveries", [
		claimProbes(db, keys),
		findOpenReceiverBreakers(keys),
		{ sql: `SELECT ${DELIVERY_COLUMNS}, ${NOW} AS now ${pending("?2")} ORDER BY created_at`, params },
		{
			sql: `SELECT ${JOB_SUMMARY_COLUMNS} FROM jobs WHERE (tenant_id, id) IN (SELECT tenant_id, job_id ${pending("?1")})`,
			params: [list],
		},
		{
			sql: `SELECT ${endpointColumns(NOW)} FROM webhook_endpoints
			 WHERE (tenant_id, id) IN (SELECT tenant_id, endpoint_id ${pending("?2")})`,
			params,
		},
		{
			sql: `SELECT id, webhook_secret AS secret,
			        CASE WHEN previous_webhook_secret_until > ${NOW} THEN previous_webhook_secret END AS previous_secret
			   FROM tenants WHERE id IN (SELECT value ->> 0 FROM json_each(?2))`,
			params,
		},
	]);
	const jobsByKey = new Map(jobs.map(jobSummaryFromRow).map((job) => [keyText(job.tenantId, job.jobId), job]));
	const endpointsByKey = new Map(
		endpoints.map(endpointFromRow).map((endpoint) => [keyText(endpoint.tenantId, endpoint.endpointId), endpoint]),
	);
	const secretsByTenant = new Map(
		tenants.map((row) => [row.id, [row.secret, row.previous_secret].filter((sealed) => typeof sealed === "string")]),
	);
	const maySendTo = admission(probes, tripped);
	return deliveries.map((row) => {
		const delivery = deliveryFromRow(row);
		const { tenantId, jobId, endpointId } = delivery;
		const now = Number(row.now);
		return {
			delivery,
			job: jobsByKey.get(keyText(tenantId, jobId)) ?? null,
			endpoint: endpointsByKey.get(keyText(tenantId, endpointId)) ?? null,
			sealedSecrets: secretsByTenant.get(tenantId) ?? [],
			maySend: (delivery.nextAttemptAt ?? now) > now || maySendTo(delivery.receiver),
			now,
		};
	});
}

/** Whether a delivery to `receiver` may be sent: any while its breaker is closed, and the first one if we claimed the probe. */
function admission(probes: Record<string, unknown>[], tripped: Record<string, unknown>[]) {
	const ours = new Set(probes.map(({ key }) => String(key)));
	const gated = new Set(tripped.map(({ key }) => String(key)));
	return (receiver: string) => ours.delete(receiver) || !gated.has(receiver);
}

/** All deliveries of a job, oldest first. */
export async function listDeliveries(db: Database, job: JobKey): Promise<Delivery[]> {
	const rows = await db.all("list deliveries of job", {
		sql: `SELECT ${DELIVERY_COLUMNS} FROM deliveries WHERE tenant_id = ?1 AND ${isDeliveryOf("?2")} ORDER BY created_at, id`,
		params: [job.tenantId, job.jobId],
	});
	return rows.map(deliveryFromRow);
}

export async function findDelivery(db: Database, { tenantId, deliveryId }: DeliveryKey): Promise<Delivery | null> {
	const row = await db.first("find delivery", {
		sql: `SELECT ${DELIVERY_COLUMNS} FROM deliveries WHERE tenant_id = ?1 AND id = ?2`,
		params: [tenantId, deliveryId],
	});
	return row === null ? null : deliveryFromRow(row);
}
