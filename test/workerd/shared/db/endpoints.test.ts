import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { TenantLimits } from "../../../../shared/core/tenants/tenant.ts";
import { DISABLED_REASONS } from "../../../../shared/core/webhooks/webhook-endpoint.ts";
import { Database } from "../../../../shared/db/database.ts";
import { findDelivery } from "../../../../shared/db/deliveries/find-deliveries.ts";
import { type DeliveryFilter, listDeliveryPage } from "../../../../shared/db/deliveries/list-deliveries.ts";
import {
	createEndpoint,
	deleteEndpoint,
	enableEndpoint,
	findEndpoint,
	listEndpoints,
	rotateEndpointSecret,
	updateEndpoint,
} from "../../../../shared/db/deliveries/webhook-endpoints.ts";
import { runtime } from "../../../../workers/runtime.ts";
import { anId, HOUR, MINUTE, NOW } from "../../../support/job-of.ts";
import { aDelivery, aJob, aTenant, BY, copyRow, databaseAt, db, deliveryRowOf } from "../../support/a-job.ts";
import { ANY_DELIVERY, aDeliveryTo, anEndpoint, disable } from "../../support/an-endpoint.ts";
import { meteredD1 } from "../../support/watched-d1.ts";

let tenantId = "";
beforeEach(async () => {
	({ tenantId } = await aTenant());
});

const LATER = databaseAt(NOW + HOUR);
const UNCHANGED = { name: null, url: null, eventTypes: null, payload: null };
const elsewhere = { tenantId: "ten_00000000000000000000000000" };

async function tenantWith(limit: number | null): Promise<string> {
	return (await aTenant({ limits: TenantLimits.parse({ webhook_endpoints: limit }) })).tenantId;
}

async function pauseOf(endpoint: { tenantId: string; endpointId: string }) {
	const key = `receiver:${endpoint.tenantId} ${endpoint.endpointId}`;
	return await env.DB.prepare("SELECT failures FROM receiver_breakers WHERE key = ?1").bind(key).first();
}

async function pause(endpoint: { tenantId: string; endpointId: string }) {
	await env.DB.prepare("INSERT INTO receiver_breakers VALUES (?1, 3, ?2, ?2, ?2)")
		.bind(`receiver:${endpoint.tenantId} ${endpoint.endpointId}`, NOW)
		.run();
}

describe("createEndpoint", () => {
	const create = (tenantId: string, name = "crm", endpointId = anId("we")) =>
		createEndpoint(
			db,
			{
				tenantId,
				endpointId,
				name,
				url: "https://receiver.test/hook",
				eventTypes: ["job.*"],
				payload: "full",
				sealedSecret: "v1",
				secretHint: "abcd",
			},
			BY,
		);

	it("makes as many as the tenant may have and not one more, when thirty are asked for at once", async () => {
		const owner = await tenantWith(20);
		const made = await Promise.all(Array.from({ length: 30 }, () => create(owner)));
		expect(made.filter((endpoint) => endpoint !== null)).toHaveLength(20);
		expect(await listEndpoints(db, owner, { limit: 100, after: null, isAscending: false })).toHaveLength(20);
	});

	it("asked again after a lost answer, answers what it made, and counts it once", async () => {
		const owner = await tenantWith(1);
		const endpointId = anId("we");
		const made = await create(owner, "crm", endpointId);
		expect(made).not.toBeNull();
		expect(await create(owner, "crm", endpointId)).toEqual(made);
		expect(await create(owner)).toBeNull();
	});

	it("counts the tenant's own, and has room again when one is deleted", async () => {
		const owner = await tenantWith(1);
		await create(tenantId);
		const first = await create(owner);
		expect([first?.tenantId, await create(owner)]).toEqual([owner, null]);
		expect(first !== null && (await deleteEndpoint(db, first, BY))).toBe(true);
		expect(await create(owner)).not.toBeNull();
	});

	it("makes none for a limit of 0 or a tenant that is gone, and any number without a limit", async () => {
		expect(await create(await tenantWith(0))).toBeNull();
		expect(await create(anId("ten"))).toBeNull();
		const owner = await tenantWith(null);
		const made = await Promise.all(Array.from({ length: 25 }, () => create(owner)));
		expect(made).not.toContain(null);
	});

	it("keeps what it was given, whatever a name is made of", async () => {
		for (const name of ["'; DROP TABLE jobs; --", "\u0000", "a\u0000b", "👩‍👩‍👧", "\u202e?1"]) {
			const made = await create(tenantId, name);
			expect(made).toMatchObject({ name, eventTypes: ["job.*"], status: "enabled", disabledAt: null, createdAt: NOW });
			expect(made !== null && (await findEndpoint(db, made))).toEqual(made);
		}
	});
});

