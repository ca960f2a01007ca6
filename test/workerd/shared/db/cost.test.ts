/**
 * What the hot statements cost, as D1 bills it: each looks through an index, reads as many rows whatever the size of the
 * table, and writes no more than it must. What a whole job costs is in test/workerd/bench.
 */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { smallestIdAt } from "../../../../shared/core/ids.ts";
import { TenantLimits } from "../../../../shared/core/tenants/tenant.ts";
import { readModelStates } from "../../../../shared/db/admission/model-states.ts";
import { releaseParked } from "../../../../shared/db/admission/release.ts";
import { findPendingDeliveries, listDeliveries } from "../../../../shared/db/deliveries/find-deliveries.ts";
import { recordDeliveries } from "../../../../shared/db/deliveries/record-deliveries.ts";
import { deferDeliverySweep, findDeliveriesToSweep } from "../../../../shared/db/deliveries/sweep-deliveries.ts";
import { filterExisting } from "../../../../shared/db/jobs/filter-existing.ts";
import { findJobSummary, findLeaseState } from "../../../../shared/db/jobs/find-job.ts";
import { finishJobs } from "../../../../shared/db/jobs/finish-jobs.ts";
import { extendLeases, findHeldLeases } from "../../../../shared/db/jobs/hold-leases.ts";
import { leaseJobs } from "../../../../shared/db/jobs/lease-jobs.ts";
import { type JobFilter, listJobs } from "../../../../shared/db/jobs/list-jobs.ts";
import { requeueJob } from "../../../../shared/db/jobs/requeue-job.ts";
import { findJobsToSweep, noteSwept } from "../../../../shared/db/jobs/sweep-jobs.ts";
import { whyNotLeased } from "../../../../shared/db/jobs/why-not-leased.ts";
import { listUsedModels } from "../../../../shared/db/tenants/list-usage.ts";
import { eraseJob, findJobsToPrune, findTombstones, pruneJobs } from "../../../../shared/db/upkeep/erase-jobs.ts";
import { pruneIdempotencyKeys, pruneOrphanedDeliveries } from "../../../../shared/db/upkeep/prune-records.ts";
import { readStatus } from "../../../../shared/db/upkeep/read-status.ts";
import {
	ANY_JOB,
	aNewJob,
	anId,
	DAY,
	finalizationOf,
	HOUR,
	jobOf,
	LEASE_MS,
	MINUTE,
	NOW,
	type StoredJob,
	sweptOf,
	WEBHOOK,
} from "../../../support/job-of.ts";
import {
	aDelivery,
	aJob,
	aTenant,
	BY,
	copyRow,
	deliveryRowOf,
	insertRow,
	type Row,
	rowOf,
} from "../../support/a-job.ts";
import { costOf, meteredDb as db } from "../../support/metered-db.ts";
import { submitJob } from "../../support/submit-job.ts";

const aKey = () => ({ key: anId("req"), fingerprint: "f".repeat(64) });

const page = (job: StoredJob, filter: Partial<JobFilter> = {}) => ({
	tenantId: job.tenantId,
	filter: { ...ANY_JOB, ...filter },
	limit: 20,
	after: null,
	order: "desc" as const,
});

const attempt = { at: NOW, durationMs: 1, status: 200, error: null, response: "" };

/** A tenant of its own: what its other jobs hold is counted, and that is bounded by its limit and not by the table. */
const alone = () => ({ tenantId: anId("ten") });

