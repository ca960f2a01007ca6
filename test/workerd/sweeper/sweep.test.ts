import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { JobKey } from "../../../shared/core/jobs/job.ts";
import { Database } from "../../../shared/db/database.ts";
import { writeNote } from "../../../shared/db/upkeep/sweeper-notes.ts";
import { inputKey, resultKey } from "../../../shared/storage/keys.ts";
import { ObjectStore } from "../../../shared/storage/object-store.ts";
import { deleteAgain } from "../../../workers/sweeper/delete-again.ts";
import { sweepAll } from "../../../workers/sweeper/index.ts";
import { pruneAll } from "../../../workers/sweeper/prune.ts";
import { reapInputs } from "../../../workers/sweeper/reap-inputs.ts";
import { rescueJobs } from "../../../workers/sweeper/sweep-jobs.ts";
import {
	aDelivery,
	aJob,
	anAttempt,
	anId,
	copyRow,
	DAY,
	HOUR,
	insertRow,
	MINUTE,
	NOW,
	reload,
	reloadDelivery,
	rowOf,
	SECOND,
} from "../support/a-job.ts";
import { emptyTables } from "../support/all-rows.ts";
import { interceptedD1, standIn } from "../support/watched-d1.ts";
import { aModel, answered, slowly } from "../world/model.ts";
import { World } from "../world/world.ts";

const WEBHOOK = { url: "https://hooks.acme-receiver.com/jobs", events: null, payload: "full" as const };

/** The history of a job with a call whose end no holder recorded. */
const UNHEARD = [anAttempt(1, { outcome: "abandoned" })];

let world: World;
beforeEach(async () => {
	await emptyTables();
	world = new World();
});

const enqueued = (world: World) => world.jobs.take().map(({ jobId }) => jobId);
const isIn = async (key: string) => (await env.RESULTS.head(key)) !== null;

/** Of sweeps at these minutes, and 6 s before each: at which of them `queue` gets messages. */
async function minutesOf(world: World, queue: { take(): unknown[] }, minutes: number[]): Promise<number[]> {
	const found: number[] = [];
	for (const minute of minutes.flatMap((at) => [at - 0.1, at])) {
		await world.sweep(NOW + minute * MINUTE - world.runtime.now());
		if (queue.take().length > 0) found.push(minute);
	}
	return found;
}

/** The log lines of `work`. */
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

async function storeResultOf(job: JobKey) {
	const attempt = JSON.stringify(anAttempt(1, { outcome: "succeeded", status: 200, code: null, message: null }));
	await env.RESULTS.put(resultKey(job), "{}", { customMetadata: { attempt, modelAttempt: "1" } });
}

describe("a running job", () => {
	it("is redispatched once its lease has expired, and not before", async () => {
		const job = await aJob();
		const process = world.start(aModel(slowly(HOUR, answered())));
		process.consuming(job);
		await world.advance(45 * SECOND);
		process.kill();
		const redispatched: number[] = [];
		for (let minute = 1; minute <= 3; minute++) {
			await world.sweep(MINUTE);
			if (enqueued(world).length > 0) redispatched.push(minute);
		}
		// The last heartbeat was at 30 s, so the lease ended at 120 s: seen by the sweep at 165 s, 120 s after the death.
		expect(redispatched).toEqual([2, 3]);
	});

	it("behind more slots than a sweep can walk is redispatched by the one that gets there", async () => {
		world.jobs.reported = 7;
		const held = await aJob({ status: "running", leaseExpiresAt: NOW + DAY, sweepAt: NOW + DAY });
		await copyRow("jobs", rowOf(held), 4_000, { id: "jobs.id || n.i" });
		const lapsed = await aJob({ tenantId: "ten_z", status: "running", leaseExpiresAt: NOW, sweepAt: NOW });
		const { sweeper } = world.start();
		const rescued: number[] = [];
		for (let sweeps = 0; sweeps < 4; sweeps++) {
			let pages = 1;
			rescued.push((await rescueJobs(sweeper, { allows: () => pages-- > 0 })).jobsRescued);
		}
		expect(rescued).toEqual([0, 0, 1, 0]);
		expect(enqueued(world)).toEqual([lapsed.jobId]);
	});

	it("whose lease is extended is left to its holder for as long as it takes", async () => {
		const job = await aJob();
		const { over } = world.start(aModel(slowly(8 * MINUTE, answered()))).consuming(job);
		for (let minute = 1; minute <= 7; minute++) {
			await world.sweep(MINUTE);
			expect(enqueued(world)).toEqual([]);
		}
		await world.until(over);
		expect(await reload(job)).toMatchObject({ status: "succeeded", fence: 1 });
	});

	it("past its deadline is its holder's to end", async () => {
		const job = await aJob({ status: "running", deadlineMs: MINUTE, leaseExpiresAt: NOW + HOUR });
		await world.sweep(5 * MINUTE);
		expect(await reload(job)).toMatchObject({ status: "running" });
	});
});

