import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { DeliveryDecision } from "../../../../../shared/core/webhooks/delivery-schedule.ts";
import type { WebhookEndpoint } from "../../../../../shared/core/webhooks/webhook-endpoint.ts";
import { Database } from "../../../../../shared/db/database.ts";
import { parkDeliveries } from "../../../../../shared/db/deliveries/receiver-breakers.ts";
import { recordDeliveries } from "../../../../../shared/db/deliveries/record-deliveries.ts";
import { recoverDeliveries, redeliver, redeliverJob } from "../../../../../shared/db/deliveries/redeliver.ts";
import { deleteEndpoint } from "../../../../../shared/db/deliveries/webhook-endpoints.ts";
import { eraseJob } from "../../../../../shared/db/upkeep/erase-jobs.ts";
import { pruneOrphanedDeliveries } from "../../../../../shared/db/upkeep/prune-records.ts";
import { runtime } from "../../../../../workers/runtime.ts";
import { deliveryIdOf } from "../../../../support/event-ids.ts";
import { anId, DAY, HOUR, MINUTE, NOW } from "../../../../support/job-of.ts";
import {
	aDelivery,
	aJob,
	aTenant,
	BY,
	databaseAt,
	db,
	reloadDelivery,
	type StoredDelivery,
} from "../../../support/a-job.ts";
import { aDeliveryTo, anEndpoint, disable } from "../../../support/an-endpoint.ts";
import { meteredD1 } from "../../../support/watched-d1.ts";

let tenantId = "";
let endpoint: WebhookEndpoint;
beforeEach(async () => {
	({ tenantId } = await aTenant());
	endpoint = await anEndpoint(tenantId);
});

const LATER = databaseAt(NOW + HOUR);
const OWED_AGAIN = {
	status: "pending",
	nextAttemptAt: NOW + HOUR,
	sweepAt: NOW + HOUR + MINUTE,
	restartedAt: NOW + HOUR,
	finishedAt: null,
};
const ATTEMPT = { at: NOW, durationMs: 1, status: 500, error: "Answered 500", response: null };
const aSucceededJob = () => aJob({ tenantId, status: "succeeded" });
const elsewhere = { tenantId: "ten_00000000000000000000000000" };

/** Of an event that is about no job. */
async function anEventDelivery(createdAt: number, pruneAt: number) {
	const key = { tenantId, deliveryId: `dlv_${anId("we").slice(3)}_disabled_${createdAt}_${endpoint.endpointId}` };
	await env.DB.prepare(
		`INSERT INTO deliveries (tenant_id, id, job_id, event_id, event_type, event, endpoint_id, url, payload, status,
		                         created_at, finished_at, prune_at)
		 VALUES (?1, ?2, '', 'evt_1', 'endpoint.disabled', '{}', ?3, 'https://a.test/', 'full', 'exhausted', ?4, ?4, ?5)`,
	)
		.bind(tenantId, key.deliveryId, endpoint.endpointId, createdAt, pruneAt)
		.run();
	return key;
}

