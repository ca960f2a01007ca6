import { describe, expect, it } from "vitest";
import { z } from "zod";
import { DeliveryBody, DeliveryList, DeliveryPage } from "../../../shared/api/delivery.ts";
import type { WebhookEndpoint } from "../../../shared/core/webhooks/webhook-endpoint.ts";
import { eraseJob } from "../../../shared/db/upkeep/erase-jobs.ts";
import { runtime } from "../../../workers/runtime.ts";
import { anId, DAY, HOUR, NOW } from "../../support/job-of.ts";
import {
	aDelivery,
	aJob,
	BY,
	copyRow,
	db,
	deliveryRowOf,
	reloadDelivery,
	type StoredDelivery,
} from "../support/a-job.ts";
import { aDeliveryTo, anEndpoint, disable } from "../support/an-endpoint.ts";
import { type Answer, aCaller, errorOf, limit, send, sendTo } from "./caller.ts";
import { theServices, withWatchedQueue } from "./services.ts";

const { key, tenantId } = await aCaller();
await limit(tenantId, { webhook_endpoints: null });

const aSucceededJob = () => aJob({ tenantId, status: "succeeded" });
const missed = async (endpoint: WebhookEndpoint, given: Partial<StoredDelivery> = {}) =>
	await aDeliveryTo(endpoint, await aSucceededJob(), { status: "exhausted", ...given });
const ago = (ms: number) => new Date(runtime.now() - ms).toISOString();
const recover = (endpointId: string, json: unknown) =>
	send("POST", `/v1/webhook_endpoints/${endpointId}/recover`, { key, json });
const again = (deliveryId: string, by = key) => send("POST", `/v1/deliveries/${deliveryId}/redeliver`, { key: by });
const idsOf = (answer: Answer) => DeliveryList.parse(answer.body).data.map(({ id }) => id);

const DeliveryIds = z.array(z.array(z.object({ deliveryId: z.string() }).transform(({ deliveryId }) => deliveryId)));

function watchedQueue() {
	const { server, sent } = withWatchedQueue("DELIVERY_QUEUE");
	return { server, enqueued: async () => DeliveryIds.parse(await sent()) };
}

