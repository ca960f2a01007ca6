/** Registered receivers: which events each gets, and what becomes of one that fails. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { DeliveryKey } from "../../../shared/core/webhooks/delivery.ts";
import type { WebhookEndpoint } from "../../../shared/core/webhooks/webhook-endpoint.ts";
import { listDeliveries } from "../../../shared/db/deliveries/find-deliveries.ts";
import { recoverDeliveries } from "../../../shared/db/deliveries/redeliver.ts";
import {
	deleteEndpoint,
	enableEndpoint,
	findEndpoint,
	rotateEndpointSecret,
	updateEndpoint,
} from "../../../shared/db/deliveries/webhook-endpoints.ts";
import { finishJobs } from "../../../shared/db/jobs/finish-jobs.ts";
import { ACK } from "../../../shared/queues/dispositions.ts";
import {
	aJob,
	aTenant,
	BY,
	DAY,
	databaseAt,
	db,
	finalizationOf,
	MINUTE,
	NOW,
	reloadDelivery,
	SECOND,
} from "../support/a-job.ts";
import { emptyTables } from "../support/all-rows.ts";
import * as endpoints from "../support/an-endpoint.ts";
import { runOut } from "../world/drive.ts";
import { aModel, answered } from "../world/model.ts";
import { hangs, type Reply, status } from "../world/upstreams.ts";
import { World } from "../world/world.ts";

beforeEach(emptyTables);

const { disable, reloadEndpoint } = endpoints;

let made = 0;
/** Each at a URL of its own. */
const anEndpoint = (tenantId: string, given: Partial<WebhookEndpoint> = {}) =>
	endpoints.anEndpoint(tenantId, { url: `https://hooks.acme-receiver.com/${++made}`, ...given });

const SCHEDULE = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map((s) => s * SECOND);

/** A world in which the receiver at each URL replies with a status of its own; null: with nothing. */
function aWorldOf(statuses: Record<string, number | null> = {}) {
	const reply: Reply = (post) => {
		const code = statuses[post.url];
		return (code === null ? hangs : status(code ?? 204))(post);
	};
	const world = new World({ config: { deliveryScheduleMs: SCHEDULE }, replies: [reply] });
	const { received } = world;
	return { world, received, statuses, receivedAt: (url: string) => received.filter((post) => post.url === url) };
}

const CANCELLED = {
	from: "queued",
	fence: 0,
	status: "cancelled",
	cancellation: "before_start",
	resultBytes: null,
} as const;

/** The deliveries of `count` jobs of `tenantId` that are over. */
async function ended(tenantId: string, count: number): Promise<DeliveryKey[]> {
	const deliveries: DeliveryKey[] = [];
	for (let made = 0; made < count; made++) {
		const [finished] = await finishJobs(db, [finalizationOf(await aJob({ tenantId }), CANCELLED)]);
		deliveries.push(...(finished?.deliveries ?? []));
	}
	return deliveries;
}

/** The delivery of one job that is over. */
async function oneEnded(tenantId: string): Promise<DeliveryKey> {
	const [delivery] = await ended(tenantId, 1);
	if (delivery === undefined) throw new Error("there is no delivery");
	return delivery;
}

/** A world with one endpoint, which replies so. */
async function anEndpointThat(replies: number | null = 204, given: Partial<WebhookEndpoint> = {}) {
	const { tenantId } = await aTenant();
	const endpoint = await anEndpoint(tenantId, given);
	return { ...aWorldOf({ [endpoint.url]: replies }), tenantId, endpoint };
}

const statusesTo = async (endpoint: { tenantId: string; endpointId: string }) =>
	(await endpoints.deliveriesTo(endpoint)).map(({ status }) => status);