describe("a forgotten job", () => {
	it("is redispatched after 1, 5, 15 and 60 minutes, then hourly", async () => {
		world.jobs.reported = 7;
		await aJob({ deadlineMs: 7 * DAY });
		const minutes = [1, 6, 21, 81, 141, 201];
		expect(await minutesOf(world, world.jobs, minutes)).toEqual(minutes);
	});

	it("is redispatched at every sweep when the queue is empty, once each", async () => {
		world.jobs.reported = 0;
		const jobs: JobKey[] = [];
		for (let made = 0; made < 230; made++) jobs.push(await aJob());
		for (let sweeps = 0; sweeps < 3; sweeps++) {
			await world.sweep(SECOND);
			expect(enqueued(world)).toEqual(jobs.map(({ jobId }) => jobId));
		}
	});

	it("is not redispatched before its time, however empty the queue", async () => {
		world.jobs.reported = 0;
		const job = await aJob({ runAt: NOW + 30 * MINUTE, sweepAt: NOW + 30 * MINUTE });
		await world.sweep();
		expect(enqueued(world)).toEqual([]);
		await world.sweep(30 * MINUTE);
		expect(enqueued(world)).toEqual([job.jobId]);
	});

	it("is enqueued twice rather than never when the sweeper dies after enqueueing", async () => {
		const job = await aJob();
		await world.sweep(MINUTE, [/queue send/, "dies after"]);
		await world.sweep();
		expect(enqueued(world)).toEqual([job.jobId, job.jobId]);
	});
});

describe("an overdue job", () => {
	it("without a holder is expired, with its delivery inserted and enqueued", async () => {
		const [job, held] = [
			await aJob({ deadlineMs: MINUTE, webhook: WEBHOOK }),
			await aJob({ deadlineMs: HOUR, webhook: WEBHOOK }),
		];
		await world.sweep(MINUTE);
		expect(await reload(job)).toMatchObject({ status: "expired", statusReason: "deadline_passed" });
		expect(await reload(held)).toMatchObject({ status: "queued" });
		const deliveries = world.deliveries.take();
		expect(deliveries.map(({ deliveryId }) => deliveryId)).toEqual([`dlv_${job.jobId.slice(4)}_expired_webhook`]);
	});

	it("that has a result after all is redispatched, and its result wins", async () => {
		const job = await aJob({ deadlineMs: MINUTE, fence: 2, attempt: 1, attempts: UNHEARD });
		await storeResultOf(job);
		await world.sweep(2 * MINUTE);
		expect(enqueued(world)).toEqual([job.jobId]);
		await world.start().consume(job);
		expect(await reload(job)).toMatchObject({ status: "succeeded" });
	});

	it("is left for the next sweep where R2 does not say whether it has a result", async () => {
		const unheard = await aJob({ deadlineMs: MINUTE, fence: 1, attempts: UNHEARD });
		const heard = await aJob({ deadlineMs: MINUTE, fence: 1, attempts: [anAttempt()] });
		await world.sweep(MINUTE, [/r2 head/, "fails before"]);
		expect(await reload(unheard)).toMatchObject({ status: "queued" });
		expect(await reload(heard)).toMatchObject({ status: "expired" });
		await world.sweep(MINUTE);
		expect(await reload(unheard)).toMatchObject({ status: "expired" });
	});

	it("that cannot be expired keeps no other from being redispatched", async () => {
		await aJob({ deadlineMs: MINUTE });
		const [due, stored] = [await aJob(), await aJob({ deadlineMs: MINUTE, fence: 1, attempts: UNHEARD })];
		await storeResultOf(stored);
		await world.sweep(MINUTE, [/d1 finish jobs/, "fails before"]);
		expect(enqueued(world)).toEqual([due.jobId, stored.jobId]);
	});

	it("delays a sweep no longer than one call may take, for however many of them R2 hangs", async () => {
		for (let jobs = 0; jobs < 5; jobs++) await aJob({ deadlineMs: MINUTE, fence: 1, attempts: UNHEARD });
		const due = await aJob();
		await world.advance(MINUTE);
		const sweptAt = world.runtime.now();
		await world.sweep(0, [/r2 head/, "hangs before", 5]);
		expect(world.runtime.now() - sweptAt).toBe(30 * SECOND);
		expect(enqueued(world)).toEqual([due.jobId]);
	});
});

