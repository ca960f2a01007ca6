/** A schedule whose first wait is not zero: nothing is sent before it is over, whatever caused the event. */
import { beforeEach, describe, expect, it } from "vitest";
import { listEndpointDeliveries } from "../../../shared/db/deliveries/find-deliveries.ts";
import { cancel } from "../../../shared/jobs/cancel.ts";
import { aJob, aTenant, db, HOUR, MINUTE, NOW, reloadDelivery, SECOND } from "../support/a-job.ts";
import { aWorld, type Process, takeBells, type World } from "../support/a-world.ts";
import { emptyTables } from "../support/all-rows.ts";
import { aDeliveryTo, anEndpoint } from "../support/an-endpoint.ts";
import { consume, dispatch, runOut, sweepOnce } from "../support/drive.ts";
import { aModel, answered } from "../support/scripted-model.ts";

beforeEach(emptyTables);

const URL_OF_ENDPOINT = "https://hooks.acme-receiver.com/jobs";

function aWorldWaiting(firstWaitMs: number) {
	const postedAt: number[] = [];
	const world = aWorld({
		config: { deliveryScheduleMs: [firstWaitMs, MINUTE] },
		async fetch(url) {
			if (url === URL_OF_ENDPOINT) postedAt.push(world.runtime.now());
			return new Response(null, { status: url === URL_OF_ENDPOINT ? 204 : 410 });
		},
	});
	return { world, postedAt, process: world.start(aModel(answered())) };
}

/** Each lets one event of `tenantId` happen, at `NOW`. */
const EVENTS: Record<
	string,
	{ type: string; cause(world: World, process: Process, tenantId: string): Promise<unknown> }
> = {
	"a job that starts": {
		type: "job.started",
		cause: async (world, process, tenantId) => await consume(world, process, await aJob({ tenantId })),
	},
	"a job that succeeds": {
		type: "job.succeeded",
		cause: async (world, process, tenantId) => await consume(world, process, await aJob({ tenantId })),
	},
	"a job that is cancelled": {
		type: "job.cancelled",
		async cause(world, process, tenantId) {
			await cancel(process.dispatcher, await aJob({ tenantId }));
			await world.ended(Promise.all(process.background));
		},
	},
	"a job that expires": {
		type: "job.expired",
		async cause(world, process, tenantId) {
			await aJob({ tenantId, createdAt: NOW - HOUR, deadlineMs: MINUTE, sweepAt: NOW });
			await sweepOnce(world, process);
		},
	},
	"an endpoint that is disabled": {
		type: "endpoint.disabled",
		async cause(world, process, tenantId) {
			const gone = await anEndpoint(tenantId, {
				url: "https://hooks.acme-receiver.com/gone",
				eventTypes: ["job.failed"],
			});
			const job = await aJob({ tenantId, status: "failed" });
			await dispatch(world, process, await aDeliveryTo(gone, job, { url: gone.url }));
		},
	},
};

describe("the webhook of", () => {
	it.each(Object.entries(EVENTS))(
		"%s is due after the first wait, and its message is delayed as long",
		async (_, { type, cause }) => {
			const { world, postedAt, process } = aWorldWaiting(10 * SECOND);
			const endpoint = await anEndpoint((await aTenant()).tenantId, { url: URL_OF_ENDPOINT, eventTypes: [type] });

			await cause(world, process, endpoint.tenantId);

			const [delivery] = await listEndpointDeliveries(db, endpoint, { limit: 2, after: null });
			if (delivery === undefined) throw new Error("no delivery was inserted");
			const { createdAt, nextAttemptAt, sweepAt } = Object(await reloadDelivery(delivery));
			expect([nextAttemptAt - createdAt, sweepAt - createdAt]).toEqual([10 * SECOND, 10 * SECOND + MINUTE]);
			expect(world.calls).toContain("queue sendBatch deliveries in 10 s");
			const { deliveries } = takeBells(world);
			expect(deliveries).toEqual([{ tenantId: delivery.tenantId, deliveryId: delivery.deliveryId }]);

			for (const key of deliveries) await dispatch(world, process, key);
			expect(postedAt).toEqual([]);
			await world.advance(nextAttemptAt - world.runtime.now());
			for (const key of deliveries) await dispatch(world, process, key);
			expect(postedAt).toEqual([nextAttemptAt]);
			expect(await reloadDelivery(delivery)).toMatchObject({ status: "delivered" });
		},
	);

	it.each(Object.entries(EVENTS))(
		"%s is left to the sweeper where the wait is too long for a queue",
		async (_, { type, cause }) => {
			const { world, postedAt, process } = aWorldWaiting(HOUR);
			const endpoint = await anEndpoint((await aTenant()).tenantId, { url: URL_OF_ENDPOINT, eventTypes: [type] });

			await cause(world, process, endpoint.tenantId);

			expect(takeBells(world).deliveries).toEqual([]);
			const [delivery] = await listEndpointDeliveries(db, endpoint, { limit: 2, after: null });
			if (delivery === undefined) throw new Error("no delivery was inserted");
			const { createdAt, nextAttemptAt, sweepAt } = Object(await reloadDelivery(delivery));
			expect([nextAttemptAt, sweepAt]).toEqual([createdAt + HOUR, createdAt + HOUR]);
			await world.advance(HOUR);
			await runOut(world, aModel(answered()), 2);
			expect(postedAt).toHaveLength(1);
			expect(postedAt[0]).toBeGreaterThanOrEqual(createdAt + HOUR);
		},
	);
});
