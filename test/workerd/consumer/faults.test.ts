import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { JobKey } from "../../../shared/core/jobs/job.ts";
import { ACK } from "../../../shared/queues/messages.ts";
import { inputKey, resultKey } from "../../../shared/storage/keys.ts";
import { aJob, MINUTE, NOW, reload, SECOND, WEBHOOK } from "../support/a-job.ts";
import { diesAfter, diesBefore, failsAfter, failsBefore, hangsAfter, hangsBefore } from "../support/a-process.ts";
import { aWorld, type World } from "../support/a-world.ts";
import { consume, consuming } from "../support/drive.ts";
import { aModel, answered, failed, type ScriptedModel, slowly } from "../support/scripted-model.ts";

const storedText = async (job: JobKey) => (await env.RESULTS.get(resultKey(job)))?.text() ?? null;
const outcomesOf = async (job: JobKey) => (await reload(job))?.attempts.map(({ outcome }) => outcome);

/** A consumer that neither beats nor looks, as if it had been paused: its lease runs out and it does not know. */
function startZombie(world: World, model: ScriptedModel, job: JobKey) {
	const process = world.start(model);
	process.on(/extend leases|find held leases/, failsBefore, 1_000);
	return { process, ...consuming(process, job) };
}

describe("two consumers with the same message", () => {
	it("make one call and one result", async () => {
		const world = aWorld();
		const job = await aJob({ webhook: WEBHOOK });
		const model = aModel(slowly(10 * SECOND, answered()));
		const both = [consuming(world.start(model), job), consuming(world.start(model), job)];
		await world.ended(Promise.all(both.map(({ over }) => over)));
		expect(both.map(({ told }) => told[job.jobId])).toEqual([ACK, ACK]);
		expect(model.calls).toHaveLength(1);
		expect(await reload(job)).toMatchObject({ status: "succeeded", fence: 1, attempts: [{ outcome: "succeeded" }] });
		expect(world.bells.deliveries).toHaveLength(1);
	});
});

