import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { JobKey } from "../../../shared/core/jobs/job.ts";
import { ACK } from "../../../shared/queues/dispositions.ts";
import { inputKey, resultKey } from "../../../shared/storage/keys.ts";
import { aJob, MINUTE, NOW, reload, SECOND, WEBHOOK } from "../support/a-job.ts";
import { consumed } from "../world/drive.ts";
import { aModel, answered, failed, type ScriptedModel, slowly } from "../world/model.ts";
import { World } from "../world/world.ts";

let world: World;
beforeEach(() => {
	world = new World();
});

const storedText = async (job: JobKey) => (await env.RESULTS.get(resultKey(job)))?.text() ?? null;
const outcomesOf = async (job: JobKey) => (await reload(job))?.attempts.map(({ outcome }) => outcome);

/** A consumer that does not extend its lease, as if it had been paused: the lease expires and it does not know. */
function startZombie(world: World, model: ScriptedModel, job: JobKey) {
	const process = world.start(model).on(/extend leases|find held leases/, "fails before", 1_000);
	return { process, ...process.consuming(job) };
}

describe("two consumers with the same message", () => {
	it("make one call and one result", async () => {
		const job = await aJob({ webhook: WEBHOOK });
		const model = aModel(slowly(10 * SECOND, answered()));
		const both = [world.start(model).consuming(job), world.start(model).consuming(job)];
		await world.until(Promise.all(both.map(({ over }) => over)));
		expect(both.map(({ dispositions }) => dispositions[job.jobId])).toEqual([ACK, ACK]);
		expect(model.calls).toHaveLength(1);
		expect(await reload(job)).toMatchObject({ status: "succeeded", fence: 1, attempts: [{ outcome: "succeeded" }] });
		expect(world.deliveries.waiting).toHaveLength(1);
	});
});

describe("a consumer whose lease was taken over", () => {
	it("cannot extend it, and aborts its call", async () => {
		const job = await aJob();
		const model = aModel(slowly(10 * MINUTE, answered()));
		const process = world.start(model).on(/extend leases|find held leases/, "fails before", 18);
		const zombie = process.consuming(job);
		await world.advance(91 * SECOND);
		const heir = world.start(model).on(/extend leases/, (go) => go());
		heir.on(/extend leases|find held leases/, "fails before", 1_000).consuming(job);
		await world.advance(0);
		const taken = await reload(job);
		expect(taken).toMatchObject({ status: "running", fence: 2, attempts: [{ fence: 1, outcome: "abandoned" }] });
		await world.advance(5 * SECOND);
		expect(world.calls.filter((call) => call === "d1 extend leases").length).toBeGreaterThan(1);
		expect(zombie.dispositions[job.jobId]).toEqual(ACK);
		expect(await reload(job)).toEqual(taken);
	});

	it.each([
		["put the job back", failed("transient"), "d1 requeue job"],
		["fail the job", failed("permanent"), "d1 finish jobs"],
	] as const)("cannot %s", async (_, outcome, call) => {
		const job = await aJob({ webhook: WEBHOOK });
		const zombie = startZombie(world, aModel(slowly(95 * SECOND, outcome)), job);
		await world.advance(91 * SECOND);
		world.start(aModel(slowly(MINUTE, answered()))).consuming(job);
		await world.advance(0);
		const taken = await reload(job);
		await world.until(zombie.over);
		expect(world.calls).toContain(call);
		expect(zombie.dispositions[job.jobId]).toEqual(ACK);
		expect(await reload(job)).toEqual(taken);
		expect(world.deliveries.waiting).toEqual([]);
	});

	it("and whose result is first keeps it, and the later one is superseded", async () => {
		const job = await aJob();
		const zombie = startZombie(world, aModel(slowly(95 * SECOND, answered("The first."))), job);
		await world.advance(91 * SECOND);
		const model = aModel(slowly(MINUTE, answered("The second.")));
		const heirsProcess = world.start(model);
		const heir = heirsProcess.consuming(job);
		await world.until(zombie.over);
		expect(await reload(job)).toMatchObject({ status: "running", fence: 2 });
		await world.until(heir.over);
		expect(await storedText(job)).toContain("The first.");
		expect(heirsProcess.consumer.freshResults.take(job)).toBeNull();
		expect(await reload(job)).toMatchObject({
			status: "succeeded",
			attempt: 1,
			usage: { totalTokens: 14 },
			attempts: [
				{ number: 1, fence: 1, outcome: "succeeded", counted: false },
				{ number: 2, fence: 2, outcome: "superseded", counted: true },
			],
		});
	});

	it("and whose result is last changes nothing", async () => {
		const job = await aJob();
		const zombie = startZombie(world, aModel(slowly(5 * MINUTE, answered("The last."))), job);
		await world.advance(91 * SECOND);
		await world.start(aModel(answered("The first."))).consume(job);
		const done = await reload(job);
		await world.until(zombie.over);
		expect(await storedText(job)).toContain("The first.");
		expect(await reload(job)).toEqual(done);
		expect(await outcomesOf(job)).toEqual(["abandoned", "succeeded"]);
	});

	it("but has a result, wins over the failure of its heir", async () => {
		for (const end of [failed("permanent"), slowly(30 * MINUTE, answered("Too late."))]) {
			const world = new World();
			const job = await aJob({ deadlineMs: 3 * MINUTE });
			const zombie = startZombie(world, aModel(slowly(95 * SECOND, answered("Just in time."))), job);
			await world.advance(91 * SECOND);
			const heir = world.start(
				aModel(async (call, signal, runtime) => {
					await runtime.sleep(10 * SECOND, signal);
					return typeof end === "function" ? await end(call, signal, runtime) : end;
				}),
			);
			await world.until(Promise.all([zombie.over, heir.consuming(job).over]));
			expect(await storedText(job)).toContain("Just in time.");
			expect(await reload(job)).toMatchObject({ status: "succeeded", attempts: [{ outcome: "succeeded" }, {}] });
		}
	});
});