/** Each with the rows it is about: one call of everything that runs often. */
const HOT: Record<string, () => Promise<unknown>> = {
	submit: async () => submitJob(db, aNewJob({ ...alone(), webhook: WEBHOOK })),
	"submit with a key": async () => submitJob(db, aNewJob({ ...alone(), webhook: WEBHOOK, idempotency: aKey() })),
	replay: async () => {
		const job = aNewJob({ ...alone(), webhook: WEBHOOK, idempotency: aKey() });
		await submitJob(db, job);
		return submitJob(db, { ...job, jobId: anId("job") });
	},
	"submit in vain": async () => {
		const { tenantId } = await aTenant({ limits: TenantLimits.parse({ open_jobs: 0 }) });
		return submitJob(db, aNewJob({ tenantId, webhook: WEBHOOK }));
	},
	poll: async () => findJobSummary(db, await aJob()),
	lease: async () =>
		leaseJobs(db, { keys: [await aJob(alone()), await aJob(alone())], holder: "h", leaseMs: LEASE_MS }),
	"take over": async () => {
		const keys = [await aJob({ status: "running", leaseExpiresAt: NOW })];
		return leaseJobs(db, { keys, holder: "h", leaseMs: LEASE_MS });
	},
	"explain misses": async () => whyNotLeased(db, [await aJob({ runAt: NOW + MINUTE })]),
	heartbeat: async () => extendLeases(db, [await aJob({ status: "running" })], LEASE_MS),
	"look at leases": async () => findHeldLeases(db, [await aJob({ status: "running" })]),
	"look at one": async () => findLeaseState(db, await aJob({ status: "running" })),
	finish: async () => finishJobs(db, [finalizationOf(await aJob({ ...alone(), status: "running", webhook: WEBHOOK }))]),
	"finish four": async () => {
		const job = { ...alone(), status: "running" as const, webhook: WEBHOOK };
		return finishJobs(
			db,
			[await aJob(job), await aJob(job), await aJob(job), await aJob(job)].map((job) => finalizationOf(job)),
		);
	},
	requeue: async () => {
		const job = await aJob({ ...alone(), status: "running" });
		return requeueJob(db, { ...job, reason: "retrying", delayMs: 1, progress: job, breakerEvent: null });
	},
	"find deliveries": async () => {
		const { tenantId } = await aTenant();
		return findPendingDeliveries(db, [await aDelivery(await aJob({ tenantId, status: "succeeded" }))]);
	},
	"record delivery": async () => {
		const delivery = await aDelivery(jobOf());
		return recordDeliveries(db, [{ ...delivery, failure: null, attempt, decision: { next: "delivered" } }]);
	},
	"record four deliveries, two in vain": async () => {
		const failure = { isGone: false, overloadMs: 0, openMsByFailures: [MINUTE] };
		const taken = { failure: null, attempt, decision: { next: "delivered" as const } };
		const refused = { failure, attempt, decision: { next: "pending" as const, delayMs: MINUTE } };
		const [one, two, three, four] = [
			await aDelivery(jobOf(alone())),
			await aDelivery(jobOf(alone())),
			await aDelivery(jobOf(alone())),
			await aDelivery(jobOf(alone())),
		];
		return recordDeliveries(db, [
			{ ...one, ...taken },
			{ ...two, ...refused },
			{ ...three, ...taken },
			{ ...four, ...refused },
		]);
	},
	"list deliveries": async () => {
		const { tenantId, jobId } = await aDelivery(jobOf());
		return listDeliveries(db, { tenantId, jobId });
	},
	list: async () => listJobs(db, page(await aJob({ tenantId: anId("ten") }))),
	"list by a filter": async () =>
		listJobs(db, page(await aJob({ tenantId: anId("ten") }), { model: "simulated/echo" })),
	"read model states": async () => {
		const key = anId("job");
		const open = { reason: "throttled", open_until: NOW, trips: 1, tripped_at: 0, observed_until: 0 };
		await insertRow("breakers", { key, ...open });
		await aJob({ tenantId: CROWDED, parkedOn: key });
		return readModelStates(db, CROWDED, [key]);
	},
	"list used models": async () => listUsedModels(db, CROWDED),
	"list many": async () => listJobs(db, page(jobOf({ tenantId: CROWDED }))),
	"sweep jobs": async () => {
		await aJob({ sweepAt: 1 });
		return findJobsToSweep(db, { limit: 1, after: null, window: 1, tenantMax: 1, except: [] });
	},
	"note what was swept": async () => {
		const job = await aJob();
		return noteSwept(db, [{ job: sweptOf(job), sweepAt: NOW + HOUR, redispatches: 1 }]);
	},
	"sweep deliveries": async () => findDeliveriesToSweep(db, 1),
	"note what was enqueued": async () => {
		const delivery = await aDelivery(jobOf());
		return deferDeliverySweep(db, [{ ...delivery, sweepAt: delivery.sweepAt ?? 0 }]);
	},
	"find what to prune": async () => findJobsToPrune(db, 1),
	prune: async () => {
		const job = await aJob({ status: "succeeded", pruneAt: NOW });
		await aDelivery(job, { status: "delivered" });
		return pruneJobs(db, [job], anId("tmb"));
	},
	erase: async () => {
		const job = await aJob({ status: "succeeded" });
		await aDelivery(job);
		return eraseJob(db, job, anId("tmb"), { ...BY, requestId: anId("req") });
	},
	"find tombstones": async () => findTombstones(db, 1),
	"find known jobs": async () => filterExisting(db, [await aJob()]),
	"prune keys": async () => pruneIdempotencyKeys(db, 1),
	"prune deliveries": async () => pruneOrphanedDeliveries(db, 1),
};

