import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { StorageUnavailable } from "../../../../shared/core/errors.ts";
import { COUNTED_TRY_MS } from "../../../../shared/core/jobs/idempotency.ts";
import { TenantLimits } from "../../../../shared/core/tenants/tenant.ts";
import { Database } from "../../../../shared/db/database.ts";
import { findJobSummary } from "../../../../shared/db/jobs/find-job.ts";
import { finishJobs } from "../../../../shared/db/jobs/finish-jobs.ts";
import { type NewJob, type Submission, submitJobs } from "../../../../shared/db/jobs/submit-jobs.ts";
import { eraseJob } from "../../../../shared/db/upkeep/erase-jobs.ts";
import { runtime } from "../../../../workers/runtime.ts";
import { aNewJob, anId, CANCELLED, DAY, finalizationOf, HOUR, MINUTE, NOW, SECOND } from "../../../support/job-of.ts";
import { aTenant, BY, databaseAt, db, reload } from "../../support/a-job.ts";
import { submitJob } from "../../support/submit-job.ts";
import { forgetfulD1 } from "../../support/watched-d1.ts";

let keysMade = 0;

function aKey(fingerprint = "a".repeat(64)) {
	keysMade += 1;
	return { key: `key-${keysMade}`, fingerprint };
}

describe("submitJob", () => {
	it("stores all of the request, and returns the job without input and history", async () => {
		const asked = aNewJob({
			models: ["simulated/a", "simulated/b"],
			webhook: { url: "https://receiver.test", events: ["job.failed"], payload: "thin" },
			gateway: { cacheTtlSeconds: 60, skipCache: null },
			metadata: { team: "blue" },
			priority: 9,
			timeoutMs: SECOND,
			maxAttempts: 2,
			retainMs: 0,
			retryOf: "job_before",
		});
		const { start, idempotency, tokensEstimated, ...columns } = asked;

		const submission = await submitJob(db, asked);

		const stored = {
			...columns,
			status: "queued",
			statusReason: null,
			version: 1,
			model: "simulated/a",
			attempt: 0,
			fence: 0,
			createdAt: NOW,
			runAt: NOW,
			deadlineAt: NOW + DAY,
			attempts: [],
			finishedAt: null,
		};
		expect(submission).toEqual({ outcome: "created", job: await findJobSummary(db, asked), hasSlot: true });
		expect(await reload(asked)).toMatchObject({ ...stored, redispatches: 0, parkedOn: null, pruneAt: null });
	});

	it("takes an input that lies in R2", async () => {
		const asked = aNewJob({ input: null, inputKey: "inputs/2026-01-02/ten/job", inputBytes: 1_000_000 });
		await submitJob(db, asked);
		expect(await reload(asked)).toMatchObject({ input: null, inputKey: asked.inputKey, inputBytes: 1_000_000 });
	});

	it.each([
		["at once", { delayMs: 0 }, DAY, { runAt: 0, deadlineAt: DAY, sweepAt: MINUTE }],
		[
			"after a delay",
			{ delayMs: 30 * SECOND },
			DAY,
			{ runAt: 30 * SECOND, deadlineAt: DAY + 30 * SECOND, sweepAt: 90 * SECOND },
		],
		[
			"after the longest wait with a slot",
			{ delayMs: MINUTE },
			DAY,
			{ runAt: MINUTE, deadlineAt: DAY + MINUTE, sweepAt: 2 * MINUTE },
		],
		[
			"after a wait without a slot",
			{ delayMs: MINUTE + 1 },
			DAY,
			{ runAt: MINUTE + 1, deadlineAt: DAY + MINUTE + 1, sweepAt: MINUTE + 1 },
		],
		[
			"at a time ahead",
			{ runAt: NOW + 2 * DAY },
			HOUR,
			{ runAt: 2 * DAY, deadlineAt: 2 * DAY + HOUR, sweepAt: 2 * DAY },
		],
		["at a time gone by", { runAt: NOW - HOUR }, HOUR, { runAt: -HOUR, deadlineAt: HOUR, sweepAt: MINUTE }],
		[
			"with a deadline before the first sweep",
			{ delayMs: 0 },
			2 * SECOND,
			{ runAt: 0, deadlineAt: 2 * SECOND, sweepAt: 2 * SECOND },
		],
	])("counts times from submission or start: %s", async (_, start, deadlineMs, times) => {
		const asked = aNewJob({ start, deadlineMs });
		await submitJob(db, asked);
		expect(await reload(asked)).toMatchObject({
			createdAt: NOW,
			deadlineMs,
			runAt: NOW + times.runAt,
			deadlineAt: NOW + times.deadlineAt,
			sweepAt: NOW + times.sweepAt,
		});
	});

	it("rounds fractions of a millisecond up, so that no wait is shorter than asked", async () => {
		const asked = aNewJob({ start: { delayMs: 1.001 * 1000 }, deadlineMs: 0.5, timeoutMs: 1.1, retainMs: 0.2 });
		await submitJob(db, asked);
		expect(await reload(asked)).toMatchObject({ runAt: NOW + 1001, deadlineMs: 1, timeoutMs: 2, retainMs: 1 });
	});

	it("lives by the database's own clock where none is bound", async () => {
		const asked = aNewJob();
		const before = Date.now();
		await submitJob(new Database(env.DB, runtime), asked);
		const createdAt = (await reload(asked))?.createdAt ?? 0;
		expect(createdAt).toBeGreaterThanOrEqual(before - SECOND);
		expect(createdAt).toBeLessThanOrEqual(Date.now() + SECOND);
	});

	it.each([
		["without a key", null],
		["with a key", aKey()],
	])("is safe to repeat under the same id, %s", async (_, idempotency) => {
		const asked = aNewJob({ idempotency });
		await submitJob(db, asked);
		const stored = await reload(asked);

		const again = await submitJob(databaseAt(NOW + SECOND), asked);

		expect(again).toMatchObject({ outcome: "created", job: { jobId: asked.jobId, createdAt: NOW } });
		expect(await reload(asked)).toEqual(stored);
	});

	it("reports a lost answer, and says what it wrote when asked again", async () => {
		const asked = aNewJob({ idempotency: aKey() });
		const flaky = new Database(forgetfulD1(env.DB), runtime, () => NOW);
		await expect(submitJob(flaky, asked)).rejects.toThrow(StorageUnavailable);
		expect(await submitJob(flaky, asked)).toMatchObject({ outcome: "created", job: { jobId: asked.jobId } });
	});
});

