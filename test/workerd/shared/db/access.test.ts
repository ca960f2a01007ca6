import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS, TenantLimits } from "../../../../shared/core/tenants/tenant.ts";
import { Database } from "../../../../shared/db/database.ts";
import { findPendingDeliveries } from "../../../../shared/db/deliveries/find-deliveries.ts";
import {
	createApiKey,
	findApiKey,
	findKeyInForce,
	listApiKeys,
	noteKeyUse,
	revokeApiKey,
} from "../../../../shared/db/tenants/api-keys.ts";
import {
	createTenant,
	findTenant,
	listTenants,
	revealWebhookSecret,
	rotateWebhookSecret,
	updateTenant,
} from "../../../../shared/db/tenants/tenants.ts";
import { runtime } from "../../../../workers/runtime.ts";
import { anId, HOUR, MINUTE, NOW, SECOND } from "../../../support/job-of.ts";
import { aDelivery, aJob, aTenant, BY, databaseAt, db } from "../../support/a-job.ts";
import { meteredD1 } from "../../support/watched-d1.ts";

const HASH = "a".repeat(64);

const newKey = (tenantId: string, expiresAt: number | null = null) => ({
	keyId: anId("key"),
	tenantId,
	name: "ci",
	keyHash: HASH,
	scopes: ["jobs:read", "jobs:write"],
	expiresAt,
	makerId: null,
});
const newestFirst = (limit: number, after: string | null = null) => ({ limit, after, isAscending: false });

