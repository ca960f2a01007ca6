/** One job, one crash, at every point of its way: it ends once, it is told, and an answer in R2 is never bought again. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { resultKey } from "../../../shared/storage/keys.ts";
import { deliveryIdOf } from "../../support/event-ids.ts";
import { aJob, aTenant, MINUTE, reload, reloadDelivery, SECOND } from "../support/a-job.ts";
import { diesAfter, diesBefore, type Fault, failsAfter, failsBefore } from "../support/a-process.ts";
import { aWorld, takeBells } from "../support/a-world.ts";
import { emptyTables } from "../support/all-rows.ts";
import { answerBells, consuming, dispatch, runOut, sweepOnce } from "../support/drive.ts";
import { aModel, answered, failed } from "../support/scripted-model.ts";

beforeEach(emptyTables);

const URL = "https://hooks.acme-receiver.com/jobs";

/** A job with a webhook, and a world whose receiver remembers what it was told. */
async function aStory() {
	const told: { id: string | null; status: string }[] = [];
	const world = aWorld({
		async fetch(_url, init) {
			const { data }: { data: { id: string; status: string } } = JSON.parse(String(init.body));
			told.push({ id: new Headers(init.headers).get("webhook-id"), status: data.status });
			// Whoever is told and looks, sees what he was told.
			const row = await reload({ tenantId: job.tenantId, jobId: data.id });
			expect(row?.status).toBe(data.status);
			return new Response(null, { status: 204 });
		},
	});
	const { tenantId } = await aTenant();
	const job = await aJob({ tenantId, webhook: { url: URL, events: null, payload: "full" } });
	return { world, job, told };
}

describe("a consumer", () => {
	it.each([
		{ point: "before its call", at: /^model/, how: diesBefore, calls: 1 },
		{ point: "after its call, before the answer is stored", at: /r2 put/, how: diesBefore, calls: 2 },
		{ point: "after the answer is stored, before the row says so", at: /r2 put/, how: diesAfter, calls: 1 },
		{ point: "at the transaction that ends the job", at: /d1 finish jobs/, how: diesBefore, calls: 1 },
		{ point: "after that transaction, before it acks or redispatches", at: /d1 finish jobs/, how: diesAfter, calls: 1 },
		{ point: "before it redispatches for the webhook", at: /queue send/, how: diesBefore, calls: 1 },
		{ point: "after it rang, before it acks", at: /queue send/, how: diesAfter, calls: 1 },
		{ point: "right after it took its lease", at: /d1 lease jobs/, how: diesAfter, calls: 1 },
	])("that dies $point costs nothing but time", async ({ at, how, calls }) => {
		const { world, job, told } = await aStory();
		const model = aModel(answered("The answer."));
		const process = world.start(model);
		process.on(at, how);
		const { told: acks } = consuming(process, job);
		await world.advance(MINUTE);
		expect(acks).toEqual({});
		await runOut(world, model);
		const after = await reload(job);
		expect(after).toMatchObject({ status: "succeeded", fence: expect.any(Number) });
		expect(model.calls).toHaveLength(calls);
		expect(after?.attempts.filter(({ outcome }) => outcome === "succeeded")).toHaveLength(1);
		expect(await (await env.RESULTS.get(resultKey(job)))?.text()).toContain("The answer.");
		expect(told).toEqual([{ id: `evt_${job.jobId.slice(4)}_succeeded`, status: "succeeded" }]);
		// The message that was never acked comes once more, and finds nothing to do.
		const late = consuming(world.start(model), job);
		await world.ended(late.over);
		expect(late.told[job.jobId]).toEqual({ kind: "ack" });
		expect(await reload(job)).toEqual(after);
	});

	it("that dies is noticed within 150 s, at the worst moment between two sweeps", async () => {
		const { world, job } = await aStory();
		const process = world.start(aModel(answered()));
		process.on(/r2 put/, diesBefore);
		consuming(process, job);
		await world.advance(0);
		// The sweeps come at 29, 89 and 149 s; the lease ends at 90.
		await world.advance(29 * SECOND);
		await sweepOnce(world);
		const diedAt = world.runtime.now() - 29 * SECOND;
		const model = aModel(answered());
		while (model.calls.length === 0) {
			await world.advance(MINUTE);
			await sweepOnce(world);
			await answerBells(world, model);
		}
		expect(world.runtime.now() - diedAt).toBe(149 * SECOND);
	});
});

describe("a dispatcher", () => {
	it.each([
		{ point: "dies before it sends", at: /d1 find pending deliveries/, how: diesAfter, posts: 1 },
		{ point: "dies after it sent, before it says so", at: /d1 record deliveries/, how: diesBefore, posts: 2 },
		{ point: "dies after it said so, before it acks", at: /d1 record deliveries/, how: diesAfter, posts: 1 },
	])("that $point tells all the same, under one webhook-id", async ({ at, how, posts }) => {
		const { world, job, told } = await aStory();
		await world.ended(consuming(world.start(aModel(answered())), job).over);
		const [key] = takeBells(world).deliveries;
		if (key === undefined) throw new Error("nobody rang");
		const process = world.start();
		process.on(at, how);
		const crashed = dispatch(world, process, key).catch(() => "crashed");
		expect(await crashed).toBe("crashed");
		await runOut(world, aModel(answered()));
		expect(told).toHaveLength(posts);
		expect(new Set(told.map(({ id }) => id)).size).toBe(1);
		expect(await reloadDelivery(key)).toMatchObject({ status: "delivered", attemptsMade: 1 });
	});
});

describe("a job that fails", () => {
	it("ends and is told, though each call to storage fails once in its way", async () => {
		for (const fault of [failsBefore, failsAfter] satisfies Fault[]) {
			const { world, job, told } = await aStory();
			const model = aModel(failed("transient"), failed("throttled"), answered());
			for (let rounds = 0; rounds < 12 && (await reload(job))?.finishedAt === null; rounds++) {
				const process = world.start(model);
				for (const what of [/d1 lease jobs/, /d1 requeue job/, /d1 finish jobs/, /r2 head/, /r2 put/])
					process.on(what, fault);
				await world.ended(consuming(process, job).over);
				await world.advance(5 * MINUTE);
			}
			await runOut(world, model);
			expect(await reload(job)).toMatchObject({ status: "succeeded" });
			expect(model.calls).toHaveLength(3);
			expect(told).toHaveLength(1);
		}
	});

	it("for good is told as failed, once", async () => {
		const { world, job, told } = await aStory();
		await world.ended(consuming(world.start(aModel(failed("permanent"))), job).over);
		await runOut(world, aModel(answered()));
		expect(told).toEqual([{ id: `evt_${job.jobId.slice(4)}_failed`, status: "failed" }]);
		const deliveryId = deliveryIdOf(job.jobId, "failed", "webhook");
		expect(await reloadDelivery({ tenantId: job.tenantId, deliveryId })).toMatchObject({ status: "delivered" });
	});
});