describe("GET /v1/webhook_endpoints/{id}/deliveries", () => {
	it("gives pages of the deliveries to this endpoint, newest first, with all attempts", async () => {
		const endpoint = await anEndpoint(tenantId);
		const attempt = { at: NOW, durationMs: 7, status: 500, error: "Answered 500", response: "oh" };
		const old = await missed(endpoint, { createdAt: NOW, attempts: [attempt] });
		const newer = await missed(endpoint, { createdAt: NOW + 1 });
		const newest = await missed(endpoint, { createdAt: NOW + 2, status: "pending", nextAttemptAt: NOW + DAY });
		await missed(await anEndpoint(tenantId));
		const get = (query: string) =>
			send("GET", `/v1/webhook_endpoints/${endpoint.endpointId}/deliveries?${query}`, { key });
		expect(idsOf(await get(""))).toEqual([newest, newer, old].map(({ deliveryId }) => deliveryId));
		const first = DeliveryList.parse((await get("limit=2")).body);
		expect(first).toMatchObject({ has_more: true, last_id: newer.deliveryId });
		const second = await get(`limit=2&after=${first.last_id}`);
		expect(second.body).toMatchObject({
			data: [
				{
					id: old.deliveryId,
					object: "delivery",
					event_id: old.eventId,
					event_type: "job.succeeded",
					job_id: old.jobId,
					endpoint_id: endpoint.endpointId,
					url: endpoint.url,
					status: "exhausted",
					created_at: new Date(NOW).toISOString(),
					next_attempt_at: null,
					attempts: [
						{ at: new Date(NOW).toISOString(), duration_ms: 7, status: 500, error: "Answered 500", response: "oh" },
					],
				},
			],
			has_more: false,
		});
		expect(idsOf(await get(`after=${old.deliveryId}`))).toEqual([]);
		expect(idsOf(await get("status=pending,delivered"))).toEqual([newest.deliveryId]);
		expect(idsOf(await get(`created_after=${new Date(NOW).toISOString()}&limit=1`))).toEqual([newest.deliveryId]);
	});

	it("is a part of what GET /v1/deliveries gives: all of the tenant, or those that match", async () => {
		const { key, tenantId } = await aCaller();
		const [job, endpoint] = [await aJob({ tenantId, status: "succeeded" }), await anEndpoint(tenantId)];
		const made = [await aDelivery(job, { status: "delivered" }), await aDeliveryTo(endpoint, job)];
		const ids = made.map(({ deliveryId }) => deliveryId);
		const get = async (query: string) => (await send("GET", `/v1/deliveries?${query}`, { key })).body;
		const page = DeliveryPage.parse(await get("limit=1"));
		expect(page).toMatchObject({ has_more: true, next_after: page.last_id });
		const rest = DeliveryPage.parse(await get(`after=${page.next_after}`));
		expect([...page.data, ...rest.data].map(({ id }) => id).sort()).toEqual(ids.sort());
		expect(await get("status=delivered")).toMatchObject({ data: [{ job_id: job.jobId, endpoint_id: null }] });
		for (const query of [`endpoint_id=${endpoint.endpointId}`, "event_type=job.succeeded&status=pending"])
			expect(await get(query)).toMatchObject({ data: [{ endpoint_id: endpoint.endpointId }], has_more: false });
		for (const [query, param] of [
			["endpoint_id=job_1", "endpoint_id"],
			[`endpoint_id=${endpoint.endpointId}&after=dlv_gone`, "after"],
		]) {
			const answer = await send("GET", `/v1/deliveries?${query}`, { key });
			expect([answer.status, errorOf(answer).param]).toEqual([400, param]);
		}
	});

	it.each([
		["limit=0", "limit"],
		["after=garbage", "after"],
		["after=", "after"],
		["after=dlv_01jq0000000000000000000000_failed_webhook", "after"],
		["order=asc", "order"],
		["status=nope", "status"],
		["event_type=job.*", "event_type"],
		["created_after=yesterday", "created_after"],
	])("refuses ?%s", async (query, param) => {
		const { endpointId } = await anEndpoint(tenantId);
		const answer = await send("GET", `/v1/webhook_endpoints/${endpointId}/deliveries?${query}`, { key });
		expect([answer.status, errorOf(answer).param]).toEqual([400, param]);
	});
});

describe("POST /v1/webhook_endpoints/{id}/enable", () => {
	it("takes a disabled endpoint back into service, and gives the same answer ever after", async () => {
		const endpoint = await anEndpoint(tenantId);
		const enable = () => send("POST", `/v1/webhook_endpoints/${endpoint.endpointId}/enable`, { key });
		await disable(endpoint);
		const { body } = await send("GET", `/v1/webhook_endpoints/${endpoint.endpointId}`, { key });
		const disabledAt = Math.floor(NOW / 1000);
		expect(body).toMatchObject({ status: "disabled", disabled_at: disabledAt, disabled_reason: "gone" });
		const enabled = await enable();
		expect(enabled.status).toBe(200);
		expect(enabled.body).toMatchObject({ status: "enabled", disabled_at: null, disabled_reason: null });
		expect((await enable()).body).toEqual(enabled.body);
	});

	it("takes a body, if it is an empty object", async () => {
		const { endpointId } = await anEndpoint(tenantId);
		const enable = (json: unknown) => send("POST", `/v1/webhook_endpoints/${endpointId}/enable`, { key, json });
		expect([(await enable({})).status, (await enable([])).status]).toEqual([200, 400]);
	});
});