describe("updateEndpoint", () => {
	it("changes what it is given, and when it was changed", async () => {
		const endpoint = await anEndpoint(tenantId);
		const change = { name: "new", url: "https://b.test/", eventTypes: ["job.failed"], payload: "thin" as const };
		for (const field of ["name", "url", "eventTypes", "payload"] as const) {
			const old = await anEndpoint(tenantId);
			const changed = await updateEndpoint(LATER, old, { ...UNCHANGED, [field]: change[field] }, BY);
			expect(changed).toEqual({ ...old, [field]: change[field], updatedAt: NOW + HOUR });
		}
		expect(await findEndpoint(db, endpoint)).toEqual(endpoint);
	});

	it("does not move the time of change when nothing changes", async () => {
		const endpoint = await anEndpoint(tenantId);
		const { name, url, eventTypes, payload } = endpoint;
		for (const change of [UNCHANGED, { name, url, eventTypes, payload }]) {
			expect(await updateEndpoint(LATER, endpoint, change, BY)).toEqual(endpoint);
		}
	});

	it("knows no endpoint of another tenant", async () => {
		const endpoint = await anEndpoint(tenantId);
		expect(await updateEndpoint(LATER, { ...endpoint, ...elsewhere }, { ...UNCHANGED, name: "x" }, BY)).toBeNull();
		expect(await findEndpoint(db, endpoint)).toEqual(endpoint);
		expect(await findEndpoint(db, { ...endpoint, ...elsewhere })).toBeNull();
	});
});

describe("rotateEndpointSecret", () => {
	const rotate = (endpoint: { tenantId: string; endpointId: string }, sealedSecret: string, keepOldMs: number) =>
		rotateEndpointSecret(LATER, endpoint, { sealedSecret, secretHint: "wxyz", keepOldMs }, BY);
	const secretsAt = async (at: number, endpoint: { tenantId: string; endpointId: string }) =>
		(await findEndpoint(databaseAt(at), endpoint))?.sealedSecrets;

	it("puts a new secret into force and the old one out", async () => {
		const endpoint = await anEndpoint(tenantId);
		const rotated = await rotate(endpoint, "new", 0);
		expect(rotated).toEqual({ ...endpoint, sealedSecrets: ["new"], secretHint: "wxyz", updatedAt: NOW + HOUR });
	});

	it("keeps the old one in force beside the new one for as long as was asked, and no longer", async () => {
		const endpoint = await anEndpoint(tenantId);
		const [old = ""] = endpoint.sealedSecrets;
		expect((await rotate(endpoint, "new", 24 * HOUR))?.sealedSecrets).toEqual(["new", old]);
		expect(await secretsAt(NOW + 25 * HOUR - 1, endpoint)).toEqual(["new", old]);
		expect(await secretsAt(NOW + 25 * HOUR, endpoint)).toEqual(["new"]);
		await rotate(endpoint, "newer", 0);
		expect(await secretsAt(NOW + HOUR, endpoint)).toEqual(["newer"]);
	});

	it("does not let the old one go when it is repeated because its answer was lost", async () => {
		const endpoint = await anEndpoint(tenantId);
		const first = await rotate(endpoint, "new", 24 * HOUR);
		expect(await rotate(endpoint, "new", 24 * HOUR)).toEqual(first);
		expect(await secretsAt(NOW + 2 * HOUR, endpoint)).toEqual(["new", ...endpoint.sealedSecrets]);
	});

	it("knows no endpoint of another tenant", async () => {
		const endpoint = await anEndpoint(tenantId);
		expect(await rotate({ ...endpoint, ...elsewhere }, "new", 0)).toBeNull();
		expect(await findEndpoint(db, endpoint)).toEqual(endpoint);
	});
});

