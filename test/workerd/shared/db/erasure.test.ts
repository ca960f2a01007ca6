import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { FINAL_STATES } from "../../../../shared/core/jobs/job-states.ts";
import { Database } from "../../../../shared/db/database.ts";
import {
	eraseJob,
	findJobsToPrune,
	findTombstones,
	pruneJobs,
	removeTombstones,
} from "../../../../shared/db/upkeep/erase-jobs.ts";
import { resultKey } from "../../../../shared/storage/keys.ts";
import { runtime } from "../../../../workers/runtime.ts";
import { anId, DAY, HOUR, MINUTE, NOW, type StoredJob } from "../../../support/job-of.ts";
import { aDelivery, aJob, BY, databaseAt, db, reload, reloadDelivery } from "../../support/a-job.ts";
import { forgetfulD1 } from "../../support/watched-d1.ts";

const keyOf = ({ tenantId, jobId }: StoredJob) => ({ tenantId, jobId });

/** The R2 keys in tombstone `id`, and when they are deleted again. */
async function tombstone(id: string) {
	const all = await findTombstones(databaseAt(NOW + DAY), 1_000);
	return all.find((one) => one.id === id) ?? null;
}

describe("findJobsToPrune", () => {
	it("finds final jobs whose retention is over, oldest first, no more than asked for", async () => {
		const now = NOW - 90 * DAY;
		const jobs = [];
		for (const pruneAt of [now, now - DAY, now - HOUR, now + 1]) jobs.push(await aJob({ status: "failed", pruneAt }));

		expect(await findJobsToPrune(databaseAt(now), 2)).toEqual([jobs[1], jobs[2]].map((job) => job && keyOf(job)));
		expect(await findJobsToPrune(databaseAt(now), 10)).toHaveLength(3);
	});
});

describe("pruneJobs", () => {
	it("erases row and settled deliveries, and names in one tombstone what R2 holds of them", async () => {
		const large = await aJob({ status: "succeeded", pruneAt: NOW, inputKey: "inputs/2026-01-02/ten/job" });
		const small = await aJob({ status: "failed", pruneAt: NOW - DAY });
		const delivery = await aDelivery(large, { status: "delivered" });
		const id = anId("tmb");

		const gone = await pruneJobs(db, [large, small].map(keyOf), id);

		const objects = [
			{ ...keyOf(large), inputKey: "inputs/2026-01-02/ten/job" },
			{ ...keyOf(small), inputKey: null },
		];
		expect(gone).toHaveLength(2);
		expect(gone).toEqual(expect.arrayContaining(objects));
		expect([await reload(large), await reload(small), await reloadDelivery(delivery)]).toEqual([null, null, null]);
		const left = await tombstone(id);
		expect(left?.deleteAt).toBe(NOW + 20 * MINUTE);
		const keys = [resultKey(large), resultKey(small), "inputs/2026-01-02/ten/job"];
		expect(left?.keys.toSorted()).toEqual(keys.toSorted());
	});

	it("keeps a job with a pending delivery, with all its deliveries, and looks again later", async () => {
		const owing = await aJob({ status: "succeeded", pruneAt: NOW - DAY });
		const pending = await aDelivery(owing);
		const settled = await aDelivery(owing, { deliveryId: `dlv_${owing.jobId.slice(4)}_x`, status: "delivered" });
		const id = anId("tmb");

		expect(await pruneJobs(db, [keyOf(owing)], id)).toEqual([]);

		expect(await reload(owing)).toEqual({ ...owing, pruneAt: NOW + HOUR });
		expect(await reloadDelivery(pending)).toEqual(pending);
		expect(await reloadDelivery(settled)).toEqual(settled);
		expect(await tombstone(id)).toBeNull();
	});

	it("leaves alone what is not final, what is kept longer, and what another tenant has", async () => {
		const queued = await aJob();
		const kept = await aJob({ status: "succeeded", pruneAt: NOW + 1 });
		const keptDelivery = await aDelivery(kept, { status: "delivered" });
		const theirs = await aJob({ status: "succeeded", pruneAt: NOW, tenantId: "ten_other" });
		const theirDelivery = await aDelivery(theirs, { status: "delivered" });

		const keys = [keyOf(queued), keyOf(kept), { ...keyOf(theirs), tenantId: queued.tenantId }];
		expect(await pruneJobs(db, keys, anId("tmb"))).toEqual([]);

		for (const job of [queued, kept, theirs]) expect(await reload(job)).toEqual(job);
		for (const delivery of [keptDelivery, theirDelivery]) expect(await reloadDelivery(delivery)).toEqual(delivery);
	});

	it("leaves the deliveries alone of a job that its owner erased meanwhile", async () => {
		const job = await aJob({ status: "succeeded", pruneAt: NOW });
		const delivery = await aDelivery(job);
		await eraseJob(db, job, anId("tmb"), BY);

		expect(await pruneJobs(db, [keyOf(job)], anId("tmb"))).toEqual([]);

		expect(await reloadDelivery(delivery)).toMatchObject({ status: "skipped" });
	});

	it("does nothing for an empty list", async () => {
		expect(await pruneJobs(db, [], anId("tmb"))).toEqual([]);
	});
});

