import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { FINAL_STATES, JOB_STATES } from "../../../../shared/core/jobs/job-states.ts";
import { unseal } from "../../../../shared/crypto/seal.ts";
import type { Database } from "../../../../shared/db/database.ts";
import { findPendingDeliveries, listDeliveries } from "../../../../shared/db/deliveries/find-deliveries.ts";
import { type DeliveryRecord, recordDeliveries } from "../../../../shared/db/deliveries/record-deliveries.ts";
import {
	findJobSummary,
	findJobWithHistory,
	findJobWithInput,
	findLeaseState,
} from "../../../../shared/db/jobs/find-job.ts";
import { finishJobs } from "../../../../shared/db/jobs/finish-jobs.ts";
import { requeueJob } from "../../../../shared/db/jobs/requeue-job.ts";
import { fakeRuntime } from "../../../support/fake-runtime.ts";
import {
	anAttempt,
	anId,
	CANCELLED,
	DAY,
	finalizationOf,
	HOUR,
	MINUTE,
	NOW,
	SECOND,
	type StoredJob,
	USAGE,
	WEBHOOK,
} from "../../../support/job-of.ts";
import {
	A_SECRET,
	aDelivery,
	aJob,
	aTenant,
	databaseAt,
	db,
	deliveryOf,
	insertRow,
	reload,
	reloadDelivery,
	rowOf,
} from "../../support/a-job.ts";

const failed = {
	status: "failed" as const,
	reason: "permanent" as const,
	resultBytes: null,
	error: { code: "server_error", message: "It failed.", status: 500, model: "simulated/echo" },
};
const cancelled = { status: "cancelled" as const, cancellation: "in_flight" as const, resultBytes: null };