describe("an idempotency key", () => {
	it("makes one job of a hundred submissions at the same time, and answers it to all of them", async () => {
		const idempotency = aKey();
		const asked = Array.from({ length: 100 }, () => aNewJob({ idempotency }));

		const submissions = await Promise.all(asked.map((job) => submitJob(db, job)));

		const ids = new Set(submissions.map((submission) => "job" in submission && submission.job.jobId));
		expect(ids.size).toBe(1);
		expect(submissions.filter(({ outcome }) => outcome === "created")).toHaveLength(1);
		expect(submissions.filter(({ outcome }) => outcome === "replayed")).toHaveLength(99);
		const stored = await Promise.all(asked.map((job) => reload(job)));
		expect(stored.filter((job) => job !== null)).toHaveLength(1);
	});

	it("belongs to one body", async () => {
		const { key } = aKey();
		await submitJob(db, aNewJob({ idempotency: { key, fingerprint: "a".repeat(64) } }));
		const other = aNewJob({ idempotency: { key, fingerprint: "b".repeat(64) } });
		expect(await submitJob(db, other)).toEqual({ outcome: "key_reused" });
		expect(await reload(other)).toBeNull();
	});

	it("belongs to one tenant", async () => {
		const idempotency = aKey();
		await submitJob(db, aNewJob({ idempotency }));
		const other = aNewJob({ tenantId: anId("ten"), idempotency });
		expect(await submitJob(db, other)).toMatchObject({ outcome: "created", job: { jobId: other.jobId } });
	});

	it("answers the first job for a day, and starts over after it, with any body", async () => {
		const { key, fingerprint } = aKey();
		const first = aNewJob({ idempotency: { key, fingerprint } });
		await submitJob(db, first);
		const last = NOW + DAY - SECOND;

		const replay = await submitJob(databaseAt(last), aNewJob({ idempotency: { key, fingerprint } }));
		const other = { key, fingerprint: "f".repeat(64) };
		const clash = await submitJob(databaseAt(last), aNewJob({ idempotency: other }));
		const second = aNewJob({ idempotency: other });
		const next = await submitJob(databaseAt(last + 2 * SECOND), second);
		const replayOfSecond = await submitJob(
			databaseAt(last + 2 * DAY - 10 * SECOND - DAY),
			aNewJob({ idempotency: other }),
		);

		expect(replay).toMatchObject({ outcome: "replayed", job: { jobId: first.jobId } });
		expect(clash).toEqual({ outcome: "key_reused" });
		expect(next).toMatchObject({ outcome: "created", job: { jobId: second.jobId } });
		expect(replayOfSecond).toMatchObject({ outcome: "replayed", job: { jobId: second.jobId } });
	});

	it("answers the job as it is by now", async () => {
		const idempotency = aKey();
		const asked = aNewJob({ idempotency });
		await submitJob(db, asked);
		await cancel(asked);
		expect(await submitJob(db, aNewJob({ idempotency }))).toMatchObject({
			outcome: "replayed",
			job: { status: "cancelled" },
		});
	});

	it.each([
		["with a key", { key: "erased-and-repeated", fingerprint: "a".repeat(64) }],
		["without one", null],
	])("never makes an erased job again when a submission is repeated, %s", async (_, idempotency) => {
		const job = aNewJob({ idempotency });
		await submitJob(db, job);
		await cancel(job);
		await eraseJob(db, job, `tmb_${job.jobId}`, BY);
		// The first request may be executed last.
		for (const isRepeat of [true, false]) expect(await submitJob(db, job, isRepeat)).toEqual({ outcome: "erased" });
		expect(await reload(job)).toBeNull();
	});

	it("outlives an erased job, which is not run again", async () => {
		const idempotency = aKey();
		const asked = aNewJob({ idempotency });
		await submitJob(db, asked);
		await cancel(asked);
		await eraseJob(db, asked, anId("tmb"), BY);

		const repeat = aNewJob({ idempotency });
		expect(await submitJob(db, repeat)).toEqual({ outcome: "erased" });
		expect(await reload(repeat)).toBeNull();
	});
});

