import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { addUsage, estimatedUsage } from "../../../../shared/core/jobs/attempts.ts";
import { cancelled } from "../../../../shared/core/jobs/cancel.ts";
import type { Job, JobSummary } from "../../../../shared/core/jobs/job.ts";
import { DEFAULT_LIMITS, FAIR_SHARE, TenantLimits } from "../../../../shared/core/tenants/tenant.ts";
import { credentialKeyOf } from "../../../../shared/core/upstreams/credentials.ts";
import type { Usage } from "../../../../shared/core/upstreams/failures.ts";
import { findReleasableKeys, releaseForTenants, releaseParked } from "../../../../shared/db/admission/release.ts";
import type { Database } from "../../../../shared/db/database.ts";
import { finishJobs } from "../../../../shared/db/jobs/finish-jobs.ts";
import { leaseJobs } from "../../../../shared/db/jobs/lease-jobs.ts";
import { requeueJob } from "../../../../shared/db/jobs/requeue-job.ts";
import { type NewJob, type Submission, submitJobs } from "../../../../shared/db/jobs/submit-jobs.ts";
import { updateTenant } from "../../../../shared/db/tenants/tenants.ts";
import { deleteTenant } from "../../../../shared/db/upkeep/delete-tenant.ts";
import {
	aNewJob,
	anId,
	CANCELLED,
	DAY,
	finalizationOf,
	HOUR,
	jobOf,
	LEASE_MS,
	MINUTE,
	NOW,
	SECOND,
	USAGE,
} from "../../../support/job-of.ts";
import { aJob, aTenant, BY, copyRow, databaseAt, db, reload, rowOf } from "../../support/a-job.ts";
import { submitJob } from "../../support/submit-job.ts";

const limited = async (limits: Partial<TenantLimits>) =>
	(await aTenant({ limits: { ...TenantLimits.parse({}), ...limits } })).tenantId;

async function submitted(tenantId: string, given: Partial<NewJob> = {}): Promise<JobSummary> {
	const submission = await submitJob(db, aNewJob({ tenantId, ...given }));
	if (submission.outcome !== "created") throw new Error(submission.outcome);
	return submission.job;
}

const lease = (keys: JobSummary[], at = NOW) => leaseJobs(databaseAt(at), { keys, holder: "h", leaseMs: LEASE_MS });

/** The first of those that could be leased. */
async function leased(keys: JobSummary[], at = NOW) {
	const [job] = (await lease(keys, at)).jobs;
	if (job === undefined) throw new Error("nothing was leased");
	return job;
}

/** As the API changes them; answers whom it lets go. */
async function change(tenantId: string, limits: Partial<TenantLimits>, at = NOW): Promise<string[]> {
	const change = { name: null, limits: { ...TenantLimits.parse({}), ...limits } };
	const updated = await updateTenant(databaseAt(at), tenantId, change, BY);
	return (updated?.released ?? []).map(({ jobId }) => jobId);
}

const slotsOf = async (tenantId: string) =>
	(await env.DB.prepare("SELECT count(*) AS n FROM jobs WHERE slot = ?1").bind(tenantId).first<{ n: number }>())?.n;

async function releasableKeys(db: Database): Promise<string[]> {
	return (await findReleasableKeys(db, 1_000)).map(({ key }) => key);
}

