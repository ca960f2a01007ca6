import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { JobKey } from "../../../shared/core/jobs/job.ts";
import { inputKey, resultKey } from "../../../shared/storage/keys.ts";
import { sweepAll } from "../../../workers/sweeper/index.ts";
import { aDelivery, aJob, anId, DAY, HOUR, MINUTE, NOW, reload, reloadDelivery, SECOND } from "../support/a-job.ts";
import { diesAfter, failsBefore } from "../support/a-process.ts";
import { aWorld, takeBells, type World } from "../support/a-world.ts";
import { emptyTables } from "../support/all-rows.ts";
import { consume, consuming, sweepOnce } from "../support/drive.ts";
import { aModel, answered, slowly } from "../support/scripted-model.ts";

const WEBHOOK = { url: "https://hooks.acme-receiver.com/jobs", events: null, payload: "full" as const };

beforeEach(emptyTables);

const rungFor = (world: World) => takeBells(world).jobs.map(({ jobId }) => jobId);
const isIn = async (key: string) => (await env.RESULTS.head(key)) !== null;

/** What the sweeps of `work` said, one line each. */
async function logged(work: () => Promise<void>): Promise<unknown[]> {
	const lines: string[] = [];
	const { log } = console;
	console.log = (line: string) => lines.push(line);
	try {
		await work();
	} finally {
		console.log = log;
	}
	return lines.map((line): unknown => JSON.parse(line));
}

async function answeredInR2(job: JobKey) {
	const attempt = {
		number: 1,
		fence: 1,
		counted: true,
		model: "simulated/echo",
		provider: "simulated",
		startedAt: NOW,
		endedAt: NOW,
		outcome: "succeeded",
		status: 200,
		code: null,
		message: null,
		retryAfterMs: null,
		logId: null,
		usage: null,
	};
	const customMetadata = { attempt: JSON.stringify(attempt), modelAttempt: "1" };
	await env.RESULTS.put(resultKey(job), "{}", { customMetadata });
}

describe("a running job", () => {
	it("is rung for once its lease has run out, and not before", async () => {
		const world = aWorld();
		const job = await aJob();
		const process = world.start(aModel(slowly(HOUR, answered())));
		consuming(process, job);
		await world.advance(45 * SECOND);
		process.kill();
		const rang: number[] = [];
		for (let minute = 1; minute <= 3; minute++) {
			await world.advance(MINUTE);
			await sweepOnce(world);
			if (rungFor(world).length > 0) rang.push(minute);
		}
		// The last heartbeat was at 30 s, so the lease ended at 120 s: seen by the sweep at 165 s, 120 s after the death.
		expect(rang).toEqual([2, 3]);
	});

	it("that beats is let alone for as long as it takes", async () => {
		const world = aWorld();
		const job = await aJob();
		const { over } = consuming(world.start(aModel(slowly(8 * MINUTE, answered()))), job);
		for (let minute = 1; minute <= 7; minute++) {
			await world.advance(MINUTE);
			await sweepOnce(world);
			expect(rungFor(world)).toEqual([]);
		}
		await world.ended(over);
		expect(await reload(job)).toMatchObject({ status: "succeeded", fence: 1 });
	});

	it("past its deadline is its holder's to end", async () => {
		const world = aWorld();
		const job = await aJob({ status: "running", deadlineMs: MINUTE, leaseExpiresAt: NOW + HOUR });
		await world.advance(5 * MINUTE);
		await sweepOnce(world);
		expect(await reload(job)).toMatchObject({ status: "running" });
	});
});

describe("a forgotten job", () => {
	it("is rung for again after 1, 5, 15 and 60 minutes, then hourly", async () => {
		const world = aWorld();
		world.backlog = 7;
		await aJob({ deadlineMs: 7 * DAY });
		const rang: number[] = [];
		for (const minute of [0.9, 1, 5.9, 6, 20.9, 21, 80.9, 81, 140.9, 141, 200.9, 201]) {
			await world.advance(NOW + minute * MINUTE - world.runtime.now());
			await sweepOnce(world);
			if (rungFor(world).length > 0) rang.push(minute);
		}
		expect(rang).toEqual([1, 6, 21, 81, 141, 201]);
	});

	it("is rung for at every sweep when the queue is empty, once each", async () => {
		const world = aWorld();
		world.backlog = 0;
		const jobs: JobKey[] = [];
		for (let made = 0; made < 230; made++) jobs.push(await aJob());
		for (let sweeps = 0; sweeps < 3; sweeps++) {
			await world.advance(SECOND);
			await sweepOnce(world);
			expect(rungFor(world)).toEqual(jobs.map(({ jobId }) => jobId));
		}
	});

	it("is not rung for before its time, however empty the queue", async () => {
		const world = aWorld();
		world.backlog = 0;
		const job = await aJob({ runAt: NOW + 30 * MINUTE, sweepAt: NOW + 30 * MINUTE });
		await sweepOnce(world);
		expect(rungFor(world)).toEqual([]);
		await world.advance(30 * MINUTE);
		await sweepOnce(world);
		expect(rungFor(world)).toEqual([job.jobId]);
	});

	it("is rung for twice rather than never when the sweeper dies after ringing", async () => {
		const world = aWorld();
		const job = await aJob();
		await world.advance(MINUTE);
		const process = world.start();
		process.on(/queue send/, diesAfter);
		await sweepOnce(world, process);
		await sweepOnce(world);
		expect(rungFor(world)).toEqual([job.jobId, job.jobId]);
	});
});