describe("redeliver", () => {
	it.each(["delivered", "exhausted", "skipped", "pending"] as const)(
		"makes a delivery that was %s pending again, due at once, as the same event, with its whole schedule",
		async (status) => {
			const nextAttemptAt = status === "pending" ? NOW + 10 * HOUR : null;
			const old = { status, nextAttemptAt, attempts: [ATTEMPT, ATTEMPT], attemptsMade: 2 };
			const { tenantId, deliveryId, eventId } = await aDeliveryTo(endpoint, await aSucceededJob(), old);
			const again = await redeliver(LATER, { tenantId, deliveryId }, BY);
			const { sweepAt: _, ...expected } = OWED_AGAIN;
			expect(again).toMatchObject({ outcome: "pending", delivery: { ...expected, deliveryId, eventId } });
			const stored = await reloadDelivery({ tenantId, deliveryId });
			expect(stored).toMatchObject({ ...OWED_AGAIN, attempts: [ATTEMPT, ATTEMPT], attemptsMade: 2, attemptsBefore: 2 });
		},
	);

	it("makes one to a one-off receiver pending again, and releases one that is parked", async () => {
		const delivery = await aDelivery(await aSucceededJob(), { status: "exhausted" });
		expect(await redeliver(LATER, delivery, BY)).toMatchObject({ outcome: "pending", delivery: { endpointId: null } });
		await env.DB.prepare("UPDATE deliveries SET parked_on = receiver WHERE id = ?1").bind(delivery.deliveryId).run();
		await redeliver(LATER, delivery, BY);
		const parked = env.DB.prepare("SELECT 1 FROM deliveries WHERE id = ?1 AND parked_on IS NOT NULL");
		expect(await parked.bind(delivery.deliveryId).first()).toBeNull();
	});

	it("keeps one id for two who ask at once", async () => {
		const delivery = await aDeliveryTo(endpoint, await aSucceededJob(), { status: "exhausted", attemptsMade: 10 });
		const both = await Promise.all([redeliver(LATER, delivery, BY), redeliver(LATER, delivery, BY)]);
		for (const one of both) {
			expect(one).toMatchObject({ outcome: "pending", delivery: { eventId: delivery.eventId, attemptsBefore: 10 } });
		}
	});

	it.each<DeliveryDecision>([{ next: "exhausted" }, { next: "skipped" }, { next: "pending", delayMs: 24 * HOUR }])(
		"keeps it pending when an attempt that was in flight ends as %j, and does not count that one",
		async (decision) => {
			const delivery = await aDeliveryTo(endpoint, await aSucceededJob(), { attemptsMade: 9 });
			await redeliver(LATER, delivery, BY);
			const later = databaseAt(NOW + HOUR + 1);
			const record = { ...delivery, attempt: ATTEMPT, failure: null };
			expect(await recordDeliveries(later, [{ ...record, decision }])).toMatchObject([{ done: true }]);
			const recorded = { attemptsMade: 10, attemptsBefore: 10, attempts: [ATTEMPT] };
			expect(await reloadDelivery(delivery)).toMatchObject({ ...OWED_AGAIN, ...recorded });
			const again = { ...record, attemptsMade: 10, restartedAt: NOW + HOUR, decision };
			expect(await recordDeliveries(later, [again])).toMatchObject([{ done: true }]);
			expect(await reloadDelivery(delivery)).toMatchObject({ status: decision.next, attemptsBefore: 10 });
		},
	);

	it("leaves it parked when an attempt that was in flight fails: the sweeper checks it only when it is too old", async () => {
		const delivery = await aDeliveryTo(endpoint, await aSucceededJob());
		await redeliver(LATER, delivery, BY);
		await parkDeliveries(LATER, [delivery]);
		const parkedOn = () =>
			env.DB.prepare("SELECT parked_on FROM deliveries WHERE id = ?1").bind(delivery.deliveryId).first("parked_on");
		const receiver = await parkedOn();
		expect(receiver).not.toBeNull();
		const record = { ...delivery, attempt: ATTEMPT, failure: null, decision: { next: "pending", delayMs: 0 } as const };
		await recordDeliveries(LATER, [record]);
		expect(await reloadDelivery(delivery)).toMatchObject({ status: "pending", attemptsMade: 1 });
		expect(await parkedOn()).toBe(receiver);
	});

	it("is content with an attempt that was under way, if it was received", async () => {
		const delivery = await aDeliveryTo(endpoint, await aSucceededJob());
		await redeliver(LATER, delivery, BY);
		await recordDeliveries(LATER, [{ ...delivery, attempt: ATTEMPT, failure: null, decision: { next: "delivered" } }]);
		expect(await reloadDelivery(delivery)).toMatchObject({ status: "delivered", nextAttemptAt: null, sweepAt: null });
	});

	it("disables an endpoint once that is gone for two at a time, and notifies its owner's others once", async () => {
		const listener = await anEndpoint(tenantId, { eventTypes: ["endpoint.disabled"] });
		const gone = { attempt: ATTEMPT, failure: { isGone: true, overloadMs: 0, openMsByFailures: [0] } };
		const [one, two] = [
			await aDeliveryTo(endpoint, await aSucceededJob()),
			await aDeliveryTo(endpoint, await aSucceededJob()),
		];
		const recorded = await recordDeliveries(LATER, [
			{ ...one, ...gone, decision: { next: "exhausted" } },
			{ ...two, ...gone, decision: { next: "exhausted" } },
		]);
		expect(recorded.map(({ deliveries }) => deliveries.length)).toEqual([1, 0]);
		expect(recorded[0]?.deliveries[0]?.deliveryId).toContain(listener.endpointId);
	});

	it("leaves alone what is not there, or another tenant's", async () => {
		const delivery = await aDeliveryTo(endpoint, await aSucceededJob(), { status: "exhausted" });
		for (const key of [
			{ ...delivery, ...elsewhere },
			{ ...delivery, deliveryId: `${delivery.deliveryId}0` },
		]) {
			expect(await redeliver(LATER, key, BY)).toEqual({ outcome: "unknown" });
		}
		expect(await reloadDelivery(delivery)).toMatchObject({ status: "exhausted", restartedAt: null });
	});

	it("says that the job is erased, which an enabled endpoint would not mend", async () => {
		const job = await aSucceededJob();
		const delivery = await aDeliveryTo(endpoint, job);
		await eraseJob(db, job, anId("tmb"), BY);
		expect(await redeliver(LATER, delivery, BY)).toEqual({ outcome: "job_erased" });
		await disable(endpoint);
		expect(await redeliver(LATER, delivery, BY)).toEqual({ outcome: "job_erased" });
		expect(await reloadDelivery(delivery)).toMatchObject({ status: "skipped", restartedAt: null });
	});

	it("sends nothing to an endpoint that is disabled or gone", async () => {
		const delivery = await aDeliveryTo(endpoint, await aSucceededJob(), { status: "exhausted" });
		await disable(endpoint);
		expect(await redeliver(LATER, delivery, BY)).toEqual({ outcome: "endpoint_disabled" });
		await deleteEndpoint(db, endpoint, BY);
		expect(await redeliver(LATER, delivery, BY)).toEqual({ outcome: "endpoint_disabled" });
		expect(await reloadDelivery(delivery)).toMatchObject({ status: "exhausted", restartedAt: null });
	});

	it("keeps the record of an event that is about no job until it is sent again", async () => {
		const pruneAt = NOW + HOUR + MINUTE;
		const [asked, forgotten] = [await anEventDelivery(NOW, pruneAt), await anEventDelivery(NOW + 1, pruneAt)];
		expect(await redeliver(LATER, asked, BY)).toMatchObject({ outcome: "pending", delivery: { jobId: "", event: {} } });
		expect(await pruneOrphanedDeliveries(databaseAt(NOW + 6 * DAY), 100)).toBeGreaterThan(0);
		expect(await reloadDelivery(forgotten)).toBeNull();
		expect(await reloadDelivery(asked)).toMatchObject({ status: "pending" });
	});
});

