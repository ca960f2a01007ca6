import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { decideSweep } from "../../../../shared/core/jobs/sweep.ts";
import { deferDeliverySweep, findDeliveriesToSweep } from "../../../../shared/db/deliveries/sweep-deliveries.ts";
import { filterExisting } from "../../../../shared/db/jobs/filter-existing.ts";
import {
	findJobsToSweep,
	findStrandedJobs,
	noteSwept,
	type SweepCursor,
	type SweepPage,
} from "../../../../shared/db/jobs/sweep-jobs.ts";
import { pruneIdempotencyKeys, pruneOrphanedDeliveries } from "../../../../shared/db/upkeep/prune-records.ts";
import { readStatus } from "../../../../shared/db/upkeep/read-status.ts";
import { readNote, writeNote } from "../../../../shared/db/upkeep/sweeper-notes.ts";
import { anId, DAY, HOUR, MINUTE, NOW, SECOND, sweptOf } from "../../../support/job-of.ts";
import {
	aDelivery,
	aJob,
	copyRow,
	databaseAt,
	db,
	insertRow,
	reload,
	reloadDelivery,
	rowOf,
} from "../../support/a-job.ts";

/** Sweeps look at all tenants, and rows stay until the file ends: each test has a day of its own, before the others'. */
let daysAgo = 0;
const aDayOfItsOwn = () => NOW - ++daysAgo * 10 * DAY;

/** Pages of due jobs, whatever tenants they are of. */
const ALL = { window: 1_000, tenantMax: 1_000, except: [] };

describe("findJobsToSweep", () => {
	it("shows what asked to be looked at by now, oldest first, with all that the decision needs", async () => {
		const now = aDayOfItsOwn();
		const parked = await aJob({ createdAt: now, parkedOn: "tenant", sweepAt: now, redispatches: 2 });
		const running = await aJob({ createdAt: now - HOUR, status: "running", sweepAt: now - SECOND });
		await aJob({ createdAt: now, sweepAt: now + 1 });
		await aJob({ createdAt: now, status: "succeeded" });

		const page = await findJobsToSweep(databaseAt(now), { ...ALL, limit: 10, after: null });

		expect(page).toEqual({
			now,
			next: null,
			jobs: [
				{ ...sweptOf(running), status: "running", isParked: false, sweepAt: now - SECOND },
				{ ...sweptOf(parked), status: "queued", isParked: true, redispatches: 2, leaseExpiresAt: null },
			],
		});
	});

	it("shows every job once, page by page, however many asked for the same time", async () => {
		const now = aDayOfItsOwn();
		const jobIds: string[] = [];
		for (let made = 0; made < 260; made++) {
			const { jobId } = await aJob({
				createdAt: now,
				sweepAt: now - (made < 240 ? 0 : made),
				tenantId: `ten_${made % 3}`,
			});
			jobIds.push(jobId);
		}

		const seen: { jobId: string; sweepAt: number }[] = [];
		let after: SweepCursor | null = null;
		let pages = 0;
		do {
			const page = await findJobsToSweep(databaseAt(now), { ...ALL, limit: 50, after });
			seen.push(...page.jobs);
			after = page.next;
			pages += 1;
		} while (after !== null);

		expect(pages).toBe(6);
		expect(seen.map(({ jobId }) => jobId).sort()).toEqual(jobIds.sort());
		expect(seen.map(({ sweepAt }) => sweepAt)).toEqual(seen.map(({ sweepAt }) => sweepAt).sort((a, b) => a - b));
	});
});

describe("pages of due jobs", () => {
	it("have a few of each tenant, then none of those that had theirs, up to the last job that is due", async () => {
		const now = aDayOfItsOwn();
		for (let made = 0; made < 30; made++) {
			await aJob({
				createdAt: now,
				sweepAt: now - 100 + made,
				tenantId: made % 10 === 9 ? `ten_few_${made}` : "ten_many",
			});
		}
		const few = { limit: 4, window: 8, tenantMax: 2 };
		const first = await findJobsToSweep(databaseAt(now), { ...few, after: null, except: [] });
		expect(first.jobs.map(({ tenantId, sweepAt }) => [tenantId, sweepAt - now + 100])).toEqual([
			["ten_many", 0],
			["ten_many", 1],
			["ten_many", 7],
		]);
		const rest: string[] = [];
		let { next: after } = first;
		while (after !== null) {
			const page = await findJobsToSweep(databaseAt(now), { ...few, after, except: ["ten_many"] });
			rest.push(...page.jobs.map(({ tenantId }) => tenantId).filter((tenantId) => tenantId !== "ten_many"));
			after = page.next;
		}
		expect(rest).toEqual(["ten_few_9", "ten_few_19", "ten_few_29"]);
	});
});

