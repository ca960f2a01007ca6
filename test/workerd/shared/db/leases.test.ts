import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { StorageUnavailable } from "../../../../shared/core/errors.ts";
import { ATTEMPTS_KEPT } from "../../../../shared/core/jobs/attempts.ts";
import type { JobKey } from "../../../../shared/core/jobs/job.ts";
import { FINAL_STATES } from "../../../../shared/core/jobs/job-states.ts";
import { Database } from "../../../../shared/db/database.ts";
import { extendLeases, findHeldLeases } from "../../../../shared/db/jobs/hold-leases.ts";
import { leaseJobs } from "../../../../shared/db/jobs/lease-jobs.ts";
import { whyNotLeased } from "../../../../shared/db/jobs/why-not-leased.ts";
import { runtime } from "../../../../workers/runtime.ts";
import { anAttempt, anId, LEASE_MS, MINUTE, NOW, SECOND } from "../../../support/job-of.ts";
import { aJob, databaseAt, db, reload } from "../../support/a-job.ts";
import { forgetfulD1 } from "../../support/watched-d1.ts";

const lease = async (keys: JobKey[], holder = "holder-a", at = NOW, database = databaseAt(at)) =>
	(await leaseJobs(database, { keys, holder, leaseMs: LEASE_MS })).jobs;

describe("leaseJobs", () => {
	it("leases what is due, and says who holds it, since when, until when and under which number", async () => {
		const job = await aJob({ fence: 3, attempt: 1, startedAt: NOW - MINUTE, statusReason: "retrying", version: 7 });

		const [leased, ...others] = await lease([job]);

		expect(others).toEqual([]);
		expect(leased).toEqual(expect.objectContaining({ jobId: job.jobId, input: job.input, fence: 4, attempt: 2 }));
		expect(await reload(job)).toMatchObject({
			status: "running",
			statusReason: null,
			version: 8,
			fence: 4,
			attempt: 2,
			holder: "holder-a",
			leasedAt: NOW,
			leaseExpiresAt: NOW + LEASE_MS,
			startedAt: NOW - MINUTE,
			attempts: [],
		});
	});

	it("notes when a job was first started", async () => {
		const job = await aJob();
		await lease([job]);
		expect((await reload(job))?.startedAt).toBe(NOW);
	});

	it("leases a job in the very millisecond it is due, and not one earlier", async () => {
		const job = await aJob({ runAt: NOW + SECOND });
		expect(await lease([job], "early", NOW + SECOND - 1)).toEqual([]);
		expect(await lease([job], "on-time", NOW + SECOND)).toHaveLength(1);
	});

	it("leases a whole batch in one statement and leaves out what may not run", async () => {
		const due = await aJob();
		const other = await aJob();
		const early = await aJob({ runAt: NOW + SECOND });
		const parked = await aJob({ parkedOn: "model:simulated/echo" });
		const held = await aJob({ status: "running" });
		const erased = { tenantId: due.tenantId, jobId: anId("job") };

		const leased = await lease([due, early, parked, held, erased, other]);

		expect(leased.map((job) => job.jobId).sort()).toEqual([due.jobId, other.jobId].sort());
		expect(await reload(early)).toEqual(early);
		expect(await reload(parked)).toEqual(parked);
		expect(await reload(held)).toEqual(held);
	});

	it.each(FINAL_STATES)("never touches a job that is %s", async (status) => {
		const job = await aJob({ status });
		expect(await lease([job], "holder-a", NOW + 10 * LEASE_MS)).toEqual([]);
		expect(await reload(job)).toEqual(job);
	});

	it("finds a job only under its own tenant", async () => {
		const job = await aJob();
		expect(await lease([{ tenantId: "ten_other", jobId: job.jobId }])).toEqual([]);
	});

	it("gives a job that thirty consumers ask for at the same time to one of them", async () => {
		const job = await aJob();
		const holders = Array.from({ length: 30 }, (_, index) => `holder-${index}`);

		const leases = await Promise.all(holders.map((holder) => lease([job], holder)));

		const winners = holders.filter((_, index) => leases[index]?.length === 1);
		expect(winners).toHaveLength(1);
		expect(await reload(job)).toMatchObject({ holder: winners[0], fence: 1, attempt: 1 });
	});

	it("gives a lapsed lease that thirty consumers ask for at the same time to one of them", async () => {
		const job = await aJob({ status: "running" });
		const holders = Array.from({ length: 30 }, (_, index) => `holder-${index}`);

		const leases = await Promise.all(holders.map((holder) => lease([job], holder, NOW + LEASE_MS)));

		expect(leases.flat()).toHaveLength(1);
		expect(await reload(job)).toMatchObject({ fence: 2, attempt: 2 });
	});
});

