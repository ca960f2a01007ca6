/** One job, one crash, at every point of its way: it ends once, its webhook is sent, and a result in R2 is never bought again. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { ACK } from "../../../shared/queues/dispositions.ts";
import { resultKey } from "../../../shared/storage/keys.ts";
import { deliveryIdOf } from "../../support/event-ids.ts";
import { aJob, aTenant, MINUTE, reload, reloadDelivery, SECOND, WEBHOOK } from "../support/a-job.ts";
import { emptyTables } from "../support/all-rows.ts";
import { processMessages, runOut } from "../world/drive.ts";
import { aModel, answered, failed } from "../world/model.ts";
import { RECEIVER, status } from "../world/upstreams.ts";
import { World } from "../world/world.ts";

beforeEach(emptyTables);

/** A job with a webhook, and a world whose receiver finds the row to be as the webhook says. */
async function aStory() {
	const { tenantId } = await aTenant();
	const job = await aJob({ tenantId, webhook: { ...WEBHOOK, url: RECEIVER } });
	const world = new World({
		replies: [
			async (webhook) => {
				const row = await world.gate.counted(() => reload(job));
				expect(row?.status).toBe(webhook.data.status);
				return status(204)(webhook);
			},
		],
	});
	const sent = () => world.received.map(({ id, data }) => ({ id, status: data.status }));
	return { world, job, sent };
}

describe("a consumer", () => {
	it.each([
		{ point: "before its call", at: /^model/, how: "dies before", calls: 1 },
		{ point: "after its call, before the result is stored", at: /r2 put/, how: "dies before", calls: 2 },
		{ point: "after the result is stored, before the row says so", at: /r2 put/, how: "dies after", calls: 1 },
		{ point: "at the transaction that ends the job", at: /d1 finish jobs/, how: "dies before", calls: 1 },
		{ point: "after that transaction, before it acks or enqueues", at: /d1 finish jobs/, how: "dies after", calls: 1 },
		{ point: "before it enqueues the webhook", at: /queue send/, how: "dies before", calls: 1 },
		{ point: "after it enqueued that, before it acks", at: /queue send/, how: "dies after", calls: 1 },
		{ point: "right after it took its lease", at: /d1 lease jobs/, how: "dies after", calls: 1 },
	] as const)("that dies $point costs nothing but time", async ({ at, how, calls }) => {
		const { world, job, sent } = await aStory();
		const model = aModel(answered("The answer."));
		const process = world.start(model).on(at, how);
		const { dispositions } = process.consuming(job);
		await world.advance(MINUTE);
		expect(dispositions).toEqual({});
		await runOut(world, model);
		const after = await reload(job);
		expect(after).toMatchObject({ status: "succeeded", fence: expect.any(Number) });
		expect(model.calls).toHaveLength(calls);
		expect(after?.attempts.filter(({ outcome }) => outcome === "succeeded")).toHaveLength(1);
		expect(await (await env.RESULTS.get(resultKey(job)))?.text()).toContain("The answer.");
		expect(sent()).toEqual([{ id: `evt_${job.jobId.slice(4)}_succeeded`, status: "succeeded" }]);
		// The message that was never acked comes once more, and finds nothing to do.
		expect(await world.start(model).consume(job)).toEqual(ACK);
		expect(await reload(job)).toEqual(after);
	});

	it("that dies is noticed within 150 s, at the worst moment between two sweeps", async () => {
		const { world, job } = await aStory();
		const process = world.start(aModel(answered())).on(/r2 put/, "dies before");
		process.consuming(job);
		await world.advance(0);
		// The sweeps come at 29, 89 and 149 s; the lease ends at 90.
		await world.sweep(29 * SECOND);
		const diedAt = world.runtime.now() - 29 * SECOND;
		const model = aModel(answered());
		while (model.calls.length === 0) {
			await world.sweep(MINUTE);
			await processMessages(world, model);
		}
		expect(world.runtime.now() - diedAt).toBe(149 * SECOND);
	});
});

describe("a dispatcher", () => {
	it.each([
		{ point: "dies before it sends", at: /d1 find pending deliveries/, how: "dies after", posts: 1 },
		{ point: "dies after it sent, before it records that", at: /d1 record deliveries/, how: "dies before", posts: 2 },
		{ point: "dies after it recorded that, before it acks", at: /d1 record deliveries/, how: "dies after", posts: 1 },
	] as const)("that $point delivers all the same, under one webhook-id", async ({ at, how, posts }) => {
		const { world, job, sent } = await aStory();
		await world.until(world.start(aModel(answered())).consuming(job).over);
		const [key] = world.deliveries.take();
		if (key === undefined) throw new Error("nothing was enqueued");
		const process = world.start().on(at, how);
		await expect(process.dispatch(key)).rejects.toThrow("never ends");
		await runOut(world, aModel(answered()));
		expect(sent()).toHaveLength(posts);
		expect(new Set(sent().map(({ id }) => id)).size).toBe(1);
		expect(await reloadDelivery(key)).toMatchObject({ status: "delivered", attemptsMade: 1 });
	});
});

describe("a job that fails", () => {
	it("ends, and its webhook is sent, though each call to storage fails once in its way", async () => {
		for (const fault of ["fails before", "fails after"] as const) {
			const { world, job, sent } = await aStory();
			const model = aModel(failed("transient"), failed("throttled"), answered());
			for (let rounds = 0; rounds < 12 && (await reload(job))?.finishedAt === null; rounds++) {
				const process = world.start(model);
				for (const what of [/d1 lease jobs/, /d1 requeue job/, /d1 finish jobs/, /r2 head/, /r2 put/])
					process.on(what, fault);
				await world.until(process.consuming(job).over);
				await world.advance(5 * MINUTE);
			}
			await runOut(world, model);
			expect(await reload(job)).toMatchObject({ status: "succeeded" });
			expect(model.calls).toHaveLength(3);
			expect(sent()).toHaveLength(1);
		}
	});

	it("for good has one webhook, of its failure", async () => {
		const { world, job, sent } = await aStory();
		await world.until(world.start(aModel(failed("permanent"))).consuming(job).over);
		await runOut(world, aModel(answered()));
		expect(sent()).toEqual([{ id: `evt_${job.jobId.slice(4)}_failed`, status: "failed" }]);
		const deliveryId = deliveryIdOf(job.jobId, "failed", "webhook");
		expect(await reloadDelivery({ tenantId: job.tenantId, deliveryId })).toMatchObject({ status: "delivered" });
	});
});