describe("a consumer whose lease was taken over", () => {
	it("cannot prolong it, and gives its call up", async () => {
		const world = aWorld();
		const job = await aJob();
		const model = aModel(slowly(10 * MINUTE, answered()));
		const process = world.start(model);
		process.on(/extend leases|find held leases/, failsBefore, 18);
		const zombie = consuming(process, job);
		await world.advance(91 * SECOND);
		const heir = world.start(model);
		heir.on(/extend leases|find held leases/, failsBefore, 1_000);
		consuming(heir, job);
		await world.advance(0);
		const taken = await reload(job);
		expect(taken).toMatchObject({ status: "running", fence: 2, attempts: [{ fence: 1, outcome: "abandoned" }] });
		await world.advance(5 * SECOND);
		expect(world.calls.filter((call) => call === "d1 extend leases").length).toBeGreaterThan(1);
		expect(zombie.told[job.jobId]).toEqual(ACK);
		expect(await reload(job)).toEqual(taken);
	});

	it("cannot put the job back", async () => {
		const world = aWorld();
		const job = await aJob();
		const zombie = startZombie(world, aModel(slowly(95 * SECOND, failed("transient"))), job);
		await world.advance(91 * SECOND);
		consuming(world.start(aModel(slowly(MINUTE, answered()))), job);
		await world.advance(0);
		const taken = await reload(job);
		await world.ended(zombie.over);
		expect(world.calls).toContain("d1 requeue job");
		expect(zombie.told[job.jobId]).toEqual(ACK);
		expect(await reload(job)).toEqual(taken);
	});

	it("cannot fail the job", async () => {
		const world = aWorld();
		const job = await aJob({ webhook: WEBHOOK });
		const zombie = startZombie(world, aModel(slowly(95 * SECOND, failed("permanent"))), job);
		await world.advance(91 * SECOND);
		consuming(world.start(aModel(slowly(MINUTE, answered()))), job);
		await world.advance(0);
		const taken = await reload(job);
		await world.ended(zombie.over);
		expect(world.calls).toContain("d1 finish jobs");
		expect(await reload(job)).toEqual(taken);
		expect(world.bells.deliveries).toEqual([]);
	});

	it("that answers first has its answer kept, and the later one is told as superseded", async () => {
		const world = aWorld();
		const job = await aJob();
		const zombie = startZombie(world, aModel(slowly(95 * SECOND, answered("The first."))), job);
		await world.advance(91 * SECOND);
		const model = aModel(slowly(MINUTE, answered("The second.")));
		const heirsProcess = world.start(model);
		const heir = consuming(heirsProcess, job);
		await world.ended(zombie.over);
		expect(await reload(job)).toMatchObject({ status: "running", fence: 2 });
		await world.ended(heir.over);
		expect(await storedText(job)).toContain("The first.");
		expect(heirsProcess.consumer.freshResults.take(job)).toBeNull();
		expect(await reload(job)).toMatchObject({
			status: "succeeded",
			attempt: 2,
			usage: { totalTokens: 14 },
			attempts: [
				{ number: 1, fence: 1, outcome: "succeeded" },
				{ number: 2, fence: 2, outcome: "superseded", counted: true },
			],
		});
	});

	it("that answers last changes nothing", async () => {
		const world = aWorld();
		const job = await aJob();
		const zombie = startZombie(world, aModel(slowly(5 * MINUTE, answered("The last."))), job);
		await world.advance(91 * SECOND);
		await consume(world, world.start(aModel(answered("The first."))), job);
		const done = await reload(job);
		await world.ended(zombie.over);
		expect(await storedText(job)).toContain("The first.");
		expect(await reload(job)).toEqual(done);
		expect(await outcomesOf(job)).toEqual(["abandoned", "succeeded"]);
	});

	it("but has answered, wins over the failure of its heir", async () => {
		for (const end of [failed("permanent"), slowly(30 * MINUTE, answered("Too late."))]) {
			const world = aWorld();
			const job = await aJob({ deadlineMs: 3 * MINUTE });
			const zombie = startZombie(world, aModel(slowly(95 * SECOND, answered("Just in time."))), job);
			await world.advance(91 * SECOND);
			const heir = world.start(
				aModel(async (call, signal, runtime) => {
					await runtime.sleep(10 * SECOND, signal);
					return typeof end === "function" ? await end(call, signal, runtime) : end;
				}),
			);
			await world.ended(Promise.all([zombie.over, consuming(heir, job).over]));
			expect(await storedText(job)).toContain("Just in time.");
			expect(await reload(job)).toMatchObject({ status: "succeeded", attempts: [{ outcome: "succeeded" }, {}] });
		}
	});
});

describe("a call of ours that hangs", () => {
	it.each([
		["the result's put", /r2 put/, hangsBefore],
		["the result's put, done", /r2 put/, hangsAfter],
		["the settlement", /d1 finish jobs/, hangsBefore],
		["the settlement, done", /d1 finish jobs/, hangsAfter],
		["a heartbeat", /d1 extend leases/, hangsBefore],
		["a look", /d1 find held leases/, hangsBefore],
		["the ring", /queue send/, hangsBefore],
	])("is given up, and asked again where it matters: %s", async (_, what, fault) => {
		const world = aWorld();
		const job = await aJob({ webhook: WEBHOOK });
		const model = aModel(slowly(40 * SECOND, answered("The one.")));
		const process = world.start(model);
		process.on(what, fault);
		const { told, over } = consuming(process, job);
		expect(await world.ended(over)).toBe(true);
		expect(told[job.jobId]).toEqual(ACK);
		expect(model.calls).toHaveLength(1);
		expect(await storedText(job)).toContain("The one.");
		expect(await reload(job)).toMatchObject({ status: "succeeded", fence: 1, attempts: [{ outcome: "succeeded" }] });
		expect(world.runtime.now() - NOW).toBeLessThan(2 * MINUTE);
	});
});