describe("running_jobs", () => {
	it("lets as many in as it says, of thirty that come at once, and parks the others", async () => {
		const tenantId = await limited({ running_jobs: 5 });
		const jobs = await Promise.all(Array.from({ length: 30 }, () => submitted(tenantId)));
		expect(jobs.filter(({ statusReason }) => statusReason === null)).toHaveLength(5);
		expect(jobs.filter(({ statusReason }) => statusReason === "running_limit")).toHaveLength(25);
		const leases = await Promise.all(jobs.map((job) => lease([job])));
		expect(leases.flatMap(({ jobs }) => jobs)).toHaveLength(5);
		expect(await slotsOf(tenantId)).toBe(5);
	});

	it("gives a batch of jobs that come due together as many slots as are left, in their order", async () => {
		const tenantId = await limited({ running_jobs: 2 });
		const soon = { start: { delayMs: MINUTE + SECOND } };
		const [old, , urgent, young] = [
			await submitted(tenantId, soon),
			await submitted(tenantId, { ...soon, priority: 4 }),
			await submitted(tenantId, { ...soon, priority: 9 }),
			await submitted(tenantId, soon),
		];
		const { jobs, released } = await lease([young, old, urgent], NOW + MINUTE + SECOND);
		expect([jobs.map(({ jobId }) => jobId).sort(), released]).toEqual([[old.jobId, urgent.jobId].sort(), []]);
		expect(await slotsOf(tenantId)).toBe(2);
		expect(await reload(young)).toMatchObject({ status: "queued", statusReason: "running_limit" });
	});

	it("hands a slot on when its job ends: by priority, then by age", async () => {
		const tenantId = await limited({ running_jobs: 1 });
		const first = await leased([await submitted(tenantId)]);
		const [old, , urgent] = [
			await submitted(tenantId),
			await submitted(tenantId),
			await submitted(tenantId, { priority: 9 }),
		];
		const [end] = await finishJobs(db, [finalizationOf(first)]);
		expect(end?.released).toEqual([{ tenantId, jobId: urgent.jobId }]);
		const second = await leased([urgent]);
		expect((await finishJobs(db, [finalizationOf(second)]))[0]?.released).toEqual([{ tenantId, jobId: old.jobId }]);
	});

	it("releases and parks no job of a deleted tenant when its limits change", async () => {
		const tenantId = await limited({ running_jobs: 1 });
		const jobs = [await submitted(tenantId), await submitted(tenantId)];
		await deleteTenant(db, tenantId, BY);
		const before = await Promise.all(jobs.map(reload));
		for (const running_jobs of [9, 0]) expect(await change(tenantId, { running_jobs })).toEqual([]);
		expect(await Promise.all(jobs.map(reload))).toEqual(before);
	});

	it("releases the next job although the lease that requeues was lost", async () => {
		const tenantId = await limited({ running_jobs: 1 });
		const [failed] = (await lease([await submitted(tenantId)])).jobs;
		const next = await submitted(tenantId);
		await env.DB.prepare("UPDATE jobs SET slot = NULL WHERE id = ?1").bind(failed?.jobId).run();
		const requeue = { ...(failed ?? jobOf()), reason: "retrying" as const, delayMs: SECOND, breakerEvent: null };
		expect(await requeueJob(db, { ...requeue, fence: 7, progress: jobOf() })).toMatchObject({
			done: false,
			released: [{ tenantId, jobId: next.jobId }],
		});
	});

	it("hands a slot on when its job waits for a retry, which then waits for one itself", async () => {
		const tenantId = await limited({ running_jobs: 1 });
		const failed = await leased([await submitted(tenantId)]);
		const next = await submitted(tenantId);
		const requeue = { ...failed, reason: "retrying" as const, delayMs: SECOND, progress: failed, breakerEvent: null };
		expect((await requeueJob(db, requeue)).released).toEqual([{ tenantId, jobId: next.jobId }]);
		await lease([next]);
		expect((await lease([failed], NOW + SECOND)).jobs).toEqual([]);
		expect(await reload(failed)).toMatchObject({ parkedOn: `tenant:${tenantId}`, statusReason: "running_limit" });
	});

	it("counts no slot for what has yet to come, and lets no job overtake those that wait", async () => {
		const tenantId = await limited({ running_jobs: 1 });
		const later = await submitted(tenantId, { start: { delayMs: MINUTE + 1 } });
		const first = await submitted(tenantId);
		expect([later.statusReason, first.statusReason]).toEqual([null, null]);
		const second = await submitted(tenantId);
		await env.DB.prepare("UPDATE tenants SET limits = json_set(limits, '$.running_jobs', 2) WHERE id = ?1")
			.bind(tenantId)
			.run();
		expect((await submitted(tenantId)).statusReason).toBe("running_limit");
		const { jobs, released } = await lease([later], NOW + MINUTE + 1);
		expect(jobs).toEqual([]);
		// `later` is the oldest, so the slot that it found free is its own: one for which no message was sent.
		expect(released).toEqual([{ tenantId, jobId: later.jobId }]);
		expect(await reload(second)).toMatchObject({ statusReason: "running_limit" });
	});

	it("that is lowered takes the slots of those who have not begun, and leaves them to the most urgent", async () => {
		const tenantId = await limited({ running_jobs: 4 });
		const begun = await leased([await submitted(tenantId)]);
		const [old, , urgent] = [
			await submitted(tenantId),
			await submitted(tenantId),
			await submitted(tenantId, { priority: 9 }),
		];
		expect(await change(tenantId, { running_jobs: 2 })).toEqual([urgent.jobId]);
		expect(await slotsOf(tenantId)).toBe(2);
		expect((await lease([old, urgent])).jobs).toMatchObject([{ jobId: urgent.jobId }]);
		expect(await change(tenantId, { running_jobs: 0 })).toEqual([]);
		expect(await reload(begun)).toMatchObject({ status: "running" });
	});

	it("that is lowered lets no job run before its time, and leaves no slot to one that is retried", async () => {
		const tenantId = await limited({ running_jobs: 4 });
		const running = [await leased([await submitted(tenantId)]), await leased([await submitted(tenantId)])];
		const delayed = await submitted(tenantId, { start: { delayMs: 50 * SECOND } });
		expect(await change(tenantId, { running_jobs: 1 })).toEqual([]);
		expect(await reload(delayed)).toMatchObject({ runAt: NOW + 50 * SECOND, parkedOn: null, statusReason: null });
		expect((await lease([delayed])).jobs).toEqual([]);
		for (const [at, failed] of running.entries()) {
			const requeue = { ...failed, reason: "retrying" as const, delayMs: SECOND, progress: failed, breakerEvent: null };
			expect((await requeueJob(db, requeue)).waitMs).toBe(at === 0 ? null : SECOND);
		}
		expect(await slotsOf(tenantId)).toBe(1);
	});

	it("that is raised, or removed, lets those go at once who wait", async () => {
		const tenantId = await limited({ running_jobs: 0 });
		const jobs = await Promise.all(Array.from({ length: 9 }, () => submitted(tenantId)));
		const [first, second, ...rest] = jobs.map(({ jobId }) => jobId).sort();
		expect(await change(tenantId, { running_jobs: 2 })).toEqual([first, second]);
		expect((await change(tenantId, { running_jobs: null })).sort()).toEqual(rest);
		expect(await change(tenantId, { running_jobs: null })).toEqual([]);
	});

	it("gives the slot on of a job that waits for its upstream, which lines up for another when that is back", async () => {
		const tenantId = await limited({ running_jobs: 1 });
		const upstream = { model: "down", credential: anId("key"), models: ["down"] as [string] };
		const breaker = credentialKeyOf(upstream.credential);
		const kept = await submitted(tenantId, upstream);
		const next = await submitted(tenantId);
		await env.DB.prepare(
			`INSERT INTO breakers (key, reason, open_until, permits, trips, tripped_at, observed_until)
			 VALUES (?1, 'throttled', ?2, 1, 1, ?3, ?2)`,
		)
			.bind(breaker, NOW + MINUTE, NOW)
			.run();
		expect(await lease([kept])).toMatchObject({ jobs: [], released: [{ jobId: next.jobId }] });
		expect(await reload(kept)).toMatchObject({ parkedOn: breaker, statusReason: "throttled" });
		const running = await leased([next]);
		const back = NOW + MINUTE;
		expect(await releaseParked(databaseAt(back), [breaker], 10)).toEqual([]);
		expect(await reload(kept)).toMatchObject({ parkedOn: `tenant:${tenantId}`, statusReason: "running_limit" });
		const [end] = await finishJobs(databaseAt(back), [finalizationOf(running)]);
		expect(end?.released).toMatchObject([{ jobId: kept.jobId }]);
		expect((await lease([kept], back)).jobs).toHaveLength(1);
	});

	it("counts what the version before left, from its next lease on", async () => {
		const tenantId = await limited({ running_jobs: 1 });
		const queued = await aJob({ tenantId }, null);
		const left = await aJob({ tenantId, status: "running", leaseExpiresAt: NOW }, null);
		expect((await lease([left])).jobs).toHaveLength(1);
		expect((await lease([queued])).jobs).toEqual([]);
		expect(await reload(queued)).toMatchObject({ parkedOn: `tenant:${tenantId}` });
		expect(await slotsOf(tenantId)).toBe(1);
	});

	it("leaks no slot with a dead consumer: the next holder has the same one", async () => {
		const tenantId = await limited({ running_jobs: 1 });
		const job = await submitted(tenantId);
		await lease([job]);
		const heir = await leased([job], NOW + LEASE_MS);
		expect(await slotsOf(tenantId)).toBe(1);
		await finishJobs(db, [finalizationOf(heir)]);
		expect(await slotsOf(tenantId)).toBe(0);
	});

	it("is given to each of several tenants at once, the most urgent first, and then the oldest", async () => {
		const [two, one, none] = [await limited({}), await limited({}), await limited({ running_jobs: 0 })];
		const waiting = async (tenantId: string, priority: number) =>
			aJob({ tenantId, priority, parkedOn: `tenant:${tenantId}` });
		const [late, urgent, old] = [await waiting(two, 5), await waiting(two, 7), await waiting(two, 7)];
		const [only] = [await waiting(one, 0), await waiting(none, 9)];
		await env.DB.prepare(`UPDATE tenants SET limits = json_set(limits, '$.running_jobs', 2) WHERE id = ?1`)
			.bind(two)
			.run();
		const rows = await db.all<{ id: string }>("test", releaseForTenants(db, [two, one, none, two]));
		const first = [urgent, old].map(({ jobId }) => jobId).sort();
		expect(rows.map(({ id }) => id).sort()).toEqual([...first, only?.jobId].sort());
		expect(await slotsOf(two)).toBe(2);
		expect(await reload(late)).toMatchObject({ parkedOn: `tenant:${two}` });
		await env.DB.prepare(`UPDATE tenants SET limits = json_set(limits, '$.running_jobs', 3) WHERE id = ?1`)
			.bind(two)
			.run();
		expect(await db.all("test", releaseForTenants(db, [two], 0))).toEqual([]);
		expect(await db.all("test", releaseForTenants(db, [two]))).toMatchObject([{ id: late.jobId }]);
	});

	it("that was raised is seen by the sweeper, which walks past tenants that have no slot left", async () => {
		// Raised in D1 alone, as when the process that did so died before it sent messages.
		const [full, raised] = [await limited({ running_jobs: 0 }), await limited({ running_jobs: 0 })];
		const jobs = [await submitted(full), await submitted(raised), await submitted(raised)];
		await env.DB.prepare("UPDATE tenants SET limits = json_set(limits, '$.running_jobs', 1) WHERE id = ?1")
			.bind(raised)
			.run();
		const keys = await releasableKeys(db);
		expect(keys.filter((key) => key.includes(full))).toEqual([]);
		expect(keys.filter((key) => key.includes(raised))).toHaveLength(1);
		expect(await releaseParked(db, [`tenant:${raised}`], 100)).toEqual([{ tenantId: raised, jobId: jobs[1]?.jobId }]);
	});

	it("keeps no job from its end: past its deadline it needs no slot", async () => {
		const tenantId = await limited({ running_jobs: 0 });
		const job = await submitted(tenantId, { deadlineMs: MINUTE });
		expect((await lease([job], NOW + MINUTE)).jobs).toHaveLength(1);
		expect(await slotsOf(tenantId)).toBe(0);
	});
});