describe("a call that fails or hangs", () => {
	it.each([
		["d1 lease jobs", "fails after", 1],
		["r2 put results", "fails before", 3],
		["r2 put results", "fails after", 3],
		["r2 put results", "hangs before", 1],
		["r2 put results", "hangs after", 1],
		["d1 finish jobs", "fails before", 1],
		["d1 finish jobs", "fails after", 1],
		["d1 finish jobs", "hangs before", 1],
		["d1 finish jobs", "hangs after", 1],
		["d1 extend leases", "hangs before", 1],
		["d1 find held leases", "hangs before", 1],
		["queue sendBatch deliveries", "hangs before", 1],
	] as const)("is made again where it matters, and the model is called once: %s %s", async (name, fault, times) => {
		const step = slowly(40 * SECOND, answered("The one."));
		const faults = [new RegExp(name), fault, times] as const;
		const { world, job, model, disposition, after } = await consumed([step], { webhook: WEBHOOK }, [...faults]);
		expect(disposition).toEqual(ACK);
		expect(model.calls).toHaveLength(1);
		expect(await storedText(job)).toContain("The one.");
		expect(after).toMatchObject({ status: "succeeded", fence: 1, version: 3, attempts: [{ outcome: "succeeded" }] });
		expect(world.runtime.now() - world.startedAt).toBeLessThan(2 * MINUTE);
	});

	it.each(["fails before", "fails after"] as const)("puts the job back once, where that %s", async (fault) => {
		const step = failed("throttled", { retryAfterMs: 30 * SECOND });
		const { disposition, after } = await consumed([step], {}, [/d1 requeue job/, fault]);
		expect(disposition).toMatchObject({ kind: "retry" });
		expect(after).toMatchObject({ status: "queued", version: 3, attempts: [{ outcome: "throttled" }] });
	});
});

