/** Registered receivers: who is told of what, and what becomes of one that fails. */
import { beforeEach, describe, expect, it } from "vitest";
import type { JobKey } from "../../../shared/core/jobs/job.ts";
import type { DeliveryKey } from "../../../shared/core/webhooks/delivery.ts";
import type { WebhookEndpoint } from "../../../shared/core/webhooks/webhook-endpoint.ts";
import { listDeliveries, listEndpointDeliveries } from "../../../shared/db/deliveries/find-deliveries.ts";
import { recoverDeliveries } from "../../../shared/db/deliveries/redeliver.ts";
import {
	deleteEndpoint,
	enableEndpoint,
	findEndpoint,
	rotateEndpointSecret,
	updateEndpoint,
} from "../../../shared/db/deliveries/webhook-endpoints.ts";
import { finishJobs } from "../../../shared/db/jobs/finish-jobs.ts";
import { ACK } from "../../../shared/queues/messages.ts";
import { aJob, aTenant, BY, DAY, databaseAt, db, MINUTE, NOW, reloadDelivery, SECOND } from "../support/a-job.ts";
import { aWorld, takeBells, type World } from "../support/a-world.ts";
import { emptyTables } from "../support/all-rows.ts";
import * as endpoints from "../support/an-endpoint.ts";
import { consume, dispatch, runOut, sweepOnce } from "../support/drive.ts";
import { aModel, answered } from "../support/scripted-model.ts";

beforeEach(emptyTables);

const { disable, reloadEndpoint } = endpoints;

let made = 0;
/** Each at a URL of its own. */
const anEndpoint = (tenantId: string, given: Partial<WebhookEndpoint> = {}) =>
	endpoints.anEndpoint(tenantId, { url: `https://hooks.acme-receiver.com/${++made}`, ...given });

const SCHEDULE = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map((s) => s * SECOND);

interface Post {
	url: string;
	id: string | null;
	type: string;
	data: Record<string, unknown>;
	at: number;
}

/** A world in which each URL answers with a status of its own; null hangs for ever. */
function aWorldOf(answers: Record<string, number | null>) {
	const posts: Post[] = [];
	const world: World = aWorld({
		config: { deliveryScheduleMs: SCHEDULE },
		async fetch(url, init) {
			const { type, data } = JSON.parse(String(init.body));
			posts.push({ url, id: new Headers(init.headers).get("webhook-id"), type, data, at: world.runtime.now() });
			const status = answers[url];
			if (status === undefined || status !== null) return new Response(null, { status: status ?? 204 });
			return await new Promise((_, reject) =>
				init.signal?.addEventListener("abort", () => reject(new Error("aborted"))),
			);
		},
	});
	return { world, posts, answers, postsTo: (url: string) => posts.filter((post) => post.url === url) };
}

const cancelled = (job: JobKey) => ({
	tenantId: job.tenantId,
	jobId: job.jobId,
	from: "queued" as const,
	fence: 0,
	status: "cancelled" as const,
	reason: null,
	error: null,
	cancellation: "before_start" as const,
	resultBytes: null,
	progress: null,
});

/** Jobs of `tenantId` that are over, each of which owes its endpoints. */
async function ended(tenantId: string, count: number): Promise<DeliveryKey[]> {
	const owed: DeliveryKey[] = [];
	for (let made = 0; made < count; made++) {
		const [finished] = await finishJobs(db, [cancelled(await aJob({ tenantId }))]);
		owed.push(...(finished?.deliveries ?? []));
	}
	return owed;
}

const statusesTo = async (endpoint: { tenantId: string; endpointId: string }) =>
	(await listEndpointDeliveries(db, endpoint, { limit: 100, after: null })).map(({ status }) => status);

