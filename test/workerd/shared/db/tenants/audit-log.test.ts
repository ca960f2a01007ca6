import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { OPERATOR } from "../../../../../shared/core/tenants/audit.ts";
import { recoverDeliveries, redeliver, redeliverJob } from "../../../../../shared/db/deliveries/redeliver.ts";
import {
	deleteEndpoint,
	enableEndpoint,
	rotateEndpointSecret,
	updateEndpoint,
} from "../../../../../shared/db/deliveries/webhook-endpoints.ts";
import { revokeApiKey } from "../../../../../shared/db/tenants/api-keys.ts";
import { audited, listAuditLog, pruneAuditLog, recordAct } from "../../../../../shared/db/tenants/audit-log.ts";
import { rotateWebhookSecret, updateTenant } from "../../../../../shared/db/tenants/tenants.ts";
import { eraseJob } from "../../../../../shared/db/upkeep/erase-jobs.ts";
import { aNewJob, anId, DAY, HOUR, jobOf, NOW } from "../../../../support/job-of.ts";
import { aDelivery, aJob, aTenant, databaseAt, db, insertRow } from "../../../support/a-job.ts";
import { anEndpoint, disable } from "../../../support/an-endpoint.ts";
import { submitJob } from "../../../support/submit-job.ts";

const byOperator = () => ({ actor: OPERATOR, requestId: anId("req") });
const newestFirst = { limit: 100, after: null, isAscending: false };
const actionsOf = async (tenantId: string) =>
	(await listAuditLog(db, tenantId, newestFirst)).map(({ action }) => action);

async function anEntry(tenantId: string, at = NOW) {
	const by = byOperator();
	await recordAct(databaseAt(at), by, { action: "endpoint.tested", tenantId, target: "we_1" });
	return by;
}

describe("an audit entry", () => {
	it("is made for each act of a request, and once for an act that is written twice", async () => {
		const { tenantId } = await aTenant();
		const by = byOperator();
		const targets = ["we_1", "we_2", "we_1", "we_3", "we_2"];
		for (const target of targets) await recordAct(db, by, { action: "endpoint.tested", tenantId, target });
		const entries = await listAuditLog(db, tenantId, { ...newestFirst, isAscending: true });
		const first = by.requestId.replace("req_", "aud_");
		expect(entries.map(({ entryId, target }) => [entryId, target])).toEqual([
			[first, "we_1"],
			[`${first}_0001`, "we_2"],
			[`${first}_0002`, "we_3"],
		]);
		expect(entries.map(({ requestId }) => requestId)).toEqual(targets.slice(0, 3).map(() => by.requestId));
		const rest = await listAuditLog(db, tenantId, { limit: 1, after: first, isAscending: true });
		expect(rest.map(({ target }) => target)).toEqual(["we_2"]);
	});

	it("says who did what to what, when and in which request", async () => {
		const { tenantId } = await aTenant();
		const endpoint = await anEndpoint(tenantId);
		const by = byOperator();
		await deleteEndpoint(databaseAt(NOW + HOUR), endpoint, by);
		expect((await listAuditLog(db, tenantId, newestFirst))[0]).toEqual({
			...by,
			tenantId,
			entryId: by.requestId.replace("req_", "aud_"),
			at: NOW + HOUR,
			action: "endpoint.deleted",
			target: endpoint.endpointId,
		});
	});

	it("is made once, however often its request says the same", async () => {
		const { tenantId } = await aTenant();
		const by = byOperator();
		const rotation = { sealedSecret: "v1.new", keepOldMs: 0 };
		for (let times = 0; times < 3; times++) await rotateWebhookSecret(db, tenantId, rotation, by);
		expect(await actionsOf(tenantId)).toEqual(["signing_secret.rotated"]);
	});

	it("is not made without its act, in one transaction", async () => {
		const { tenantId } = await aTenant();
		const act = { action: "tenant.updated", tenantId, target: tenantId } as const;
		const fails = { sql: "INSERT INTO tenants (id) VALUES (?1)", params: [tenantId] };
		const acts = { sql: "UPDATE tenants SET name = 'x' WHERE id = ?1", params: [tenantId] };
		await expect(db.transact("test", [acts, audited(db, byOperator(), act), fails])).rejects.toThrow();
		expect(await actionsOf(tenantId)).toEqual([]);
	});

	it.each(["UPDATE audit_log SET actor = 'operator'", "UPDATE audit_log SET at = 0", "DELETE FROM audit_log"])(
		"refuses %s",
		async (sql) => {
			const { tenantId } = await aTenant();
			await anEntry(tenantId, Date.now());
			await expect(env.DB.exec(`${sql} WHERE tenant_id = '${tenantId}'`)).rejects.toThrow(/an audit entry/);
			expect(await actionsOf(tenantId)).toEqual(["endpoint.tested"]);
		},
	);

	it("is not replaced by another of its id", async () => {
		const { tenantId } = await aTenant();
		const { requestId } = await anEntry(tenantId);
		await env.DB.prepare("INSERT OR REPLACE INTO audit_log VALUES (?1, ?2, 0, 'operator', 'job.erased', 'job_1')")
			.bind(tenantId, requestId.replace("req_", "aud_"))
			.run();
		expect(await listAuditLog(db, tenantId, newestFirst)).toMatchObject([{ actor: OPERATOR, at: NOW }]);
	});

	it("goes after 400 days by the database's own clock, and not a day before, oldest first", async () => {
		const { tenantId } = await aTenant();
		for (const days of [399, 402, 401, 403]) await anEntry(tenantId, Date.now() - days * DAY);
		const ages = async () =>
			(await listAuditLog(db, tenantId, newestFirst)).map(({ at }) => Math.round((Date.now() - at) / DAY)).toSorted();
		expect(await pruneAuditLog(db, 2)).toBe(2);
		expect(await ages()).toEqual([399, 401]);
		expect(await pruneAuditLog(databaseAt(NOW + 4_000 * DAY), 100)).toBe(1);
		expect(await ages()).toEqual([399]);
	});
});