describe("listEndpoints", () => {
	it("gives a tenant's own page by page, from either end", async () => {
		const ids: string[] = [];
		for (let minute = 0; minute < 5; minute++) {
			ids.push((await anEndpoint(tenantId, { createdAt: NOW + minute * MINUTE })).endpointId);
		}
		await anEndpoint((await aTenant()).tenantId);
		const page = async (after: string | null, isAscending: boolean) =>
			(await listEndpoints(db, tenantId, { limit: 2, after, isAscending })).map(({ endpointId }) =>
				ids.indexOf(endpointId),
			);
		expect(await page(null, false)).toEqual([4, 3]);
		expect(await page(ids[3] ?? "", false)).toEqual([2, 1]);
		expect(await page(ids[1] ?? "", false)).toEqual([0]);
		expect(await page(null, true)).toEqual([0, 1]);
		expect(await page(ids[3] ?? "", true)).toEqual([4]);
	});
});

describe("enableEndpoint", () => {
	it("takes a disabled endpoint back into service, with a clean record", async () => {
		const endpoint = await anEndpoint(tenantId);
		await pause(endpoint);
		await disable(endpoint);
		expect(await findEndpoint(db, endpoint)).toMatchObject({
			status: "disabled",
			disabledAt: NOW,
			disabledReason: "gone",
		});
		expect(await enableEndpoint(LATER, endpoint, BY)).toEqual({ ...endpoint, updatedAt: NOW + HOUR });
		expect(await pauseOf(endpoint)).toBeNull();
	});

	it("changes nothing of an enabled one, and knows none of another tenant", async () => {
		const endpoint = await anEndpoint(tenantId);
		expect(await enableEndpoint(LATER, endpoint, BY)).toEqual(endpoint);
		await disable(endpoint);
		await pause(endpoint);
		expect(await enableEndpoint(LATER, { ...endpoint, ...elsewhere }, BY)).toBeNull();
		expect(await findEndpoint(db, endpoint)).toMatchObject({ status: "disabled" });
		expect(await pauseOf(endpoint)).not.toBeNull();
	});
});

describe("deleteEndpoint", () => {
	it("deletes the endpoint and what was known of its troubles, once", async () => {
		const endpoint = await anEndpoint(tenantId);
		const neighbour = await anEndpoint(tenantId);
		await pause(endpoint);
		expect(await deleteEndpoint(db, { ...endpoint, ...elsewhere }, BY)).toBe(false);
		expect(await findEndpoint(db, endpoint)).toEqual(endpoint);
		expect([await deleteEndpoint(db, endpoint, BY), await deleteEndpoint(db, endpoint, BY)]).toEqual([true, false]);
		expect([await findEndpoint(db, endpoint), await pauseOf(endpoint)]).toEqual([null, null]);
		expect(await findEndpoint(db, neighbour)).toEqual(neighbour);
	});
});

interface Ask {
	filter?: Partial<DeliveryFilter>;
	limit?: number;
	after?: string | null;
}

async function list(owner: string, { filter = {}, limit = 2, after = null }: Ask, from = db) {
	const query = { tenantId: owner, filter: { ...ANY_DELIVERY, ...filter }, limit, after };
	const { items, ...page } = await listDeliveryPage(from, query);
	return { ids: items.map(({ deliveryId }) => deliveryId), ...page };
}

async function listAll(owner: string, ask: Ask) {
	const ids: string[] = [];
	for (let after: string | null = null, pages = 1; ; pages++) {
		const page = await list(owner, { ...ask, after });
		ids.push(...page.ids);
		after = page.nextAfter;
		if (after === null) return { ids, pages };
	}
}