describe("eraseJob", () => {
	it.each(FINAL_STATES)("erases a job that is %s, long before its retention ends", async (status) => {
		const job = await aJob({ status, inputKey: "inputs/2026-01-02/ten/job" });
		const id = anId("tmb");

		expect(await eraseJob(db, job, id, BY)).toEqual({ ...keyOf(job), inputKey: job.inputKey });

		expect(await reload(job)).toBeNull();
		expect(await tombstone(id)).toEqual({
			id,
			deleteAt: NOW + 20 * MINUTE,
			keys: [resultKey(job), job.inputKey],
			erasedJob: job.jobId,
		});
	});

	it("skips what is still pending, and keeps ids, times and statuses of all deliveries for a week", async () => {
		const job = await aJob({ status: "succeeded" });
		const attempt = { at: NOW, durationMs: 7, status: 500 };
		const attempts = [{ ...attempt, error: "Replied 500", response: "secret" }];
		const pending = await aDelivery(job, { url: "https://receiver.test/T0/B0?token=t", attempts });
		const done = await aDelivery(job, {
			deliveryId: `dlv_${job.jobId.slice(4)}_x`,
			status: "delivered",
			createdAt: NOW - HOUR,
		});

		await eraseJob(db, job, anId("tmb"), BY);

		expect(await reloadDelivery(pending)).toEqual({
			...pending,
			status: "skipped",
			nextAttemptAt: null,
			sweepAt: null,
			finishedAt: NOW,
			pruneAt: NOW + 7 * DAY,
			url: "https://receiver.test/",
			attempts: [{ ...attempt, error: null, response: null }],
		});
		expect(await reloadDelivery(done)).toEqual({ ...done, url: "https://receiver.test/", pruneAt: NOW + 7 * DAY });
	});

	it.each(["queued", "running"] as const)("erases nothing of a job that is %s", async (status) => {
		const job = await aJob({ status });
		const delivery = await aDelivery(job);
		const id = anId("tmb");

		expect(await eraseJob(db, job, id, BY)).toBeNull();

		expect(await reload(job)).toEqual(job);
		expect(await reloadDelivery(delivery)).toEqual(delivery);
		expect(await tombstone(id)).toBeNull();
	});

	it("touches neither another tenant's job nor its deliveries", async () => {
		const job = await aJob({ status: "succeeded" });
		const delivery = await aDelivery(job);
		expect(await eraseJob(db, { ...keyOf(job), tenantId: "ten_other" }, anId("tmb"), BY)).toBeNull();
		expect(await reload(job)).toEqual(job);
		expect(await reloadDelivery(delivery)).toEqual(delivery);
	});

	it("leaves a tombstone where the answer was lost, and finds nothing the second time", async () => {
		const job = await aJob({ status: "succeeded" });
		const id = anId("tmb");
		const flaky = new Database(forgetfulD1(env.DB), runtime, () => NOW);
		await expect(eraseJob(flaky, job, id, BY)).rejects.toThrow("Storage did not respond: erase job");
		expect(await eraseJob(flaky, job, anId("tmb"), BY)).toBeNull();
		expect((await tombstone(id))?.keys).toEqual([resultKey(job)]);
	});
});

describe("tombstones", () => {
	it("are found when their twenty minutes are over, and go once", async () => {
		const job = await aJob({ status: "succeeded" });
		const id = anId("tmb");
		const now = NOW - 100 * DAY;
		await eraseJob(databaseAt(now), job, id, BY);

		expect(await findTombstones(databaseAt(now + 20 * MINUTE - 1), 10)).toEqual([]);
		const [found, ...others] = await findTombstones(databaseAt(now + 20 * MINUTE), 10);
		expect(others).toEqual([]);
		expect(found?.id).toBe(id);

		if (found !== undefined) await removeTombstones(db, [found]);
		expect(await findTombstones(databaseAt(now + 20 * MINUTE), 10)).toEqual([]);
	});
});
