import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { MOVE_ON_MS } from "../../../../../shared/core/jobs/decide.ts";
import type { JobKey } from "../../../../../shared/core/jobs/job.ts";
import {
	FAILURES_SHARED,
	FAILURES_TO_TRIP,
	OBSERVED_MS,
	PERMITS_EARNED,
	PROBE_MS,
	SUCCESSES_TO_RECOVER,
	UNAVAILABLE_MS_FIRST,
	WITNESS_MS,
} from "../../../../../shared/core/upstreams/breaker.ts";
import { credentialKeyOf, modelKeyOf, ownKeyOf } from "../../../../../shared/core/upstreams/credentials.ts";
import {
	pruneBreakers,
	recordFailure,
	recordRecovery,
	returnPermits,
} from "../../../../../shared/db/admission/breakers.ts";
import { findReleasableKeys, releaseParked } from "../../../../../shared/db/admission/release.ts";
import type { Database } from "../../../../../shared/db/database.ts";
import { leaseJobs } from "../../../../../shared/db/jobs/lease-jobs.ts";
import { requeueJob } from "../../../../../shared/db/jobs/requeue-job.ts";
import { anId, DAY, HOUR, MINUTE, NOW, SECOND } from "../../../../support/job-of.ts";
import { aJob, databaseAt, reload } from "../../../support/a-job.ts";

/** An upstream and a tenant of its own for each test, with the tenant's breaker of the model. */
function anUpstream() {
	const [credential, model, tenantId] = [anId("we"), "vendor/model", anId("ten")];
	return { tenantId, credential, model, models: [model], key: ownKeyOf(tenantId, modelKeyOf(credential, model)) };
}

const sharedKeyOf = (key: string) => key.slice(key.indexOf("|") + 1);

/** The word of a call that was leased at `leasedAt`: unless given, before anything was known of `key`. */
const throttled = (key: string, waitMs: number, { isRequested = true, leasedAt = NOW - 1 } = {}) =>
	({ kind: "trip", key, sharedKey: sharedKeyOf(key), leasedAt, reason: "throttled", waitMs, isRequested }) as const;

const failed = (key: string, leasedAt = NOW - 1) =>
	({ kind: "failure", key, sharedKey: sharedKeyOf(key), leasedAt }) as const;

async function lease(jobs: JobKey[], at: number, holder = anId("req")) {
	const { jobs: leased, probedBreakers } = await leaseJobs(databaseAt(at), {
		keys: jobs,
		holder,
		leaseMs: 90 * SECOND,
	});
	return { ids: leased.map((job) => job.jobId), probedBreakers: [...probedBreakers.keys()] };
}

async function breakerOf(key: string) {
	return await env.DB.prepare("SELECT open_until, permits, trips, failures FROM breakers WHERE key = ?1")
		.bind(key)
		.first();
}

async function releasableKeys(db: Database): Promise<string[]> {
	return (await findReleasableKeys(db, 1_000)).map(({ key }) => key);
}

