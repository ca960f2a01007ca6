/** A model says "later": who is called when, who waits where, and who lets go of those who wait. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { Attempt } from "../../../shared/core/jobs/attempts.ts";
import { ACK } from "../../../shared/queues/messages.ts";
import { storeResult } from "../../../shared/storage/results.ts";
import { aJob, DAY, HOUR, LEASE_MS, MINUTE, reload, SECOND, type StoredJob } from "../support/a-job.ts";
import { aWorld, takeBells } from "../support/a-world.ts";
import { emptyTables } from "../support/all-rows.ts";
import { answerBells, consume, sweepOnce } from "../support/drive.ts";
import { aModel, answered, failed } from "../support/scripted-model.ts";

beforeEach(emptyTables);

/** The call of a holder that died after its answer was stored. */
function theLostCall({ fence, model, leasedAt }: StoredJob): Attempt {
	const at = leasedAt ?? 0;
	const nothing = { code: null, message: null, retryAfterMs: null, logId: null, usage: null };
	const call = { number: 1, fence, counted: true, model, provider: "simulated", startedAt: at, endedAt: at + SECOND };
	return { ...call, outcome: "succeeded", status: 200, ...nothing };
}

async function jobs(many: number): Promise<StoredJob[]> {
	return await Promise.all(Array.from({ length: many }, () => aJob({ deadlineMs: 30 * DAY })));
}

async function statusesOf(all: StoredJob[]): Promise<string[]> {
	return await Promise.all(all.map(async (job) => (await reload(job))?.status ?? "gone"));
}

describe("a throttled model", () => {
	it("is called by nobody until its time; then by one, and after that by all who waited, without a sweep", async () => {
		const world = aWorld();
		const [first, ...others] = await jobs(12);
		if (first === undefined) return;
		const model = aModel(failed("throttled", { status: 429, retryAfterMs: MINUTE }), answered());
		expect(await consume(world, world.start(model), first)).toMatchObject({ kind: "retry" });
		for (const job of others) expect(await consume(world, world.start(model), job)).toEqual(ACK);
		expect(model.calls).toHaveLength(1);

		await world.advance(67 * SECOND);
		await consume(world, world.start(model), first);
		expect(model.calls.map(({ jobId }) => jobId)).toEqual([first.jobId, first.jobId]);
		await answerBells(world, model);
		expect(await statusesOf([first, ...others])).toEqual(Array.from({ length: 12 }, () => "succeeded"));
		expect(model.calls).toHaveLength(13);
	});

	it("costs one sweep when whoever should have let the others go is gone", async () => {
		const world = aWorld();
		const [first, ...others] = await jobs(4);
		if (first === undefined) return;
		const model = aModel(failed("throttled", { status: 429, retryAfterMs: MINUTE }), answered());
		await consume(world, world.start(model), first);
		for (const job of others) await consume(world, world.start(model), job);
		await world.advance(50 * SECOND);
		await sweepOnce(world);
		expect(takeBells(world).jobs).toEqual([]);

		await world.advance(MINUTE);
		await sweepOnce(world);
		await answerBells(world, model);
		expect(await statusesOf(others)).toEqual(["succeeded", "succeeded", "succeeded"]);
	});

	it("gets no call from a job whose holder died, which waits with the others and keeps its attempts", async () => {
		const world = aWorld();
		const job = await aJob({ status: "running", deadlineMs: DAY });
		const [other] = await jobs(1);
		if (other === undefined) return;
		const model = aModel(failed("throttled", { status: 429, retryAfterMs: HOUR }), answered());
		await world.advance(LEASE_MS);
		await consume(world, world.start(model), other);
		expect(await consume(world, world.start(model), job)).toEqual({ kind: "retry", delaySeconds: 0 });
		expect(await consume(world, world.start(model), job)).toEqual(ACK);
		expect(model.calls).toHaveLength(1);
		expect(await reload(job)).toMatchObject({ status: "queued", statusReason: "throttled", attempt: 1 });
		expect((await reload(job))?.parkedOn).not.toBeNull();
	});

	it("whose credential is blocked is the reason that a job taken over from a dead holder shows", async () => {
		const world = aWorld();
		const job = await aJob({ status: "running", deadlineMs: DAY });
		const [other] = await jobs(1);
		if (other === undefined) return;
		const model = aModel(failed("blocked", { status: 402, retryAfterMs: HOUR }));
		await world.advance(LEASE_MS);
		await consume(world, world.start(model), other);
		await consume(world, world.start(model), job);
		expect(await reload(job)).toMatchObject({ status: "queued", statusReason: "blocked", parkedOn: null });
	});

	it("is not taken for recovered by a job that fails because no route serves it: no call was made", async () => {
		const world = aWorld();
		const [job] = await jobs(1);
		if (job === undefined) return;
		const model = aModel(failed("throttled", { status: 429, retryAfterMs: MINUTE }));
		await consume(world, world.start(model), job);
		await world.advance(67 * SECOND);
		world.config.modelRoutes = [];
		await consume(world, world.start(model), job);
		expect((await reload(job))?.error?.code).toBe("model_not_served");
		const breakers = await env.DB.prepare("SELECT permits, successes FROM breakers").all();
		expect(breakers.results).toEqual([{ permits: 1, successes: 0 }]);
	});

	it("does not keep an answer that is in R2 already from being told", async () => {
		const world = aWorld();
		const job = await aJob({ status: "running", deadlineMs: DAY });
		const [other] = await jobs(1);
		if (other === undefined) return;
		const process = world.start(aModel(failed("throttled", { status: 429, retryAfterMs: HOUR })));
		const stored = { attempt: theLostCall(job), modelAttempt: 1 };
		await storeResult(process.consumer.objects, job, new TextEncoder().encode("{}"), stored);
		await world.advance(LEASE_MS);
		await consume(world, process, other);
		await consume(world, process, job);
		expect(await reload(job)).toMatchObject({ status: "succeeded", attempt: 1 });
	});
});