describe("an act that changes nothing", () => {
	it("is not listed", async () => {
		const { tenantId } = await aTenant();
		const endpoint = await anEndpoint(tenantId);
		const keyId = anId("key");
		const row = { name: "k", key_hash: "a".repeat(64), scopes: "[]", created_at: NOW, revoked_at: NOW };
		await insertRow("api_keys", { id: keyId, tenant_id: tenantId, ...row });
		const before = await actionsOf(tenantId);

		await revokeApiKey(db, keyId, null, byOperator());
		await revokeApiKey(db, "key_unknown", null, byOperator());
		await updateTenant(db, tenantId, { name: "acme", limits: { tokens_per_day: null } }, byOperator());
		await enableEndpoint(db, endpoint, byOperator());
		const change = { name: endpoint.name, url: null, eventTypes: null, payload: null };
		await updateEndpoint(db, endpoint, change, byOperator());
		const elsewhere = { tenantId, endpointId: anId("we") };
		await deleteEndpoint(db, elsewhere, byOperator());
		await rotateEndpointSecret(
			db,
			elsewhere,
			{ sealedSecret: "v1.new", secretHint: "abcd", keepOldMs: 0 },
			byOperator(),
		);
		await eraseJob(db, await aJob({ tenantId }), anId("tmb"), byOperator());
		await redeliver(db, { tenantId, deliveryId: "dlv_unknown" }, byOperator());
		await redeliverJob(db, jobOf({ tenantId }), byOperator());
		await recoverDeliveries(db, endpoint, { sinceMs: 0, limit: 10 }, byOperator());

		expect(await actionsOf(tenantId)).toEqual(before);
	});
});

describe("each act that changes something", () => {
	it("is listed in its own tenant's log and in no other", async () => {
		const [{ tenantId }, other] = [await aTenant(), await aTenant()];
		const endpoint = await anEndpoint(tenantId);
		const job = await aJob({ tenantId, status: "succeeded" });
		const delivery = await aDelivery(job, { status: "exhausted" });
		const missed = {
			endpointId: endpoint.endpointId,
			deliveryId: `${delivery.deliveryId}2`,
			status: "skipped",
		} as const;
		await aDelivery(job, missed);
		await disable(endpoint);
		const keyId = anId("key");
		const row = { name: "k", key_hash: "a".repeat(64), scopes: "[]", created_at: NOW };
		await insertRow("api_keys", { id: keyId, tenant_id: tenantId, ...row });

		await revokeApiKey(db, keyId, null, byOperator());
		await updateTenant(db, tenantId, { name: "Acme", limits: null }, byOperator());
		await enableEndpoint(db, endpoint, byOperator());
		await updateEndpoint(db, endpoint, { name: "new", url: null, eventTypes: null, payload: null }, byOperator());
		await recoverDeliveries(db, endpoint, { sinceMs: 0, limit: 10 }, byOperator());
		await redeliver(db, delivery, byOperator());
		await redeliverJob(db, job, byOperator());
		const again = aNewJob({ tenantId, retryOf: job.jobId });
		await submitJob(db, { ...again, retriedBy: byOperator() });
		const idempotency = { key: "k", fingerprint: "f".repeat(64) };
		await submitJob(db, { ...again, jobId: anId("job"), idempotency, retriedBy: byOperator() });
		await eraseJob(db, job, anId("tmb"), byOperator());
		await rotateEndpointSecret(
			db,
			endpoint,
			{ sealedSecret: "v1.new", secretHint: "abcd", keepOldMs: 0 },
			byOperator(),
		);
		await deleteEndpoint(db, endpoint, byOperator());

		expect((await actionsOf(tenantId)).toReversed()).toEqual([
			"endpoint.created",
			"key.revoked",
			"tenant.updated",
			"endpoint.enabled",
			"endpoint.updated",
			"deliveries.recovered",
			"delivery.redelivered",
			"job.redelivered",
			"job.retried",
			"job.retried",
			"job.erased",
			"endpoint.secret_rotated",
			"endpoint.deleted",
		]);
		expect(await actionsOf(other.tenantId)).toEqual([]);
	});

	it("is not a submission", async () => {
		const { tenantId } = await aTenant();
		await submitJob(db, aNewJob({ tenantId }));
		expect(await actionsOf(tenantId)).toEqual([]);
	});
});