describe("an open breaker", () => {
	it("keeps every job of its model away until its time, parked and with no message to go round", async () => {
		const { key, ...upstream } = anUpstream();
		const job = await aJob(upstream);
		await recordFailure(databaseAt(NOW), throttled(key, 3 * SECOND));
		expect(await lease([job], NOW + 3 * SECOND - 1)).toEqual({ ids: [], probedBreakers: [] });
		expect(await reload(job)).toMatchObject({
			status: "queued",
			statusReason: "throttled",
			parkedOn: key,
			attempt: 0,
			sweepAt: job.deadlineAt,
			version: 2,
		});
	});

	it("keeps no job away whose deadline is over: it makes no call, and is settled", async () => {
		const { key, ...upstream } = anUpstream();
		const job = await aJob({ ...upstream, deadlineMs: 2 * SECOND, parkedOn: key });
		await recordFailure(databaseAt(NOW), throttled(key, MINUTE));
		expect((await lease([job], NOW + 2 * SECOND - 1)).ids).toEqual([]);
		expect((await lease([job], NOW + 2 * SECOND)).ids).toEqual([job.jobId]);
	});

	it("leaves other models of the same credential, and the same model in other credentials, alone", async () => {
		const { key, ...upstream } = anUpstream();
		await recordFailure(databaseAt(NOW), throttled(key, MINUTE));
		const other = await aJob({ ...upstream, model: "vendor/other", models: ["vendor/other"] });
		const elsewhere = await aJob({ ...upstream, credential: anId("we") });
		expect((await lease([other, elsewhere], NOW)).ids.toSorted()).toEqual([other.jobId, elsewhere.jobId].toSorted());
	});

	it("of a blocked credential gates all models of its credential, and permits one probe for all of them", async () => {
		const { tenantId, credential } = anUpstream();
		const key = ownKeyOf(tenantId, credentialKeyOf(credential));
		const other = await aJob({ tenantId, credential, model: "vendor/other", models: ["vendor/other"] });
		const jobs = [await aJob({ tenantId, credential }), other];
		await recordFailure(databaseAt(NOW), { ...throttled(key, MINUTE, { isRequested: false }), reason: "blocked" });
		expect((await lease([other], NOW + 1)).ids).toEqual([]);
		expect(await reload(other)).toMatchObject({ parkedOn: key, statusReason: "blocked" });
		const late = await aJob({ tenantId, credential, model: "vendor/other", models: ["vendor/other"] });
		expect((await lease([...jobs, late], NOW + MINUTE)).ids).toHaveLength(1);
	});

	it("lets one probe through when it is over, and no other until that is back or overdue", async () => {
		const { key, ...upstream } = anUpstream();
		const jobs = [await aJob(upstream), await aJob(upstream), await aJob(upstream)];
		await recordFailure(databaseAt(NOW), throttled(key, SECOND));
		const first = await lease(jobs, NOW + SECOND);
		expect(first.ids).toHaveLength(1);
		expect(first.probedBreakers).toEqual([key]);
		const late = await aJob(upstream);
		expect((await lease([late], NOW + SECOND + PROBE_MS - 1)).ids).toEqual([]);
		const later = await aJob(upstream);
		expect((await lease([later], NOW + SECOND + PROBE_MS)).ids).toEqual([later.jobId]);
	});

	it("is what the provider asks of its probe, and not the time that a lost probe would take", async () => {
		const { key, ...upstream } = anUpstream();
		await recordFailure(databaseAt(NOW), throttled(key, SECOND));
		const [probedAt, answeredAt] = [NOW + SECOND, NOW + 2 * SECOND];
		expect((await lease([await aJob(upstream)], probedAt)).ids).toHaveLength(1);
		await recordFailure(databaseAt(answeredAt), throttled(key, 3 * SECOND, { leasedAt: probedAt }));
		expect(await breakerOf(key)).toMatchObject({ open_until: answeredAt + 3 * SECOND, permits: 1 });
	});

	it("that a provider asked for again and again makes no failure of a probe count for more", async () => {
		const { key } = anUpstream();
		for (let time = 0; time < 5; time++) {
			const leasedAt = NOW + time * 2 * SECOND;
			await recordFailure(databaseAt(leasedAt + SECOND), throttled(key, SECOND, { leasedAt }));
		}
		const failedAt = NOW + MINUTE;
		await recordFailure(databaseAt(failedAt), failed(key, failedAt - 1));
		expect(await breakerOf(key)).toMatchObject({ open_until: failedAt + 2 * UNAVAILABLE_MS_FIRST });
	});

	it("is not taken for a failing model's because a call that was under way when it began fails", async () => {
		const { key } = anUpstream();
		await recordFailure(databaseAt(NOW), throttled(key, SECOND));
		await recordFailure(databaseAt(NOW + 500), failed(key, NOW - 1));
		expect(await breakerOf(key)).toMatchObject({ open_until: NOW + SECOND, trips: 1, failures: 1 });
	});

	it("is not made shorter by calls that were under way when it began and fail, however many", async () => {
		const { key } = anUpstream();
		await recordFailure(databaseAt(NOW), throttled(key, HOUR));
		for (let time = 0; time <= FAILURES_TO_TRIP; time++) await recordFailure(databaseAt(NOW + 1), failed(key));
		expect(await breakerOf(key)).toMatchObject({ open_until: NOW + HOUR, permits: 1 });
	});

	it("lets the most urgent job probe", async () => {
		const { key, ...upstream } = anUpstream();
		const jobs = [await aJob({ ...upstream, priority: 5 }), await aJob({ ...upstream, priority: 9 })];
		await recordFailure(databaseAt(NOW), throttled(key, SECOND));
		expect((await lease(jobs, NOW + SECOND)).ids).toEqual([jobs[1]?.jobId]);
	});

	it("lets more in with each success, and is gone after enough of them when no job waits for it", async () => {
		const { key, ...upstream } = anUpstream();
		await recordFailure(databaseAt(NOW), throttled(key, SECOND));
		await lease([await aJob(upstream)], NOW + SECOND);
		await recordRecovery(databaseAt(NOW + 2 * SECOND), [key], NOW + 2 * SECOND);
		const jobs = await Promise.all([1, 2, 3, 4, 5].map(() => aJob(upstream)));
		expect((await lease(jobs, NOW + 2 * SECOND)).ids).toHaveLength(3);
		for (let more = 1; more < SUCCESSES_TO_RECOVER; more++)
			await recordRecovery(databaseAt(NOW + 3 * SECOND), [key], NOW + 3 * SECOND);
		expect(await breakerOf(key)).not.toBeNull();
		expect(await releaseParked(databaseAt(NOW + 3 * SECOND), [key])).toHaveLength(2);
		await recordRecovery(databaseAt(NOW + 3 * SECOND), [key], NOW + 3 * SECOND);
		expect(await breakerOf(key)).toBeNull();
		expect(await lease([await aJob(upstream)], NOW + 3 * SECOND)).toMatchObject({ probedBreakers: [] });
	});

	it("stands against the success of a call that was leased before it", async () => {
		const { key, ...upstream } = anUpstream();
		await recordFailure(databaseAt(NOW), failed(key));
		expect((await lease([await aJob(upstream), await aJob(upstream)], NOW + 1)).probedBreakers).toContain(key);
		await recordFailure(databaseAt(NOW + SECOND), throttled(key, HOUR));
		await recordRecovery(databaseAt(NOW + 2 * SECOND), [key], NOW + 1);
		expect(await breakerOf(key)).toMatchObject({ open_until: NOW + SECOND + HOUR, permits: 1 });
		expect((await lease([await aJob(upstream)], NOW + 3 * SECOND)).ids).toEqual([]);
	});

	it("is not shortened by a job that is leased because its deadline is over", async () => {
		const { key, ...upstream } = anUpstream();
		await recordFailure(databaseAt(NOW), throttled(key, HOUR));
		const overdue = await aJob({ ...upstream, deadlineMs: SECOND });
		expect((await lease([overdue], NOW + SECOND)).ids).toEqual([overdue.jobId]);
		expect(await breakerOf(key)).toMatchObject({ open_until: NOW + HOUR, permits: 1 });
	});

	it("lets a job whose holder died be taken over, to be settled from what is stored, and not to be called", async () => {
		const { key, ...upstream } = anUpstream();
		const job = await aJob({ ...upstream, status: "running" });
		await recordFailure(databaseAt(NOW), throttled(key, HOUR));
		const leased = await leaseJobs(databaseAt(NOW + 2 * MINUTE), { keys: [job], holder: "h", leaseMs: 90 * SECOND });
		expect(leased.jobs.map(({ jobId }) => jobId)).toEqual([job.jobId]);
		expect([...leased.gated]).toEqual([[job.jobId, "throttled"]]);
		expect(await breakerOf(key)).toMatchObject({ open_until: NOW + HOUR, permits: 1 });
	});

	it("keeps away whom a request took over whose answer was lost, and lets its probes be", async () => {
		const { key, ...upstream } = anUpstream();
		const orphan = await aJob({ ...upstream, status: "running" });
		await recordFailure(databaseAt(NOW), throttled(key, HOUR));
		const other = anUpstream();
		await recordFailure(databaseAt(NOW), throttled(other.key, SECOND));
		const probe = await aJob({
			tenantId: other.tenantId,
			credential: other.credential,
			model: other.model,
			models: other.models,
		});

		const request = { keys: [orphan, probe], holder: anId("req"), leaseMs: 90 * SECOND };
		await leaseJobs(databaseAt(NOW + 2 * MINUTE), request);
		const { jobs, gated } = await leaseJobs(databaseAt(NOW + 2 * MINUTE + SECOND), { ...request, isRepeated: true });

		expect(jobs).toHaveLength(2);
		expect([...gated]).toEqual([[orphan.jobId, "throttled"]]);
	});

	it("shows a parked job's caller when it is tried next", async () => {
		const { key, ...upstream } = anUpstream();
		const job = await aJob(upstream);
		await recordFailure(databaseAt(NOW), throttled(key, HOUR));
		await lease([job], NOW);
		expect(await reload(job)).toMatchObject({ parkedOn: key, runAt: NOW + HOUR });
	});

	it("is made longer by a later trip and never shorter", async () => {
		const { key } = anUpstream();
		await recordFailure(databaseAt(NOW), throttled(key, MINUTE));
		await recordFailure(databaseAt(NOW), throttled(key, SECOND));
		expect(await breakerOf(key)).toMatchObject({ open_until: NOW + MINUTE });
		await recordFailure(databaseAt(NOW), throttled(key, 2 * MINUTE));
		expect(await breakerOf(key)).toMatchObject({ open_until: NOW + 2 * MINUTE });
	});

	it("doubles with each trip where the provider does not say how long", async () => {
		const { key } = anUpstream();
		let at = NOW;
		const waits: number[] = [];
		for (let trip = 0; trip < 10; trip++) {
			await recordFailure(databaseAt(at), throttled(key, 0, { isRequested: false, leasedAt: at }));
			const until = Number((await breakerOf(key))?.open_until);
			waits.push((until - at) / SECOND);
			at = until;
		}
		expect(waits).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
	});

	it("resumes with half the calls that were too many, and adds one call a round", async () => {
		const { key } = anUpstream();
		const refuse = (at: number) => recordFailure(databaseAt(at), throttled(key, SECOND, { leasedAt: at }));
		// `successes` is how many calls may be made at once only from the first trip on.
		await recordFailure(databaseAt(NOW - 2), failed(key, NOW - 2));
		for (let time = 0; time < 3; time++) await recordRecovery(databaseAt(NOW - 1), [key], NOW - 1);
		const succeed = async (at: number, times: number) => {
			let earned = 0;
			for (let time = 0; time < times; time++) earned = await recordRecovery(databaseAt(at), [key], at);
			return earned;
		};
		const permits = async () => (await breakerOf(key))?.permits;
		await refuse(NOW);
		await succeed(NOW + 1, 7);
		expect(await permits()).toBe(1 + 7 * PERMITS_EARNED);
		await refuse(NOW + 2);
		await refuse(NOW + 2);
		expect(await permits()).toBe(1);
		expect(await succeed(NOW + 3, 1)).toBe(4);
		expect(await permits()).toBe(4);
		expect(await succeed(NOW + 3, 4)).toBe(PERMITS_EARNED);
		expect(await permits()).toBe(8);
		await succeed(NOW + 3, 1);
		expect(await permits()).toBe(4 + 5 + 1);
		expect(await returnPermits(databaseAt(NOW + 4), [key], NOW + 3, true)).toEqual([]);
		expect(await returnPermits(databaseAt(NOW + 4), [key], NOW + 2, false)).toEqual([]);
		expect(await permits()).toBe(4 + 5 + 1);
		expect(await returnPermits(databaseAt(NOW + 4), [key], NOW + 3, false)).toEqual([key]);
		expect(await permits()).toBe(4 + 5 + 2);
		await refuse(NOW + 5);
		expect(await returnPermits(databaseAt(NOW + 7), [key], NOW + 6, false)).toEqual([]);
	});

	it("makes the job that was sent away come back when it is over, as its probe", async () => {
		const { key, ...upstream } = anUpstream();
		const job = await aJob({ ...upstream, status: "running" });
		await recordFailure(databaseAt(NOW), throttled(key, MINUTE));
		const { model, attempts, usage } = job;
		const progress = { model, attempt: 0, attempts, usage };
		const requeued = await requeueJob(databaseAt(NOW), {
			...job,
			reason: "throttled",
			delayMs: SECOND,
			progress,
			breakerEvent: throttled(key, SECOND),
		});
		expect(requeued?.waitMs).toBe(MINUTE);
		expect((await lease([job], NOW + MINUTE)).ids).toEqual([job.jobId]);
	});
});