describe("a job whose holders die", () => {
	it("is poisoned after as many recorded calls as attempts, and the lease that finds this gives its attempt back", async () => {
		const job = await aJob({ maxAttempts: 2, webhook: WEBHOOK });
		const model = aModel(answered());
		for (let deaths = 0; deaths < 3; deaths++) {
			const process = world.start(model).on(/r2 put/, "dies before");
			process.consuming(job);
			await world.advance(91 * SECOND);
		}
		expect(await world.start(model).consume(job)).toEqual(ACK);
		expect(model.calls).toHaveLength(3);
		expect(await reload(job)).toMatchObject({
			status: "failed",
			statusReason: "poisoned",
			attempt: 2,
			error: { code: "poisoned" },
			// The first holder died before its first heartbeat. The next record their calls before they make them.
			attempts: [
				{ outcome: "abandoned", counted: false },
				{ outcome: "abandoned", counted: true },
				{ outcome: "abandoned", counted: true },
			],
		});
		expect(world.deliveries.waiting).toHaveLength(1);
	});

	it("ends even when the consumers die that would fail it, and takes no neighbour with it", async () => {
		const job = await aJob({ maxAttempts: 1 });
		for (let deaths = 0; deaths < 5; deaths++) {
			const process = world.start(aModel(answered())).on(deaths < 2 ? /r2 put/ : /d1 finish jobs/, "dies before");
			process.consuming(job);
			await world.advance(91 * SECOND);
		}
		const neighbour = await aJob();
		await world.start(aModel(answered())).consume(job, neighbour);
		expect(await reload(neighbour)).toMatchObject({ status: "succeeded" });
		expect(await reload(job)).toMatchObject({ status: "failed", statusReason: "poisoned", attempt: 1 });
		expect(await outcomesOf(job)).toEqual(["abandoned", "abandoned"]);
	});

	it("loses no attempt to holders who died before its call, and is called once in the end", async () => {
		const job = await aJob({ maxAttempts: 1 });
		const model = aModel(answered());
		for (let deaths = 0; deaths < 3; deaths++) {
			world
				.start(model)
				.on(deaths === 0 ? /d1 lease jobs/ : /r2 head/, deaths === 0 ? "dies after" : "dies before")
				.consuming(job);
			await world.advance(91 * SECOND);
		}
		await world.start(model).consume(job);
		expect(model.calls).toHaveLength(1);
		expect(await reload(job)).toMatchObject({ status: "succeeded", attempt: 1, fence: 4 });
	});

	it("is not called unless its call is recorded, once a holder died without", async () => {
		const job = await aJob();
		const model = aModel(answered());
		world
			.start(model)
			.on(/r2 put/, "dies before")
			.consuming(job);
		await world.advance(91 * SECOND);
		const process = world.start(model).on(/d1 extend leases/, "fails before");
		expect(await process.consume(job)).toEqual({ kind: "retry", delaySeconds: 30 });
		expect(model.calls).toHaveLength(1);
		expect(await reload(job)).toMatchObject({ status: "queued", attempt: 0 });
	});

	it("is settled from R2 after its deadline, if its result is there", async () => {
		const job = await aJob({ deadlineMs: MINUTE });
		const process = world.start(aModel(answered())).on(/r2 put/, "dies after");
		process.consuming(job);
		await world.advance(91 * SECOND);
		await world.start().consume(job);
		expect(await reload(job)).toMatchObject({ status: "succeeded", attempt: 1, attempts: [{ outcome: "succeeded" }] });
	});
});

describe("D1", () => {
	it("that keeps failing has the result settled later from R2, without a second call", async () => {
		const { world, job, model, disposition, after } = await consumed([answered()], { webhook: WEBHOOK }, [
			/d1 (finish jobs|find lease state)/,
			"fails before",
			100,
		]);
		// When the lease is over, spread over half a lease more.
		const delaySeconds = disposition?.kind === "retry" ? disposition.delaySeconds : 0;
		expect(delaySeconds).toBeGreaterThanOrEqual(90);
		expect(delaySeconds).toBeLessThanOrEqual(135);
		expect(after).toMatchObject({ status: "running" });
		await world.advance(delaySeconds * SECOND);
		expect(await world.start(model).consume(job)).toEqual(ACK);
		expect(model.calls).toHaveLength(1);
		expect(await reload(job)).toMatchObject({ status: "succeeded", attempt: 1 });
		expect(await outcomesOf(job)).toEqual(["succeeded"]);
		expect(world.deliveries.waiting).toHaveLength(1);
	});
});

