/** A schedule whose first wait is not zero: nothing is sent before it is over, whatever caused the event. */
import { beforeEach, describe, expect, it } from "vitest";
import { cancel } from "../../../shared/jobs/cancel.ts";
import { aJob, aTenant, HOUR, MINUTE, NOW, reloadDelivery, SECOND } from "../support/a-job.ts";
import { emptyTables } from "../support/all-rows.ts";
import { aDeliveryTo, anEndpoint, deliveriesTo } from "../support/an-endpoint.ts";
import { runOut } from "../world/drive.ts";
import { aModel, answered } from "../world/model.ts";
import type { Process } from "../world/process.ts";
import { RECEIVER, status } from "../world/upstreams.ts";
import { World } from "../world/world.ts";

beforeEach(emptyTables);

function aWorldWaiting(firstWaitMs: number) {
	const world = new World({
		config: { deliveryScheduleMs: [firstWaitMs, MINUTE] },
		replies: [(post) => status(post.url === RECEIVER ? 204 : 410)(post)],
	});
	const sentAt = () => world.received.filter(({ url }) => url === RECEIVER).map(({ at }) => at);
	return { world, sentAt, process: world.start(aModel(answered())) };
}

/** Each lets one event of `tenantId` happen, at `NOW`. */
const EVENTS: Record<string, { type: string; cause(process: Process, tenantId: string): Promise<unknown> }> = {
	"a job that starts": {
		type: "job.started",
		cause: async (process, tenantId) => await process.consume(await aJob({ tenantId })),
	},
	"a job that succeeds": {
		type: "job.succeeded",
		cause: async (process, tenantId) => await process.consume(await aJob({ tenantId })),
	},
	"a job that is cancelled": {
		type: "job.cancelled",
		async cause(process, tenantId) {
			await cancel(process.dispatcher, await aJob({ tenantId }));
			await Promise.all(process.background);
		},
	},
	"a job that expires": {
		type: "job.expired",
		async cause(process, tenantId) {
			await aJob({ tenantId, createdAt: NOW - HOUR, deadlineMs: MINUTE, sweepAt: NOW });
			await process.sweep();
		},
	},
	"an endpoint that is disabled": {
		type: "endpoint.disabled",
		async cause(process, tenantId) {
			const gone = await anEndpoint(tenantId, {
				url: "https://hooks.acme-receiver.com/gone",
				eventTypes: ["job.failed"],
			});
			const job = await aJob({ tenantId, status: "failed" });
			await process.dispatch(await aDeliveryTo(gone, job, { url: gone.url }));
		},
	},
};

describe("the webhook of", () => {
	it.each(Object.entries(EVENTS))(
		"%s is due after the first wait, and its message is delayed as long",
		async (_, { type, cause }) => {
			const { world, sentAt, process } = aWorldWaiting(10 * SECOND);
			const endpoint = await anEndpoint((await aTenant()).tenantId, { url: RECEIVER, eventTypes: [type] });

			await cause(process, endpoint.tenantId);

			const [delivery] = await deliveriesTo(endpoint);
			if (delivery === undefined) throw new Error("no delivery was inserted");
			const { createdAt, nextAttemptAt, sweepAt } = Object(await reloadDelivery(delivery));
			expect([nextAttemptAt - createdAt, sweepAt - createdAt]).toEqual([10 * SECOND, 10 * SECOND + MINUTE]);
			expect(world.calls).toContain("queue sendBatch deliveries in 10 s");
			const deliveries = world.deliveries.take();
			expect(deliveries).toEqual([{ tenantId: delivery.tenantId, deliveryId: delivery.deliveryId }]);

			for (const key of deliveries) await process.dispatch(key);
			expect(sentAt()).toEqual([]);
			await world.advance(nextAttemptAt - world.runtime.now());
			for (const key of deliveries) await process.dispatch(key);
			expect(sentAt()).toEqual([nextAttemptAt]);
			expect(await reloadDelivery(delivery)).toMatchObject({ status: "delivered" });
		},
	);

	it.each(Object.entries(EVENTS))(
		"%s is left to the sweeper where the wait is too long for a queue",
		async (_, { type, cause }) => {
			const { world, sentAt, process } = aWorldWaiting(HOUR);
			const endpoint = await anEndpoint((await aTenant()).tenantId, { url: RECEIVER, eventTypes: [type] });

			await cause(process, endpoint.tenantId);

			expect(world.deliveries.take()).toEqual([]);
			const [delivery] = await deliveriesTo(endpoint);
			if (delivery === undefined) throw new Error("no delivery was inserted");
			const { createdAt, nextAttemptAt, sweepAt } = Object(await reloadDelivery(delivery));
			expect([nextAttemptAt, sweepAt]).toEqual([createdAt + HOUR, createdAt + HOUR]);
			await world.advance(HOUR);
			await runOut(world, aModel(answered()), 2);
			expect(sentAt()).toHaveLength(1);
			expect(sentAt()[0]).toBeGreaterThanOrEqual(createdAt + HOUR);
		},
	);
});