describe("a job with a further model", () => {
	const withFurther = (upstream: object) => aJob({ ...upstream, models: ["vendor/model", "vendor/other"] });
	const leaseAt = (job: JobKey, at: number) =>
		leaseJobs(databaseAt(at), { keys: [job], holder: "h", leaseMs: 90 * SECOND });

	it.each([
		[MOVE_ON_MS, []],
		[MOVE_ON_MS + 1, ["blocked"]],
	])("is leased to move on if its breaker stays open for more than a minute: %i ms", async (openMs, reasons) => {
		const { key, ...upstream } = anUpstream();
		const job = await withFurther(upstream);
		await recordFailure(databaseAt(NOW), { ...throttled(key, openMs), reason: "blocked" });
		const { gated, movingOn, jobs } = await leaseAt(job, NOW);
		expect([...gated.values()]).toEqual(reasons);
		expect(movingOn.size).toBe(reasons.length);
		if (jobs.length === 0)
			expect(await reload(job)).toMatchObject({ parkedOn: null, runAt: NOW + openMs, sweepAt: NOW + openMs });
	});

	it("moves on if a request leased it for that whose response was lost, though its breaker opens in less than a minute", async () => {
		const { key, ...upstream } = anUpstream();
		const request = { keys: [await withFurther(upstream)], holder: "h", leaseMs: 90 * SECOND };
		await recordFailure(databaseAt(NOW), throttled(key, MOVE_ON_MS + 1));
		await leaseJobs(databaseAt(NOW), request);
		const { movingOn } = await leaseJobs(databaseAt(NOW + 11 * SECOND), { ...request, isRepeated: true });
		expect(movingOn.size).toBe(1);
	});

	it("moves on after a minute of shorter waits, also by a request whose response was lost", async () => {
		const { key, ...upstream } = anUpstream();
		const job = await withFurther(upstream);
		for (const at of [NOW, NOW + MINUTE / 2, NOW + MINUTE - 1]) {
			await recordFailure(databaseAt(at), throttled(key, MINUTE / 2 - 1, { leasedAt: at }));
			expect((await leaseAt(job, at)).jobs).toEqual([]);
		}
		const request = { keys: [job], holder: "h", leaseMs: 90 * SECOND };
		const at = NOW + MINUTE + MINUTE / 2 - 2;
		await recordFailure(databaseAt(at), throttled(key, MINUTE / 2, { leasedAt: at }));
		await leaseJobs(databaseAt(at), request);
		const { movingOn, jobs } = await leaseJobs(databaseAt(at + 1), { ...request, isRepeated: true });
		expect([[...movingOn], jobs.length]).toEqual([[job.jobId], 1]);
	});
});

