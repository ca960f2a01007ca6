/** A model is throttled: which job calls when, which waits where, and what releases those that wait. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { ACK } from "../../../shared/queues/dispositions.ts";
import { storeResult } from "../../../shared/storage/results.ts";
import { aJob, anAttempt, DAY, HOUR, LEASE_MS, MINUTE, reload, SECOND, type StoredJob } from "../support/a-job.ts";
import { emptyTables } from "../support/all-rows.ts";
import { processMessages } from "../world/drive.ts";
import { aModel, answered, failed } from "../world/model.ts";
import { World } from "../world/world.ts";

let world: World;
beforeEach(async () => {
	await emptyTables();
	world = new World();
});

async function jobs(others: number): Promise<[StoredJob, ...StoredJob[]]> {
	const one = () => aJob({ deadlineMs: 30 * DAY });
	return [await one(), ...(await Promise.all(Array.from({ length: others }, one)))];
}

async function statusesOf(all: StoredJob[]): Promise<string[]> {
	return await Promise.all(all.map(async (job) => (await reload(job))?.status ?? "gone"));
}

describe("a throttled model", () => {
	it("gets no call until its time; then one, and after that those of all jobs that waited, without a sweep", async () => {
		const [first, ...others] = await jobs(11);
		const model = aModel(failed("throttled", { status: 429, retryAfterMs: MINUTE }), answered());
		// It waits longer than a slot may: the sweeper admits it.
		expect(await world.start(model).consume(first)).toEqual(ACK);
		for (const job of others) expect(await world.start(model).consume(job)).toEqual(ACK);
		expect(model.calls).toHaveLength(1);

		await world.sweep(67 * SECOND);
		await world.start(model).consume(first);
		expect(model.calls.map(({ jobId }) => jobId)).toEqual([first.jobId, first.jobId]);
		await processMessages(world, model);
		expect(await statusesOf([first, ...others])).toEqual(Array.from({ length: 12 }, () => "succeeded"));
		expect(model.calls).toHaveLength(13);
	});

	it("costs one sweep when the consumer that would have released the others is gone", async () => {
		const [first, ...others] = await jobs(3);
		const model = aModel(failed("throttled", { status: 429, retryAfterMs: MINUTE }), answered());
		await world.start(model).consume(first);
		for (const job of others) await world.start(model).consume(job);
		await world.sweep(50 * SECOND);
		expect(world.jobs.take()).toEqual([]);

		await world.sweep(MINUTE);
		await processMessages(world, model);
		expect(await statusesOf(others)).toEqual(["succeeded", "succeeded", "succeeded"]);
	});

	it("gets no call from a job whose holder died, which waits with the others and keeps its attempts", async () => {
		const job = await aJob({ status: "running", deadlineMs: DAY });
		const [other] = await jobs(0);
		const model = aModel(failed("throttled", { status: 429, retryAfterMs: HOUR }), answered());
		await world.advance(LEASE_MS);
		await world.start(model).consume(other);
		expect(await world.start(model).consume(job)).toEqual({ kind: "retry", delaySeconds: 0 });
		expect(await world.start(model).consume(job)).toEqual(ACK);
		expect(model.calls).toHaveLength(1);
		expect(await reload(job)).toMatchObject({ status: "queued", statusReason: "throttled", attempt: 1 });
		expect((await reload(job))?.parkedOn).not.toBeNull();
	});

	it("whose credential is blocked is the reason shown by a job taken over from a dead holder", async () => {
		const job = await aJob({ status: "running", deadlineMs: DAY });
		const [other] = await jobs(0);
		const model = aModel(failed("blocked", { status: 402, retryAfterMs: HOUR }));
		await world.advance(LEASE_MS);
		await world.start(model).consume(other);
		await world.start(model).consume(job);
		expect(await reload(job)).toMatchObject({ status: "queued", statusReason: "blocked", parkedOn: null });
	});

	it("is not taken for recovered by a job that fails because no route serves it: no call was made", async () => {
		const [job] = await jobs(0);
		const model = aModel(failed("throttled", { status: 429, retryAfterMs: MINUTE }));
		await world.start(model).consume(job);
		await world.advance(67 * SECOND);
		world.config.modelRoutes = [];
		await world.start(model).consume(job);
		expect((await reload(job))?.error?.code).toBe("model_not_served");
		const breakers = await env.DB.prepare("SELECT permits, successes FROM breakers").all();
		expect(breakers.results).toEqual([{ permits: 1, successes: 0 }]);
	});

	it("does not keep a result that is in R2 already from being recorded", async () => {
		const job = await aJob({ status: "running", deadlineMs: DAY });
		const [other] = await jobs(0);
		const process = world.start(aModel(failed("throttled", { status: 429, retryAfterMs: HOUR })));
		const attempt = anAttempt(1, { outcome: "succeeded", status: 200, code: null, message: null });
		const stored = { attempt, modelAttempt: 1 };
		await storeResult(process.consumer.objects, job, new TextEncoder().encode("{}"), stored);
		await world.advance(LEASE_MS);
		await process.consume(other);
		await process.consume(job);
		expect(await reload(job)).toMatchObject({ status: "succeeded", attempt: 1 });
	});
});