describe("a delivery that is late", () => {
	it("is redispatched a minute after it was due, then ever more rarely: a backlog is not multiplied", async () => {
		const delivery = await aDelivery(await aJob({ status: "succeeded" }));
		const minutes = [1, 2, 4, 8, 16, 32, 64, 124];
		expect(await minutesOf(world, world.deliveries, minutes)).toEqual(minutes);
		expect(await reloadDelivery(delivery)).toMatchObject({ status: "pending", attemptsMade: 0 });
	});
});

describe("retention", () => {
	const pastItsTime = { status: "succeeded", retainMs: HOUR } as const;

	it("erases row, input and result when it ends, and the objects once more 20 minutes later", async () => {
		const id = anId("job");
		const input = inputKey({ tenantId: "ten", jobId: id }, NOW);
		const job = await aJob({ ...pastItsTime, inputKey: input });
		for (const key of [input, resultKey(job)]) await env.RESULTS.put(key, "{}");
		await world.sweep(HOUR - 1);
		expect(await reload(job)).not.toBeNull();
		await world.sweep(1);
		expect(await reload(job)).toBeNull();
		expect([await isIn(input), await isIn(resultKey(job))]).toEqual([false, false]);

		await env.RESULTS.put(resultKey(job), "written by a holder that lost its lease");
		await world.sweep(20 * MINUTE - 1);
		expect(await isIn(resultKey(job))).toBe(true);
		await world.sweep(1);
		expect(await isIn(resultKey(job))).toBe(false);
		expect(await env.DB.prepare("SELECT count(*) AS left FROM tombstones").first("left")).toBe(0);
	});

	it("leaves objects to the tombstone when R2 fails after the row is gone", async () => {
		const job = await aJob(pastItsTime);
		await env.RESULTS.put(resultKey(job), "{}");
		await world.sweep(HOUR, [/r2 delete/, "fails before"]);
		expect([await reload(job), await isIn(resultKey(job))]).toEqual([null, true]);
		await world.sweep(20 * MINUTE);
		expect(await isIn(resultKey(job))).toBe(false);
	});

	it("waits for deliveries that are pending, and takes the final ones along", async () => {
		const job = await aJob(pastItsTime);
		const delivery = await aDelivery(job, { nextAttemptAt: NOW + 5 * HOUR });
		await world.sweep(2 * HOUR);
		expect(await reload(job)).not.toBeNull();
		await env.DB.exec(
			"UPDATE deliveries SET status = 'delivered', next_attempt_at = NULL, sweep_at = NULL, finished_at = 1",
		);
		await world.sweep(HOUR);
		expect([await reload(job), await reloadDelivery(delivery)]).toEqual([null, null]);
	});
});

describe("a full database", () => {
	it("is pruned, although it takes no tombstone", async () => {
		const job = await aJob({ status: "succeeded", pruneAt: NOW - 1 });
		await env.RESULTS.put(resultKey(job), "{}");
		const d1 = interceptedD1(env.DB, {
			async call(asked, run) {
				if (asked.some(({ sql }) => sql.includes("INSERT INTO")))
					throw new Error("D1_ERROR: Exceeded maximum DB size.");
				return await run();
			},
		});
		const { sweeper } = world.start();
		const db = new Database(d1, world.runtime, () => NOW);
		expect(await pruneAll({ ...sweeper, db }, { allows: () => true })).toMatchObject({ pruned: 1 });
		expect([await reload(job), await isIn(resultKey(job))]).toEqual([null, false]);
	});
});