describe("findStrandedJobs", () => {
	it("shows expired leases, and of an empty queue due jobs with a slot, in pages of slots", async () => {
		const now = aDayOfItsOwn();
		const tenantId = anId("ten");
		const of = { tenantId, createdAt: now - HOUR, deadlineMs: DAY };
		const lapsed = await aJob({ ...of, status: "running", leaseExpiresAt: now, sweepAt: now });
		const seen = await aJob({ ...of, status: "running", leaseExpiresAt: now, sweepAt: now + 1 });
		await aJob({ ...of, status: "running", leaseExpiresAt: now + 1, sweepAt: now });
		const due = await aJob({ ...of, sweepAt: now + 1 });
		await aJob({ ...of, sweepAt: now }, null);
		await aJob({ ...of, runAt: now + 1 }, tenantId);
		const found = async (queueIsEmpty: boolean, limit: number) => {
			const jobIds: string[] = [];
			let after: SweepCursor | null = { sweepAt: 0, tenantId, jobId: "" };
			do {
				const page: SweepPage = await findStrandedJobs(databaseAt(now), { queueIsEmpty, limit, after });
				const own = page.jobs.filter((job) => job.tenantId === tenantId);
				jobIds.push(
					...own
						.filter((job) => decideSweep(job, now, { isEmpty: queueIsEmpty, oldestAt: null }).kind === "enqueue")
						.map(({ jobId }) => jobId),
				);
				after = page.next;
			} while (after?.tenantId === tenantId);
			return jobIds;
		};
		for (const limit of [1, 2, 1_000]) {
			expect(await found(false, limit), String(limit)).toEqual([lapsed.jobId]);
			expect(await found(true, limit), String(limit)).toEqual([lapsed, seen, due].map(({ jobId }) => jobId));
		}
	});
});

describe("noteSwept", () => {
	it("notes when to look next and how often it was redispatched, and nothing that a caller could see", async () => {
		const now = aDayOfItsOwn();
		const job = await aJob({ createdAt: now });
		const other = await aJob({ createdAt: now, status: "running" });
		await noteSwept(databaseAt(now), [
			{ job: sweptOf(job), sweepAt: now + HOUR, redispatches: 3 },
			{ job: sweptOf(other), sweepAt: now + MINUTE, redispatches: 0 },
		]);
		expect(await reload(job)).toEqual({ ...job, sweepAt: now + HOUR, redispatches: 3 });
		expect(await reload(other)).toEqual({ ...other, sweepAt: now + MINUTE });
	});

	it.each([
		["was swept by another meanwhile", { sweepAt: NOW + 2 * MINUTE }],
		["was leased meanwhile", { status: "running" as const, fence: 5, sweepAt: NOW + MINUTE }],
		["was queued again meanwhile", { fence: 6, sweepAt: NOW + MINUTE }],
	])("leaves a job alone that %s", async (_, row) => {
		const job = await aJob({ fence: 4, ...row });
		const seen = { ...sweptOf(job), status: "queued" as const, fence: 4, sweepAt: NOW + MINUTE };
		await noteSwept(db, [{ job: seen, sweepAt: NOW + HOUR, redispatches: 9 }]);
		expect(await reload(job)).toEqual(job);
	});

	it("leaves a job alone that ended meanwhile", async () => {
		const job = await aJob({ status: "cancelled" });
		await noteSwept(db, [{ job: { ...sweptOf(job), sweepAt: NOW }, sweepAt: NOW + HOUR, redispatches: 1 }]);
		expect(await reload(job)).toEqual(job);
	});

	it("does nothing for an empty list", async () => {
		await noteSwept(db, []);
	});
});

describe("sweeping deliveries", () => {
	it("finds those that were not attempted in time, oldest first, no more than asked for", async () => {
		const now = aDayOfItsOwn();
		const due = [];
		for (const sweepAt of [now, now - HOUR, now - MINUTE]) {
			due.push(await aDelivery(await aJob({ status: "succeeded" }), { createdAt: now - DAY, sweepAt }));
		}
		await aDelivery(await aJob({ status: "succeeded" }), { createdAt: now, sweepAt: now + 1 });
		await aDelivery(await aJob({ status: "succeeded" }), { createdAt: now, status: "delivered" });

		const found = await findDeliveriesToSweep(databaseAt(now), 2);

		expect(found).toEqual(
			[due[1], due[2]].map((delivery) => ({
				tenantId: delivery?.tenantId,
				deliveryId: delivery?.deliveryId,
				sweepAt: delivery?.sweepAt,
				isParked: false,
			})),
		);
	});

	it.each([
		["a minute at the least", SECOND, MINUTE],
		["as long as it has been due", 20 * MINUTE, 20 * MINUTE],
		["an hour at the most", 5 * HOUR, HOUR],
	])("looks again after %s", async (_, dueMs, waitMs) => {
		const now = aDayOfItsOwn();
		const enqueued = await aDelivery(await aJob({ status: "succeeded" }), { createdAt: now - dueMs });
		await deferDeliverySweep(databaseAt(now), [{ ...enqueued, sweepAt: enqueued.sweepAt ?? 0 }]);
		expect(await reloadDelivery(enqueued)).toEqual({ ...enqueued, sweepAt: now + waitMs });
	});

	it("leaves a delivery alone that was attempted meanwhile, and does nothing for an empty list", async () => {
		const now = aDayOfItsOwn();
		const delivery = await aDelivery(await aJob({ status: "succeeded" }), { createdAt: now - HOUR });
		await deferDeliverySweep(databaseAt(now), [{ ...delivery, sweepAt: now - MINUTE }]);
		await deferDeliverySweep(databaseAt(now), []);
		expect(await reloadDelivery(delivery)).toEqual(delivery);
	});
});