describe("a job whose holders die", () => {
	it("is poisoned after as many deaths as attempts, and the lease that judges gives its attempt back", async () => {
		const world = aWorld();
		const job = await aJob({ maxAttempts: 2, webhook: WEBHOOK });
		const model = aModel(answered());
		for (let deaths = 0; deaths < 2; deaths++) {
			const process = world.start(model);
			process.on(/r2 put/, diesBefore);
			consuming(process, job);
			await world.advance(91 * SECOND);
		}
		expect(await consume(world, world.start(model), job)).toEqual(ACK);
		expect(model.calls).toHaveLength(2);
		expect(await reload(job)).toMatchObject({
			status: "failed",
			statusReason: "poisoned",
			attempt: 2,
			error: { code: "poisoned" },
			attempts: [
				{ outcome: "abandoned", counted: true },
				{ outcome: "abandoned", counted: true },
			],
		});
		expect(world.bells.deliveries).toHaveLength(1);
	});

	it("ends even when those die who come to judge it, and takes no neighbour with it", async () => {
		const world = aWorld();
		const job = await aJob({ maxAttempts: 1 });
		for (let deaths = 0; deaths < 4; deaths++) {
			const process = world.start(aModel(answered()));
			process.on(deaths === 0 ? /r2 put/ : /d1 finish jobs/, diesBefore);
			consuming(process, job);
			await world.advance(91 * SECOND);
		}
		const neighbour = await aJob();
		await consume(world, world.start(aModel(answered())), job, neighbour);
		expect(await reload(neighbour)).toMatchObject({ status: "succeeded" });
		expect(await reload(job)).toMatchObject({ status: "failed", statusReason: "poisoned", attempt: 1 });
		expect(await outcomesOf(job)).toEqual(["abandoned"]);
	});

	it("is settled from R2 after its deadline, if its answer is there", async () => {
		const world = aWorld();
		const job = await aJob({ deadlineMs: MINUTE });
		const process = world.start(aModel(answered()));
		process.on(/r2 put/, diesAfter);
		consuming(process, job);
		await world.advance(91 * SECOND);
		await consume(world, world.start(), job);
		expect(await reload(job)).toMatchObject({ status: "succeeded", attempt: 1, attempts: [{ outcome: "succeeded" }] });
	});
});

describe("D1", () => {
	it("that loses the answer to a lease gives the same lease when it is read back", async () => {
		const world = aWorld();
		const job = await aJob();
		const model = aModel(answered());
		const process = world.start(model);
		process.on(/d1 lease jobs/, failsAfter);
		expect(await consume(world, process, job)).toEqual(ACK);
		expect(model.calls).toHaveLength(1);
		expect(await reload(job)).toMatchObject({ status: "succeeded", fence: 1, attempt: 1 });
	});

	it.each([
		{ how: "fails before it settles", fault: failsBefore },
		{ how: "settles and then fails", fault: failsAfter },
	])("that $how costs no second call", async ({ fault }) => {
		const world = aWorld();
		const [job, retried] = [await aJob({ webhook: WEBHOOK }), await aJob()];
		const model = aModel(answered());
		const process = world.start(model);
		process.on(/d1 finish jobs/, fault);
		expect(await consume(world, process, job)).toEqual(ACK);
		expect(model.calls).toHaveLength(1);
		expect(await reload(job)).toMatchObject({ status: "succeeded", version: 3, attempts: [{ outcome: "succeeded" }] });

		const other = world.start(aModel(failed("throttled", { retryAfterMs: MINUTE })));
		other.on(/d1 requeue job/, fault);
		expect(await consume(world, other, retried)).toMatchObject({ kind: "retry" });
		expect(await reload(retried)).toMatchObject({ status: "queued", version: 3, attempts: [{ outcome: "throttled" }] });
	});

	it("that stays away has the answer settled later from R2, without a second call", async () => {
		const world = aWorld();
		const job = await aJob({ webhook: WEBHOOK });
		const model = aModel(answered());
		const process = world.start(model);
		process.on(/d1 (finish jobs|find lease state)/, failsBefore, 100);
		expect(await consume(world, process, job)).toEqual({ kind: "retry", delaySeconds: 90 });
		expect(await reload(job)).toMatchObject({ status: "running" });
		await world.advance(90 * SECOND);
		expect(await consume(world, world.start(model), job)).toEqual(ACK);
		expect(model.calls).toHaveLength(1);
		expect(await reload(job)).toMatchObject({ status: "succeeded", attempt: 1 });
		expect(await outcomesOf(job)).toEqual(["succeeded"]);
		expect(world.bells.deliveries).toHaveLength(1);
	});
});