describe("an upstream under observation", () => {
	async function fail(key: string, times: number, at = NOW) {
		for (let time = 0; time < times; time++) await recordFailure(databaseAt(at), failed(key, at));
	}

	it("is left alone after ten failures within a minute, when most calls fail", async () => {
		const { key, ...upstream } = anUpstream();
		await fail(key, FAILURES_TO_TRIP - 1);
		expect((await lease([await aJob(upstream)], NOW)).ids).toHaveLength(1);
		await fail(key, 1);
		const job = await aJob(upstream);
		expect((await lease([job], NOW + UNAVAILABLE_MS_FIRST - 1)).ids).toEqual([]);
		expect(await reload(job)).toMatchObject({ parkedOn: key, statusReason: "unavailable" });
	});

	it("is not left alone when most calls succeed, or when the failures are far apart", async () => {
		const { key, ...upstream } = anUpstream();
		await fail(key, 1);
		for (let time = 0; time < 3 * FAILURES_TO_TRIP; time++) await recordRecovery(databaseAt(NOW + 1), [key], NOW + 1);
		await fail(key, FAILURES_TO_TRIP, NOW + 2);
		expect((await lease([await aJob(upstream)], NOW + 3)).ids).toHaveLength(1);

		const other = anUpstream();
		await fail(other.key, FAILURES_TO_TRIP - 1);
		await fail(other.key, 1, NOW + OBSERVED_MS);
		const job = await aJob({ tenantId: other.tenantId, credential: other.credential, models: other.models });
		expect((await lease([job], NOW + OBSERVED_MS)).ids).toHaveLength(1);
	});

	it("is left alone again at once, and for longer, when its probe fails", async () => {
		const { key, ...upstream } = anUpstream();
		await fail(key, FAILURES_TO_TRIP);
		const probed = NOW + UNAVAILABLE_MS_FIRST;
		expect((await lease([await aJob(upstream)], probed)).ids).toHaveLength(1);
		await fail(key, 1, probed + SECOND);
		expect(await breakerOf(key)).toMatchObject({
			open_until: probed + SECOND + 2 * UNAVAILABLE_MS_FIRST,
			permits: 1,
		});
	});
});