describe("finishJobs", () => {
	it("writes the final state, what the call added, and until when the job is kept", async () => {
		const job = await aJob({ status: "running", fence: 2, attempt: 2, version: 4, retainMs: HOUR });
		const progress = {
			model: "simulated/other",
			attempt: 1,
			attempts: [anAttempt(1, { outcome: "succeeded", usage: USAGE })],
			usage: USAGE,
		};

		const finished = await finishJobs(databaseAt(NOW + MINUTE), [finalizationOf(job, { progress })]);

		expect(finished).toEqual([{ tenantId: job.tenantId, jobId: job.jobId, done: true, deliveries: [], released: [] }]);
		expect(await reload(job)).toEqual({
			...job,
			...progress,
			status: "succeeded",
			version: 5,
			resultBytes: 2,
			leaseExpiresAt: null,
			sweepAt: null,
			finishedAt: NOW + MINUTE,
			pruneAt: NOW + MINUTE + HOUR,
		});
	});

	it("leaves history, count and tokens as they are where no call was made", async () => {
		const job = await aJob({
			status: "running",
			attempts: [anAttempt(1, { outcome: "succeeded", usage: USAGE })],
			usage: USAGE,
			attempt: 3,
		});
		await finishJobs(db, [finalizationOf(job, cancelled)]);
		expect(await reload(job)).toMatchObject({ attempts: job.attempts, usage: USAGE, attempt: 3, model: job.model });
	});

	it("frees a parked job that ends while it waits", async () => {
		const job = await aJob({ parkedOn: "tenant" });
		await finishJobs(db, [finalizationOf(job, CANCELLED)]);
		expect(await reload(job)).toMatchObject({ status: "cancelled", parkedOn: null, cancellation: "before_start" });
	});

	it.each([
		["the lease has moved on", { fence: 2 }, { fence: 1 }],
		["the job was queued again", { status: "queued" as const, fence: 1 }, {}],
		["the job ended otherwise", { status: "cancelled" as const, fence: 1 }, {}],
		["the job was leased meanwhile", {}, { from: "queued" as const }],
	])("neither finishes nor notifies when %s", async (_, row, end) => {
		const job = await aJob({ status: "running", webhook: WEBHOOK, ...row });

		const [finished] = await finishJobs(db, [finalizationOf(job, end)]);

		expect(finished).toMatchObject({ done: false, deliveries: [] });
		expect(await reload(job)).toEqual(job);
		expect(await listDeliveries(db, job)).toEqual([]);
	});

	it("finds a job only under its own tenant", async () => {
		const job = await aJob({ status: "running" });
		expect(await finishJobs(db, [finalizationOf(job, { tenantId: "ten_other" })])).toMatchObject([{ done: false }]);
		expect(await reload(job)).toEqual(job);
	});

	it("inserts the delivery to the one-off webhook, due at once, with a minute for its message", async () => {
		const job = await aJob({ status: "running", webhook: { ...WEBHOOK, payload: "thin" } });

		const [finished] = await finishJobs(db, [finalizationOf(job)]);

		const bare = job.jobId.slice(4);
		expect(finished?.deliveries).toEqual([{ tenantId: job.tenantId, deliveryId: `dlv_${bare}_succeeded_webhook` }]);
		const key = { tenantId: job.tenantId, deliveryId: `dlv_${bare}_succeeded_webhook` };
		const { url, payload } = { ...WEBHOOK, payload: "thin" as const };
		const inserted = { ...key, eventId: `evt_${bare}_succeeded`, eventType: "job.succeeded", createdAt: NOW };
		expect(await reloadDelivery(key)).toEqual({ ...deliveryOf(job, { url, payload }), ...inserted });
	});

	it("inserts nothing for a webhook that does not subscribe to the event", async () => {
		const picky = { ...WEBHOOK, events: ["job.failed", "job.expired"] };
		const good = await aJob({ status: "running", webhook: picky });
		const bad = await aJob({ status: "running", webhook: picky });

		const finished = await finishJobs(db, [finalizationOf(good), finalizationOf(bad, failed)]);

		expect(finished.map(({ done, deliveries }) => [done, deliveries.length])).toEqual([
			[true, 0],
			[true, 1],
		]);
		expect(await listDeliveries(db, good)).toEqual([]);
		expect(await listDeliveries(db, bad)).toMatchObject([{ eventType: "job.failed" }]);
	});

	it("says and does nothing the second time", async () => {
		const job = await aJob({ status: "running", webhook: WEBHOOK });
		await finishJobs(db, [finalizationOf(job)]);
		const once = await reload(job);
		const pending = await listDeliveries(db, job);

		const again = await finishJobs(databaseAt(NOW + MINUTE), [finalizationOf(job)]);

		expect(again).toMatchObject([{ done: false, deliveries: [] }]);
		expect(await reload(job)).toEqual(once);
		expect(await listDeliveries(db, job)).toEqual(pending);
		expect(pending).toHaveLength(1);
	});

	it("lets one of thirty who end a job at the same time do so, and inserts one delivery", async () => {
		const job = await aJob({ status: "running", webhook: WEBHOOK });
		const ends = Array.from({ length: 30 }, (_, index) =>
			index % 2 === 0 ? finalizationOf(job, { resultBytes: index }) : finalizationOf(job, cancelled),
		);

		const finished = (await Promise.all(ends.map((end) => finishJobs(db, [end])))).flat();

		expect(finished.filter(({ done }) => done)).toHaveLength(1);
		expect(finished.flatMap(({ deliveries }) => deliveries)).toHaveLength(1);
		expect(await listDeliveries(db, job)).toHaveLength(1);
	});

	it("writes neither state nor delivery where either is refused", async () => {
		const job = await aJob({ status: "running", webhook: WEBHOOK });
		const neighbour = await aJob({ status: "running", webhook: WEBHOOK });
		// A webhook without an address: the row of its delivery is refused.
		await env.DB.prepare("UPDATE jobs SET webhook = '{}' WHERE tenant_id = ?1 AND id = ?2")
			.bind(job.tenantId, job.jobId)
			.run();

		await expect(finishJobs(db, [finalizationOf(neighbour), finalizationOf(job)])).rejects.toThrow(
			"NOT NULL constraint failed",
		);

		for (const key of [job, neighbour]) {
			const row = await env.DB.prepare("SELECT status, sweep_at, version FROM jobs WHERE tenant_id = ?1 AND id = ?2")
				.bind(key.tenantId, key.jobId)
				.first();
			expect(row).toEqual({ status: "running", sweep_at: key.sweepAt, version: 1 });
			expect(await listDeliveries(db, key)).toEqual([]);
		}
	});

	it("ends several jobs in one transaction and answers for each", async () => {
		const won = await aJob({ status: "running", webhook: WEBHOOK });
		const lost = await aJob({ status: "running", webhook: WEBHOOK, fence: 2 });
		const expired = await aJob({ webhook: WEBHOOK });
		const late = { ...failed, status: "expired" as const, reason: "deadline_passed" as const };

		const finished = await finishJobs(db, [
			finalizationOf(won),
			finalizationOf(lost, { fence: 1 }),
			finalizationOf(expired, { ...late, from: "queued" }),
		]);

		expect(finished.map(({ jobId, done }) => [jobId, done])).toEqual([
			[won.jobId, true],
			[lost.jobId, false],
			[expired.jobId, true],
		]);
		expect(await reload(expired)).toMatchObject({ status: "expired", error: failed.error });
	});

	it("does nothing for an empty list", async () => {
		expect(await finishJobs(db, [])).toEqual([]);
	});
});