describe("a tenant without a limit of running jobs", () => {
	it("has 60 in the queue at a time, so that another tenant's first job is not far behind", async () => {
		const tenantId = await limited({});
		const held = { tenant_id: `'${tenantId}'`, id: "jobs.id || n.i", slot: `'${tenantId}'` };
		await copyRow("jobs", { ...rowOf(await aJob()), slot: null }, FAIR_SHARE - 1, held);
		expect((await submitted(tenantId)).statusReason).toBeNull();
		expect((await submitted(tenantId)).statusReason).toBe("running_limit");
		expect((await submitted(await limited({}))).statusReason).toBeNull();
	});
});

describe("open_jobs", () => {
	it("admits as many as it says, of thirty that come at once", async () => {
		const tenantId = await limited({ open_jobs: 5 });
		const outcomes = await Promise.all(Array.from({ length: 30 }, () => submitJob(db, aNewJob({ tenantId }))));
		expect(outcomes.filter(({ outcome }) => outcome === "created")).toHaveLength(5);
		const refused = outcomes.filter(
			(one): one is Extract<Submission, { outcome: "refused" }> => one.outcome === "refused",
		);
		expect(refused).toHaveLength(25);
		expect(refused[0]).toMatchObject({ limit: "open_jobs", quota: 5 });
	});

	it("that is set later counts what is open already, whatever is submitted meanwhile", async () => {
		const tenantId = await limited({});
		const later = { start: { delayMs: 40 * DAY } };
		const [first = jobOf()] = await Promise.all(Array.from({ length: 8 }, () => submitted(tenantId, later)));
		await aJob({ tenantId, status: "succeeded" });
		const outcomes = await Promise.all([
			...Array.from({ length: 4 }, () => submitJob(db, aNewJob({ tenantId }))),
			change(tenantId, { open_jobs: 9 }),
			...Array.from({ length: 9 }, () => submitJob(db, aNewJob({ tenantId }))),
		]);
		const open = await env.DB.prepare(
			"SELECT count(*) AS n, count(open_in) AS counted FROM jobs WHERE slot = ?1 OR open_in = ?1",
		)
			.bind(tenantId)
			.first<{ n: number; counted: number }>();
		expect(open?.n).toBe(open?.counted);
		expect(open?.n).toBe(8 + outcomes.filter((one) => !Array.isArray(one) && one.outcome === "created").length);
		expect(open?.n).toBeGreaterThanOrEqual(9);
		expect(await submitJob(db, aNewJob({ tenantId }))).toMatchObject({
			outcome: "refused",
			limit: "open_jobs",
			quota: 9,
		});
		await change(tenantId, { open_jobs: null });
		expect((await submitJob(db, aNewJob({ tenantId }))).outcome).toBe("created");
		await change(tenantId, { open_jobs: (open?.n ?? 0) + 1 });
		expect((await submitJob(db, aNewJob({ tenantId }))).outcome).toBe("refused");
		await finishJobs(db, [finalizationOf(first, CANCELLED)]);
		expect((await submitJob(db, aNewJob({ tenantId }))).outcome).toBe("created");
	});

	it("answers no old job to a key whose day is over, when it refuses the new one", async () => {
		const tenantId = await limited({ open_jobs: 1 });
		const idempotency = { key: anId("req"), fingerprint: "f".repeat(64) };
		await submitted(tenantId, { idempotency, deadlineMs: 3 * DAY });
		expect((await submitJob(db, aNewJob({ tenantId, idempotency }))).outcome).toBe("replayed");
		expect((await submitJob(databaseAt(NOW + DAY), aNewJob({ tenantId, idempotency }))).outcome).toBe("refused");
	});

	it("admits another when one ends, and leaves the key of a refused request free", async () => {
		const tenantId = await limited({ open_jobs: 1 });
		const job = await leased([await submitted(tenantId)]);
		const asked = aNewJob({ tenantId, idempotency: { key: anId("req"), fingerprint: "f".repeat(64) } });
		expect((await submitJob(db, asked)).outcome).toBe("refused");
		await finishJobs(db, [finalizationOf(job)]);
		expect((await submitJob(db, asked)).outcome).toBe("created");
		expect((await submitJob(db, aNewJob({ tenantId, idempotency: asked.idempotency }))).outcome).toBe("replayed");
	});
});