describe("a job's events", () => {
	it("go to each endpoint that subscribes to them, under one webhook-id, besides the one-off receiver", async () => {
		const { world, received } = aWorldOf();
		const { tenantId } = await aTenant();
		const all = await anEndpoint(tenantId, { payload: "thin" });
		const good = await anEndpoint(tenantId, { eventTypes: ["job.succeeded"] });
		await anEndpoint(tenantId, { eventTypes: ["job.failed", "endpoint.*"] });
		await anEndpoint((await aTenant()).tenantId);
		const url = "https://hooks.acme-receiver.com/one-off";
		const job = await aJob({ tenantId, webhook: { url, events: null, payload: "full" } });
		await runOut(world, aModel(answered()));
		await world.start(aModel(answered())).consume(job);
		await runOut(world, aModel(answered()));
		const bare = job.jobId.slice(4);
		expect(received.map((post) => [post.type, post.url, post.id]).sort()).toEqual(
			[
				["job.started", all.url, `evt_${bare}_started`],
				["job.succeeded", url, `evt_${bare}_succeeded`],
				["job.succeeded", all.url, `evt_${bare}_succeeded`],
				["job.succeeded", good.url, `evt_${bare}_succeeded`],
			].sort(),
		);
		expect(received.find((post) => post.url === all.url && post.type === "job.succeeded")?.data).toEqual({
			id: job.jobId,
			object: "job",
			status: "succeeded",
		});
	});

	it("have a start once, however often the job is leased", async () => {
		const { world, received } = aWorldOf();
		const { tenantId } = await aTenant();
		await anEndpoint(tenantId, { eventTypes: ["job.started"] });
		const url = "https://hooks.acme-receiver.com/one-off";
		const job = await aJob({ tenantId, webhook: { url, events: ["job.started"], payload: "full" } });
		const model = aModel(() => Promise.reject(new Error("a bug")), answered());
		await world.start(model).consume(job);
		await runOut(world, model);
		expect(received.map(({ type }) => type)).toEqual(["job.started", "job.started"]);
		expect(await listDeliveries(db, job)).toHaveLength(2);
	});

	it("that a disabled endpoint misses are sent on demand once it is enabled, under their own ids", async () => {
		const { world, received, tenantId, endpoint } = await anEndpointThat(204, { eventTypes: ["job.cancelled"] });
		await disable(endpoint);
		expect(await ended(tenantId, 3)).toEqual([]);
		expect(await statusesTo(endpoint)).toEqual(["skipped", "skipped", "skipped"]);
		expect((await recoverDeliveries(db, endpoint, { sinceMs: 0, limit: 100 }, BY)).recovered).toEqual([]);
		await enableEndpoint(db, endpoint, BY);
		expect((await recoverDeliveries(db, endpoint, { sinceMs: 0, limit: 2 }, BY)).recovered).toHaveLength(2);
		expect((await recoverDeliveries(db, endpoint, { sinceMs: 0, limit: 2 }, BY)).recovered).toHaveLength(1);
		await runOut(world, aModel(answered()));
		expect(new Set(received.map(({ id }) => id)).size).toBe(3);
		expect(await statusesTo(endpoint)).toEqual(["delivered", "delivered", "delivered"]);
	});

	it("follow an endpoint to its new address, and are skipped when it is deleted", async () => {
		const { world, received, tenantId, endpoint } = await anEndpointThat(500);
		const [moved, left] = [await oneEnded(tenantId), await oneEnded(tenantId)];
		await world.start().dispatch(moved);
		const url = "https://hooks.acme-receiver.com/moved";
		await updateEndpoint(db, endpoint, { name: null, url, eventTypes: null, payload: null }, BY);
		await world.advance(6 * SECOND);
		await world.start().dispatch(moved);
		await deleteEndpoint(db, endpoint, BY);
		await world.start().dispatch(left);
		expect(received.map((post) => post.url)).toEqual([endpoint.url, url]);
		expect(await reloadDelivery(moved)).toMatchObject({ status: "delivered", url });
		expect(await reloadDelivery(left)).toMatchObject({
			status: "skipped",
			attempts: [{ error: "Not sent: its endpoint was deleted." }],
		});
	});
});