describe("take-over", () => {
	it("leaves a live lease alone until its last millisecond is over", async () => {
		const job = await aJob({ status: "running" });
		expect(await lease([job], "thief", NOW + LEASE_MS - 1)).toEqual([]);
		expect(await reload(job)).toEqual(job);
		expect(await lease([job], "heir", NOW + LEASE_MS)).toHaveLength(1);
	});

	it("counts the call of the holder who is gone and keeps it in the history as abandoned", async () => {
		const job = await aJob({ status: "running", fence: 2, attempt: 2, holder: "gone", attempts: [anAttempt(1)] });

		const [leased] = await lease([job], "heir", NOW + 2 * LEASE_MS);

		expect(leased).toMatchObject({ fence: 3, attempt: 3, holder: "heir", leasedAt: NOW + 2 * LEASE_MS });
		expect(leased?.attempts).toEqual([
			anAttempt(1),
			{
				...anAttempt(2),
				fence: 2,
				model: job.model,
				provider: null,
				startedAt: NOW,
				endedAt: NOW + LEASE_MS,
				outcome: "abandoned",
				status: null,
				code: null,
				message: null,
			},
		]);
	});

	it("keeps to the first and the last 49 entries of the history", async () => {
		const history = Array.from({ length: ATTEMPTS_KEPT }, (_, index) => anAttempt(index + 1));
		const job = await aJob({ status: "running", fence: 60, attempts: history });

		const [leased] = await lease([job], "heir", NOW + LEASE_MS);

		expect(leased?.attempts.map((entry) => entry.number)).toEqual([1, ...history.slice(2).map((e) => e.number), 51]);
		expect(leased?.attempts).toHaveLength(ATTEMPTS_KEPT);
	});

	it("goes on for as long as holders die, even those who only had to give the job up", async () => {
		const job = await aJob({ status: "running", attempt: 5, maxAttempts: 5 });
		for (let death = 1; death <= 3; death++) {
			const [leased] = await lease([job], `heir-${death}`, NOW + death * LEASE_MS);
			expect(leased).toMatchObject({ fence: 1 + death, attempt: 6 });
		}
	});

	it("asks to be swept when the lease ends, however long ago the sweeper meant to look again", async () => {
		const rungOften = await aJob({ redispatches: 3, sweepAt: NOW + 60 * MINUTE });
		const fresh = await aJob();

		await lease([rungOften, fresh]);

		expect((await reload(rungOften))?.sweepAt).toBe(NOW + LEASE_MS);
		expect((await reload(fresh))?.sweepAt).toBe(fresh.sweepAt);
	});
});

describe("a lease whose answer was lost", () => {
	const forgotten = (keys: JobKey[]) =>
		lease(keys, "holder-a", NOW, new Database(forgetfulD1(env.DB), runtime, () => NOW));
	const again = (keys: JobKey[], at = NOW + SECOND) =>
		leaseJobs(databaseAt(at), { keys, holder: "holder-a", leaseMs: LEASE_MS, isRepeated: true });

	it("is returned to its holder when it asks again, and not taken twice", async () => {
		const job = await aJob();
		await expect(forgotten([job])).rejects.toThrow(StorageUnavailable);
		const { jobs, now } = await again([job]);
		expect(jobs).toMatchObject([{ jobId: job.jobId, fence: 1, holder: "holder-a", leasedAt: NOW, input: job.input }]);
		expect(now).toBe(NOW + SECOND);
		expect(await reload(job)).toMatchObject({ fence: 1, attempt: 1 });
	});

	it("comes with what is leased only now", async () => {
		const [job, late] = [await aJob(), await aJob({ runAt: NOW + SECOND })];
		await expect(forgotten([job, late])).rejects.toThrow(StorageUnavailable);
		const { jobs } = await again([job, late]);
		expect(jobs.map(({ jobId, leasedAt }) => [jobId, leasedAt])).toEqual([
			[job.jobId, NOW],
			[late.jobId, NOW + SECOND],
		]);
	});

	it("makes no other holder's job ours", async () => {
		const held = await aJob({ status: "running", holder: "holder-b" });
		const early = await aJob({ runAt: NOW + MINUTE });
		await expect(forgotten([held, early])).rejects.toThrow(StorageUnavailable);
		expect((await again([held, early])).jobs).toEqual([]);
	});
});