describe("stored_bytes", () => {
	it("admits jobs that come together in their order until it is reached, and leaves the keys of the others free", async () => {
		const tenantId = await limited({});
		const keyed = () => ({ tenantId, idempotency: { key: anId("req"), fingerprint: "f".repeat(64) } });
		const jobs = Array.from({ length: 4 }, () => aNewJob({ ...keyed(), inputBytes: 40 }));
		await change(tenantId, { stored_bytes: 100 });
		const outcomes = await submitJobs(db, jobs);
		expect(outcomes.map(({ outcome }) => outcome)).toEqual(["created", "created", "created", "refused"]);
		expect(outcomes[3]).toMatchObject({ limit: "stored_bytes", quota: 100 });
		await change(tenantId, { stored_bytes: null });
		expect((await submitJobs(db, jobs.slice(3)))[0]?.outcome).toBe("created");
	});

	it("counts each tenant's jobs by themselves, and refuses before all jobs are counted if those reach it", async () => {
		const [one, other] = [await limited({}), await limited({})];
		for (const tenantId of [one, other]) await change(tenantId, { stored_bytes: 40 });
		const jobs = [one, other, one, other].map((tenantId) => aNewJob({ tenantId, inputBytes: 40 }));
		const outcomes = (await submitJobs(db, jobs)).map(({ outcome }) => outcome);
		expect(outcomes).toEqual(["created", "created", "refused", "refused"]);
		for (const [bytes, outcome] of Object.entries({ 39: "created", 40: "refused" })) {
			await env.DB.prepare("UPDATE tenants SET stored_through = '', stored_bytes = ?2 WHERE id = ?1")
				.bind(one, bytes)
				.run();
			expect((await submitJob(db, aNewJob({ tenantId: one }))).outcome).toBe(outcome);
		}
	});
});