describe("redeliverJob", () => {
	it("makes all deliveries of the job pending again, in order, and no neighbour's", async () => {
		const [before, job, after] = [await aSucceededJob(), await aSucceededJob(), await aSucceededJob()];
		const neighbours = [
			await aDelivery(before, { status: "exhausted" }),
			await aDelivery(after, { status: "exhausted" }),
		];
		const end = await aDelivery(job, { status: "delivered", createdAt: NOW + 2 });
		const start = await aDelivery(job, {
			deliveryId: deliveryIdOf(job.jobId, "started", "webhook"),
			status: "exhausted",
			createdAt: NOW + 1,
		});
		const registered = await aDeliveryTo(endpoint, job, { status: "skipped", createdAt: NOW + 2 });
		const sent = await redeliverJob(LATER, job, BY);
		expect(sent.map(({ deliveryId }) => deliveryId)).toEqual([
			start.deliveryId,
			...[end.deliveryId, registered.deliveryId].sort(),
		]);
		for (const delivery of [start, end, registered]) expect(await reloadDelivery(delivery)).toMatchObject(OWED_AGAIN);
		for (const delivery of neighbours) expect(await reloadDelivery(delivery)).toMatchObject({ status: "exhausted" });
	});

	it("leaves out what no receiver would get, and another tenant's job", async () => {
		const job = await aSucceededJob();
		const own = await aDelivery(job, { status: "delivered" });
		const off = await aDeliveryTo(endpoint, job, { status: "exhausted" });
		await disable(endpoint);
		expect(await redeliverJob(LATER, { ...job, ...elsewhere }, BY)).toEqual([]);
		expect((await redeliverJob(LATER, job, BY)).map(({ deliveryId }) => deliveryId)).toEqual([own.deliveryId]);
		expect(await reloadDelivery(off)).toMatchObject({ status: "exhausted" });
		await eraseJob(db, job, anId("tmb"), BY);
		expect(await redeliverJob(LATER, job, BY)).toEqual([]);
	});
});