/** A tenant with as many jobs as there are. */
const CROWDED = "ten_crowded";

describe("rows read", () => {
	const few: Record<string, number> = {};

	beforeAll(async () => {
		await crowd(100);
		for (const [name, work] of Object.entries(HOT)) few[name] = (await costOf(work)).rowsRead;
		await crowd(4_900);
	});

	it.each(Object.entries(HOT))("by `%s` are as many with 5,000 jobs as with 100", async (name, work) => {
		expect((await costOf(work)).rowsRead).toBe(few[name]);
	});

	it("by the look at the backlog are bounded", async () => {
		expect((await costOf(() => readStatus(db))).rowsRead).toBeLessThan(5_000);
	});

	it.each<Partial<JobFilter>>([
		{ model: "none" },
		{ statuses: ["failed", "expired", "cancelled"] },
		{ statusReason: "none" },
		{ retryOf: smallestIdAt("job", NOW - DAY) },
		{ finishedAfter: 1, finishedBefore: NOW + DAY },
	])("by a filter that nothing passes are those of a thousand jobs, and no more: %o", async (filter) => {
		let found = 0;
		const { rowsRead } = await costOf(async () => {
			found = (await listJobs(db, page(jobOf({ tenantId: CROWDED }), filter))).items.length;
		});
		expect([found, rowsRead <= 4_000]).toEqual([0, true]);
	});

	it("by jobs that failed are theirs alone, and a page is whole however rare they are", async () => {
		const failed = await aJob({ tenantId: CROWDED, status: "failed", createdAt: NOW - DAY });
		let found: unknown;
		const { rowsRead } = await costOf(async () => {
			const { items, nextAfter } = await listJobs(db, page(failed, { statuses: ["failed"] }));
			found = [items.map(({ jobId }) => jobId), nextAfter];
		});
		expect(found).toEqual([[failed.jobId], null]);
		expect(rowsRead).toBeLessThan(20);
	});

	it("by a time before which jobs ended are those of jobs that were created before it", async () => {
		const filter = { finishedBefore: NOW - DAY };
		const { rowsRead } = await costOf(() => listJobs(db, page(jobOf({ tenantId: CROWDED }), filter)));
		expect(rowsRead).toBeLessThan(10);
	});
});