describe("tenants", () => {
	it("are found as they were made", async () => {
		const limits = TenantLimits.parse({ running_jobs: 3 });
		const made = await createTenant(db, { tenantId: anId("ten"), name: "acme", limits, sealedSecret: "v1.sealed" }, BY);
		expect(made).toMatchObject({ name: "acme", createdAt: NOW });
		expect(made.limits).toEqual({ ...DEFAULT_LIMITS, running_jobs: 3 });
		const use = { openJobs: 0, tokensToday: null, storedBytes: null };
		expect(await findTenant(db, made.tenantId)).toEqual({ ...made, use });
		expect(await revealWebhookSecret(db, made.tenantId, BY)).toBe("v1.sealed");
		expect(await findTenant(db, "ten_unknown")).toBeNull();
		expect(await revealWebhookSecret(db, "ten_unknown", BY)).toBeNull();
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
		return (await findPendingDeliveries(databaseAt(at), [delivery]))[0]?.sealedSecrets;
	}

	it("lets the old one sign beside the new one until its time is over", async () => {
		const { tenantId } = await aTenant();
		const old = await revealWebhookSecret(db, tenantId, BY);
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
		const old = await revealWebhookSecret(db, tenantId, BY);
		await rotateWebhookSecret(db, tenantId, { sealedSecret: "v1.new", keepOldMs: HOUR }, BY);
		await rotateWebhookSecret(db, tenantId, { sealedSecret: "v1.new", keepOldMs: HOUR }, BY);
		expect(await secretsAt(tenantId, NOW)).toEqual(["v1.new", old]);
	});

	it("touches no other tenant", async () => {
		const [mine, theirs] = [await aTenant(), await aTenant()];
		const before = await revealWebhookSecret(db, theirs.tenantId, BY);
		await rotateWebhookSecret(db, mine.tenantId, { sealedSecret: "v1.new", keepOldMs: HOUR }, BY);
		expect(await revealWebhookSecret(db, theirs.tenantId, BY)).toBe(before);
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
			madeBy: null,
			createdAt: NOW,
			lastUsedAt: null,
			expiresAt: null,
			revokedAt: null,
		});
		expect(await findKeyInForce(db, key.keyId)).toEqual({
			keyId: key.keyId,
			tenantId,
			keyHash: HASH,
			scopes: key.scopes,
			name: "ci",
			tenantName: expect.any(String),
			expiresAt: null,
			expiresInMs: null,
			isUseNoted: false,
			requests: 2_500,
			waits: 100,
		});
	});

	it("are at most as many in force as the tenant may have, however many are made at once", async () => {
		const { tenantId } = await aTenant();
		await updateTenant(db, tenantId, { name: null, limits: { api_keys: 3 } }, BY);
		const keys = [newKey(tenantId, NOW + HOUR), ...Array.from({ length: 5 }, () => newKey(tenantId))];
		const make = (key: (typeof keys)[number], at = NOW) => createApiKey(databaseAt(at), key, BY);
		const made = await Promise.all(keys.map((key) => make(key)));
		expect(made.filter((one) => one !== null && "limit" in one)).toEqual(Array(3).fill({ limit: 3 }));
		expect(await listApiKeys(db, tenantId, newestFirst(9))).toHaveLength(3);
		// A repeat is no further key, and one that expired makes room.
		expect(await make(keys[0] ?? newKey(""))).toMatchObject({ keyId: keys[0]?.keyId });
		expect(await make(newKey(tenantId), NOW + HOUR)).toHaveProperty("keyId");
		expect(await make(newKey(tenantId), NOW + HOUR)).toEqual({ limit: 3 });
		await updateTenant(db, tenantId, { name: null, limits: { api_keys: null } }, BY);
		expect(await make(newKey(tenantId))).toHaveProperty("keyId");
	});

	it("are at most fifty of a tenant whose row does not name the limit", async () => {
		const { tenantId } = await aTenant();
		await env.DB.prepare("UPDATE tenants SET limits = '{}' WHERE id = ?1").bind(tenantId).run();
		for (let made = 0; made < 50; made++) expect(await createApiKey(db, newKey(tenantId), BY)).toHaveProperty("keyId");
		expect(await createApiKey(db, newKey(tenantId), BY)).toEqual({ limit: 50 });
	});

	it("are not made for a tenant that does not exist", async () => {
		const key = newKey("ten_unknown");
		expect(await createApiKey(db, key, BY)).toBeNull();
		expect(await listApiKeys(db, "ten_unknown", newestFirst(10))).toEqual([]);
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
		expect(await revokeApiKey(databaseAt(NOW + SECOND), key.keyId, null, BY)).toEqual([key.keyId]);
		expect(await findKeyInForce(db, key.keyId)).toBeNull();
		expect(await revokeApiKey(databaseAt(NOW + HOUR), key.keyId, tenantId, BY)).toEqual([key.keyId]);
		expect(await listApiKeys(db, tenantId, newestFirst(1))).toMatchObject([{ revokedAt: NOW + SECOND }]);
		expect(await revokeApiKey(db, "key_unknown", null, BY)).toEqual([]);
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
		const first = await listApiKeys(db, tenantId, newestFirst(2));
		const second = await listApiKeys(db, tenantId, newestFirst(2, first.at(-1)?.keyId));
		expect([...first, ...second].map(({ keyId }) => keyId)).toEqual(ids);
		const oldest = await listApiKeys(db, tenantId, { limit: 2, after: ids[2] ?? null, isAscending: true });
		expect(oldest.map(({ keyId }) => keyId)).toEqual([ids[1], ids[0]]);
	});

	it("are made by a key of the same tenant that is in force at that moment, or by none", async () => {
		const [mine, theirs] = [newKey((await aTenant()).tenantId, NOW + HOUR), newKey((await aTenant()).tenantId)];
		for (const maker of [mine, theirs]) await createApiKey(db, maker, BY);
		const made = async (maker: typeof mine, at = NOW) =>
			(await createApiKey(databaseAt(at), { ...newKey(mine.tenantId), makerId: maker.keyId }, BY)) !== null;
		expect([await made(mine), await made(theirs), await made(mine, NOW + HOUR)]).toEqual([true, false, false]);
		await revokeApiKey(db, mine.keyId, null, BY);
		expect(await made(mine)).toBe(false);
	});

	it("are made once, however often one is asked for again under its id", async () => {
		const key = newKey((await aTenant()).tenantId);
		const first = await createApiKey(db, key, BY);
		expect(await createApiKey(databaseAt(NOW + SECOND), key, BY)).toEqual(first);
		expect(await listApiKeys(db, key.tenantId, newestFirst(10))).toEqual([first]);
	});

	it("are found and revoked by their own tenant alone, or by the operator", async () => {
		const [key, foreign] = [newKey((await aTenant()).tenantId), await aTenant()];
		await createApiKey(db, key, BY);
		expect(await findApiKey(db, foreign.tenantId, key.keyId)).toBeNull();
		expect(await revokeApiKey(db, key.keyId, foreign.tenantId, BY)).toEqual([]);
		expect(await findApiKey(db, key.tenantId, key.keyId)).toMatchObject({ keyId: key.keyId, revokedAt: null });
	});

	it("say in which hour they were last used, at the cost of one row in that hour", async () => {
		const key = newKey((await aTenant()).tenantId);
		const hour = Math.floor(NOW / HOUR) * HOUR + HOUR;
		await createApiKey(db, key, BY);
		const usedAt = async (at: number) => {
			const metered = meteredD1(env.DB);
			await noteKeyUse(new Database(metered.d1, runtime, () => at), key.keyId);
			const { lastUsedAt } = (await findApiKey(db, key.tenantId, key.keyId)) ?? {};
			return [lastUsedAt, metered.read().rowsWritten];
		};
		// Not before it was made.
		expect(await usedAt(NOW)).toEqual([NOW, 1]);
		expect(await usedAt(hour + MINUTE)).toEqual([hour, 1]);
		expect(await usedAt(hour + 59 * MINUTE)).toEqual([hour, 0]);
		// A clock that goes back takes nothing back.
		expect(await usedAt(hour - MINUTE)).toEqual([hour, 0]);
		const isNoted = async (at: number) => (await findKeyInForce(databaseAt(at), key.keyId))?.isUseNoted;
		expect([await isNoted(hour), await isNoted(hour + HOUR - 1), await isNoted(hour + HOUR)]).toEqual([
			true,
			true,
			false,
		]);
	});
});