describe("POST /v1/webhook_endpoints/{id}/recover", () => {
	it("makes what was missed since then pending again, and enqueues it", async () => {
		const endpoint = await anEndpoint(tenantId);
		const now = runtime.now();
		await missed(endpoint, { createdAt: now - 2 * HOUR });
		const [second, first] = [
			await missed(endpoint, { createdAt: now - 1_000, status: "skipped" }),
			await missed(endpoint, { createdAt: now - 2_000 }),
		];
		const { server, enqueued } = watchedQueue();
		const path = `/v1/webhook_endpoints/${endpoint.endpointId}/recover`;
		const answer = await sendTo(server, "POST", path, { key, json: { since: ago(HOUR) } });
		expect([answer.status, answer.body]).toEqual([
			202,
			{
				object: "webhook_endpoint.recovery",
				webhook_endpoint_id: endpoint.endpointId,
				recovered: 2,
				has_more: false,
			},
		]);
		expect(await enqueued()).toEqual([[first.deliveryId, second.deliveryId]]);
		expect((await recover(endpoint.endpointId, { since: ago(HOUR) })).body).toMatchObject({ recovered: 0 });
	});

	it("takes a thousand a call and says that there are more, and redispatches for the first hundred", async () => {
		const endpoint = await anEndpoint(tenantId);
		const first = await missed(endpoint, { createdAt: runtime.now() - HOUR });
		const differing = { id: "deliveries.id || '_' || n.i", created_at: "deliveries.created_at + n.i" };
		await copyRow("deliveries", deliveryRowOf(first), 1_000, differing);
		const { server, enqueued } = watchedQueue();
		const path = `/v1/webhook_endpoints/${endpoint.endpointId}/recover`;
		const call = () => sendTo(server, "POST", path, { key, json: { since: ago(DAY) } });
		expect((await call()).body).toMatchObject({ recovered: 1_000, has_more: true });
		const ids = await enqueued();
		expect(ids).toEqual([
			[first.deliveryId, ...Array.from({ length: 99 }, (_, at) => `${first.deliveryId}_${at + 1}`)],
		]);
		expect((await call()).body).toMatchObject({ recovered: 1, has_more: false });
		expect((await call()).body).toMatchObject({ recovered: 0, has_more: false });
	});

	it("is refused while the endpoint is disabled", async () => {
		const endpoint = await anEndpoint(tenantId);
		const delivery = await missed(endpoint);
		await disable(endpoint);
		const answer = await recover(endpoint.endpointId, { since: ago(HOUR) });
		expect([answer.status, errorOf(answer).code]).toEqual([409, "endpoint_disabled"]);
		expect(await reloadDelivery(delivery)).toMatchObject({ status: "exhausted" });
	});

	it("goes back 30 days", async () => {
		const { endpointId } = await anEndpoint(tenantId);
		expect((await recover(endpointId, { since: ago(30 * DAY) })).status).toBe(202);
		expect((await recover(endpointId, { since: "2999-01-01T00:00:00+02:00" })).body).toMatchObject({ recovered: 0 });
		const tooFar = await recover(endpointId, { since: ago(30 * DAY + HOUR) });
		expect([tooFar.status, errorOf(tooFar).param]).toEqual([400, "since"]);
	});

	it.each<[unknown, string | null]>([
		[undefined, null],
		[{}, "since"],
		[{ since: 1_760_000_000 }, "since"],
		[{ since: "yesterday" }, "since"],
		[{ since: "2026-01-02" }, "since"],
		[{ since: null }, "since"],
		[{ since: ago(HOUR), until: ago(0) }, "until"],
	])("refuses %j", async (json, param) => {
		const answer = await recover((await anEndpoint(tenantId)).endpointId, json);
		if (json === undefined) expect([400, 415]).toContain(answer.status);
		else expect([answer.status, errorOf(answer).param]).toEqual([400, param]);
	});
});