describe("rows read of a tenant's other jobs", () => {
	/** Behind the last entry that it looks for, an index may or may not have another one to look at. */
	const ROWS_AT_AN_END = 5;

	/** A tenant with so many jobs that run, and so many that wait for a slot of theirs. */
	async function busyTenant(running: number, waiting: number): Promise<string> {
		const { tenantId } = await aTenant({ limits: TenantLimits.parse({ running_jobs: running }) });
		const held = await aJob({ tenantId, status: "running" });
		await env.DB.prepare("UPDATE jobs SET slot = tenant_id WHERE tenant_id = ?1").bind(tenantId).run();
		await copy("jobs", { ...rowOf(held), slot: tenantId }, "job_r", running - 1, tenantId);
		if (waiting === 0) return tenantId;
		const parked = await aJob({ tenantId, parkedOn: `tenant:${tenantId}` });
		await copy("jobs", rowOf(parked), "job_w", waiting - 1, tenantId);
		return tenantId;
	}

	const oneRunning = (tenantId: string) => ({ ...jobOf({ tenantId, status: "running" }), jobId: "job_r0000000001" });
	const WORK: Record<string, (tenantId: string) => Promise<unknown>> = {
		submit: async (tenantId) => submitJob(db, aNewJob({ tenantId, webhook: WEBHOOK })),
		lease: async (tenantId) => {
			const keys = [await aJob({ tenantId })];
			return leaseJobs(db, { keys, holder: "h", leaseMs: LEASE_MS });
		},
		finish: async (tenantId) => finishJobs(db, [finalizationOf(oneRunning(tenantId))]),
		requeue: async (tenantId) => {
			const job = oneRunning(tenantId);
			return requeueJob(db, { ...job, reason: "retrying", delayMs: 1, progress: job, breakerEvent: null });
		},
		"sweep parked": async (tenantId) => releaseParked(db, [`tenant:${tenantId}`], 10),
	};

	it.each(Object.entries(WORK))("by `%s` are as many where 2,000 wait as where 10 do", async (_, work) => {
		const [few, many] = [await busyTenant(3, 10), await busyTenant(3, 2_000)];
		const { rowsRead } = await costOf(() => work(few));
		expect((await costOf(() => work(many))).rowsRead).toBeLessThan(rowsRead + ROWS_AT_AN_END);
	});

	it.each(["finish", "requeue"])("by `%s` are as many where 400 run as where 3 do, and none waits", async (name) => {
		const [few, many] = [await busyTenant(3, 0), await busyTenant(400, 0)];
		const { rowsRead } = await costOf(async () => WORK[name]?.(few));
		expect((await costOf(async () => WORK[name]?.(many))).rowsRead).toBeLessThan(rowsRead + ROWS_AT_AN_END);
	});
});

describe("query plans", () => {
	it.each(Object.entries(HOT))("of `%s` scan no table", async (_, work) => {
		const { statements } = await costOf(work);
		expect(statements.length).toBeGreaterThan(0);
		for (const { sql, params } of statements) {
			const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
				.bind(...params)
				.all<{ detail: string }>();
			const scans = results.map(({ detail }) => detail).filter(isTableScan);
			expect(scans, sql).toEqual([]);
		}
	});
});

describe("statements", () => {
	it("are as many for four that end together as for one, and for four that are recorded", async () => {
		const of = async (work: string) => (await costOf(async () => HOT[work]?.())).statements.length;
		expect(await of("finish four")).toBe(await of("finish"));
		const deliveries = [await aDelivery(jobOf()), await aDelivery(jobOf()), await aDelivery(jobOf())];
		const taken = { failure: null, attempt, decision: { next: "delivered" as const } };
		const { statements } = await costOf(() =>
			recordDeliveries(
				db,
				deliveries.map((one) => ({ ...one, ...taken })),
			),
		);
		expect(statements).toHaveLength(await of("record delivery"));
	});
});