describe("open_jobs of a tenant whose row does not name it", () => {
	it("counts the jobs that ever wait for a slot, 100,000 at most, and no other job", async () => {
		const { tenantId } = await aTenant({ limits: { ...DEFAULT_LIMITS, running_jobs: 1 } });
		const open = async () =>
			(await env.DB.prepare("SELECT open_jobs FROM tenants WHERE id = ?1").bind(tenantId).first())?.open_jobs;
		const running = await leased([await submitted(tenantId)]);
		expect(await open()).toBe(0);
		const [waiting] = [await submitted(tenantId), await submitted(tenantId, { start: { delayMs: HOUR } })];
		expect(await open()).toBe(2);
		const requeue = { ...running, reason: "retrying" as const, delayMs: HOUR, progress: running, breakerEvent: null };
		await requeueJob(db, requeue);
		expect(await open()).toBe(3);
		await finishJobs(db, [finalizationOf(await leased([waiting]))]);
		expect(await open()).toBe(2);
		await env.DB.prepare("UPDATE tenants SET open_jobs = 99999 WHERE id = ?1").bind(tenantId).run();
		await submitted(tenantId, { start: { delayMs: HOUR } });
		const refused = { outcome: "refused", limit: "open_jobs", quota: 100_000 };
		expect(await submitJob(db, aNewJob({ tenantId }))).toMatchObject(refused);
		expect(await submitJob(db, aNewJob({ tenantId: await limited({ open_jobs: null }) }))).toMatchObject({
			outcome: "created",
		});
	});
});