describe("R2", () => {
	it("that keeps failing to store sends the job back uncounted, ever later", async () => {
		const job = await aJob({ maxAttempts: 1 });
		const model = aModel(answered());
		const waits: number[] = [];
		for (let calls = 0; calls < 3; calls++) {
			const process = world.start(model).on(/r2 put results/, "fails before", 1_000);
			await process.consume(job);
			waits.push(((await reload(job))?.runAt ?? 0) - world.runtime.now());
			await world.advance(2 * MINUTE);
		}
		expect(waits).toEqual([30 * SECOND, MINUTE, 2 * MINUTE]);
		expect(await reload(job)).toMatchObject({
			status: "queued",
			statusReason: "storage_unavailable",
			attempt: 0,
			usage: { totalTokens: 21 },
			attempts: [{ outcome: "not_stored", counted: false }, {}, {}],
		});
		await world.start(model).consume(job);
		expect(await reload(job)).toMatchObject({ status: "succeeded", attempt: 1 });
	});

	it("that stores nothing is paid for once: no call is made before a small put succeeds", async () => {
		const [job, other] = [await aJob(), await aJob()];
		const model = aModel(answered());
		const process = world.start(model).on(/r2 put/, "fails before", 1_000);
		await process.consume(job);
		// The result was held until the invocation had to end.
		expect(world.runtime.now() - world.startedAt).toBeGreaterThan(13 * MINUTE);
		await world.advance(MINUTE);
		await process.consume(other);
		await world
			.start(model)
			.on(/r2 put/, "fails before", 1_000)
			.consume(job);
		expect(model.calls).toHaveLength(1);
		expect(await reload(other)).toMatchObject({ status: "queued", statusReason: "storage_unavailable", attempt: 0 });
		await world.advance(MINUTE);
		await world.start(model).consume(job);
		expect(await reload(job)).toMatchObject({ status: "succeeded", attempt: 1 });
	});

	it("that does not say whether an earlier holder stored a result means later, never a call", async () => {
		const { model, disposition, after } = await consumed([answered()], { fence: 3, attempt: 1 }, [
			/r2 head/,
			"fails before",
		]);
		expect(disposition).toEqual({ kind: "retry", delaySeconds: 30 });
		expect(model.calls).toHaveLength(0);
		expect(after).toMatchObject({ status: "queued", attempt: 1, attempts: [] });
	});

	it("that does not say so when an attempt ends the job leaves the end to a later lease", async () => {
		const job = await aJob({ fence: 3 });
		const process = world
			.start(aModel(failed("permanent")))
			.on(/r2 head/, (go) => go())
			.on(/r2 head/, "fails before");
		expect(await process.consume(job)).toEqual({ kind: "retry", delaySeconds: 30 });
		expect(await reload(job)).toMatchObject({ status: "queued", attempt: 0, attempts: [{ counted: false }] });
	});

	it("gives a large input to the call, or the job waits for it", async () => {
		const job = await aJob();
		const large = await aJob({ inputKey: inputKey(job, NOW), inputBytes: 40_000 });
		await env.RESULTS.put(inputKey(job, NOW), '{"messages":[],"seed":7}');
		const model = aModel(answered());
		const process = world.start(model).on(/r2 get inputs/, "fails before");
		expect(await process.consume(large)).toEqual({ kind: "retry", delaySeconds: 30 });
		expect(await reload(large)).toMatchObject({ status: "queued", attempt: 0 });
		await world.advance(30 * SECOND);
		await process.consume(large);
		expect(model.calls.map(({ input }) => input.toObject())).toEqual([{ messages: [], seed: 7 }]);
	});

	it("that has lost an input fails the job, with no call and no attempt used", async () => {
		const { world, model, disposition, after } = await consumed([answered()], {
			inputKey: "inputs/2026-01-01/ten/none",
			webhook: WEBHOOK,
		});
		expect(disposition).toEqual(ACK);
		expect(model.calls).toHaveLength(0);
		expect(after).toMatchObject({ status: "failed", attempt: 0, error: { code: "input_missing" } });
		expect(world.deliveries.waiting).toHaveLength(1);
	});
});