describe("rows written", () => {
	it("by heartbeat and requeue are as few as they can be", async () => {
		const [held, failed] = [await aJob({ status: "running" }), await aJob({ status: "running" })];
		const heartbeat = await costOf(() => extendLeases(db, [held], LEASE_MS));
		const requeue = await costOf(() =>
			requeueJob(db, { ...failed, reason: "retrying", delayMs: 1, progress: failed, breakerEvent: null }),
		);
		// A slot that is kept costs one row here. One that is given back would cost two when it is taken again.
		expect([heartbeat.rowsWritten, requeue.rowsWritten]).toEqual([1, 3]);
	});

	it("by a failed call are three more in its breakers, and two once the shared one counts no more of its tenant", async () => {
		const [tenantId, sharedKey] = [anId("ten"), `model:c|${anId("job")}`];
		const fail = async (times: number) => {
			const written: number[] = [];
			for (let time = 0; time < times; time++) {
				const job = await aJob({ tenantId, status: "running" });
				const breakerEvent = {
					kind: "failure",
					key: `own:${tenantId}|${sharedKey}`,
					sharedKey,
					leasedAt: NOW,
				} as const;
				const requeue = { ...job, reason: "retrying", delayMs: 1, progress: job, breakerEvent } as const;
				written.push((await costOf(() => requeueJob(db, requeue))).rowsWritten);
			}
			return written;
		};
		expect(await fail(7)).toEqual([6, 6, 6, 6, 6, 5, 5]);
	});

	it("by losing a race are none", async () => {
		const job = await aJob({ status: "succeeded", webhook: WEBHOOK });
		const { rowsWritten } = await costOf(async () => {
			await leaseJobs(db, { keys: [job], holder: "h", leaseMs: LEASE_MS });
			await extendLeases(db, [job], LEASE_MS);
			await requeueJob(db, { ...job, reason: "retrying", delayMs: 1, progress: job, breakerEvent: null });
			await finishJobs(db, [{ ...finalizationOf(job), fence: 7 }]);
		});
		expect(rowsWritten).toBe(0);
	});
});

/** Of tables that grow with the jobs. */
function isTableScan(detail: string): boolean {
	return /^SCAN (jobs|deliveries|idempotency_keys|tombstones|kept)\b/.test(detail);
}

/** `count` more jobs of one tenant, half of them due for a sweep and half for pruning, and as many of all that hangs on them. */
async function crowd(count: number) {
	crowds += 1;
	const queued = rowOf(await aJob({ tenantId: `ten_seed_${crowds}`, sweepAt: NOW - DAY }, null));
	const over = rowOf(await aJob({ tenantId: `ten_seed_${crowds}`, status: "succeeded", pruneAt: NOW - DAY }));
	const pending = deliveryRowOf(await aDelivery(jobOf({ tenantId: `ten_seed_${crowds}` }), { sweepAt: NOW - DAY }));
	const orphan = deliveryRowOf(
		await aDelivery(jobOf({ tenantId: `ten_seed_${crowds}` }), { status: "skipped", pruneAt: NOW - DAY }),
	);
	for (const row of [queued, over]) await copy("jobs", row, "job_", count / 2);
	for (const row of [pending, orphan]) await copy("deliveries", row, "dlv_", count / 2);
	const numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)";
	await env.DB.batch([
		env.DB.prepare(`${numbers} INSERT INTO idempotency_keys SELECT 'ten_crowded', ?2 || i, '', '', 1 FROM n`).bind(
			count,
			`${crowds}-`,
		),
		env.DB.prepare(`${numbers} INSERT INTO tombstones (delete_at, id, keys) SELECT i, ?2 || i, '[]' FROM n`).bind(
			count,
			`${crowds}-`,
		),
	]);
}

let crowds = 0;

async function copy(table: "jobs" | "deliveries", row: Row, prefix: string, count: number, tenantId = CROWDED) {
	const id = `'${prefix}${row.id}' || printf('%010d', n.i)`;
	await copyRow(table, row, count, { tenant_id: `'${tenantId}'`, id });
}
