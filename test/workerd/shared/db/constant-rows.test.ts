/** What limits and repeats read, in rows as D1 bills them: as many for a tenant, or a table, twenty times the size. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { TenantLimits } from "../../../../shared/core/tenants/tenant.ts";
import { releaseParked } from "../../../../shared/db/admission/release.ts";
import { recoverDeliveries } from "../../../../shared/db/deliveries/redeliver.ts";
import { finishJobs } from "../../../../shared/db/jobs/finish-jobs.ts";
import { leaseJobs } from "../../../../shared/db/jobs/lease-jobs.ts";
import { submitJobs } from "../../../../shared/db/jobs/submit-jobs.ts";
import { updateTenant } from "../../../../shared/db/tenants/tenants.ts";
import {
	aNewJob,
	anId,
	DAY,
	finalizationOf,
	HOUR,
	jobOf,
	LEASE_MS,
	NOW,
	type StoredJob,
	USAGE,
} from "../../../support/job-of.ts";
import { aJob, aTenant, BY, copyRow, deliveryRowOf, insertRow, rowOf } from "../../support/a-job.ts";
import { aDeliveryTo, anEndpoint } from "../../support/an-endpoint.ts";
import { costOf, meteredDb as db } from "../../support/metered-db.ts";
import { submitJob } from "../../support/submit-job.ts";

const [FEW, MANY] = [1_000, 20_000];
const INPUT_BYTES = jobOf().inputBytes;
const RESULT_BYTES = finalizationOf(jobOf()).resultBytes ?? 0;

/** Behind the last entry that it looks for, an index may or may not have another one to look at. */
const ROWS_AT_AN_END = 5;
/** Of one transaction, whatever it is about. */
const ROWS_MAX = 400;

async function limited(limits: Partial<TenantLimits>): Promise<string> {
	const { tenantId } = await aTenant();
	if (Object.keys(limits).length > 0) await updateTenant(db, tenantId, { name: null, limits }, BY);
	return tenantId;
}

/** `count` jobs of the tenant like `first`. */
async function crowd(tenantId: string, count: number, first: Record<string, string | null>) {
	const row = { ...rowOf(await aJob({ tenantId, status: "running" })), ...first };
	const changes = Object.entries({ tenant_id: tenantId, ...first }).map(([name, value]) => `${name} = '${value}'`);
	await env.DB.prepare(`UPDATE jobs SET ${changes} WHERE id = ?1`)
		.bind(row.id ?? null)
		.run();
	await copyRow("jobs", row, count - 1, { id: "'job_r' || printf('%010d', n.i)" });
}

/** Each makes so many rows of something, and returns what is measured. */
const WORK: Record<string, (rows: number) => Promise<() => Promise<unknown>>> = {
	"repeat a submission after erasures": async (rows) => {
		await env.DB.prepare(
			`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
			 INSERT INTO tombstones (delete_at, id, keys, erased_job) SELECT ?2, ?3 || i, '[]', iif(i % 2, NULL, ?3 || i) FROM n`,
		)
			.bind(rows, NOW + DAY, anId("tmb"))
			.run();
		const job = aNewJob({ tenantId: anId("ten") });
		return () => submitJobs(db, [job], true);
	},
	"submit with many models used today": async (rows) => {
		const tenantId = await tenantWithModels(rows);
		return () => submitJob(db, aNewJob({ tenantId }));
	},
	"lease with many models used today": async (rows) => {
		const tenantId = await tenantWithModels(rows);
		const keys = [await aJob({ tenantId }), await aJob({ tenantId })];
		return () => leaseJobs(db, { keys, holder: "h", leaseMs: LEASE_MS });
	},
	"submit with many open jobs": async (rows) => {
		const tenantId = await limited({ open_jobs: 100_000, running_jobs: 100_000 });
		await crowd(tenantId, rows, { open_in: tenantId });
		return () => submitJob(db, aNewJob({ tenantId }));
	},
	"submit with many stored jobs": async (rows) => {
		const tenantId = await limited({ running_jobs: 100_000, stored_bytes: 1e12 });
		await crowd(tenantId, rows, {});
		return () => submitJob(db, aNewJob({ tenantId }));
	},
	"submit with many running jobs": async (rows) => {
		const tenantId = await limited({ running_jobs: 100_000 });
		await crowd(tenantId, rows, { slot: tenantId });
		return () => submitJob(db, aNewJob({ tenantId }));
	},
	"lease with many running jobs": async (rows) => {
		const tenantId = await limited({ running_jobs: 100_000 });
		await crowd(tenantId, rows, { slot: tenantId });
		const keys = [await aJob({ tenantId })];
		return () => leaseJobs(db, { keys, holder: "h", leaseMs: LEASE_MS });
	},
	"finish with many running jobs": async (rows) => {
		const tenantId = await limited({ running_jobs: 100_000 });
		await crowd(tenantId, rows, { slot: tenantId });
		const job = { ...jobOf({ tenantId, status: "running" }), jobId: "job_r0000000001" };
		return () => finishJobs(db, [finalizationOf(job)]);
	},
	"release what is parked on a breaker, with many other jobs of the tenant": async (rows) => {
		const tenantId = anId("ten");
		const key = `model:c|${tenantId}`;
		const row = rowOf(await aJob({ tenantId, status: "succeeded" }));
		await copyRow("jobs", row, rows, { id: "'job_r' || printf('%010d', n.i)" });
		for (const probedAt of [null, NOW]) {
			const { jobId } = await aJob({ tenantId, parkedOn: key });
			await env.DB.prepare("UPDATE jobs SET probed_at = ?2 WHERE id = ?1").bind(jobId, probedAt).run();
		}
		return () => releaseParked(db, [key]);
	},
	"recover what an endpoint missed, with many deliveries of erased jobs": async (rows) => {
		const { tenantId } = await aTenant();
		const endpoint = await anEndpoint(tenantId);
		const job = await aJob({ tenantId, status: "succeeded" });
		const missed = await aDeliveryTo(endpoint, job, { status: "exhausted" });
		const row = { ...deliveryRowOf({ ...missed, pruneAt: NOW + DAY }), event: null };
		await copyRow("deliveries", row, rows, { id: "'dlv_r' || printf('%010d', n.i)", prune_at: "1" });
		return () => recoverDeliveries(db, endpoint, { sinceMs: 0, limit: 100 }, BY);
	},
};