describe("pruning records", () => {
	it("drops idempotency keys whose day is over, oldest first, no more than asked for", async () => {
		const now = aDayOfItsOwn();
		for (const [key, expiresAt] of [
			["b", now],
			["a", now - 1],
			["c", now + 1],
		] as const) {
			await insertRow("idempotency_keys", {
				tenant_id: "ten_prune",
				key,
				fingerprint: "f",
				job_id: anId("job"),
				expires_at: expiresAt,
			});
		}
		expect(await pruneIdempotencyKeys(databaseAt(now), 1)).toBe(1);
		expect(await pruneIdempotencyKeys(databaseAt(now - 1), 10)).toBe(0);
		expect(await pruneIdempotencyKeys(databaseAt(now), 10)).toBe(1);
		expect(await pruneIdempotencyKeys(databaseAt(now), 10)).toBe(0);
		expect(await pruneIdempotencyKeys(databaseAt(now + 1), 10)).toBe(1);
	});

	it("drops deliveries of erased jobs when their week is over, and no others", async () => {
		const now = aDayOfItsOwn();
		const old = { status: "skipped" as const, createdAt: now - 8 * DAY };
		const over = await aDelivery({ tenantId: "ten_prune", jobId: anId("job") }, { ...old, pruneAt: now });
		const kept = await aDelivery({ tenantId: "ten_prune", jobId: anId("job") }, { ...old, pruneAt: now + 1 });
		const ofJob = await aDelivery(await aJob({ status: "succeeded" }), old);

		expect(await pruneOrphanedDeliveries(databaseAt(now), 10)).toBe(1);

		expect(await reloadDelivery(over)).toBeNull();
		expect(await reloadDelivery(kept)).toEqual(kept);
		expect(await reloadDelivery(ofJob)).toEqual(ofJob);
	});
});

describe("sweeper notes", () => {
	it("remember the last value written", async () => {
		expect(await readNote(db, "inputs_reaped")).toBeNull();
		await writeNote(db, "inputs_reaped", "1");
		await writeNote(db, "inputs_reaped", "2");
		expect(await readNote(db, "inputs_reaped")).toBe("2");
	});
});

describe("filterExisting", () => {
	it("names those that have a row under their own tenant", async () => {
		const job = await aJob();
		const unknown = { tenantId: job.tenantId, jobId: anId("job") };
		const foreign = { tenantId: "ten_other", jobId: (await aJob()).jobId };
		expect(await filterExisting(db, [job, unknown, foreign])).toEqual(new Set([job.jobId]));
		expect(await filterExisting(db, [])).toEqual(new Set());
	});
});

describe("readStatus", () => {
	it("shows backlog, oldest age, parked keys and the last sweep", async () => {
		const before = await readStatus(db);
		const oldest = aDayOfItsOwn();
		await aJob({ createdAt: oldest, parkedOn: "model:status" });
		await aJob({ createdAt: oldest + 1, parkedOn: "model:status" });
		await aJob({ status: "succeeded" });
		await aDelivery(await aJob({ status: "running", createdAt: oldest + 2 }));
		await writeNote(databaseAt(NOW + SECOND), "last_sweep", '{"enqueued":3}');

		const status = await readStatus(db);

		expect(status).toMatchObject({
			openJobs: before.openJobs + 3,
			pendingDeliveries: before.pendingDeliveries + 1,
			oldestCreatedAt: oldest,
			lastSweepAt: NOW + SECOND,
			lastSweepCounts: { enqueued: 3 },
		});
		expect(status.parked).toContainEqual({ key: "model:status", jobs: 2 });
	});

	it("finds what is parked, and the oldest job, behind a thousand jobs that are swept sooner", async () => {
		const oldest = aDayOfItsOwn();
		const swept = { createdAt: oldest, sweepAt: NOW + DAY };
		const key = `model:${anId("key")}`;
		await aJob({ ...swept, parkedOn: key, priority: 0 });
		await aJob({ ...swept, createdAt: NOW, parkedOn: key, priority: 9 });
		await copyRow("jobs", rowOf(await aJob({ createdAt: NOW, sweepAt: 0 })), 1_000, { id: "jobs.id || n.i" });

		const status = await readStatus(db);
		expect(status.openJobs).toBe(1_000);
		expect(status.parked).toContainEqual({ key, jobs: 2 });
		expect(status.oldestCreatedAt).toBe(oldest);

		const older = aDayOfItsOwn();
		const running = await aJob({ createdAt: older, status: "running", sweepAt: NOW + DAY });
		await env.DB.prepare("UPDATE jobs SET slot = tenant_id WHERE id = ?1").bind(running.jobId).run();
		expect((await readStatus(db)).oldestCreatedAt).toBe(older);
	});
});
