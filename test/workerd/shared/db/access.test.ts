import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { TenantLimits } from "../../../../shared/core/tenant.ts";
import { createApiKey, findKeyInForce, listApiKeys, revokeApiKey } from "../../../../shared/db/api-keys.ts";
import { findOwedDeliveries } from "../../../../shared/db/find-deliveries.ts";
import {
	createTenant,
	findTenant,
	findWebhookSecret,
	listTenants,
	rotateWebhookSecret,
	updateTenant,
} from "../../../../shared/db/tenants.ts";
import { aDelivery, aJob, anId, aTenant, BY, databaseAt, db, HOUR, NOW, SECOND } from "../../support/a-job.ts";

const HASH = "a".repeat(64);

const newKey = (tenantId: string, expiresAt: number | null = null) => ({
	keyId: anId("key"),
	tenantId,
	name: "ci",
	keyHash: HASH,
	scopes: ["jobs:read", "jobs:write"],
	expiresAt,
});

describe("tenants", () => {
	it("are found as they were made", async () => {
		const limits = TenantLimits.parse({ running_jobs: 3 });
		const made = await createTenant(db, { tenantId: anId("ten"), name: "acme", limits, sealedSecret: "v1.sealed" }, BY);
		expect(made).toMatchObject({ name: "acme", createdAt: NOW });
		expect(made.limits).toEqual({ open_jobs: null, running_jobs: 3, tokens_per_day: null, webhook_endpoints: 20 });
		expect(await findTenant(db, made.tenantId)).toEqual(made);
		expect(await findWebhookSecret(db, made.tenantId)).toBe("v1.sealed");
		expect(await findTenant(db, "ten_unknown")).toBeNull();
		expect(await findWebhookSecret(db, "ten_unknown")).toBeNull();
	});

	it("are listed newest first, page by page", async () => {
		const ids = [];
		for (let made = 0; made < 3; made++) ids.unshift((await aTenant()).tenantId);
		const first = await listTenants(db, 2, null);
		const second = await listTenants(db, 1, first.at(-1)?.tenantId ?? null);
		expect([...first, ...second].map(({ tenantId }) => tenantId)).toEqual(ids);
	});

	it("keep what a change does not name", async () => {
		const tenant = await aTenant();
		const limits = TenantLimits.parse({ open_jobs: 7 });
		const limitedTo7 = { ...tenant, limits };
		expect((await updateTenant(db, tenant.tenantId, { name: null, limits }, BY))?.tenant).toEqual(limitedTo7);
		const renamed = await updateTenant(db, tenant.tenantId, { name: "b", limits: null }, BY);
		expect(renamed?.tenant).toEqual({ ...limitedTo7, name: "b" });
		expect(await updateTenant(db, "ten_unknown", { name: "b", limits: null }, BY)).toBeNull();
	});
});

describe("rotating a tenant's secret", () => {
	/** The sealed secrets that sign at `at`. */
	async function secretsAt(tenantId: string, at: number) {
		const delivery = await aDelivery(await aJob({ tenantId, status: "succeeded" }));
		return (await findOwedDeliveries(databaseAt(at), [delivery]))[0]?.sealedSecrets;
	}

	it("lets the old one sign beside the new one until its time is over", async () => {
		const { tenantId } = await aTenant();
		const old = await findWebhookSecret(db, tenantId);
		await rotateWebhookSecret(db, tenantId, { sealedSecret: "v1.new", keepOldMs: HOUR }, BY);
		expect(await secretsAt(tenantId, NOW + HOUR - 1)).toEqual(["v1.new", old]);
		expect(await secretsAt(tenantId, NOW + HOUR)).toEqual(["v1.new"]);
	});

	it("ends the old one at once where nothing else is asked for", async () => {
		const { tenantId } = await aTenant();
		await rotateWebhookSecret(db, tenantId, { sealedSecret: "v1.new", keepOldMs: HOUR }, BY);
		await rotateWebhookSecret(db, tenantId, { sealedSecret: "v1.newer", keepOldMs: 0 }, BY);
		expect(await secretsAt(tenantId, NOW)).toEqual(["v1.newer"]);
	});

	it("is the same once or twice with one new secret", async () => {
		const { tenantId } = await aTenant();
		const old = await findWebhookSecret(db, tenantId);
		await rotateWebhookSecret(db, tenantId, { sealedSecret: "v1.new", keepOldMs: HOUR }, BY);
		await rotateWebhookSecret(db, tenantId, { sealedSecret: "v1.new", keepOldMs: HOUR }, BY);
		expect(await secretsAt(tenantId, NOW)).toEqual(["v1.new", old]);
	});

	it("touches no other tenant", async () => {
		const [mine, theirs] = [await aTenant(), await aTenant()];
		const before = await findWebhookSecret(db, theirs.tenantId);
		await rotateWebhookSecret(db, mine.tenantId, { sealedSecret: "v1.new", keepOldMs: HOUR }, BY);
		expect(await findWebhookSecret(db, theirs.tenantId)).toBe(before);
	});
});

