/** SIGNING_KEY is replaced: no receiver that verifies signatures notices, and in the end the old key can be removed. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { seal, signingKeyId, unseal } from "../../../shared/crypto/seal.ts";
import { Database } from "../../../shared/db/database.ts";
import { rotateEndpointSecret } from "../../../shared/db/deliveries/webhook-endpoints.ts";
import { countSeals, findSecretsSealedWith } from "../../../shared/db/tenants/sealed-secrets.ts";
import { revealWebhookSecret, rotateWebhookSecret } from "../../../shared/db/tenants/tenants.ts";
import { writeNote } from "../../../shared/db/upkeep/sweeper-notes.ts";
import { runtime } from "../../../workers/runtime.ts";
import { A_SECRET, aDelivery, aJob, aTenant, BY, DAY, databaseAt, HOUR, NOW } from "../support/a-job.ts";
import { emptyTables } from "../support/all-rows.ts";
import { aDeliveryTo, anEndpoint } from "../support/an-endpoint.ts";
import { signersOf } from "../support/signers.ts";
import { meteredD1 } from "../support/watched-d1.ts";
import { RECEIVER } from "../world/upstreams.ts";
import { World } from "../world/world.ts";

const OLD = env.SIGNING_KEY;
const NEW = "n".repeat(40);
const db = databaseAt(NOW);

/** The sweeper has known the new key for a day. */
beforeEach(async () => {
	await emptyTables();
	const keyId = await signingKeyId(runtime, NEW);
	await writeNote(db, "signing_key_seen", JSON.stringify({ keyId, at: NOW - DAY }));
});

const aWorldWith = (...signingKeys: string[]) => new World({ config: { signingKeys } });

async function counts(previousKey: string | null = OLD) {
	const previousKeyId = previousKey === null ? null : await signingKeyId(runtime, previousKey);
	return await countSeals(db, { currentKeyId: await signingKeyId(runtime, NEW), previousKeyId });
}

const ANOTHER = `whsec_${btoa("another-secret-of-the-tenant-32b")}`;

/** With all four kinds of secrets, all sealed under the old key. */
async function aTenantWithSecrets() {
	const { tenantId } = await aTenant();
	const endpoint = await anEndpoint(tenantId, { url: RECEIVER });
	const owner = `${tenantId}|${endpoint.endpointId}`;
	const keepOldMs = DAY;
	const own = { sealedSecret: await seal(runtime, OLD, tenantId, ANOTHER), keepOldMs };
	await rotateWebhookSecret(db, tenantId, own, BY);
	const its = { sealedSecret: await seal(runtime, OLD, owner, ANOTHER), secretHint: "MmI=", keepOldMs };
	await rotateEndpointSecret(db, endpoint, its, BY);
	return { tenantId, endpoint };
}