describe("the bytes of a counted try", () => {
	/** Request ids give the order in which requests came. */
	const tries = () => {
		keysMade += 1;
		const key = `retried key_1 ${keysMade}`;
		return (came: number, isRepeat: boolean) => ({
			...{ key, requestId: `req_${String(came).padStart(3, "0")}`, isRepeat },
			...{ joinsFailed: false, keepMs: COUNTED_TRY_MS },
		});
	};
	const idOf = async (database: Database, idempotency: NewJob["idempotency"]) => {
		const submission = await submitJob(database, aNewJob({ idempotency }));
		return "job" in submission ? `${submission.outcome} ${submission.job.jobId}` : submission.outcome;
	};

	it("are the first try's job for two minutes when they come as a repeat, and a new one after that", async () => {
		const attempt = tries();
		const first = aNewJob({ idempotency: attempt(1, false) });
		expect(await submitJob(db, first)).toMatchObject({ outcome: "created" });
		const last = databaseAt(NOW + 2 * MINUTE - 1);
		expect(await idOf(last, attempt(2, true))).toBe(`replayed ${first.jobId}`);
		const next = aNewJob({ idempotency: attempt(3, true) });
		expect(await submitJob(databaseAt(NOW + 2 * MINUTE), next)).toMatchObject({ outcome: "created" });
		expect(await idOf(databaseAt(NOW + 3 * MINUTE), attempt(4, true))).toBe(`replayed ${next.jobId}`);
	});

	it("are a new job with each first try, and a repeat is the last of these", async () => {
		const attempt = tries();
		const [one, two] = [aNewJob({ idempotency: attempt(1, false) }), aNewJob({ idempotency: attempt(2, false) })];
		for (const job of [one, two])
			expect(await submitJob(db, job)).toMatchObject({ outcome: "created", job: { jobId: job.jobId } });
		expect(await idOf(db, attempt(3, true))).toBe(`replayed ${two.jobId}`);
		expect(await reload(one)).not.toBeNull();
	});

	it("are one job when a repeat overtakes its first try, and the next first try is a new one again", async () => {
		const attempt = tries();
		const repeat = aNewJob({ idempotency: attempt(2, true) });
		expect(await submitJob(db, repeat)).toMatchObject({ outcome: "created", job: { jobId: repeat.jobId } });
		expect(await idOf(db, attempt(1, false))).toBe(`replayed ${repeat.jobId}`);
		expect(await idOf(db, attempt(3, true))).toBe(`replayed ${repeat.jobId}`);
		const next = aNewJob({ idempotency: attempt(4, false) });
		expect(await submitJob(db, next)).toMatchObject({ outcome: "created", job: { jobId: next.jobId } });
		expect(await idOf(db, attempt(5, true))).toBe(`replayed ${next.jobId}`);
	});

	it.each([0, 7, 19])(
		"are one job for a first try and its repeats at once, the first as number %i of twenty",
		async (at) => {
			const attempt = tries();
			const came = Array.from({ length: 20 }, (_, place) => (place === at ? 0 : place + 1));
			const asked = came.map((number) => aNewJob({ idempotency: attempt(number, number > 0) }));
			const submissions = await Promise.all(asked.map((job) => submitJob(db, job)));
			expect(new Set(submissions.map((one) => "job" in one && one.job.jobId)).size).toBe(1);
			const stored = await Promise.all(asked.map((job) => reload(job)));
			expect(stored.filter((job) => job !== null)).toHaveLength(1);
		},
	);

	it.each([true, false])(
		"are one job where the answer was lost and asked for again, as a repeat: %s",
		async (isRepeat) => {
			const job = aNewJob({ idempotency: tries()(1, isRepeat) });
			const flaky = new Database(forgetfulD1(env.DB), runtime, () => NOW);
			await expect(submitJob(flaky, job)).rejects.toThrow(StorageUnavailable);
			expect(await submitJob(flaky, job, true)).toMatchObject({ outcome: "created", job: { jobId: job.jobId } });
			await cancel(job);
			await eraseJob(db, job, anId("tmb"), BY);
			expect(await submitJob(db, job, true)).toEqual({ outcome: "erased" });
			expect(await reload(job)).toBeNull();
		},
	);

	it("are no way round a limit, which the repeat of an accepted try does not meet", async () => {
		const { tenantId } = await aTenant({ limits: TenantLimits.parse({ open_jobs: 1 }) });
		const attempt = tries();
		const submit = (idempotency: NewJob["idempotency"]) => submitJob(db, aNewJob({ tenantId, idempotency }));
		const first = await submit(attempt(1, false));
		expect(await submit(attempt(2, false))).toMatchObject({ outcome: "refused", limit: "open_jobs", quota: 1 });
		expect(await submit(attempt(3, true))).toMatchObject({
			job: first.outcome === "created" ? first.job : null,
			outcome: "replayed",
		});
	});
});

