/**
 * Rows for tests, inserted directly: a test names only what it is about, and the columns that its status requires are
 * filled in. Times follow from `createdAt`, which is `NOW` unless given.
 */
import { env } from "cloudflare:workers";
import type { JobKey } from "../../../shared/core/jobs/job.ts";
import { type Actor, OPERATOR } from "../../../shared/core/tenants/audit.ts";
import { DEFAULT_LIMITS, type Tenant } from "../../../shared/core/tenants/tenant.ts";
import type { Delivery, DeliveryKey } from "../../../shared/core/webhooks/delivery.ts";
import { eventTypeOf } from "../../../shared/core/webhooks/events.ts";
import { seal } from "../../../shared/crypto/seal.ts";
import { jsonOrNull } from "../../../shared/db/columns.ts";
import { Database } from "../../../shared/db/database.ts";
import { deliveryFromRow } from "../../../shared/db/deliveries/delivery-row.ts";
import { jobFromRow } from "../../../shared/db/jobs/job-row.ts";
import { runtime } from "../../../workers/runtime.ts";
import { deliveryIdOf, eventIdOf } from "../../support/event-ids.ts";
import { fakeRuntime } from "../../support/fake-runtime.ts";
import { anId, jobOf, MINUTE, NOW, type StoredJob, slotOf } from "../../support/job-of.ts";

export * from "../../support/job-of.ts";

/** The database as it looks at `at`. */
export function databaseAt(at: number): Database {
	return new Database(env.DB, runtime, () => at);
}

export const db = databaseAt(NOW);

export interface StoredDelivery extends Delivery {
	sweepAt: number | null;
	pruneAt: number | null;
}

export type Row = Record<string, string | number | null>;

/**
 * A stored job: queued and due at once unless the test says otherwise.
 * @param slot other than it would have
 */
export async function aJob(overrides: Partial<StoredJob> = {}, slot?: string | null): Promise<StoredJob> {
	const job = jobOf(overrides);
	await insertRow("jobs", { ...rowOf(job), ...(slot === undefined ? {} : { slot }) });
	return job;
}

export async function reload(key: JobKey): Promise<StoredJob | null> {
	const row = await env.DB.prepare("SELECT * FROM jobs WHERE tenant_id = ?1 AND id = ?2")
		.bind(key.tenantId, key.jobId)
		.first<{ parked_on: string | null; redispatches: number; sweep_at: number | null; prune_at: number | null }>();
	if (row === null) return null;
	const { parked_on: parkedOn, redispatches, sweep_at: sweepAt, prune_at: pruneAt } = row;
	return { ...jobFromRow(row), parkedOn, redispatches, sweepAt, pruneAt };
}

/** The columns of `job`: for a test that breaks one. */
export function rowOf(job: StoredJob): Row {
	const { tenantId, jobId, models, webhook, gateway, metadata, attempts, usage, error, ...plain } = job;
	return {
		tenant_id: tenantId,
		id: jobId,
		models: JSON.stringify(models),
		webhook: jsonOrNull(webhook),
		gateway: jsonOrNull(gateway),
		metadata: jsonOrNull(metadata),
		attempts: JSON.stringify(attempts),
		usage: jsonOrNull(usage),
		error: jsonOrNull(error),
		slot: slotOf(job),
		// The call of a running job has lasted for a heartbeat at least.
		called_fence: job.status === "running" ? job.fence : null,
		...snakeCased(plain),
	};
}

export async function insertRow(
	table:
		| "jobs"
		| "deliveries"
		| "tenants"
		| "idempotency_keys"
		| "api_keys"
		| "tombstones"
		| "usage"
		| "usage_hours"
		| "backlog"
		| "breakers",
	row: Row,
): Promise<void> {
	const columns = Object.keys(row);
	const places = columns.map((_, index) => `?${index + 1}`);
	await env.DB.prepare(`INSERT INTO ${table} (${columns.join(", ")}) VALUES (${places.join(", ")})`)
		.bind(...Object.values(row))
		.run();
}

/** `count` copies of a stored row, in one statement. `differing`: by column the SQL that makes it, from `n.i`, which counts from 1. */
export async function copyRow(
	table: "jobs" | "deliveries",
	row: Row,
	count: number,
	differing: Record<string, string>,
): Promise<void> {
	const columns = Object.keys(row);
	const slot = `iif(${table}.slot IS NULL, NULL, ${differing.tenant_id ?? `${table}.tenant_id`})`;
	const values = columns.map((column) => differing[column] ?? (column === "slot" ? slot : `${table}.${column}`));
	await env.DB.prepare(
		`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
		 INSERT INTO ${table} (${columns.join()}) SELECT ${values.join()} FROM n, ${table} WHERE tenant_id = ?2 AND id = ?3`,
	)
		.bind(count, row.tenant_id ?? null, row.id ?? null)
		.run();
}