describe("an overdue job", () => {
	it("that nobody holds is expired, with its webhook owed and rung for", async () => {
		const world = aWorld();
		const [job, held] = [
			await aJob({ deadlineMs: MINUTE, webhook: WEBHOOK }),
			await aJob({ deadlineMs: HOUR, webhook: WEBHOOK }),
		];
		await world.advance(MINUTE);
		await sweepOnce(world);
		expect(await reload(job)).toMatchObject({ status: "expired", statusReason: "deadline_passed" });
		expect(await reload(held)).toMatchObject({ status: "queued" });
		const { deliveries } = takeBells(world);
		expect(deliveries.map(({ deliveryId }) => deliveryId)).toEqual([`dlv_${job.jobId.slice(4)}_expired_webhook`]);
	});

	it("that was answered after all is rung for, and its answer wins", async () => {
		const world = aWorld();
		const job = await aJob({ deadlineMs: MINUTE, fence: 2, attempt: 1 });
		await answeredInR2(job);
		await world.advance(2 * MINUTE);
		await sweepOnce(world);
		expect(rungFor(world)).toEqual([job.jobId]);
		await consume(world, world.start(), job);
		expect(await reload(job)).toMatchObject({ status: "succeeded" });
	});

	it("is left for the next sweep where R2 does not say whether it was answered", async () => {
		const world = aWorld();
		const [asked, fresh] = [await aJob({ deadlineMs: MINUTE, fence: 1 }), await aJob({ deadlineMs: MINUTE })];
		await world.advance(MINUTE);
		const process = world.start();
		process.on(/r2 head/, failsBefore);
		await sweepOnce(world, process);
		expect(await reload(asked)).toMatchObject({ status: "queued" });
		expect(await reload(fresh)).toMatchObject({ status: "expired" });
		await sweepOnce(world);
		expect(await reload(asked)).toMatchObject({ status: "expired" });
	});

	it("that cannot be expired keeps nobody else from being rung for", async () => {
		const world = aWorld();
		await aJob({ deadlineMs: MINUTE });
		const [due, answered] = [await aJob(), await aJob({ deadlineMs: MINUTE, fence: 1 })];
		await answeredInR2(answered);
		await world.advance(MINUTE);
		const process = world.start();
		process.on(/d1 finish jobs/, failsBefore);
		await sweepOnce(world, process);
		expect(rungFor(world)).toEqual([due.jobId, answered.jobId]);
	});

	it("delays a sweep no longer than one call may take, however many of them R2 is silent about", async () => {
		const world = aWorld();
		for (let jobs = 0; jobs < 5; jobs++) await aJob({ deadlineMs: MINUTE, fence: 1 });
		const due = await aJob();
		await world.advance(MINUTE);
		const sweptAt = world.runtime.now();
		const process = world.start();
		process.on(/r2 head/, () => new Promise(() => undefined), 5);
		await sweepOnce(world, process);
		expect(world.runtime.now() - sweptAt).toBe(30 * SECOND);
		expect(rungFor(world)).toEqual([due.jobId]);
	});
});

describe("a delivery that nobody made in time", () => {
	it("is rung for a minute after it was due, then ever more seldom: a backlog is not multiplied", async () => {
		const world = aWorld();
		const delivery = await aDelivery(await aJob({ status: "succeeded" }));
		const rang: number[] = [];
		for (const minute of [0.9, 1, 1.9, 2, 3.9, 4, 7.9, 8, 15.9, 16, 31.9, 32, 63.9, 64, 123.9, 124]) {
			await world.advance(NOW + minute * MINUTE - world.runtime.now());
			await sweepOnce(world);
			if (takeBells(world).deliveries.length > 0) rang.push(minute);
		}
		expect(rang).toEqual([1, 2, 4, 8, 16, 32, 64, 124]);
		expect(await reloadDelivery(delivery)).toMatchObject({ status: "pending", attemptsMade: 0 });
	});
});