describe("parked jobs", () => {
	it("are let go by priority, then age, as many as there are slots", async () => {
		const { key, ...upstream } = anUpstream();
		const parked = { ...upstream, parkedOn: key, sweepAt: NOW + DAY };
		const [old, young, urgent] = [await aJob(parked), await aJob(parked), await aJob({ ...parked, priority: 8 })];
		await recordFailure(databaseAt(NOW), throttled(key, SECOND));
		expect(await releaseParked(databaseAt(NOW + SECOND - 1), [key], 10)).toEqual([]);
		expect(await releaseParked(databaseAt(NOW + SECOND), [key], 10)).toMatchObject([{ jobId: urgent.jobId }]);
		await env.DB.prepare("DELETE FROM breakers WHERE key = ?1").bind(key).run();
		expect(await releaseParked(databaseAt(NOW + SECOND), [key], 1)).toMatchObject([{ jobId: old.jobId }]);
		expect(await releaseParked(databaseAt(NOW + SECOND), [key], 10)).toMatchObject([{ jobId: young.jobId }]);
		expect(await reload(old)).toMatchObject({ parkedOn: null, statusReason: null, sweepAt: NOW + SECOND + MINUTE });
	});

	it("are found by their keys, each once, when these are open", async () => {
		const [one, other] = [anUpstream(), anUpstream()];
		for (const { key, ...upstream } of [one, one, other]) await aJob({ ...upstream, parkedOn: key });
		const closed = anUpstream();
		await aJob({ tenantId: closed.tenantId, credential: closed.credential, parkedOn: closed.key });
		await recordFailure(databaseAt(NOW), throttled(closed.key, SECOND));
		const keys = await releasableKeys(databaseAt(NOW));
		expect(keys).not.toContain(closed.key);
		expect(await releasableKeys(databaseAt(NOW + SECOND))).toContain(closed.key);
		expect(keys.filter((key) => key === one.key || key === other.key).toSorted()).toEqual(
			[one.key, other.key].toSorted(),
		);
	});

	it("keep their breaker from being pruned", async () => {
		const [idle, waitedFor] = [anUpstream(), anUpstream()];
		await recordFailure(databaseAt(NOW), throttled(idle.key, SECOND));
		await recordFailure(databaseAt(NOW), throttled(waitedFor.key, SECOND));
		await aJob({ credential: waitedFor.credential, models: waitedFor.models, parkedOn: waitedFor.key });
		await pruneBreakers(databaseAt(NOW + DAY));
		expect([await breakerOf(idle.key), await breakerOf(waitedFor.key)]).toEqual([null, expect.anything()]);
	});
});