describe("POST /v1/deliveries/{id}/redeliver", () => {
	it("makes the delivery pending again, due at once, and enqueues it", async () => {
		const delivery = await missed(await anEndpoint(tenantId));
		const { server, enqueued } = watchedQueue();
		const answer = await sendTo(server, "POST", `/v1/deliveries/${delivery.deliveryId}/redeliver`, { key });
		expect(answer.status).toBe(202);
		expect(answer.body).toMatchObject({ id: delivery.deliveryId, event_id: delivery.eventId, status: "pending" });
		expect(await enqueued()).toEqual([[delivery.deliveryId]]);
		expect((await send("GET", `/v1/deliveries/${delivery.deliveryId}`, { key })).body).toEqual(answer.body);
	});

	it("sends it under one webhook-id to two who ask at once", async () => {
		const delivery = await missed(await anEndpoint(tenantId), { status: "delivered" });
		for (const answer of await Promise.all([again(delivery.deliveryId), again(delivery.deliveryId)])) {
			expect([answer.status, DeliveryBody.parse(answer.body).event_id]).toEqual([202, delivery.eventId]);
		}
	});

	it("is refused while its endpoint is disabled, when it is gone, and when the job is erased", async () => {
		const endpoint = await anEndpoint(tenantId);
		const { deliveryId } = await missed(endpoint);
		const codeOf = async (id = deliveryId) => {
			const answer = await again(id);
			return [answer.status, errorOf(answer).code];
		};
		await disable(endpoint);
		expect(await codeOf()).toEqual([409, "endpoint_disabled"]);
		await send("DELETE", `/v1/webhook_endpoints/${endpoint.endpointId}`, { key });
		expect(await codeOf()).toEqual([409, "endpoint_disabled"]);
		const job = await aSucceededJob();
		const erased = await aDeliveryTo(await anEndpoint(tenantId), job);
		await eraseJob(db, job, anId("tmb"), BY);
		expect(await codeOf(erased.deliveryId)).toEqual([409, "job_erased"]);
		expect((await send("GET", `/v1/deliveries/${erased.deliveryId}`, { key })).body).toMatchObject({
			status: "skipped",
		});
	});
});

describe("POST /v1/jobs/{id}/redeliver", () => {
	it("makes all deliveries of the job pending again, and enqueues them", async () => {
		const job = await aSucceededJob();
		const own = await aDelivery(job, { status: "delivered", createdAt: NOW });
		const registered = await aDeliveryTo(await anEndpoint(tenantId), job, { status: "exhausted", createdAt: NOW + 1 });
		const { server, enqueued } = watchedQueue();
		const answer = await sendTo(server, "POST", `/v1/jobs/${job.jobId}/redeliver`, { key });
		expect(answer.status).toBe(202);
		expect(answer.body).toMatchObject({
			object: "list",
			data: [
				{ id: own.deliveryId, endpoint_id: null, status: "pending" },
				{ id: registered.deliveryId, status: "pending" },
			],
			has_more: false,
			first_id: own.deliveryId,
			last_id: registered.deliveryId,
		});
		expect(await enqueued()).toEqual([[own.deliveryId, registered.deliveryId]]);
	});

	it("answers an empty list, and enqueues nothing, where no receiver is enabled", async () => {
		const endpoint = await anEndpoint(tenantId);
		const job = await aSucceededJob();
		await aDeliveryTo(endpoint, job, { status: "exhausted" });
		await disable(endpoint);
		const { server, enqueued } = watchedQueue();
		const answer = await sendTo(server, "POST", `/v1/jobs/${job.jobId}/redeliver`, { key });
		expect([answer.status, idsOf(answer), await enqueued()]).toEqual([202, [], []]);
	});
});

describe("another tenant's delivery", () => {
	it("is no place to go on from in a list", async () => {
		const delivery = await missed(await anEndpoint(tenantId));
		const other = await aCaller();
		const { endpointId } = await anEndpoint(other.tenantId);
		const path = `/v1/webhook_endpoints/${endpointId}/deliveries?after=`;
		const { server } = theServices();
		const get = async (id: string) => (await sendTo(server, "GET", `${path}${id}`, { key: other.key })).text;
		expect(await get(delivery.deliveryId)).toBe(await get("dlv_01jq0000000000000000000000_failed_webhook"));
	});
});