describe("retention", () => {
	const pastItsTime = { status: "succeeded", retainMs: HOUR } as const;

	it("erases row, input and result when it ends, and the objects once more 20 minutes later", async () => {
		const world = aWorld();
		const id = anId("job");
		const input = inputKey({ tenantId: "ten", jobId: id }, NOW);
		const job = await aJob({ ...pastItsTime, inputKey: input });
		for (const key of [input, resultKey(job)]) await env.RESULTS.put(key, "{}");
		await world.advance(HOUR - 1);
		await sweepOnce(world);
		expect(await reload(job)).not.toBeNull();
		await world.advance(1);
		await sweepOnce(world);
		expect(await reload(job)).toBeNull();
		expect([await isIn(input), await isIn(resultKey(job))]).toEqual([false, false]);

		await env.RESULTS.put(resultKey(job), "written by a holder long dead");
		await world.advance(20 * MINUTE - 1);
		await sweepOnce(world);
		expect(await isIn(resultKey(job))).toBe(true);
		await world.advance(1);
		await sweepOnce(world);
		expect(await isIn(resultKey(job))).toBe(false);
		expect(await env.DB.prepare("SELECT count(*) AS left FROM tombstones").first("left")).toBe(0);
	});

	it("leaves objects to the tombstone when R2 fails after the row is gone", async () => {
		const world = aWorld();
		const job = await aJob(pastItsTime);
		await env.RESULTS.put(resultKey(job), "{}");
		await world.advance(HOUR);
		const process = world.start();
		process.on(/r2 delete/, failsBefore);
		await sweepOnce(world, process);
		expect([await reload(job), await isIn(resultKey(job))]).toEqual([null, true]);
		await world.advance(20 * MINUTE);
		await sweepOnce(world);
		expect(await isIn(resultKey(job))).toBe(false);
	});

	it("waits for deliveries that are still owed, and takes the settled ones along", async () => {
		const world = aWorld();
		const job = await aJob(pastItsTime);
		const delivery = await aDelivery(job, { nextAttemptAt: NOW + 5 * HOUR });
		await world.advance(2 * HOUR);
		await sweepOnce(world);
		expect(await reload(job)).not.toBeNull();
		await env.DB.prepare(
			"UPDATE deliveries SET status = 'delivered', next_attempt_at = NULL, sweep_at = NULL, finished_at = ?1",
		)
			.bind(NOW)
			.run();
		await world.advance(HOUR);
		await sweepOnce(world);
		expect([await reload(job), await reloadDelivery(delivery)]).toEqual([null, null]);
	});
});

describe("inputs that no row names", () => {
	it("are reaped once their day is the day before yesterday, and those of jobs are kept", async () => {
		const world = aWorld();
		const [orphan, recent] = [anId("job"), anId("job")].map((jobId) => ({ tenantId: "ten", jobId }));
		const job = await aJob({ tenantId: "ten", runAt: NOW + 20 * DAY });
		if (orphan === undefined || recent === undefined) throw new Error("two ids were made");
		const keys = [inputKey(orphan, NOW - 2 * DAY), inputKey(job, NOW - 2 * DAY), inputKey(recent, NOW - DAY)];
		for (const key of keys) await env.RESULTS.put(key, "{}");
		await sweepOnce(world);
		expect(await Promise.all(keys.map(isIn))).toEqual([false, true, true]);
		await world.advance(DAY);
		await sweepOnce(world);
		expect(await Promise.all(keys.map(isIn))).toEqual([false, true, false]);
	});

	it("are looked for once a day, and a day that could not be finished is begun again", async () => {
		const world = aWorld();
		const process = world.start();
		process.on(/r2 list/, failsBefore);
		await sweepOnce(world, process);
		await sweepOnce(world);
		await sweepOnce(world);
		expect(world.calls.filter((call) => call.startsWith("r2 list"))).toHaveLength(2);
	});
});