describe("R2", () => {
	it.each([
		{ how: "fails a few times", fault: failsBefore },
		{ how: "stores and then fails", fault: failsAfter },
	])("that $how costs no second call", async ({ fault }) => {
		const world = aWorld();
		const job = await aJob();
		const model = aModel(answered());
		const process = world.start(model);
		process.on(/r2 put/, fault, 3);
		expect(await consume(world, process, job)).toEqual(ACK);
		expect(model.calls).toHaveLength(1);
		expect(await reload(job)).toMatchObject({ status: "succeeded", attempt: 1 });
		expect(await outcomesOf(job)).toEqual(["succeeded"]);
	});

	it("that takes no answer for good sends the job back uncounted, ever later", async () => {
		const world = aWorld();
		const job = await aJob({ maxAttempts: 1 });
		const model = aModel(answered());
		const waits: unknown[] = [];
		for (let calls = 0; calls < 3; calls++) {
			const process = world.start(model);
			process.on(/r2 put/, failsBefore, 1_000);
			waits.push(await consume(world, process, job));
			await world.advance(MINUTE);
		}
		expect(waits).toEqual([15, 30, 60].map((delaySeconds) => ({ kind: "retry", delaySeconds })));
		expect(await reload(job)).toMatchObject({
			status: "queued",
			statusReason: "storage_unavailable",
			attempt: 0,
			usage: { totalTokens: 21 },
			attempts: [{ outcome: "not_stored", counted: false }, {}, {}],
		});
		await consume(world, world.start(model), job);
		expect(await reload(job)).toMatchObject({ status: "succeeded", attempt: 1 });
	});

	it("that does not say whether an earlier holder was answered means later, never a call", async () => {
		const world = aWorld();
		const job = await aJob({ fence: 3, attempt: 1 });
		const model = aModel(answered());
		const process = world.start(model);
		process.on(/r2 head/, failsBefore);
		expect(await consume(world, process, job)).toEqual({ kind: "retry", delaySeconds: 15 });
		expect(model.calls).toHaveLength(0);
		expect(await reload(job)).toMatchObject({ status: "queued", attempt: 1, attempts: [] });
	});

	it("that does not say so when an attempt ends the job leaves the end to a later lease", async () => {
		const world = aWorld();
		const job = await aJob({ fence: 3 });
		const process = world.start(aModel(failed("permanent")));
		process.on(/r2 head/, async (go) => await go());
		process.on(/r2 head/, failsBefore);
		expect(await consume(world, process, job)).toEqual({ kind: "retry", delaySeconds: 15 });
		expect(await reload(job)).toMatchObject({ status: "queued", attempt: 0, attempts: [{ counted: false }] });
	});

	it("gives a large input to the call, or the job waits for it", async () => {
		const world = aWorld();
		const job = await aJob();
		const large = await aJob({ inputKey: inputKey(job, NOW), inputBytes: 40_000 });
		await env.RESULTS.put(inputKey(job, NOW), '{"messages":[],"seed":7}');
		const model = aModel(answered());
		const process = world.start(model);
		process.on(/r2 get inputs/, failsBefore);
		expect(await consume(world, process, large)).toEqual({ kind: "retry", delaySeconds: 15 });
		expect(await reload(large)).toMatchObject({ status: "queued", attempt: 0 });
		await world.advance(15 * SECOND);
		await consume(world, process, large);
		expect(model.calls.map(({ input }) => input)).toEqual([{ messages: [], seed: 7 }]);
	});

	it("that has lost an input fails the job, with no call and no attempt used", async () => {
		const world = aWorld();
		const job = await aJob({ inputKey: "inputs/2026-01-01/ten/none", webhook: WEBHOOK });
		const model = aModel(answered());
		expect(await consume(world, world.start(model), job)).toEqual(ACK);
		expect(model.calls).toHaveLength(0);
		expect(await reload(job)).toMatchObject({ status: "failed", attempt: 0, error: { code: "input_missing" } });
		expect(world.bells.deliveries).toHaveLength(1);
	});
});