describe("a new SIGNING_KEY, beside the previous one", () => {
	it("changes no signature: before the secrets are sealed under it, after that, and when the old key is gone", async () => {
		const { tenantId, endpoint } = await aTenantWithSecrets();
		expect(await counts()).toEqual({ underPrevious: 4, underUnknown: 0 });
		const both = aWorldWith(NEW, OLD);
		const onlyNew = aWorldWith(NEW);

		for (const [world, isSwept] of [
			[both, false],
			[both, true],
			[onlyNew, true],
		] as const) {
			if (isSwept) await world.sweep();
			const job = await aJob({ tenantId, status: "failed" });
			await world.start().dispatch(await aDelivery(job, { url: RECEIVER }));
			await world.start().dispatch(await aDeliveryTo(endpoint, job));
			const sent = world.received.splice(0).map((post) => signersOf(post, [ANOTHER, A_SECRET]).toSorted());
			expect(sent).toEqual([
				[0, 1],
				[0, 1],
			]);
			if (isSwept) expect(await counts()).toEqual({ underPrevious: 0, underUnknown: 0 });
		}
	});

	it("would stop webhooks if the old key went before, and the count says that it must not", async () => {
		const { tenantId } = await aTenant();
		expect(await counts()).toEqual({ underPrevious: 1, underUnknown: 0 });
		expect(await counts(null)).toEqual({ underPrevious: 0, underUnknown: 1 });
		const world = aWorldWith(NEW);
		await world.sweep();
		await world.start().dispatch(await aDelivery(await aJob({ tenantId, status: "failed" }), { url: RECEIVER }));
		expect(world.received).toEqual([]);
	});

	it("seals nothing before it was known for a day: a worker that does not have it yet could not open that", async () => {
		await aTenant();
		const world = aWorldWith("m".repeat(40), OLD);
		await world.sweep();
		await world.sweep(DAY - 1);
		expect((await counts()).underPrevious).toBe(1);
		await world.sweep(1);
		expect((await counts()).underPrevious).toBe(0);
	});

	it("does not undo a rotation that comes in between", async () => {
		const { tenantId } = await aTenant();
		const world = aWorldWith(NEW, OLD);
		const sealedSecret = await seal(runtime, NEW, tenantId, ANOTHER);
		const sweeper = world.start();
		sweeper.on(/replace sealed secrets/, async (go) => {
			await rotateWebhookSecret(db, tenantId, { sealedSecret, keepOldMs: 0 }, BY);
			await go();
		});
		await sweeper.sweep();
		expect(await revealWebhookSecret(db, tenantId, BY)).toBe(sealedSecret);
	});

	it("seals a page of a hundred a sweep, and one that does not open keeps no other waiting", async () => {
		const [moved, from] = [await aTenant(), await aTenant()];
		const copy = "UPDATE tenants SET webhook_secret = (SELECT webhook_secret FROM tenants WHERE id = ?1) WHERE id = ?2";
		await env.DB.prepare(copy).bind(from.tenantId, moved.tenantId).run();
		for (let made = 0; made < 108; made++) await aTenant();
		const world = aWorldWith(NEW, OLD);
		await world.sweep();
		expect((await counts()).underPrevious).toBe(11);
		await world.sweep();
		const left = await findSecretsSealedWith(db, await signingKeyId(runtime, OLD), { limit: 100, after: null });
		expect(left.map(({ tenantId }) => tenantId)).toEqual([moved.tenantId]);
	});

	it("reaches what lies behind a whole page of secrets that do not open", async () => {
		const from = await aTenant();
		for (let made = 0; made < 100; made++) await aTenant();
		await env.DB.prepare("UPDATE tenants SET webhook_secret = (SELECT webhook_secret FROM tenants WHERE id = ?1)")
			.bind(from.tenantId)
			.run();
		await aTenant();
		const world = aWorldWith(NEW, OLD);
		for (let sweeps = 0; sweeps < 3; sweeps++) await world.sweep();
		expect((await counts()).underPrevious).toBe(100);
	});

	it("leaves no trace where there is no previous key", async () => {
		await aTenant();
		const world = aWorldWith(OLD);
		const before = await env.DB.prepare("SELECT * FROM tenants").all();
		await world.sweep();
		expect((await env.DB.prepare("SELECT * FROM tenants").all()).results).toEqual(before.results);
		expect(world.calls.filter((call) => call.includes("SELECT * FROM (SELECT"))).toEqual([]);
	});
});

describe("looking for secrets under a key", () => {
	it("reads as many rows whatever the number of those under another", async () => {
		const meter = meteredD1(env.DB);
		const metered = new Database(meter.d1, runtime);
		const [old, current] = [await signingKeyId(runtime, OLD), await signingKeyId(runtime, NEW)];
		const look = async () => {
			await findSecretsSealedWith(metered, current, { limit: 10, after: null });
			await countSeals(metered, { currentKeyId: old, previousKeyId: current });
			return meter.read().rowsRead;
		};
		const { tenantId } = await aTenantWithSecrets();
		const few = await look();
		for (let made = 0; made < 30; made++) await aTenant();
		for (let made = 0; made < 15; made++) await anEndpoint(tenantId, { url: RECEIVER });
		expect(await look()).toBe(few);
	});
});

describe("a sealed secret that is moved to another row", () => {
	it("opens neither for another tenant nor for another endpoint", async () => {
		const [mine, theirs] = [await aTenant(), await aTenant()];
		const sealed = (await revealWebhookSecret(db, mine.tenantId, BY)) ?? "";
		expect(await unseal(runtime, [OLD], mine.tenantId, sealed)).toBe(A_SECRET);
		await expect(unseal(runtime, [OLD], theirs.tenantId, sealed)).rejects.toThrow();

		const [one, other] = [
			await anEndpoint(mine.tenantId, { url: RECEIVER }),
			await anEndpoint(mine.tenantId, { url: RECEIVER }),
		];
		const swap =
			"UPDATE webhook_endpoints SET secret = (SELECT secret FROM webhook_endpoints WHERE id = ?1) WHERE id = ?2";
		await env.DB.prepare(swap).bind(one.endpointId, other.endpointId).run();
		const world = aWorldWith(OLD);
		const job = await aJob({ tenantId: mine.tenantId, status: "failed", createdAt: NOW - HOUR });
		await world.start().dispatch(await aDeliveryTo(other, job));
		expect(world.received).toEqual([]);
		await world.start().dispatch(await aDeliveryTo(one, job));
		expect(world.received.map((post) => signersOf(post, [A_SECRET]))).toEqual([[0]]);
	});
});