describe("a job's events", () => {
	it("go to each endpoint that asks for them, under one webhook-id, besides the one-off receiver", async () => {
		const { world, posts } = aWorldOf({});
		const { tenantId } = await aTenant();
		const all = await anEndpoint(tenantId, { payload: "thin" });
		const good = await anEndpoint(tenantId, { eventTypes: ["job.succeeded"] });
		await anEndpoint(tenantId, { eventTypes: ["job.failed", "endpoint.*"] });
		await anEndpoint((await aTenant()).tenantId);
		const url = "https://hooks.acme-receiver.com/one-off";
		const job = await aJob({ tenantId, webhook: { url, events: null, payload: "full" } });
		await runOut(world, aModel(answered()));
		await consume(world, world.start(aModel(answered())), job);
		await runOut(world, aModel(answered()));
		const bare = job.jobId.slice(4);
		expect(posts.map((post) => [post.type, post.url, post.id]).sort()).toEqual(
			[
				["job.started", all.url, `evt_${bare}_started`],
				["job.succeeded", url, `evt_${bare}_succeeded`],
				["job.succeeded", all.url, `evt_${bare}_succeeded`],
				["job.succeeded", good.url, `evt_${bare}_succeeded`],
			].sort(),
		);
		expect(posts.find((post) => post.url === all.url && post.type === "job.succeeded")?.data).toEqual({
			id: job.jobId,
			object: "job",
			status: "succeeded",
		});
	});

	it("tell of a start once, however often the job is leased", async () => {
		const { world, posts } = aWorldOf({});
		const { tenantId } = await aTenant();
		await anEndpoint(tenantId, { eventTypes: ["job.started"] });
		const url = "https://hooks.acme-receiver.com/one-off";
		const job = await aJob({ tenantId, webhook: { url, events: ["job.started"], payload: "full" } });
		const model = aModel(() => Promise.reject(new Error("a bug")), answered());
		await consume(world, world.start(model), job);
		await runOut(world, model);
		expect(posts.map(({ type }) => type)).toEqual(["job.started", "job.started"]);
		expect(await listDeliveries(db, job)).toHaveLength(2);
	});

	it("that a disabled endpoint misses are told of on demand once it is enabled, under their own ids", async () => {
		const { world, posts } = aWorldOf({});
		const { tenantId } = await aTenant();
		const endpoint = await anEndpoint(tenantId, { eventTypes: ["job.cancelled"] });
		await disable(endpoint);
		expect(await ended(tenantId, 3)).toEqual([]);
		expect(await statusesTo(endpoint)).toEqual(["skipped", "skipped", "skipped"]);
		expect((await recoverDeliveries(db, endpoint, { sinceMs: 0, limit: 100 }, BY)).recovered).toEqual([]);
		await enableEndpoint(db, endpoint, BY);
		expect((await recoverDeliveries(db, endpoint, { sinceMs: 0, limit: 2 }, BY)).recovered).toHaveLength(2);
		expect((await recoverDeliveries(db, endpoint, { sinceMs: 0, limit: 2 }, BY)).recovered).toHaveLength(1);
		await runOut(world, aModel(answered()));
		expect(new Set(posts.map(({ id }) => id)).size).toBe(3);
		expect(await statusesTo(endpoint)).toEqual(["delivered", "delivered", "delivered"]);
	});

	it("follow an endpoint to its new address, and are skipped when it is deleted", async () => {
		const { world, posts, answers } = aWorldOf({});
		const { tenantId } = await aTenant();
		const endpoint = await anEndpoint(tenantId);
		answers[endpoint.url] = 500;
		const [moved, left] = await ended(tenantId, 2);
		if (moved === undefined || left === undefined) throw new Error("nobody is owed");
		await dispatch(world, world.start(), moved);
		const url = "https://hooks.acme-receiver.com/moved";
		await updateEndpoint(db, endpoint, { name: null, url, eventTypes: null, payload: null }, BY);
		await world.advance(6 * SECOND);
		await dispatch(world, world.start(), moved);
		await deleteEndpoint(db, endpoint, BY);
		await dispatch(world, world.start(), left);
		expect(posts.map((post) => post.url)).toEqual([endpoint.url, url]);
		expect(await reloadDelivery(moved)).toMatchObject({ status: "delivered", url });
		expect(await reloadDelivery(left)).toMatchObject({
			status: "skipped",
			attempts: [{ error: "Not sent: its endpoint was deleted." }],
		});
	});
});