describe("an endpoint that fails", () => {
	it("four times and then receives, sees five requests at the scheduled times under one webhook-id", async () => {
		const { world, received, statuses, tenantId, endpoint } = await anEndpointThat(500);
		const key = await oneEnded(tenantId);
		for (const step of SCHEDULE.slice(0, 5)) {
			// At the latest moment that the jitter allows.
			await world.advance(1.2 * step);
			if (received.length === 4) statuses[endpoint.url] = 204;
			await world.start().dispatch(key);
		}
		expect(received).toHaveLength(5);
		expect(new Set(received.map(({ id }) => id)).size).toBe(1);
		expect(await reloadDelivery(key)).toMatchObject({ status: "delivered", attemptsMade: 5 });
	});

	it("is gated after three failures: one delivery tries, the others wait in D1", async () => {
		const { world, receivedAt, tenantId, endpoint } = await anEndpointThat(500);
		const keys = await ended(tenantId, 12);
		for (const key of keys) expect((await world.start().dispatch(key))?.kind).toMatch(/ack|retry/);
		expect(receivedAt(endpoint.url)).toHaveLength(3);
		for (let sweeps = 1; sweeps <= 3; sweeps++) {
			await world.sweep(MINUTE);
			for (const key of world.deliveries.take()) await world.start().dispatch(key);
		}
		expect(receivedAt(endpoint.url).length).toBeLessThanOrEqual(6);
		expect(await statusesTo(endpoint)).toEqual(Array(12).fill("pending"));
	});

	it("gets all that waited once it has recovered", async () => {
		const { world, received, statuses, tenantId, endpoint } = await anEndpointThat(500, {
			eventTypes: ["job.cancelled"],
		});
		for (const key of await ended(tenantId, 150)) {
			if (received.length < 3) await world.start().dispatch(key);
			else break;
		}
		await world.sweep();
		await world.advance(2 * MINUTE);
		statuses[endpoint.url] = 204;
		await runOut(world, aModel(answered()));
		expect(new Set(await db.all("test", { sql: "SELECT DISTINCT status FROM deliveries", params: [] }))).toEqual(
			new Set([{ status: "delivered" }]),
		);
		expect(await db.all("test", { sql: "SELECT * FROM receiver_breakers", params: [] })).toEqual([]);
	});

	it("keeps no other waiting, not even in its own batch", async () => {
		const { world, statuses, receivedAt } = aWorldOf();
		const { tenantId } = await aTenant();
		const [dead, alive] = [await anEndpoint(tenantId), await anEndpoint(tenantId)];
		statuses[dead.url] = null;
		const keys = await ended(tenantId, 4);
		const [first, ...others] = keys.filter(({ deliveryId }) => deliveryId.endsWith(dead.endpointId));
		const good = keys.filter(({ deliveryId }) => deliveryId.endsWith(alive.endpointId));
		if (first === undefined || good[0] === undefined) throw new Error("there is no delivery");
		const startedAt = world.runtime.now();
		await world.start().dispatch(first, ...good.slice(0, 3));
		expect(receivedAt(alive.url).map(({ at }) => at - startedAt)).toEqual([0, 0, 0]);
		expect(world.runtime.now() - startedAt).toBeLessThanOrEqual(20 * SECOND);
		// It timed out once, which is overload: now the rest of its deliveries wait, and cost no time at all.
		const pausedAt = world.runtime.now();
		for (const key of others) expect(await world.start().dispatch(key)).toEqual(ACK);
		expect(world.runtime.now()).toBe(pausedAt);
		expect(receivedAt(dead.url)).toHaveLength(1);
	});

	it("is disabled by a 410, and the owner's other endpoints get the event", async () => {
		const { world, received, statuses } = aWorldOf();
		const { tenantId } = await aTenant();
		const [gone, watching] = [
			await anEndpoint(tenantId),
			await anEndpoint(tenantId, { eventTypes: ["endpoint.disabled"] }),
		];
		await anEndpoint(tenantId, { eventTypes: ["job.failed"] });
		statuses[gone.url] = 410;
		const [first, second] = [await oneEnded(tenantId), await oneEnded(tenantId)];
		await world.start().dispatch(first);
		expect(await reloadEndpoint(gone)).toMatchObject({ status: "disabled", disabledReason: "gone", disabledAt: NOW });
		await world.start().dispatch(second);
		expect(await reloadDelivery(first)).toMatchObject({ status: "exhausted" });
		expect(await reloadDelivery(second)).toMatchObject({
			status: "skipped",
			attempts: [{ error: "Not sent: its endpoint is disabled." }],
		});
		await runOut(world, aModel(answered()));
		expect(received.filter(({ url }) => url === watching.url)).toMatchObject([
			{ type: "endpoint.disabled", data: { id: gone.endpointId, status: "disabled", disabled_reason: "gone" } },
		]);
	});

	it("for five days, with nothing but failures, is disabled; one success restarts the count", async () => {
		for (const isReceivedOnce of [false, true]) {
			const { world, statuses, tenantId, endpoint } = await anEndpointThat();
			for (let day = 0; day <= 5; day++) {
				statuses[endpoint.url] = isReceivedOnce && day === 3 ? 204 : 500;
				const key = await oneEnded(tenantId);
				await env.DB.exec(`UPDATE deliveries SET next_attempt_at = ${world.runtime.now()} WHERE status = 'pending'`);
				await world.start().dispatch(key);
				await world.advance(DAY);
			}
			expect((await reloadEndpoint(endpoint))?.status).toBe(isReceivedOnce ? "enabled" : "disabled");
		}
	});

	it("now and then, weeks apart, is not failing for weeks", async () => {
		const { world, tenantId, endpoint } = await anEndpointThat(500);
		for (const waitMs of [0, 20 * DAY]) {
			await world.advance(waitMs);
			await world.start().dispatch(await oneEnded(tenantId));
		}
		expect(await reloadEndpoint(endpoint)).toMatchObject({ status: "enabled" });
	});
});

describe("an endpoint's secret", () => {
	it("verifies beside the new one for 24 hours where it is kept, and not for a moment where it is not", async () => {
		for (const keepOldMs of [DAY, 0]) {
			const { tenantId } = await aTenant();
			const endpoint = await anEndpoint(tenantId);
			const rotated = { sealedSecret: "v1.new", secretHint: "whsec_…new=", keepOldMs };
			await rotateEndpointSecret(db, endpoint, rotated, BY);
			expect((await reloadEndpoint(endpoint))?.sealedSecrets).toHaveLength(keepOldMs > 0 ? 2 : 1);
			expect((await findEndpoint(databaseAt(NOW + DAY - 1), endpoint))?.sealedSecrets.length).toBe(
				keepOldMs > 0 ? 2 : 1,
			);
			expect((await findEndpoint(databaseAt(NOW + DAY), endpoint))?.sealedSecrets).toEqual(["v1.new"]);
		}
	});
});