async function tenantWithModels(models: number): Promise<string> {
	const tenantId = await limited({ tokens_per_day: 1_000_000 });
	await env.DB.prepare(
		`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
		 INSERT INTO usage_hours (tenant_id, hour, model, total_tokens) SELECT ?2, ?3, 'm' || i, 1 FROM n`,
	)
		.bind(models, tenantId, Math.floor(NOW / HOUR))
		.run();
	return tenantId;
}

describe("rows read", () => {
	it.each(Object.entries(WORK))("to %s are as many for 20,000 as for 1,000", async (_, prepare) => {
		const few = await costOf(await prepare(FEW));
		const many = await costOf(await prepare(MANY));
		expect(Math.abs(many.rowsRead - few.rowsRead)).toBeLessThan(ROWS_AT_AN_END);
		expect(many.rowsRead).toBeLessThan(ROWS_MAX);
	});
});

describe("a tenant's counts", () => {
	const counts = (tenantId: string) =>
		env.DB.prepare("SELECT open_jobs, slots_taken FROM tenants WHERE id = ?1").bind(tenantId).first();

	/** As counted, and as its rows are. */
	const stored = (tenantId: string) =>
		env.DB.prepare(
			`SELECT (SELECT stored_bytes FROM tenants WHERE id = ?1) AS counted, sum(input_bytes + coalesce(result_bytes, 0)) AS kept
			   FROM jobs WHERE tenant_id = ?1`,
		)
			.bind(tenantId)
			.raw()
			.then(([row]) => row);

	it("begin with what there is when a limit is set, page by page, and end with it", async () => {
		const tenantId = await limited({});
		await crowd(tenantId, 2_500, {});
		await updateTenant(db, tenantId, { name: null, limits: { open_jobs: 2_500, running_jobs: 500 } }, BY);
		expect(await counts(tenantId)).toEqual({ open_jobs: 2_500, slots_taken: 2_500 });
		expect(await submitJob(db, aNewJob({ tenantId }))).toMatchObject({ outcome: "refused", limit: "open_jobs" });
		await updateTenant(db, tenantId, { name: null, limits: { running_jobs: null } }, BY);
		expect(await counts(tenantId)).toEqual({ open_jobs: 2_500, slots_taken: null });
		await updateTenant(db, tenantId, { name: null, limits: { open_jobs: null, stored_bytes: 2_500 } }, BY);
		expect(await stored(tenantId)).toEqual([2_500 * INPUT_BYTES, 2_500 * INPUT_BYTES]);
		await updateTenant(db, tenantId, { name: null, limits: { stored_bytes: null } }, BY);
		expect(await stored(tenantId)).toEqual([null, 2_500 * INPUT_BYTES]);
	});

	it("follow each change of a job, and its erasure", async () => {
		const tenantId = await limited({ open_jobs: 10, running_jobs: 500, stored_bytes: 100 });
		const job = aNewJob({ tenantId });
		await submitJob(db, job);
		expect(await counts(tenantId)).toEqual({ open_jobs: 1, slots_taken: 1 });
		expect(await stored(tenantId)).toEqual([INPUT_BYTES, INPUT_BYTES]);
		await env.DB.prepare("DELETE FROM jobs WHERE tenant_id = ?1").bind(tenantId).run();
		expect(await counts(tenantId)).toEqual({ open_jobs: 0, slots_taken: 0 });
		expect(await stored(tenantId)).toEqual([0, null]);
		const next = aNewJob({ tenantId });
		await submitJob(db, next);
		const [leased] = (await leaseJobs(db, { keys: [next], holder: "h", leaseMs: LEASE_MS })).jobs;
		if (leased === undefined) throw new Error("nothing was leased");
		await finishJobs(db, [finalizationOf(leased)]);
		expect(await counts(tenantId)).toEqual({ open_jobs: 0, slots_taken: 0 });
		expect(await stored(tenantId)).toEqual([INPUT_BYTES + RESULT_BYTES, INPUT_BYTES + RESULT_BYTES]);
	});
});