describe("listDeliveryPage", () => {
	it("gives an endpoint's own, newest first, and of one time by their id", async () => {
		const endpoint = await anEndpoint(tenantId);
		const { endpointId } = endpoint;
		const job = await aJob({ tenantId, status: "succeeded" });
		const at = [NOW, NOW + 2, NOW + 1, NOW + 1, NOW + 3];
		const ids = at.map((_, index) => `dlv_${job.jobId.slice(4)}_${index}`);
		for (const [index, createdAt] of at.entries()) {
			await aDeliveryTo(endpoint, job, { deliveryId: ids[index] ?? "", createdAt });
		}
		await aDeliveryTo(await anEndpoint(tenantId), job);
		const page = async (after: string | null, filter: Partial<DeliveryFilter> = {}) =>
			(await list(tenantId, { filter: { endpointId, ...filter }, after })).ids.map((id) => ids.indexOf(id));
		expect(await page(null)).toEqual([4, 1]);
		expect(await page(ids[1] ?? "")).toEqual([3, 2]);
		expect(await page(ids[3] ?? "")).toEqual([2, 0]);
		expect(await page(ids[0] ?? "")).toEqual([]);
		expect(await page("dlv_unknown")).toEqual([]);
		expect(await page(ids[1] ?? "", { createdAfter: NOW + 1 })).toEqual([]);
		expect(await page(null, { statuses: ["pending"], createdAfter: NOW + 1 })).toEqual([4, 1]);
		expect(await page(ids[1] ?? "", { statuses: ["pending"] })).toEqual([3, 2]);
		expect(await list(elsewhere.tenantId, { filter: { endpointId } })).toMatchObject({ ids: [] });
	});

	it("gives a tenant's own, those of the newest jobs first, of any receiver, and all that match", async () => {
		const endpoint = await anEndpoint(tenantId);
		const ids: string[] = [];
		for (const given of [{ status: "delivered" as const }, { status: "exhausted" as const, createdAt: NOW + 5 }, {}]) {
			const job = await aJob({ tenantId, status: "succeeded" });
			ids.push((await aDelivery(job, given)).deliveryId, (await aDeliveryTo(endpoint, job, given)).deliveryId);
		}
		const newest = ids.toSorted().toReversed();
		expect(await list(tenantId, { limit: 6 })).toEqual({ ids: newest, hasMore: false, nextAfter: null });
		for (const limit of [1, 2, 5]) expect((await listAll(tenantId, { limit })).ids).toEqual(newest);
		const matching = async (filter: Partial<DeliveryFilter>) =>
			(await listAll(tenantId, { filter, limit: 1 })).ids.map((id) => ids.indexOf(id)).sort();
		expect(await matching({ statuses: ["delivered", "pending"] })).toEqual([0, 1, 4, 5]);
		expect(await matching({ statuses: ["exhausted", "skipped"] })).toEqual([2, 3]);
		expect(await matching({ statuses: ["exhausted"], endpointId: endpoint.endpointId })).toEqual([3]);
		expect(await matching({ createdAfter: NOW })).toEqual([2, 3]);
		expect(await matching({ eventType: "job.succeeded", statuses: ["pending"] })).toEqual([4, 5]);
		expect(await matching({ eventType: "job.failed" })).toEqual([]);
	});

	it("looks at 1,000 rows for a page, however few match, and misses none", async () => {
		const endpoint = await anEndpoint(tenantId);
		const { endpointId } = endpoint;
		const { deliveryId: rare } = await aDeliveryTo(endpoint, await aJob({ tenantId }), { createdAt: NOW - 1 });
		const common = deliveryRowOf(await aDeliveryTo(endpoint, await aJob({ tenantId }), { status: "delivered" }));
		await copyRow("deliveries", common, 1_499, { id: `'${common.id}' || n.i` });
		const meter = meteredD1(env.DB);
		const metered = new Database(meter.d1, runtime, () => NOW);
		for (const [filter, pages] of [
			[{ statuses: ["pending"] }, 2],
			[{ statuses: ["pending"], endpointId }, 4],
			[{ eventType: "job.failed" }, 2],
			[{ statuses: ["skipped", "exhausted"] }, 1],
			[{ statuses: ["skipped", "exhausted"], endpointId }, 1],
			[{ endpointId, createdAfter: NOW }, 1],
		] satisfies [Partial<DeliveryFilter>, number][]) {
			expect(await listAll(tenantId, { filter })).toEqual({
				ids: filter.statuses?.[0] === "pending" ? [rare] : [],
				pages,
			});
			meter.read();
			const first = await list(tenantId, { filter }, metered);
			expect(first.hasMore).toBe(pages > 1);
			// Rows of temporary tables count, too.
			expect(meter.read().rowsRead).toBeLessThanOrEqual(pages > 1 ? 3_100 : 10);
		}
	});

	it("reads as many rows for the last page as for the first, however many there are", async () => {
		const endpoint = await anEndpoint(tenantId);
		const { endpointId } = endpoint;
		const job = await aJob({ tenantId, status: "succeeded" });
		const ids = Array.from({ length: 300 }, (_, index) => `dlv_${job.jobId.slice(4)}_${1000 + index}`);
		for (const deliveryId of ids) await aDeliveryTo(endpoint, job, { deliveryId });
		const meter = meteredD1(env.DB);
		const metered = new Database(meter.d1, runtime, () => NOW);
		for (const filter of [{ endpointId }, {}]) {
			await list(tenantId, { filter, limit: 5 }, metered);
			const first = meter.read().rowsRead;
			expect((await list(tenantId, { filter, limit: 5, after: ids[10] ?? "" }, metered)).ids).toHaveLength(5);
			expect(meter.read().rowsRead).toBeLessThanOrEqual(first + 2);
		}
	});
});