describe("requeueJob", () => {
	const progress = { model: "simulated/next", attempt: 0, attempts: [], usage: USAGE };
	const requeueOf = (job: StoredJob, delayMs: number) => ({
		tenantId: job.tenantId,
		jobId: job.jobId,
		fence: job.fence,
		reason: "retrying" as const,
		delayMs,
		progress,
		credential: "simulated",
		breakerEvent: null,
	});

	it("puts the job back, with all that the call added, and asks to be swept a minute after it is due", async () => {
		const job = await aJob({ status: "running", fence: 3, redispatches: 2, version: 2 });

		expect(await requeueJob(db, requeueOf(job, 7 * SECOND))).toEqual({
			done: true,
			waitMs: 7 * SECOND,
			released: [],
			nextProbe: null,
		});

		expect(await reload(job)).toEqual({
			...job,
			...progress,
			status: "queued",
			statusReason: "retrying",
			version: 3,
			redispatches: 0,
			runAt: NOW + 7 * SECOND,
			sweepAt: NOW + 7 * SECOND + MINUTE,
			leaseExpiresAt: null,
		});
	});

	it("asks to be swept at the very time where the wait is too long for a queue", async () => {
		const job = await aJob({ status: "running" });
		await requeueJob(db, requeueOf(job, 16 * MINUTE));
		expect(await reload(job)).toMatchObject({ runAt: NOW + 16 * MINUTE, sweepAt: NOW + 16 * MINUTE });
	});

	it.each([
		["a short wait", 5 * SECOND, 30 * SECOND, 5 * SECOND],
		["a wait beyond the deadline", HOUR, 30 * SECOND, 30 * SECOND],
	])("asks to be swept no later than the deadline, after %s", async (_, delayMs, deadlineMs, dueMs) => {
		const job = await aJob({ status: "running", deadlineMs });
		await requeueJob(db, requeueOf(job, delayMs));
		expect(await reload(job)).toMatchObject({ runAt: NOW + dueMs, sweepAt: NOW + deadlineMs });
	});

	it.each([
		["the lease has moved on", { status: "running" as const, fence: 2 }],
		["the job was put back before", { status: "queued" as const, fence: 1 }],
		["the job is over", { status: "cancelled" as const, fence: 1 }],
	])("writes nothing when %s", async (_, row) => {
		const job = await aJob(row);
		expect(await requeueJob(db, { ...requeueOf(job, SECOND), fence: 1 })).toMatchObject({ done: false });
		expect(await reload(job)).toEqual(job);
	});
});

