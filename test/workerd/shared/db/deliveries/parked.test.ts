import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { exhaustParkedDeliveries, skipParkedDeliveries } from "../../../../../shared/db/deliveries/end-parked.ts";
import { findParkedReceivers, parkDeliveries } from "../../../../../shared/db/deliveries/receiver-breakers.ts";
import { deferDeliverySweep } from "../../../../../shared/db/deliveries/sweep-deliveries.ts";
import {
	aDelivery,
	aJob,
	anId,
	aTenant,
	DAY,
	db,
	HOUR,
	MINUTE,
	NOW,
	reloadDelivery,
	type StoredDelivery,
} from "../../../support/a-job.ts";
import { aDeliveryTo, anEndpoint, disable } from "../../../support/an-endpoint.ts";

const OLD = { createdAt: NOW - 5 * DAY };

async function aParked(overrides: Partial<StoredDelivery>, job = aJob({ status: "succeeded" })) {
	const delivery = await aDelivery(await job, overrides);
	await parkDeliveries(db, [delivery]);
	return delivery;
}

/** Of the same tenant, and so for the same receiver. */
async function parkedTogether(...all: Partial<StoredDelivery>[]): Promise<StoredDelivery[]> {
	const tenantId = anId("ten");
	return await Promise.all(all.map((one) => aParked(one, aJob({ tenantId, status: "succeeded" }))));
}

const openBreaker = ({ receiver }: StoredDelivery, openUntil: number | null) =>
	env.DB.prepare("INSERT INTO receiver_breakers VALUES (?1, 3, ?2, ?2, ?3)").bind(receiver, NOW, openUntil).run();

const statesOf = (all: StoredDelivery[]) => Promise.all(all.map(async (one) => (await reloadDelivery(one))?.status));

describe("a parked delivery", () => {
	it.each([
		["when it is five days old", NOW - DAY, null, NOW + 4 * DAY],
		["five days after it was requested again", NOW - 9 * DAY, NOW - HOUR, NOW - HOUR + 5 * DAY],
		["in a minute, if it is older", NOW - 6 * DAY, null, NOW + MINUTE],
	])("is checked %s", async (_, createdAt, restartedAt, sweepAt) => {
		const delivery = await aParked({ createdAt, restartedAt });
		expect((await reloadDelivery(delivery))?.sweepAt).toBe(sweepAt);
	});

	it("is checked no sooner after a check", async () => {
		const delivery = await aDelivery(await aJob({ status: "succeeded" }), { createdAt: NOW - DAY, sweepAt: NOW });
		await env.DB.prepare("UPDATE deliveries SET parked_on = receiver WHERE id = ?1").bind(delivery.deliveryId).run();
		await deferDeliverySweep(db, [{ ...delivery, sweepAt: NOW }]);
		expect((await reloadDelivery(delivery))?.sweepAt).toBe(NOW + 4 * DAY);
	});
});

describe("exhaustParkedDeliveries", () => {
	it("ends those that are five days old, but not the next one to be sent to their receiver", async () => {
		const parked = await parkedTogether(
			{ createdAt: NOW - 6 * DAY },
			OLD,
			{ createdAt: NOW - 5 * DAY + 1 },
			{ ...OLD, restartedAt: NOW },
		);
		const [first, old] = parked;
		await openBreaker(parked[0] as StoredDelivery, NOW);
		expect(await exhaustParkedDeliveries(db, parked)).toBe(1);
		expect(await statesOf(parked)).toEqual(["pending", "exhausted", "pending", "pending"]);
		expect(await reloadDelivery(old as StoredDelivery)).toEqual({
			...old,
			status: "exhausted",
			attemptsMade: 1,
			attempts: [{ at: NOW, durationMs: 0, status: null, error: expect.stringMatching(/^Not sent: /), response: null }],
			nextAttemptAt: null,
			sweepAt: null,
			finishedAt: NOW,
		});
		expect(await exhaustParkedDeliveries(db, [first as StoredDelivery])).toBe(0);
	});

	it.each([
		["closed", undefined],
		["closed, and counts failures", null],
	])("leaves those whose receiver's breaker is %s", async (_, openUntil) => {
		const parked = await parkedTogether({ createdAt: NOW - 6 * DAY }, OLD);
		if (openUntil === null) await openBreaker(parked[0] as StoredDelivery, null);
		expect(await exhaustParkedDeliveries(db, parked)).toBe(0);
	});
});

describe("skipParkedDeliveries", () => {
	it.each(["disabled", "deleted"])(
		"ends those of an endpoint that is %s, and finds it among the parked ones",
		async (how) => {
			const { tenantId } = await aTenant();
			const job = await aJob({ tenantId, status: "succeeded" });
			const endpoint = await anEndpoint(tenantId);
			const delivery = await aDeliveryTo(endpoint, job);
			await parkDeliveries(db, [delivery]);
			const { receiver } = delivery;
			expect(await findParkedReceivers(db, 1_000)).toContainEqual({ receiver, isAway: false });
			expect(await skipParkedDeliveries(db, receiver, 10)).toBe(0);
			if (how === "disabled") await disable(endpoint);
			else await env.DB.prepare("DELETE FROM webhook_endpoints WHERE id = ?1").bind(endpoint.endpointId).run();
			expect(await findParkedReceivers(db, 1_000)).toContainEqual({ receiver, isAway: true });
			expect(await skipParkedDeliveries(db, receiver, 10)).toBe(1);
			expect(await reloadDelivery(delivery)).toMatchObject({
				status: "skipped",
				attemptsMade: 1,
				attempts: [
					{ at: NOW, status: null, error: `Not sent: its endpoint ${how === "deleted" ? "was" : "is"} ${how}.` },
				],
				finishedAt: NOW,
			});
		},
	);
});