describe("API keys", () => {
	it("give their tenant, hash and scopes while they are in force", async () => {
		const { tenantId } = await aTenant();
		const key = newKey(tenantId);
		const made = await createApiKey(db, key, BY);
		expect(made).toEqual({
			keyId: key.keyId,
			tenantId,
			name: "ci",
			scopes: key.scopes,
			createdAt: NOW,
			expiresAt: null,
			revokedAt: null,
		});
		expect(await findKeyInForce(db, key.keyId)).toEqual({
			keyId: key.keyId,
			tenantId,
			keyHash: HASH,
			scopes: key.scopes,
		});
	});

	it("are not made for a tenant that does not exist", async () => {
		const key = newKey("ten_unknown");
		expect(await createApiKey(db, key, BY)).toBeNull();
		expect(await listApiKeys(db, "ten_unknown", 10, null)).toEqual([]);
	});

	it("end at the millisecond they expire", async () => {
		const key = newKey((await aTenant()).tenantId, NOW + SECOND);
		await createApiKey(db, key, BY);
		expect(await findKeyInForce(databaseAt(NOW + SECOND - 1), key.keyId)).not.toBeNull();
		expect(await findKeyInForce(databaseAt(NOW + SECOND), key.keyId)).toBeNull();
	});

	it("are revoked once, for good", async () => {
		const { tenantId } = await aTenant();
		const key = newKey(tenantId);
		await createApiKey(db, key, BY);
		expect(await revokeApiKey(databaseAt(NOW + SECOND), key.keyId, BY)).toBe(true);
		expect(await findKeyInForce(db, key.keyId)).toBeNull();
		expect(await revokeApiKey(databaseAt(NOW + HOUR), key.keyId, BY)).toBe(true);
		expect(await listApiKeys(db, tenantId, 1, null)).toMatchObject([{ revokedAt: NOW + SECOND }]);
		expect(await revokeApiKey(db, "key_unknown", BY)).toBe(false);
	});

	it("end with their tenant", async () => {
		const { tenantId } = await aTenant();
		const key = newKey(tenantId);
		await createApiKey(db, key, BY);
		await env.DB.prepare("DELETE FROM tenants WHERE id = ?1").bind(tenantId).run();
		expect(await findKeyInForce(db, key.keyId)).toBeNull();
	});

	it("are listed newest first, page by page, each tenant's own alone", async () => {
		const { tenantId } = await aTenant();
		const ids = [];
		for (let made = 0; made < 3; made++) {
			const key = newKey(tenantId);
			ids.unshift(key.keyId);
			await createApiKey(db, key, BY);
		}
		await createApiKey(db, newKey((await aTenant()).tenantId), BY);
		const first = await listApiKeys(db, tenantId, 2, null);
		const second = await listApiKeys(db, tenantId, 2, first.at(-1)?.keyId ?? null);
		expect([...first, ...second].map(({ keyId }) => keyId)).toEqual(ids);
	});
});