describe("whyNotLeased", () => {
	it("distinguishes what comes too early, and by how much, from what needs no further message", async () => {
		const early = await aJob({ runAt: NOW + 7 * SECOND });
		const parked = await aJob({ parkedOn: "tenant" });
		const held = await aJob({ status: "running" });
		const over = await aJob({ status: "succeeded" });
		const erased = { tenantId: early.tenantId, jobId: anId("job") };
		const foreign = { tenantId: "ten_other", jobId: early.jobId };

		const misses = await whyNotLeased(db, [early, parked, held, over, erased, foreign].map(keyOf));

		expect(misses).toEqual([
			{ ...keyOf(early), kind: "early", waitMs: 7 * SECOND, now: NOW },
			...[parked, held, over, erased, foreign].map((job) => ({ ...keyOf(job), kind: "idle" })),
		]);
	});

	it.each([
		["due", { status: "queued", fence: 0 }],
		["without a holder", { status: "running", fence: 1, leaseExpiresAt: NOW - SECOND }],
	] as const)(
		"sends the message of a job %s again that a request left, because it was executed too late",
		async (_, row) => {
			const job = await aJob(row);
			const request = { keys: [job], holder: "h", leaseMs: LEASE_MS };
			expect((await leaseJobs(db, { ...request, notAfter: NOW - 1 })).jobs).toEqual([]);
			expect(await reload(job)).toMatchObject({ status: row.status, fence: row.fence });
			expect(await whyNotLeased(db, [job])).toMatchObject([{ kind: "early", now: NOW }]);
			expect((await leaseJobs(db, { ...request, notAfter: NOW })).jobs).toHaveLength(1);
		},
	);

	it("sends no message round at once, whatever keeps a job that is due", async () => {
		const due = await aJob({ runAt: NOW - SECOND });
		expect(await whyNotLeased(db, [due])).toMatchObject([{ kind: "early", waitMs: SECOND }]);
	});
});

describe("extendLeases", () => {
	it("keeps a lease alive, even one that has expired but was not taken over", async () => {
		const job = await aJob({ status: "running", fence: 2 });
		const late = NOW + 3 * LEASE_MS;

		expect(await extendLeases(databaseAt(late), [job], LEASE_MS)).toEqual(new Set([job.jobId]));

		expect(await reload(job)).toEqual({ ...job, leaseExpiresAt: late + LEASE_MS });
	});

	it("touches neither a job that is over, nor one with another lease, nor another tenant's", async () => {
		const cancelled = await aJob({ status: "cancelled", fence: 1 });
		const queued = await aJob({ fence: 1 });
		const taken = await aJob({ status: "running", fence: 2 });
		const foreign = await aJob({ status: "running", tenantId: "ten_other" });
		const leases = [cancelled, queued, { ...taken, fence: 1 }, { ...foreign, tenantId: cancelled.tenantId }];

		expect(await extendLeases(databaseAt(NOW + SECOND), leases, LEASE_MS)).toEqual(new Set());

		for (const job of [cancelled, queued, taken, foreign]) expect(await reload(job)).toEqual(job);
	});

	it("keeps all leases of a batch alive in one statement", async () => {
		const jobs = [await aJob({ status: "running" }), await aJob({ status: "running" })];
		await extendLeases(databaseAt(NOW + 30 * SECOND), jobs, LEASE_MS);
		for (const job of jobs) expect((await reload(job))?.leaseExpiresAt).toBe(NOW + 30 * SECOND + LEASE_MS);
	});
});

describe("findHeldLeases", () => {
	it("names those that are still ours, by number and state, and writes nothing", async () => {
		const ours = await aJob({ status: "running", fence: 4 });
		const taken = await aJob({ status: "running", fence: 5 });
		const cancelled = await aJob({ status: "cancelled", fence: 1 });

		const held = await findHeldLeases(databaseAt(NOW + 9 * LEASE_MS), [ours, { ...taken, fence: 4 }, cancelled]);

		expect(held).toEqual(new Set([ours.jobId]));
		expect(await reload(ours)).toEqual(ours);
	});
});

function keyOf({ tenantId, jobId }: JobKey): JobKey {
	return { tenantId, jobId };
}