describe("recoverDeliveries", () => {
	const missedAt = async (createdAt: number, given: Partial<StoredDelivery> = {}, to = endpoint) =>
		await aDeliveryTo(to, await aSucceededJob(), { status: "exhausted", createdAt, ...given });
	const idsOf = (deliveries: { deliveryId: string }[]) => deliveries.map(({ deliveryId }) => deliveryId);

	it("makes what the endpoint missed since that time pending again, the oldest first, page by page", async () => {
		const missed = [
			await missedAt(NOW + 30, { status: "skipped" }),
			await missedAt(NOW + 10),
			await missedAt(NOW + 20),
			await missedAt(NOW + 40),
		];
		const [third, first, second, fourth] = idsOf(missed);
		await missedAt(NOW + 9);
		const page = async () => await recoverDeliveries(LATER, endpoint, { sinceMs: NOW + 10, limit: 2 }, BY);
		const one = await page();
		expect([idsOf(one.recovered), one.hasMore]).toEqual([[first, second], true]);
		const two = await page();
		expect([idsOf(two.recovered), two.hasMore]).toEqual([[third, fourth], false]);
		expect(await page()).toEqual({ recovered: [], hasMore: false });
		for (const delivery of missed) expect(await reloadDelivery(delivery)).toMatchObject(OWED_AGAIN);
	});

	it("leaves alone what was received, is under way, is erased, or is another's", async () => {
		const other = await anEndpoint(tenantId);
		const erased = await aSucceededJob();
		const alone = [
			await missedAt(NOW, { status: "delivered" }),
			await missedAt(NOW, { status: "pending", nextAttemptAt: NOW + DAY }),
			await missedAt(NOW, {}, other),
			await aDelivery(await aSucceededJob(), { status: "exhausted" }),
			await aDeliveryTo(endpoint, erased),
		];
		await eraseJob(db, erased, anId("tmb"), BY);
		expect(await recoverDeliveries(LATER, endpoint, { sinceMs: 0, limit: 100 }, BY)).toEqual({
			recovered: [],
			hasMore: false,
		});
		for (const delivery of alone) expect(await reloadDelivery(delivery)).toMatchObject({ restartedAt: null });
		expect(await recoverDeliveries(LATER, { ...endpoint, ...elsewhere }, { sinceMs: 0, limit: 100 }, BY)).toMatchObject(
			{ recovered: [] },
		);
	});

	it("sends nothing to an endpoint that is disabled", async () => {
		await missedAt(NOW);
		await disable(endpoint);
		expect(await recoverDeliveries(LATER, endpoint, { sinceMs: 0, limit: 100 }, BY)).toEqual({
			recovered: [],
			hasMore: false,
		});
	});

	it("reads what was missed, however much was received", async () => {
		const job = await aSucceededJob();
		for (let index = 0; index < 200; index++) {
			const deliveryId = `dlv_${job.jobId.slice(4)}_${1000 + index}`;
			await aDeliveryTo(endpoint, job, { deliveryId, status: "delivered" });
		}
		await missedAt(NOW);
		const meter = meteredD1(env.DB);
		const { recovered } = await recoverDeliveries(
			new Database(meter.d1, runtime, () => NOW),
			endpoint,
			{ sinceMs: NOW - DAY, limit: 100 },
			BY,
		);
		expect(recovered).toHaveLength(1);
		expect(meter.read().rowsRead).toBeLessThan(40);
	});
});