describe("a breaker that tenants share", () => {
	/** Another tenant at the same upstream. */
	function neighbourOf({ credential, model, models }: ReturnType<typeof anUpstream>) {
		const tenantId = anId("ten");
		return { tenantId, credential, model, models, key: ownKeyOf(tenantId, modelKeyOf(credential, model)) };
	}

	it("opens when a second tenant is refused, and not by one alone", async () => {
		const one = anUpstream();
		const [other, third] = [neighbourOf(one), neighbourOf(one)];
		const shared = sharedKeyOf(one.key);
		for (const at of [NOW, NOW + 1]) await recordFailure(databaseAt(at), throttled(one.key, MINUTE));
		expect(await breakerOf(shared)).toBeNull();
		const { key: _, ...ofOther } = other;
		expect((await lease([await aJob(ofOther)], NOW + 2)).ids).toHaveLength(1);
		await recordFailure(databaseAt(NOW + 3), throttled(other.key, SECOND));
		expect(await breakerOf(shared)).toMatchObject({ open_until: NOW + 3 + SECOND, permits: 1 });
		const { key: __, ...ofThird } = third;
		const job = await aJob(ofThird);
		expect((await lease([job], NOW + 4)).ids).toEqual([]);
		expect(await reload(job)).toMatchObject({ parkedOn: shared });
	});

	it("does not open by a witness whose time was over for a minute, or that was served since", async () => {
		for (const isServed of [false, true]) {
			const one = anUpstream();
			const other = neighbourOf(one);
			await recordFailure(databaseAt(NOW), throttled(one.key, SECOND));
			const at = isServed ? NOW + 3 * SECOND : NOW + SECOND + WITNESS_MS;
			if (isServed) await recordRecovery(databaseAt(NOW + 2 * SECOND), [one.key], NOW + 2 * SECOND);
			await recordFailure(databaseAt(at), throttled(other.key, SECOND));
			expect(await breakerOf(sharedKeyOf(one.key)), `served: ${isServed}`).toBeNull();
		}
	});

	const failTimes = async (key: string, times: number, at: number) => {
		for (let time = 0; time < times; time++) await recordFailure(databaseAt(at), failed(key, at));
	};

	it("opens by ten failures of its tenants, five of each at most", async () => {
		const one = anUpstream();
		const [other, third] = [neighbourOf(one), neighbourOf(one)];
		const shared = sharedKeyOf(one.key);
		await failTimes(one.key, FAILURES_TO_TRIP, NOW);
		expect(await breakerOf(shared)).toMatchObject({ permits: null, failures: FAILURES_SHARED });
		await failTimes(other.key, FAILURES_SHARED - 1, NOW);
		expect(await breakerOf(shared)).toMatchObject({ permits: null });
		await failTimes(third.key, 1, NOW);
		const until = NOW + UNAVAILABLE_MS_FIRST;
		expect(await breakerOf(shared)).toMatchObject({ open_until: until, permits: 1 });
		// Until a call succeeds, one failed probe is enough; a call that was under way when it opened is not.
		await recordFailure(databaseAt(until), failed(third.key, NOW - 1));
		expect(await breakerOf(shared)).toMatchObject({ open_until: until });
		await failTimes(third.key, 1, until + 1);
		expect(await breakerOf(shared)).toMatchObject({ open_until: until + 1 + 2 * UNAVAILABLE_MS_FIRST });
	});

	it("does not open by one tenant whose own observation ends before its own", async () => {
		const one = anUpstream();
		await recordFailure(databaseAt(NOW - OBSERVED_MS + 1), throttled(one.key, 0));
		const shared = sharedKeyOf(one.key);
		await failTimes(neighbourOf(one).key, 1, NOW - OBSERVED_MS + 2);
		await env.DB.prepare("DELETE FROM breakers WHERE key = ?1").bind(shared).run();
		for (const at of [NOW, NOW + 2, NOW + OBSERVED_MS - 1]) await failTimes(one.key, FAILURES_TO_TRIP, at);
		expect(await breakerOf(shared)).toMatchObject({ permits: null, failures: FAILURES_SHARED });
	});

	it("releases in turn by tenants, by priority within one, and passes over those that their own breakers gate", async () => {
		const one = anUpstream();
		const parkedOn = sharedKeyOf(one.key);
		await env.DB.prepare(
			`INSERT INTO breakers (key, reason, open_until, permits, trips, tripped_at, observed_until)
			 VALUES (?1, 'throttled', 0, 9, 1, 0, 0)`,
		)
			.bind(parkedOn)
			.run();
		const tenants = [one, neighbourOf(one), neighbourOf(one)].toSorted((a, b) => (a.tenantId < b.tenantId ? -1 : 1));
		for (const { key, ...upstream } of tenants) {
			for (const priority of [1, 9, 5]) await aJob({ ...upstream, parkedOn, priority, sweepAt: NOW + DAY });
		}
		const [first, second, third] = tenants.map(({ tenantId }) => tenantId);
		const release = async (limit: number, at = NOW) => {
			const jobs = await releaseParked(databaseAt(at), [parkedOn], limit);
			const rows = await Promise.all(jobs.map(reload));
			return rows.map((row) => [row?.tenantId, row?.priority]).sort();
		};
		expect(await release(2)).toEqual([
			[first, 9],
			[second, 9],
		]);
		expect(await release(2)).toEqual(
			[
				[first, 5],
				[third, 9],
			].sort(),
		);
		await recordFailure(databaseAt(NOW), throttled(tenants[1]?.key ?? "", MINUTE));
		expect(await release(2)).toEqual([[third, 5]]);
		expect(await release(9, NOW + MINUTE)).toEqual([
			[first, 1],
			[second, 5],
			[third, 1],
		]);
	});
});