describe("findDelivery", () => {
	it("knows none of another tenant", async () => {
		const delivery = await aDeliveryTo(await anEndpoint(tenantId), await aJob({ tenantId, status: "succeeded" }));
		expect(await findDelivery(db, delivery)).toMatchObject({ deliveryId: delivery.deliveryId });
		expect(await findDelivery(db, { ...delivery, ...elsewhere })).toBeNull();
	});
});

describe("the table of endpoints refuses", () => {
	it.each([
		["an unknown status", "status = 'paused'", "status IN"],
		["an unknown reason", "status = 'disabled', disabled_at = 1, disabled_reason = 'bored'", "disabled_reason IN"],
		["to be disabled without a time", "status = 'disabled', disabled_reason = 'gone'", "disabled_at_a_time"],
		["to be disabled without a reason", "status = 'disabled', disabled_at = 1", "disabled_at_a_time"],
		["to be enabled with a reason", "disabled_at = 1, disabled_reason = 'gone'", "disabled_at_a_time"],
		["an old secret that signs for ever", "previous_secret = 'v1'", "previous_secret_has_an_end"],
		["an unknown payload", "payload = 'whole'", "payload IN"],
		["event types that are no list", "event_types = '\"job.*\"'", "json_type(event_types)"],
	])("%s", async (_, change, constraint) => {
		const { endpointId } = await anEndpoint(tenantId);
		const update = env.DB.prepare(`UPDATE webhook_endpoints SET ${change} WHERE id = ?1`).bind(endpointId);
		await expect(update.run()).rejects.toThrow(constraint);
	});

	it("no state and no reason that the code knows", async () => {
		const endpoint = await anEndpoint(tenantId);
		for (const reason of DISABLED_REASONS) {
			await env.DB.prepare(
				"UPDATE webhook_endpoints SET status = 'disabled', disabled_at = 1, disabled_reason = ?2 WHERE id = ?1",
			)
				.bind(endpoint.endpointId, reason)
				.run();
			expect(await findEndpoint(db, endpoint)).toMatchObject({ status: "disabled", disabledReason: reason });
		}
	});
});