describe("findJobSummary, findJobWithHistory and findJobWithInput", () => {
	it.each(JOB_STATES)("read back a job that is %s as it was stored, up to their columns", async (status) => {
		const { parkedOn, redispatches, sweepAt, pruneAt, ...job } = await aJob({
			status,
			metadata: { a: "1" },
			webhook: WEBHOOK,
		});
		const { input, ...history } = job;
		const { attempts, ...summary } = history;
		expect(await findJobSummary(db, job)).toEqual(summary);
		expect(await findJobWithHistory(db, job)).toEqual(history);
		expect(await findJobWithInput(db, job)).toEqual(job);
		expect(await findLeaseState(db, job)).toEqual({ status, fence: job.fence, holder: job.holder });
	});

	it("knows no other tenant's job", async () => {
		const job = await aJob();
		const foreign = { tenantId: "ten_other", jobId: job.jobId };
		expect(await findJobWithHistory(db, foreign)).toBeNull();
		expect(await findJobWithInput(db, foreign)).toBeNull();
		expect(await findLeaseState(db, foreign)).toBeNull();
	});

	it("reports a row that we could not have written", async () => {
		const tenantId = anId("ten");
		const jobId = anId("job");
		await insertRow("jobs", { ...rowOf(await aJob()), tenant_id: tenantId, id: jobId, slot: null, metadata: "[1]" });
		await expect(findJobWithHistory(db, { tenantId, jobId })).rejects.toThrow("metadata");
	});
});

describe("findPendingDeliveries", () => {
	it("gives all that a delivery takes: its job, the tenant's secret and the database's time", async () => {
		const { tenantId } = await aTenant();
		const { parkedOn, redispatches, sweepAt, pruneAt, ...job } = await aJob({ tenantId, status: "succeeded" });
		const delivery = await aDelivery(job);

		const [pending, ...others] = await findPendingDeliveries(databaseAt(NOW + SECOND), [delivery]);

		expect(others).toEqual([]);
		expect(pending?.delivery).toMatchObject({ deliveryId: delivery.deliveryId, jobId: job.jobId, url: delivery.url });
		const { input, attempts, ...summary } = job;
		expect(pending?.job).toEqual(summary);
		expect(pending?.now).toBe(NOW + SECOND);
		expect(pending?.sealedSecrets).toHaveLength(1);
		const sealed = pending?.sealedSecrets[0] ?? "";
		expect(await unseal(fakeRuntime(), [env.SIGNING_KEY], tenantId, sealed)).toBe(A_SECRET);
	});

	it.each(["delivered", "exhausted", "skipped"] as const)("leaves out what is %s", async (status) => {
		const { tenantId } = await aTenant();
		const delivery = await aDelivery(await aJob({ tenantId, status: "succeeded" }), { status });
		expect(await findPendingDeliveries(db, [delivery])).toEqual([]);
	});

	it("shows that a job or a tenant is gone, and nothing of other tenants", async () => {
		const { tenantId } = await aTenant();
		const orphan = await aDelivery({ tenantId, jobId: anId("job") });
		const ownerless = await aDelivery(await aJob({ tenantId: "ten_gone", status: "succeeded" }));
		const delivery = await aDelivery(await aJob({ tenantId, status: "succeeded" }));
		const { tenantId: foreign } = await aTenant();

		const keys = [orphan, ownerless, { ...delivery, tenantId: foreign }];
		expect(await findPendingDeliveries(db, keys)).toMatchObject([
			{ delivery: { deliveryId: orphan.deliveryId }, job: null },
			{ delivery: { deliveryId: ownerless.deliveryId }, sealedSecrets: [] },
		]);
	});

	it("never shows one tenant the job of another, not even under the same ids", async () => {
		const [mine, theirs] = [await aTenant(), await aTenant()];
		const jobId = anId("job");
		const deliveries = [];
		for (const { tenantId } of [mine, theirs]) {
			const job = await aJob({ tenantId, jobId, status: "succeeded", metadata: { owner: tenantId } });
			deliveries.push(await aDelivery(job));
		}

		const pending = await findPendingDeliveries(db, deliveries);

		expect(pending.map(({ delivery, job }) => [delivery.tenantId, job?.metadata?.owner])).toEqual(
			[mine, theirs].map(({ tenantId }) => [tenantId, tenantId]),
		);
	});
});