describe("an endpoint that fails", () => {
	it("four times and then receives, sees five requests at the scheduled times under one webhook-id", async () => {
		const { world, posts, answers } = aWorldOf({});
		const { tenantId } = await aTenant();
		const endpoint = await anEndpoint(tenantId);
		answers[endpoint.url] = 500;
		const [key] = await ended(tenantId, 1);
		if (key === undefined) throw new Error("nobody is owed");
		for (const step of SCHEDULE.slice(0, 5)) {
			// At the latest moment that the jitter allows.
			await world.advance(1.2 * step);
			if (posts.length === 4) answers[endpoint.url] = 204;
			await dispatch(world, world.start(), key);
		}
		expect(posts).toHaveLength(5);
		expect(new Set(posts.map(({ id }) => id)).size).toBe(1);
		expect(await reloadDelivery(key)).toMatchObject({ status: "delivered", attemptsMade: 5 });
	});

	it("is left alone after three failures: one delivery tries, the others wait in D1", async () => {
		const { world, postsTo, answers } = aWorldOf({});
		const { tenantId } = await aTenant();
		const endpoint = await anEndpoint(tenantId);
		answers[endpoint.url] = 500;
		const keys = await ended(tenantId, 12);
		for (const key of keys) expect((await dispatch(world, world.start(), key))?.kind).toMatch(/ack|retry/);
		expect(postsTo(endpoint.url)).toHaveLength(3);
		for (let sweeps = 1; sweeps <= 3; sweeps++) {
			await world.advance(MINUTE);
			await sweepOnce(world);
			for (const key of takeBells(world).deliveries) await dispatch(world, world.start(), key);
		}
		expect(postsTo(endpoint.url).length).toBeLessThanOrEqual(6);
		expect(await statusesTo(endpoint)).toEqual(Array(12).fill("pending"));
	});

	it("gets all that waited once it is back", async () => {
		const { world, posts, answers } = aWorldOf({});
		const { tenantId } = await aTenant();
		const endpoint = await anEndpoint(tenantId, { eventTypes: ["job.cancelled"] });
		answers[endpoint.url] = 500;
		for (const key of await ended(tenantId, 150)) {
			if (posts.length < 3) await dispatch(world, world.start(), key);
			else break;
		}
		await sweepOnce(world);
		await world.advance(2 * MINUTE);
		answers[endpoint.url] = 204;
		await runOut(world, aModel(answered()));
		expect(new Set(await db.all("test", { sql: "SELECT DISTINCT status FROM deliveries", params: [] }))).toEqual(
			new Set([{ status: "delivered" }]),
		);
		expect(await db.all("test", { sql: "SELECT * FROM receiver_breakers", params: [] })).toEqual([]);
	});

	it("keeps nobody else waiting, not even in its own batch", async () => {
		const { world, answers, postsTo } = aWorldOf({});
		const { tenantId } = await aTenant();
		const [dead, alive] = [await anEndpoint(tenantId), await anEndpoint(tenantId)];
		answers[dead.url] = null;
		const keys = await ended(tenantId, 4);
		const [first, ...others] = keys.filter(({ deliveryId }) => deliveryId.endsWith(dead.endpointId));
		const good = keys.filter(({ deliveryId }) => deliveryId.endsWith(alive.endpointId));
		if (first === undefined || good[0] === undefined) throw new Error("nobody is owed");
		const startedAt = world.runtime.now();
		await dispatch(world, world.start(), first, ...good.slice(0, 3));
		expect(postsTo(alive.url).map(({ at }) => at - startedAt)).toEqual([0, 0, 0]);
		expect(world.runtime.now() - startedAt).toBeLessThanOrEqual(20 * SECOND);
		// It timed out once, which is overload: now the rest of its deliveries wait, and cost no time at all.
		const pausedAt = world.runtime.now();
		for (const key of others) expect(await dispatch(world, world.start(), key)).toEqual(ACK);
		expect(world.runtime.now()).toBe(pausedAt);
		expect(postsTo(dead.url)).toHaveLength(1);
	});

	it("is disabled by a 410, and the owner's other endpoints hear of it", async () => {
		const { world, posts, answers } = aWorldOf({});
		const { tenantId } = await aTenant();
		const [gone, watching] = [
			await anEndpoint(tenantId),
			await anEndpoint(tenantId, { eventTypes: ["endpoint.disabled"] }),
		];
		await anEndpoint(tenantId, { eventTypes: ["job.failed"] });
		answers[gone.url] = 410;
		const [first, second] = await ended(tenantId, 2);
		if (first === undefined || second === undefined) throw new Error("nobody is owed");
		await dispatch(world, world.start(), first);
		expect(await reloadEndpoint(gone)).toMatchObject({ status: "disabled", disabledReason: "gone", disabledAt: NOW });
		await dispatch(world, world.start(), second);
		expect(await reloadDelivery(first)).toMatchObject({ status: "exhausted" });
		expect(await reloadDelivery(second)).toMatchObject({
			status: "skipped",
			attempts: [{ error: "Not sent: its endpoint is disabled." }],
		});
		await runOut(world, aModel(answered()));
		expect(posts.filter(({ url }) => url === watching.url)).toMatchObject([
			{ type: "endpoint.disabled", data: { id: gone.endpointId, status: "disabled", disabled_reason: "gone" } },
		]);
	});

	it("for five days, with nothing but failures, is disabled; one success begins the count anew", async () => {
		for (const isReceivedOnce of [false, true]) {
			const { world, answers } = aWorldOf({});
			const { tenantId } = await aTenant();
			const endpoint = await anEndpoint(tenantId);
			for (let day = 0; day <= 5; day++) {
				answers[endpoint.url] = isReceivedOnce && day === 3 ? 204 : 500;
				const [key] = await ended(tenantId, 1);
				if (key === undefined) throw new Error("nobody is owed");
				await db.all("test", {
					sql: "UPDATE deliveries SET next_attempt_at = ?1 WHERE status = 'pending'",
					params: [world.runtime.now()],
				});
				await dispatch(world, world.start(), key);
				await world.advance(DAY);
			}
			expect((await reloadEndpoint(endpoint))?.status).toBe(isReceivedOnce ? "enabled" : "disabled");
		}
	});

	it("now and then, weeks apart, is not failing for weeks", async () => {
		const { world, answers } = aWorldOf({});
		const { tenantId } = await aTenant();
		const endpoint = await anEndpoint(tenantId);
		answers[endpoint.url] = 500;
		for (const waitMs of [0, 20 * DAY]) {
			await world.advance(waitMs);
			const [key] = await ended(tenantId, 1);
			if (key === undefined) throw new Error("nobody is owed");
			await dispatch(world, world.start(), key);
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