describe("usage", () => {
	it("is kept for 400 days", async () => {
		const today = Math.floor(NOW / DAY);
		for (const day of [today - 401, today - 400, today]) {
			await insertRow("usage", {
				...{ tenant_id: "ten", day, model: "m", jobs: 1, succeeded: 1 },
				...{ prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
			});
			for (const hour of [0, 23])
				await insertRow("usage_hours", { tenant_id: "ten", hour: day * 24 + hour, model: "m" });
		}
		await world.sweep();
		const hours = await env.DB.prepare(
			"SELECT hour / 24 AS day, count(*) AS hours FROM usage_hours GROUP BY day",
		).all();
		expect(hours.results).toEqual([
			{ day: today - 400, hours: 2 },
			{ day: today, hours: 2 },
		]);
		const { results } = await env.DB.prepare("SELECT day FROM usage ORDER BY day").all();
		expect(results).toEqual([{ day: today - 400 }, { day: today }]);
	});
});

describe("inputs without a row", () => {
	it("are reaped an hour after their day, and those of jobs are kept", async () => {
		const [orphan, recent] = [anId("job"), anId("job")].map((jobId) => ({ tenantId: "ten", jobId }));
		const job = await aJob({ tenantId: "ten", runAt: NOW + 20 * DAY });
		if (orphan === undefined || recent === undefined) throw new Error("two ids were made");
		const keys = [inputKey(orphan, NOW - DAY, "request"), inputKey(job, NOW - DAY), inputKey(recent, NOW)];
		for (const key of keys) await env.RESULTS.put(key, "{}");
		await world.sweep();
		expect(await Promise.all(keys.map(isIn))).toEqual([false, true, true]);
		const midnight = Math.ceil(NOW / DAY) * DAY;
		await world.sweep(midnight + HOUR - 1 - world.runtime.now());
		expect(await isIn(keys[2] ?? "")).toBe(true);
		await world.sweep(1);
		expect(await Promise.all(keys.map(isIn))).toEqual([false, true, false]);
	});

	it("are looked for once a day, and a day that could not be finished is repeated", async () => {
		await world.sweep(0, [/r2 list/, "fails before"]);
		await world.sweep();
		await world.sweep();
		expect(world.calls.filter((call) => call.startsWith("r2 list"))).toHaveLength(2);
	});

	it("are looked for from where their day was left, and never from where another was", async () => {
		const note = { day: Math.floor(NOW / DAY) * DAY - 2 * DAY, cursor: null };
		const reaped: unknown[] = [];
		const list = async (options: R2ListOptions) => {
			reaped.push([options.prefix, options.cursor]);
			return { objects: [], truncated: reaped.length % 2 === 1, cursor: "next" };
		};
		const { sweeper } = world.start();
		const objects = new ObjectStore(standIn(env.RESULTS, { list }), world.runtime);
		await writeNote(sweeper.db, "inputs_reaped", JSON.stringify(note));
		const once = { allows: () => reaped.length % 2 === 0 };
		await world.until(reapInputs({ ...sweeper, objects }, once));
		// Two sweeps at once: the slower one writes its cursor last.
		await writeNote(sweeper.db, "inputs_reaped", JSON.stringify({ day: note.day + DAY, cursor: "next" }));
		await world.until(reapInputs({ ...sweeper, objects }, { allows: () => true }));
		await world.advance(DAY);
		await world.until(reapInputs({ ...sweeper, objects }, once));
		const day = (at: number) => `inputs/${new Date(at).toISOString().slice(0, 10)}/`;
		expect(reaped).toEqual([
			[day(NOW - DAY), undefined],
			[day(NOW - DAY), "next"],
			[day(NOW), undefined],
		]);
	});
});

describe("a step without budget", () => {
	it("neither reaps nor finishes a day of inputs", async () => {
		const { sweeper } = new World().start();
		const key = inputKey({ tenantId: "ten", jobId: anId("job") }, NOW - DAY);
		await env.RESULTS.put(key, "{}");
		expect(await reapInputs(sweeper, { allows: () => false })).toEqual({ inputsReaped: 0 });
		expect(await isIn(key)).toBe(true);
		expect(await reapInputs(sweeper, { allows: () => true })).toEqual({ inputsReaped: 1 });
	});

	it("deletes again page by page, as far as it goes, and searches for copies of large inputs alone", async () => {
		const { sweeper } = world.start();
		const erase = async (at: number, inputs: string[]) => {
			const job = anId("job");
			const keys = JSON.stringify([`results/ten/${job}`, ...inputs.map((day) => `inputs/${day}/ten/${job}`)]);
			await insertRow("tombstones", { delete_at: at, id: anId("tmb"), keys, erased_job: job });
		};
		for (let made = 0; made < 205; made++) await erase(1, []);
		let pages = 0;
		expect(await deleteAgain(sweeper, { allows: () => ++pages <= 2 })).toEqual({ objectsDeletedAgain: 200 });
		for (const at of [2, 3, 4]) await erase(at, ["2026-01-02"]);
		// A page, and the copies of two inputs.
		const allows = (statements: number, calls = 0) => statements <= 6 && calls <= 108;
		expect(await deleteAgain(sweeper, { allows })).toEqual({ objectsDeletedAgain: 5 + 2 * 2 });
		expect(await deleteAgain(sweeper, { allows: () => true })).toEqual({ objectsDeletedAgain: 2 });
	});
});

describe("a sweep", () => {
	it("goes on with its other steps when one fails", async () => {
		const done = await aJob({ status: "succeeded", retainMs: HOUR });
		const due = await aJob({ createdAt: NOW - HOUR });
		await aDelivery(await aJob({ status: "succeeded" }));
		await world.sweep(HOUR, [/d1 find jobs to sweep/, "fails before"]);
		expect(world.jobs.waiting).toEqual([]);
		expect(world.deliveries.waiting).toHaveLength(1);
		expect(await reload(done)).toBeNull();
		await world.sweep();
		expect(enqueued(world)).toEqual([due.jobId]);
	});

	it("gets through a backlog of more than a thousand rows of each kind", async () => {
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
		await world.sweep(MINUTE);
		const [jobs, deliveries] = [enqueued(world), world.deliveries.take().map(({ deliveryId }) => deliveryId)];
		expect([jobs.length, new Set(jobs).size, new Set(deliveries).size]).toEqual([1_201, 1_201, 1_201]);
		expect(deliveries).toContain(delivery.deliveryId);

		await env.DB.prepare("DELETE FROM deliveries").run();
		await world.sweep(DAY);
		expect(await env.DB.prepare("SELECT DISTINCT status FROM jobs").all()).toMatchObject({
			results: [{ status: "expired" }],
		});
		await world.sweep(30 * DAY);
		expect(await env.DB.prepare("SELECT count(*) AS left FROM jobs").first("left")).toBe(0);
	}, 30_000);

	it("prunes more than a page of keys, and deletes again what more than a page of tombstones names, in one sweep", async () => {
		const numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)";
		await env.DB.batch([
			env.DB.prepare(`${numbers} INSERT INTO idempotency_keys SELECT 'ten_1', 'key-' || i, '', '', 1 FROM n`).bind(
				2_500,
			),
			env.DB.prepare(`${numbers} INSERT INTO tombstones (delete_at, id, keys) SELECT 1, 'tmb_' || i, '[]' FROM n`).bind(
				250,
			),
		]);
		await world.sweep();
		for (const table of ["idempotency_keys", "tombstones"]) {
			expect(await env.DB.prepare(`SELECT count(*) AS left FROM ${table}`).first("left"), table).toBe(0);
		}
	});

	it("logs what it did, in numbers, and nothing when it did nothing", async () => {
		expect(await logged(() => world.sweep())).toEqual([]);
		await aJob({ status: "running" });
		await world.advance(MINUTE);
		expect(await logged(() => world.sweep())).toEqual([]);
		await aJob({ createdAt: NOW });
		expect(await logged(() => world.sweep())).toEqual([{ event: "sweep.finished", jobsEnqueued: 1 }]);
	});

	it("runs on the cron tick", async () => {
		const job = await aJob({ deadlineMs: MINUTE });
		const handler: unknown = Reflect.get(exports.default, "scheduled");
		if (typeof handler !== "function") throw new Error("there is no scheduled handler");
		await Reflect.apply(handler, exports.default, [{ cron: "* * * * *", scheduledTime: new Date() }]);
		expect(await reload(job)).toMatchObject({ status: "expired" });
	});
});

describe("the statements of a sweep", () => {
	it("stay below what D1 grants an invocation, and leave room to prune, however many tenants' jobs expire", async () => {
		const tenants = Array.from({ length: 100 }, () => anId("ten"));
		const due = { status: "queued" as const, deadlineAt: NOW - 1, createdAt: NOW - DAY };
		for (let round = 0; round < 10; round++) {
			await Promise.all(tenants.map((tenantId) => aJob({ ...due, tenantId, sweepAt: NOW - 100 + round })));
		}
		const old = await aJob({ status: "failed", finishedAt: NOW - DAY, pruneAt: NOW - 1 });
		const process = world.start();
		await world.until(sweepAll(process.sweeper));
		expect(process.sweeper.db.statements).toBeLessThanOrEqual(1_000);
		expect(await reload(old)).toBeNull();
	});
});