describe("listDeliveries", () => {
	it("lists a job's own deliveries alone, in the order in which they were inserted", async () => {
		const job = await aJob({ status: "succeeded" });
		const later = await aDelivery(job, { deliveryId: `dlv_${job.jobId.slice(4)}_a`, createdAt: NOW + SECOND });
		const first = await aDelivery(job, { deliveryId: `dlv_${job.jobId.slice(4)}_z`, createdAt: NOW });
		await aDelivery({ tenantId: "ten_other", jobId: job.jobId });
		await aDelivery(await aJob({ status: "succeeded" }));

		const listed = await listDeliveries(db, job);

		expect(listed.map(({ deliveryId }) => deliveryId)).toEqual([first.deliveryId, later.deliveryId]);
	});
});

describe("recordDeliveries", () => {
	const attempt = { at: NOW, durationMs: 120, status: 503, error: "HTTP 503", response: "later" };
	const later = databaseAt(NOW + SECOND);
	const record = async (at: Database, one: DeliveryRecord) => (await recordDeliveries(at, [one]))[0];

	it("adds the attempt and sets the next, with a minute for the message of a short wait", async () => {
		const earlier = { ...attempt, status: null, error: "no answer", response: null };
		const delivery = await aDelivery(await aJob({ status: "succeeded" }), { attemptsMade: 1, attempts: [earlier] });

		const decision = { next: "pending" as const, delayMs: 5 * MINUTE };
		expect(await record(later, { ...delivery, failure: null, attempt, decision })).toMatchObject({ done: true });

		expect(await reloadDelivery(delivery)).toEqual({
			...delivery,
			attemptsMade: 2,
			attempts: [earlier, attempt],
			nextAttemptAt: NOW + SECOND + 5 * MINUTE,
			sweepAt: NOW + SECOND + 6 * MINUTE,
		});
	});

	it("leaves a long wait to the sweeper, who redispatches on time", async () => {
		const delivery = await aDelivery(await aJob({ status: "succeeded" }));
		await record(db, { ...delivery, failure: null, attempt, decision: { next: "pending", delayMs: 2 * HOUR } });
		expect(await reloadDelivery(delivery)).toMatchObject({ nextAttemptAt: NOW + 2 * HOUR, sweepAt: NOW + 2 * HOUR });
	});

	it.each(["delivered", "exhausted"] as const)("is no longer pending once it is %s", async (next) => {
		const delivery = await aDelivery(await aJob({ status: "succeeded" }));
		await record(later, { ...delivery, failure: null, attempt, decision: { next } });
		expect(await reloadDelivery(delivery)).toEqual({
			...delivery,
			status: next,
			attemptsMade: 1,
			attempts: [attempt],
			nextAttemptAt: null,
			sweepAt: null,
			finishedAt: NOW + SECOND,
		});
	});

	it("records one of thirty attempts that were made at the same time", async () => {
		const delivery = await aDelivery(await aJob({ status: "succeeded" }));
		const decision = { next: "pending" as const, delayMs: SECOND };
		const records = Array.from({ length: 30 }, () => record(db, { ...delivery, failure: null, attempt, decision }));

		expect((await Promise.all(records)).filter((one) => one?.done)).toHaveLength(1);
		expect(await reloadDelivery(delivery)).toMatchObject({ attemptsMade: 1, attempts: [attempt] });
	});

	it("records several in one transaction, each as it went, and answers for each", async () => {
		const job = await aJob({ status: "succeeded" });
		const [taken, refused, late] = await Promise.all([
			aDelivery(job, { url: "https://taken.test/" }),
			aDelivery(await aJob({ status: "succeeded" }), { url: "https://refused.test/" }),
			aDelivery(await aJob({ status: "succeeded" }), { url: "https://late.test/", attemptsMade: 1 }),
		]);
		const openMsByFailures = [MINUTE];
		const failure = { isGone: false, overloadMs: 0, openMsByFailures };
		const pending = { next: "pending" as const, delayMs: MINUTE };
		await record(db, { ...taken, failure, attempt, decision: pending });

		const records = [
			{ ...taken, attemptsMade: 1, failure: null, attempt, decision: { next: "delivered" as const } },
			{ ...refused, failure, attempt, decision: pending },
			{ ...late, attemptsMade: 0, failure, attempt, decision: pending },
		];
		expect(await recordDeliveries(later, records)).toEqual([
			{ done: true, recovered: taken.receiver, deliveries: [] },
			{ done: true, recovered: null, deliveries: [] },
			{ done: false, recovered: null, deliveries: [] },
		]);
		expect(await reloadDelivery(taken)).toMatchObject({ status: "delivered", attemptsMade: 2 });
		expect(await reloadDelivery(refused)).toMatchObject({ attemptsMade: 1, nextAttemptAt: NOW + SECOND + MINUTE });
		expect(await reloadDelivery(late)).toEqual(late);
		const paused = env.DB.prepare("SELECT key FROM receiver_breakers WHERE key IN (?1, ?2, ?3)");
		const { results } = await paused.bind(taken.receiver, refused.receiver, late.receiver).all();
		expect(results).toEqual([{ key: refused.receiver }]);
	});

	it("keeps a receiver back that failed beside a success", async () => {
		const [taken, refused] = [
			await aDelivery(await aJob({ status: "succeeded" }), { url: "https://both.test/" }),
			await aDelivery(await aJob({ status: "succeeded" }), { url: "https://both.test/" }),
		];
		const failure = { isGone: false, overloadMs: MINUTE, openMsByFailures: [0] };
		await recordDeliveries(db, [
			{ ...refused, failure, attempt, decision: { next: "pending", delayMs: MINUTE } },
			{ ...taken, failure: null, attempt, decision: { next: "delivered" } },
		]);
		const until = env.DB.prepare("SELECT open_until FROM receiver_breakers WHERE key = ?1").bind(taken.receiver);
		expect(await until.first("open_until")).toBe(NOW + MINUTE);
	});

	it.each(["delivered", "exhausted", "skipped"] as const)("changes nothing of what is %s", async (status) => {
		const delivery = await aDelivery(await aJob({ status: "succeeded" }), { status });
		const decision = { next: "delivered" as const };
		expect(await record(later, { ...delivery, failure: null, attempt, decision })).toMatchObject({ done: false });
		expect(await reloadDelivery(delivery)).toEqual(delivery);
	});
});

describe("a final state", () => {
	it.each(FINAL_STATES)("has no way out of %s, whatever the statement", async (status) => {
		const job = await aJob({ status });
		const tries = [
			`UPDATE jobs SET status = 'queued', finished_at = NULL, prune_at = NULL, sweep_at = ${NOW}, error = NULL,
			        cancellation = NULL, result_bytes = NULL`,
			`UPDATE jobs SET finished_at = finished_at + 1`,
			`UPDATE jobs SET result_bytes = 9`,
		];
		for (const sql of tries) {
			const changed = env.DB.prepare(`${sql} WHERE tenant_id = ?1 AND id = ?2`).bind(job.tenantId, job.jobId).run();
			await expect(changed).rejects.toThrow("a final job never changes");
		}
		expect(await reload(job)).toEqual(job);
	});

	it("may be kept longer", async () => {
		const job = await aJob({ status: "succeeded" });
		await env.DB.prepare("UPDATE jobs SET prune_at = prune_at + ?3 WHERE tenant_id = ?1 AND id = ?2")
			.bind(job.tenantId, job.jobId, DAY)
			.run();
		expect((await reload(job))?.pruneAt).toBe((job.pruneAt ?? 0) + DAY);
	});
});