describe("usage of an hour", () => {
	const end = async (tenantId: string, model: string, times: Partial<StoredJob> = {}) => {
		const job = await aJob({ tenantId, status: "running", model, ...times });
		await finishJobs(db, [finalizationOf(job, { progress: { ...job, usage: USAGE } })]);
	};
	const models = async (tenantId: string) => {
		const { results } = await env.DB.prepare(
			"SELECT model, total_tokens FROM usage_hours WHERE tenant_id = ?1 ORDER BY model",
		)
			.bind(tenantId)
			.all();
		return results;
	};

	const tokensOfDay = async (tenantId: string) =>
		(await env.DB.prepare("SELECT tokens_of_day FROM tenants WHERE id = ?1").bind(tenantId).first())?.tokens_of_day;

	it("counts models beyond a hundred as other", async () => {
		const tenantId = await tenantWithModels(99);
		for (const tokens_per_day of [null, 2_000])
			await updateTenant(db, tenantId, { name: null, limits: { tokens_per_day } }, BY);
		for (const model of ["x1", "x2", "x3", "x1"]) await end(tenantId, model);
		const rows = await models(tenantId);
		expect(rows).toHaveLength(101);
		expect(rows).toContainEqual({ model: "x1", total_tokens: 2 * USAGE.totalTokens });
		expect(rows).toContainEqual({ model: "other", total_tokens: 2 * USAGE.totalTokens });
		expect(await tokensOfDay(tenantId)).toBe(99 + 4 * USAGE.totalTokens);
	});

	it("has each job in the buckets of how long it waited and ran", async () => {
		const tenantId = await limited({});
		for (const [waitedMs, ranMs] of [
			[-5, 0],
			[99, 100],
			[100, 3_000_000],
			[2_999_999, 299],
		] as const) {
			const startedAt = NOW - ranMs;
			await end(tenantId, "m", { startedAt, runAt: NOW, deadlineAt: startedAt - waitedMs + DAY, deadlineMs: DAY });
		}
		const row = await env.DB.prepare("SELECT * FROM usage_hours WHERE tenant_id = ?1").bind(tenantId).first();
		const filled = Object.entries(row ?? {}).filter(([name, count]) => /^(wait|run)_/.test(name) && count !== 0);
		expect(Object.fromEntries(filled)).toEqual({ wait_0: 2, wait_1: 1, wait_9: 1, run_0: 1, run_1: 2, run_10: 1 });
	});

	it("is summed for the day of a tenant that gets a limit of tokens, whatever hour or table has them", async () => {
		const tenantId = await limited({});
		const hours = Math.floor(NOW / DAY) * 24;
		for (const hour of [-1, 0, 23, 24])
			await insertRow("usage_hours", { tenant_id: tenantId, hour: hours + hour, model: "m", total_tokens: 10 });
		const used = { jobs: 1, succeeded: 1, prompt_tokens: 1, completion_tokens: 1, total_tokens: 7 };
		await insertRow("usage", { tenant_id: tenantId, day: hours / 24, model: "m", ...used });
		await updateTenant(db, tenantId, { name: null, limits: { tokens_per_day: 2_000 } }, BY);
		expect(await tokensOfDay(tenantId)).toBe(27);
	});

	it("is summed only for a tenant with a limit of tokens", async () => {
		const tenantId = await limited({});
		await end(tenantId, "m");
		expect(await models(tenantId)).toEqual([{ model: "m", total_tokens: USAGE.totalTokens }]);
		expect(await tokensOfDay(tenantId)).toBe(0);
	});
});