describe("a set of jobs", () => {
	/** More than the limits admit: due and delayed, with keys and without, one key twice and one key with another body. */
	function mixedJobs(tenantId: string): NewJob[] {
		const [one, two] = [aKey(), aKey()];
		const later = { delayMs: HOUR };
		const kinds: Partial<NewJob>[] = [
			{ idempotency: one },
			{ start: later },
			{ idempotency: one },
			{},
			{ idempotency: { ...one, fingerprint: "b".repeat(64) } },
			{ priority: 9 },
			{ start: later, idempotency: two },
			{},
			{ idempotency: two },
			{ idempotency: aKey() },
		];
		return kinds.map((kind) => aNewJob({ tenantId, ...kind }));
	}

	async function aLimitedTenant(): Promise<string> {
		return (await aTenant({ limits: TenantLimits.parse({ open_jobs: 5, running_jobs: 2 }) })).tenantId;
	}

	/** What is stored of the jobs, and what was answered, by their places in the set. */
	async function effectOf(jobs: NewJob[], submissions: Submission[]) {
		const placeOf = (id: unknown) => jobs.findIndex(({ jobId }) => jobId === id);
		const { results } = await env.DB.prepare(
			`SELECT id, tenant_id = slot AS has_slot, tenant_id = open_in AS is_open, parked_on IS NOT NULL AS is_parked,
			        status_reason, priority, run_at, deadline_at, sweep_at
			   FROM jobs WHERE id IN (SELECT value FROM json_each(?1)) ORDER BY id`,
		)
			.bind(JSON.stringify(jobs.map(({ jobId }) => jobId)))
			.all();
		return {
			rows: results.map(({ id, ...row }) => ({ place: placeOf(id), ...row })),
			submissions: submissions.map((submission) =>
				"job" in submission
					? [submission.outcome, placeOf(submission.job.jobId), submission.job.statusReason]
					: [submission.outcome, "limit" in submission && submission.limit],
			),
		};
	}

	async function singly(jobs: NewJob[]): Promise<Submission[]> {
		const submissions: Submission[] = [];
		for (const job of jobs) submissions.push(await submitJob(db, job));
		return submissions;
	}

	it("is admitted as the same jobs are one after the other, in their order", async () => {
		const [together, apart] = [mixedJobs(await aLimitedTenant()), mixedJobs(await aLimitedTenant())];
		const effect = await effectOf(together, await submitJobs(db, together));
		expect(effect).toEqual(await effectOf(apart, await singly(apart)));
		expect(effect.submissions).toEqual([
			["created", 0, null],
			["created", 1, null],
			["replayed", 0, null],
			["created", 3, null],
			["key_reused", false],
			["created", 5, "running_limit"],
			["created", 6, null],
			["refused", "open_jobs"],
			["replayed", 6, null],
			["refused", "open_jobs"],
		]);
	});

	it("is held to the limits of each tenant in it", async () => {
		const [one, other] = [await aLimitedTenant(), await aLimitedTenant()];
		const { tenantId: spent } = await aTenant({ limits: TenantLimits.parse({ tokens_per_day: 0 }) });
		const jobs = [one, other, spent, one, other, one, one, other, one, one].map((tenantId) => aNewJob({ tenantId }));
		const submissions = await submitJobs(db, jobs);
		const of = (tenantId: string) => submissions.filter((_, at) => jobs[at]?.tenantId === tenantId);
		expect(of(one).map(({ outcome }) => outcome)).toEqual([...Array(5).fill("created"), "refused"]);
		expect(of(one).at(-1)).toMatchObject({ limit: "open_jobs", quota: 5 });
		expect(of(other).map(({ outcome }) => outcome)).toEqual(Array(3).fill("created"));
		expect(of(spent)).toMatchObject([{ outcome: "refused", limit: "tokens_per_day", quota: 0 }]);
	});

	it("leaves the key of a refused job free, and stores nothing twice when it is repeated", async () => {
		const tenantId = await aLimitedTenant();
		const jobs = Array.from({ length: 7 }, () => aNewJob({ tenantId, idempotency: aKey() }));
		const flaky = new Database(forgetfulD1(env.DB), runtime, () => NOW);
		await expect(submitJobs(flaky, jobs)).rejects.toThrow(StorageUnavailable);
		const again = await submitJobs(flaky, jobs, true);
		expect(again.map(({ outcome }) => outcome)).toEqual([...Array(5).fill("created"), "refused", "refused"]);
		for (const job of jobs.slice(0, 2)) await cancel(job);
		expect((await submitJobs(db, jobs, true)).map(({ outcome }) => outcome)).toEqual(Array(7).fill("created"));
	});

	it("takes one transaction, of one statement for the keys and one for the jobs", async () => {
		const { tenantId } = await aTenant();
		const batches: number[] = [];
		const meter = new Proxy(env.DB, {
			get(d1, name) {
				if (name === "prepare") return (sql: string) => d1.prepare(sql);
				return async (statements: D1PreparedStatement[]) => {
					batches.push(statements.length);
					return await d1.batch(statements);
				};
			},
		});
		const jobs = Array.from({ length: 40 }, () => aNewJob({ tenantId, idempotency: aKey() }));
		const submissions = await submitJobs(new Database(meter, runtime), jobs);
		expect(submissions.map((one) => "job" in one && one.job.jobId)).toEqual(jobs.map(({ jobId }) => jobId));
		expect(batches).toEqual([2]);
	});
});

async function cancel(job: NewJob) {
	await finishJobs(db, [finalizationOf({ ...job, fence: 0 }, CANCELLED)]);
}