describe("a sweep", () => {
	it("goes on with its other steps when one fails", async () => {
		const world = aWorld();
		const done = await aJob({ status: "succeeded", retainMs: HOUR });
		const due = await aJob({ createdAt: NOW - HOUR });
		await aDelivery(await aJob({ status: "succeeded" }));
		await world.advance(HOUR);
		const process = world.start();
		process.on(/d1 find jobs to sweep/, failsBefore);
		await sweepOnce(world, process);
		const bells = takeBells(world);
		expect(bells.jobs).toEqual([]);
		expect(bells.deliveries).toHaveLength(1);
		expect(await reload(done)).toBeNull();
		await sweepOnce(world);
		expect(rungFor(world)).toEqual([due.jobId]);
	});

	it("gets through a backlog of more than a thousand rows of each kind", async () => {
		const world = aWorld();
		const model = await aJob();
		const copies = (table: string, set: string) =>
			env.DB.prepare(
				`INSERT INTO ${table} SELECT * FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
				 SELECT ${set})`,
			);
		const columns = async (table: string, replaced: Record<string, string>) => {
			const { results } = await env.DB.prepare(`PRAGMA table_info(${table})`).all<{ name: string }>();
			return `${results.map(({ name }) => replaced[name] ?? `t.${name}`).join(", ")} FROM n CROSS JOIN ${table} AS t`;
		};
		const delivery = await aDelivery(model);
		await copies("jobs", await columns("jobs", { id: "t.id || i" })).run();
		await copies("deliveries", await columns("deliveries", { id: "t.id || i" })).run();
		await world.advance(MINUTE);
		await sweepOnce(world);
		const bells = takeBells(world);
		expect(new Set(bells.jobs.map(({ jobId }) => jobId)).size).toBe(1_201);
		expect(new Set(bells.deliveries.map(({ deliveryId }) => deliveryId)).size).toBe(1_201);
		expect(bells.deliveries.map(({ deliveryId }) => deliveryId)).toContain(delivery.deliveryId);
		expect(bells.jobs).toHaveLength(1_201);

		await env.DB.prepare("DELETE FROM deliveries").run();
		await world.advance(DAY);
		await sweepOnce(world);
		expect(await env.DB.prepare("SELECT DISTINCT status FROM jobs").all()).toMatchObject({
			results: [{ status: "expired" }],
		});
		await world.advance(30 * DAY);
		await sweepOnce(world);
		expect(await env.DB.prepare("SELECT count(*) AS left FROM jobs").first("left")).toBe(0);
	}, 30_000);

	it("prunes more than a page of keys, and deletes again what more than a page of tombstones names, in one sweep", async () => {
		const world = aWorld();
		const numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)";
		await env.DB.batch([
			env.DB.prepare(`${numbers} INSERT INTO idempotency_keys SELECT 'ten_1', 'key-' || i, '', '', 1 FROM n`).bind(
				2_500,
			),
			env.DB.prepare(`${numbers} INSERT INTO tombstones SELECT 1, 'tmb_' || i, '[]' FROM n`).bind(250),
		]);
		await sweepOnce(world);
		for (const table of ["idempotency_keys", "tombstones"]) {
			expect(await env.DB.prepare(`SELECT count(*) AS left FROM ${table}`).first("left"), table).toBe(0);
		}
	});

	it("logs what it did, in numbers, and nothing when it did nothing", async () => {
		const world = aWorld();
		expect(await logged(() => sweepOnce(world))).toEqual([]);
		await aJob({ status: "running" });
		await world.advance(MINUTE);
		expect(await logged(() => sweepOnce(world))).toEqual([]);
		await aJob({ createdAt: NOW });
		expect(await logged(() => sweepOnce(world))).toEqual([{ event: "sweep.finished", jobsEnqueued: 1 }]);
	});

	it("runs on the cron tick", async () => {
		const job = await aJob({ deadlineMs: MINUTE });
		const door: unknown = Reflect.get(exports.default, "scheduled");
		if (typeof door !== "function") throw new Error("the cron has no door");
		await Reflect.apply(door, exports.default, [{ cron: "* * * * *", scheduledTime: new Date() }]);
		expect(await reload(job)).toMatchObject({ status: "expired" });
	});
});

describe("the statements of a sweep", () => {
	it("stay below what D1 grants an invocation, and leave room to prune, however many tenants' jobs expire", async () => {
		const world = aWorld();
		const tenants = Array.from({ length: 100 }, () => anId("ten"));
		const due = { status: "queued" as const, deadlineAt: NOW - 1, createdAt: NOW - DAY };
		for (let round = 0; round < 10; round++) {
			await Promise.all(tenants.map((tenantId) => aJob({ ...due, tenantId, sweepAt: NOW - 100 + round })));
		}
		const old = await aJob({ status: "failed", finishedAt: NOW - DAY, pruneAt: NOW - 1 });
		const process = world.start();
		await world.ended(sweepAll(process.sweeper));
		expect(process.sweeper.db.statements).toBeLessThanOrEqual(1_000);
		expect(await reload(old)).toBeNull();
	});
});