describe("tokens_per_day", () => {
	const spent = (tokens: number) => ({ promptTokens: tokens, completionTokens: 0, totalTokens: tokens });

	async function spend(tenantId: string, tokens: number) {
		const job = await aJob({ tenantId, status: "running" });
		await finishJobs(db, [finalizationOf(job, { progress: { ...job, usage: spent(tokens) } })]);
	}

	it("refuses what comes when the day's tokens are spent, and lets the next day start over", async () => {
		const tenantId = await limited({ tokens_per_day: 100 });
		await spend(tenantId, 99);
		expect((await submitJob(db, aNewJob({ tenantId }))).outcome).toBe("created");
		await spend(tenantId, 1);
		const tomorrow = (Math.floor(NOW / DAY) + 1) * DAY;
		expect(await submitJob(db, aNewJob({ tenantId }))).toEqual({
			outcome: "refused",
			limit: "tokens_per_day",
			quota: 100,
			msUntilTomorrow: tomorrow - NOW,
		});
		expect((await submitJob(databaseAt(tomorrow), aNewJob({ tenantId }))).outcome).toBe("created");
	});

	it("lets what was queued wait for the next day", async () => {
		const tenantId = await limited({ tokens_per_day: 100 });
		const job = await submitted(tenantId, { deadlineMs: 3 * DAY });
		await spend(tenantId, 100);
		expect((await lease([job])).jobs).toEqual([]);
		const tomorrow = (Math.floor(NOW / DAY) + 1) * DAY;
		expect(await reload(job)).toMatchObject({ statusReason: "budget_spent", runAt: tomorrow, sweepAt: job.deadlineAt });
		const key = `tenant:${tenantId}`;
		expect(await releasableKeys(databaseAt(tomorrow - 1))).not.toContain(key);
		expect(await releaseParked(databaseAt(tomorrow - 1), [key], 10)).toEqual([]);
		expect(await releasableKeys(databaseAt(tomorrow))).toContain(key);
		expect(await releaseParked(databaseAt(tomorrow), [key], 10)).toMatchObject([{ jobId: job.jobId }]);
		expect((await lease([job], tomorrow)).jobs).toHaveLength(1);
	});

	it("that is raised, or removed, lets those go at once who wait for it", async () => {
		const tenantId = await limited({ tokens_per_day: 100 });
		const jobs = [await submitted(tenantId), await submitted(tenantId)];
		await spend(tenantId, 100);
		expect((await lease(jobs)).jobs).toEqual([]);
		expect(await change(tenantId, { tokens_per_day: 100 })).toEqual([]);
		expect(await change(tenantId, { tokens_per_day: 100_000 })).toEqual(jobs.map(({ jobId }) => jobId));
		expect((await lease(jobs)).jobs).toHaveLength(2);
	});

	it("releases no job that the spent budget still gates", async () => {
		const tenantId = await limited({ tokens_per_day: 100, running_jobs: 1 });
		const job = await leased([await submitted(tenantId)]);
		const next = await submitted(tenantId);
		const [end] = await finishJobs(db, [finalizationOf(job, { progress: { ...job, usage: spent(100) } })]);
		expect(end?.released).toEqual([]);
		expect(await change(tenantId, { running_jobs: 1 })).toEqual([next.jobId]);
	});

	it("lets a job be taken over that may have its answer, and make no call", async () => {
		const tenantId = await limited({ tokens_per_day: 100 });
		const job = await aJob({ tenantId, status: "running", leaseExpiresAt: NOW });
		await spend(tenantId, 100);
		const { jobs, gated } = await lease([job]);
		expect([jobs.map(({ jobId }) => jobId), [...gated]]).toEqual([[job.jobId], [[job.jobId, "budget_spent"]]]);
	});

	const tokens = (tenantId: string) =>
		env.DB.prepare("SELECT tokens_of_day, tokens_reserved FROM tenants WHERE id = ?1").bind(tenantId).first();
	const requeued = (job: Job, usage: Usage | null) =>
		requeueJob(db, { ...job, reason: "retrying", delayMs: SECOND, progress: { ...job, usage }, breakerEvent: null });

	it("are reserved by a lease, so that no other call may spend them, and count as soon as the call is settled", async () => {
		const tenantId = await limited({ tokens_per_day: 100 });
		const [first, second] = [await submitted(tenantId), await submitted(tenantId)];
		const job = await leased([first]);
		expect(await tokens(tenantId)).toEqual({ tokens_of_day: 0, tokens_reserved: 4_100 });
		expect(await lease([second])).toMatchObject({ jobs: [], released: [] });
		expect(await reload(second)).toMatchObject({ statusReason: "running_limit", parkedOn: `tenant:${tenantId}` });
		expect((await requeued(job, spent(60))).released).toEqual([{ tenantId, jobId: second.jobId }]);
		expect(await tokens(tenantId)).toEqual({ tokens_of_day: 60, tokens_reserved: 0 });
		const again = await leased([first], NOW + SECOND);
		await finishJobs(db, [finalizationOf(again, { progress: { ...again, usage: spent(90) } })]);
		expect(await tokens(tenantId)).toEqual({ tokens_of_day: 90, tokens_reserved: 0 });
	});

	it("of 20 are spent by one call of unknown usage, whether it was cut or cancelled, and no further job is admitted", async () => {
		for (const isCancelled of [false, true]) {
			const tenantId = await limited({ tokens_per_day: 20 });
			const job = await leased([await submitted(tenantId)]);
			if (isCancelled) await finishJobs(db, [cancelled(job, NOW)]);
			else await requeued(job, addUsage(job.usage, estimatedUsage(job)));
			expect(await tokens(tenantId)).toEqual({ tokens_of_day: 4_100, tokens_reserved: 0 });
			expect(await reload(job)).toMatchObject({ usage: { totalTokens: 4_100, estimatedTokens: 4_100 } });
			expect(await submitJob(db, aNewJob({ tenantId }))).toMatchObject({ outcome: "refused", limit: "tokens_per_day" });
		}
	});

	it("cost a tenant without the limit nothing: nothing is reserved, nor estimated", async () => {
		const tenantId = await limited({});
		const job = await leased([await submitted(tenantId)]);
		expect([job.tokensReserved, estimatedUsage(job)]).toEqual([null, null]);
		await requeued(job, spent(60));
		expect(await tokens(tenantId)).toEqual({ tokens_of_day: 0, tokens_reserved: 0 });
	});

	it("of 0 lets nothing in", async () => {
		const tenantId = await limited({ tokens_per_day: 0 });
		expect(await submitJob(db, aNewJob({ tenantId }))).toMatchObject({ outcome: "refused", limit: "tokens_per_day" });
	});

	it("is added up once for each job that ends, by hour and model", async () => {
		const tenantId = await limited({});
		const job = await aJob({ tenantId, status: "running" });
		const end = finalizationOf(job, { progress: { ...job, usage: USAGE } });
		await Promise.all(Array.from({ length: 10 }, () => finishJobs(db, [end])));
		const rows = await db.all("test", { sql: "SELECT * FROM usage_hours WHERE tenant_id = ?1", params: [tenantId] });
		expect(rows).toMatchObject([
			{
				tenant_id: tenantId,
				hour: Math.floor(NOW / HOUR),
				model: job.model,
				failed: 0,
				succeeded: 1,
				prompt_tokens: 3,
				completion_tokens: 4,
				total_tokens: 7,
				estimated_tokens: 0,
			},
		]);
	});
});
