/** Reads deliveries: those the dispatcher was rung for, and those of one job. */
import type { Delivery, DeliveryKey } from "../core/delivery.ts";
import { deliveryIdRange } from "../core/events.ts";
import type { Job, JobKey } from "../core/job.ts";
import { type Database, NOW } from "./database.ts";
import { DELIVERY_COLUMNS, deliveryFromRow } from "./delivery-row.ts";
import { JOB_COLUMNS_LIGHT, jobFromRow } from "./job-row.ts";

/** A delivery that is still owed, with all it takes to make it. */
export interface OwedDelivery {
	delivery: Delivery;
	job: Job;
	/** The tenant's signing secrets in force, sealed: the newest first. */
	sealedSecrets: string[];
	/** The database's clock at the time of reading. */
	now: number;
}

/** In one transaction's view. Keys of deliveries that are settled, or gone, are left out. */
export async function findOwedDeliveries(db: Database, keys: DeliveryKey[]): Promise<OwedDelivery[]> {
	const list = JSON.stringify(keys.map((key) => [key.tenantId, key.deliveryId]));
	const wanted = `SELECT value ->> 0, value ->> 1 FROM json_each(?1)`;
	const owed = `FROM deliveries WHERE (tenant_id, id) IN (${wanted}) AND status = 'pending'`;
	const [deliveries = [], jobs = [], tenants = [], clock = []] = await db.batch<Record<string, unknown>>([
		{ sql: `SELECT ${DELIVERY_COLUMNS} ${owed}`, params: [list] },
		{
			sql: `SELECT ${JOB_COLUMNS_LIGHT} FROM jobs WHERE (tenant_id, id) IN (SELECT tenant_id, job_id ${owed})`,
			params: [list],
		},
		{
			sql: `SELECT id, webhook_secret AS secret,
			        CASE WHEN previous_webhook_secret_until > ${NOW} THEN previous_webhook_secret END AS previous_secret
			   FROM tenants WHERE id IN (SELECT value ->> 0 FROM json_each(?2))`,
			params: [db.clock(), list],
		},
		{ sql: `SELECT ${NOW} AS now`, params: [db.clock()] },
	]);
	const jobsByKey = new Map(jobs.map(jobFromRow).map((job) => [`${job.tenantId} ${job.jobId}`, job]));
	const secretsByTenant = new Map(
		tenants.map((row) => [row.id, [row.secret, row.previous_secret].filter((sealed) => typeof sealed === "string")]),
	);
	const now = Number(clock[0]?.now);
	return deliveries.map(deliveryFromRow).flatMap((delivery) => {
		const job = jobsByKey.get(`${delivery.tenantId} ${delivery.jobId}`);
		const sealedSecrets = secretsByTenant.get(delivery.tenantId);
		return job === undefined || sealedSecrets === undefined ? [] : [{ delivery, job, sealedSecrets, now }];
	});
}

/** All deliveries of a job, in the order in which they were owed. */
export async function listDeliveries(db: Database, job: JobKey): Promise<Delivery[]> {
	const { from, to } = deliveryIdRange(job.jobId);
	const rows = await db.all({
		sql: `SELECT ${DELIVERY_COLUMNS} FROM deliveries WHERE tenant_id = ?1 AND id >= ?2 AND id < ?3 ORDER BY created_at, id`,
		params: [job.tenantId, from, to],
	});
	return rows.map(deliveryFromRow);
}
