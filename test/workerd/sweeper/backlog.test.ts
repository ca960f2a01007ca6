/** Open work over time, as a sweep counts it and as `GET /v1/backlog` shows it. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { BacklogList } from "../../../shared/api/model.ts";
import { Database } from "../../../shared/db/database.ts";
import { runtime } from "../../../workers/runtime.ts";
import { sampleBacklog } from "../../../workers/sweeper/sample-backlog.ts";
import { START_AT } from "../../support/fake-runtime.ts";
import { aCaller, refusalOf, send } from "../intake/caller.ts";
import { aDelivery, aJob, copyRow, DAY, deliveryRowOf, HOUR, insertRow, MINUTE, rowOf } from "../support/a-job.ts";
import { emptyTables } from "../support/all-rows.ts";
import { meteredD1 } from "../support/watched-d1.ts";
import { World } from "../world/world.ts";

const NOW = START_AT - (START_AT % HOUR);

let caller: Awaited<ReturnType<typeof aCaller>>;
beforeEach(async () => {
	await emptyTables();
	caller = await aCaller();
});

/** One step of a sweep, at this time, and what it cost. */
async function sample(now: number) {
	const meter = meteredD1(env.DB);
	const db = new Database(meter.d1, runtime, () => now);
	const counts = await sampleBacklog({ ...new World().start().sweeper, db }, { allows: () => true });
	return { ...counts, ...meter.read() };
}

const iso = (ms: number) => new Date(ms).toISOString();

async function backlog(query = "", key = caller.key) {
	const answer = await send("GET", `/v1/backlog?since=${iso(NOW - DAY)}${query}`, { key });
	return (answer.body as { data: typeof BacklogList._output.data }).data;
}

const counts = async (query = "", key = caller.key) =>
	(await backlog(query, key)).map((one) => [
		Date.parse(one.start_at) - NOW,
		...[one.open_jobs, one.parked_jobs, one.later_jobs, one.oldest_waiting_seconds, one.pending_deliveries],
	]);

const end = async () => {
	await env.DB.prepare("DELETE FROM jobs").run();
	await env.DB.prepare("DELETE FROM deliveries").run();
};

describe("a sweep", () => {
	it("counts the open work of each tenant at its minute, and once more when it has ended", async () => {
		const { tenantId } = caller;
		const neighbour = await aCaller();
		await aJob({ tenantId, status: "running", createdAt: NOW - 10 * MINUTE });
		await aJob({ tenantId, createdAt: NOW - 7_000 });
		await aJob({ tenantId, parkedOn: `tenant:${tenantId}`, createdAt: NOW - MINUTE });
		await aJob({ tenantId, runAt: NOW + HOUR, createdAt: NOW, deadlineAt: NOW + HOUR + DAY, deadlineMs: DAY });
		await aDelivery(await aJob({ tenantId, status: "succeeded" }));
		await aJob({ tenantId: neighbour.tenantId });
		await sample(NOW);
		await sample(NOW + 5_000);
		expect(await counts()).toEqual([[0, 4, 1, 1, 65, 1]]);
		expect((await counts("", neighbour.key)).map(([, jobs]) => jobs)).toEqual([1]);
		await end();
		for (let minute = 1; minute <= 4; minute++) await sample(NOW + minute * MINUTE);
		expect(await counts()).toEqual([
			[0, 4, 1, 1, 65, 1],
			[MINUTE, 0, 0, 0, 0, 0],
		]);
		const [hour, ...others] = await backlog("&bucket=hour");
		expect(others).toEqual([]);
		expect(hour).toMatchObject({ open_jobs: 4, oldest_waiting_seconds: 65, sampled_at: iso(NOW + MINUTE) });
	});

	it("writes nothing where no tenant has open work", async () => {
		await aJob({ tenantId: caller.tenantId, status: "succeeded" });
		expect(await sample(NOW)).toMatchObject({ rowsWritten: 0, backlogCut: 0 });
		expect(await backlog()).toEqual([]);
	});

	it("reads no more than 10,000 rows however much work is open, and says that there is more", async () => {
		const row = rowOf(await aJob({ tenantId: caller.tenantId }));
		await copyRow("jobs", row, 5_000, { id: "'job_r' || printf('%010d', n.i)" });
		const pending = deliveryRowOf(await aDelivery(await aJob({ tenantId: caller.tenantId, status: "succeeded" })));
		await copyRow("deliveries", pending, 2_000, { id: "'dlv_r' || printf('%010d', n.i)" });
		const { rowsRead, rowsWritten, backlogCut } = await sample(NOW);
		expect([backlogCut, rowsWritten]).toEqual([1, 4]);
		expect(rowsRead).toBeLessThanOrEqual(10_000);
		const [only] = await backlog();
		expect(only).toMatchObject({ open_jobs: 4_000, pending_deliveries: 900, or_more: true });
		await end();
		await aJob({ tenantId: caller.tenantId });
		expect((await sample(NOW + MINUTE)).rowsWritten).toBe(3);
	});

	it("leaves out deleted tenants, whose jobs are still being erased", async () => {
		await aJob({ tenantId: caller.tenantId });
		await env.DB.prepare("UPDATE tenants SET deleted_at = 1 WHERE id = ?1").bind(caller.tenantId).run();
		expect(await sample(NOW)).toMatchObject({ rowsWritten: 0 });
	});

	it("keeps minutes for 7 days and hours for 90", async () => {
		const zeros = { open_jobs: 0, parked_jobs: 0, later_jobs: 0, oldest_ms: 0, pending_deliveries: 0, is_cut: 0 };
		const world = new World();
		const now = world.runtime.now();
		for (const [minutes, days] of [
			[1, 7.1],
			[1, 6.9],
			[60, 90.1],
			[60, 89.9],
		] as const)
			await insertRow("backlog", { tenant_id: "ten", minutes, start_at: now - days * DAY, sampled_at: now, ...zeros });
		await world.sweep();
		const { results } = await env.DB.prepare("SELECT minutes, (?1 - start_at) / 86400000.0 AS days FROM backlog")
			.bind(now)
			.all();
		expect(results).toEqual([
			{ minutes: 1, days: 6.9 },
			{ minutes: 60, days: 89.9 },
		]);
	});
});

describe("GET /v1/backlog", () => {
	it("continues after the last sample of a page", async () => {
		await aJob({ tenantId: caller.tenantId });
		for (let minute = 0; minute < 3; minute++) await sample(NOW + minute * MINUTE);
		const first = await backlog("&limit=2");
		expect(first.map(({ start_at }) => start_at)).toEqual([iso(NOW), iso(NOW + MINUTE)]);
		expect((await backlog(`&after=${first[1]?.id}`)).map(({ id }) => id)).toEqual([iso(NOW + 2 * MINUTE)]);
	});

	it("refuses what is no time and no number of samples", async () => {
		for (const query of ["since=yesterday", "limit=1441", "limit=0", "after=job_1", "bucket=day"]) {
			const refused = refusalOf(await send("GET", `/v1/backlog?${query}`, { key: caller.key }));
			expect(refused).toMatchObject({ status: 400, param: query.split("=")[0] });
		}
	});
});