/** A delivery of `job` to its one-off webhook: pending and due unless the test says otherwise. */
export async function aDelivery(job: JobKey, overrides: Partial<StoredDelivery> = {}): Promise<StoredDelivery> {
	const delivery = deliveryOf(job, overrides);
	await insertRow("deliveries", deliveryRowOf(delivery));
	return delivery;
}

export async function reloadDelivery(key: DeliveryKey): Promise<StoredDelivery | null> {
	const row = await env.DB.prepare("SELECT * FROM deliveries WHERE tenant_id = ?1 AND id = ?2")
		.bind(key.tenantId, key.deliveryId)
		.first<{ sweep_at: number | null; prune_at: number | null }>();
	return row === null ? null : { ...deliveryFromRow(row), sweepAt: row.sweep_at, pruneAt: row.prune_at };
}

/** The delivery that `aDelivery` would store. */
export function deliveryOf(job: JobKey, overrides: Partial<StoredDelivery> = {}): StoredDelivery {
	const isPending = (overrides.status ?? "pending") === "pending";
	const createdAt = overrides.createdAt ?? NOW;
	const nextAttemptAt = overrides.nextAttemptAt ?? (isPending ? createdAt : null);
	return {
		tenantId: job.tenantId,
		deliveryId: deliveryIdOf(job.jobId, "succeeded", "webhook"),
		jobId: job.jobId,
		event: null,
		eventId: eventIdOf(job.jobId, "succeeded"),
		eventType: eventTypeOf("succeeded"),
		endpointId: null,
		url: "https://receiver.test/hook",
		receiver: `receiver:${job.tenantId} ${overrides.endpointId ?? URL.parse(overrides.url ?? "https://receiver.test")?.origin}`,
		payload: "full",
		status: "pending",
		attemptsMade: 0,
		attemptsBefore: 0,
		restartedAt: null,
		attempts: [],
		createdAt,
		nextAttemptAt,
		sweepAt: nextAttemptAt === null ? null : nextAttemptAt + MINUTE,
		finishedAt: isPending ? null : createdAt,
		pruneAt: null,
		...overrides,
	};
}

/** The columns of `delivery`: for a test that breaks one. */
export function deliveryRowOf({ receiver: _, ...delivery }: StoredDelivery): Row {
	const { tenantId, deliveryId, attempts, event, ...plain } = delivery;
	return {
		tenant_id: tenantId,
		id: deliveryId,
		attempts: JSON.stringify(attempts),
		event: jsonOrNull(event),
		...snakeCased(plain),
	};
}

/** Who acts in tests that are not about that. */
export const BY: Actor = { actor: OPERATOR, requestId: `req_${"0".repeat(26)}` };

export const A_SECRET = "whsec_dGVzdC13ZWJob29rLXNlY3JldC10ZXN0LXdlYmhvb2s=";

/** A tenant whose webhooks are signed with `secret`. */
export async function aTenant(overrides: Partial<Tenant> & { secret?: string } = {}): Promise<Tenant> {
	const { secret = A_SECRET, ...given } = overrides;
	const tenant = { tenantId: anId("ten"), name: "acme", limits: DEFAULT_LIMITS, createdAt: NOW, ...given };
	const { open_jobs } = tenant.limits;
	const namedOpenJobs = open_jobs === DEFAULT_LIMITS.open_jobs ? undefined : open_jobs;
	await insertRow("tenants", {
		id: tenant.tenantId,
		name: tenant.name,
		// As a tenant is stored whose limit of open jobs is the default.
		limits: JSON.stringify({ ...tenant.limits, open_jobs: namedOpenJobs }),
		webhook_secret: await seal(fakeRuntime(), env.SIGNING_KEY, tenant.tenantId, secret),
		created_at: tenant.createdAt,
	});
	return tenant;
}

function snakeCased(values: Record<string, string | number | boolean | null>): Row {
	const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
	return Object.fromEntries(
		Object.entries(values).map(([name, value]) => [snake(name), typeof value === "boolean" ? Number(value) : value]),
	);
}
