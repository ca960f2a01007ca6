/** What a caller sees of its work at a glance, at a cost that no backlog raises. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { ModelBody, ModelList, StatsBody } from "../../../shared/api/model.ts";
import { Database } from "../../../shared/db/database.ts";
import { runtime } from "../../../workers/runtime.ts";
import { DAY, HOUR, MINUTE, NOW } from "../../support/job-of.ts";
import { aJob, copyRow, insertRow, rowOf } from "../support/a-job.ts";
import { meteredD1 } from "../support/watched-d1.ts";
import { aCaller, refusalOf, sendTo } from "./caller.ts";
import { theServices } from "./services.ts";

const meter = meteredD1(env.DB);
const db = new Database(meter.d1, runtime, () => NOW);
const routes = [
	{ match: "gpt-5.5", provider: "openai-compatible" as const, base_url: "https://a.example.com" },
	{ match: "@cf/*", provider: "workers-ai" as const, list: ["@cf/meta/llama-4"] },
	{ match: "sim*", provider: "simulated" as const },
];
/** Of the isolate. The database keeps its own. */
const clock = { now: NOW, step: 2_000 };
const { server } = theServices({
	db,
	// Each request finds what the one before it kept too old.
	runtime: { ...runtime, now: () => (clock.now += clock.step) },
	config: { modelRoutes: routes, defaultModel: "sim" },
});

const { tenantId, key } = await aCaller();
const other = await aCaller();
const get = (path: string, as = key) => sendTo(server, "GET", path, { key: as });

/** Reads rows of D1, besides the key's. */
async function costOf(path: string, as = key) {
	await get(path, as);
	meter.read();
	const { status } = await get(path, as);
	return { status, rowsRead: meter.read().rowsRead };
}

/** Of a day from before hours were counted. */
const OLD = { jobs: 1, succeeded: 1, prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };

const aBreaker = (key: string, values: object) =>
	insertRow("breakers", {
		key,
		reason: "throttled",
		permits: 1,
		trips: 1,
		tripped_at: NOW,
		observed_until: 0,
		...values,
	});

/** So many jobs of `whose` that wait for a breaker. */
async function parked(whose: string, model: string, parkedOn: string, count: number) {
	const row = rowOf(await aJob({ tenantId: whose, models: [model], parkedOn }));
	await copyRow("jobs", row, count - 1, { id: `'${row.id}' || printf('%08d', n.i)` });
}

describe("GET /v1/models", () => {
	const all = async (as = key) => ModelList.parse((await get("/v1/models", as)).body).data;
	const states = async (as = key) => (await all(as)).map(({ id, state, until }) => [id, state, until]);

	it("lists the default model, those that routes name, and those that own jobs used, as OpenAI does", async () => {
		const hour = Math.floor(NOW / HOUR);
		for (const [whose, model, days] of [
			[tenantId, "sim/used", 3],
			[tenantId, "sim/long-ago", 31],
			[tenantId, "gone/unserved", 0],
			[tenantId, "other", 0],
			[other.tenantId, "sim/theirs", 0],
		] as const)
			await insertRow("usage_hours", { tenant_id: whose, hour: hour - days * 24, model });
		await insertRow("usage", { tenant_id: tenantId, day: Math.floor(hour / 24) - 29, model: "sim/by-day", ...OLD });
		const { body } = await get("/v1/models");
		const ids = ["@cf/meta/llama-4", "gpt-5.5", "sim", "sim/by-day", "sim/used"];
		expect(body).toMatchObject({ object: "list", has_more: false, first_id: ids[0], last_id: ids.at(-1) });
		expect((await all()).map(({ id }) => id)).toEqual(ids);
		expect((await all())[1]).toEqual({
			id: "gpt-5.5",
			object: "model",
			created: 0,
			owned_by: "openai-compatible",
			state: "healthy",
			until: null,
			permits: null,
			trips: 0,
			parked_jobs: { value: 0, or_more: false },
			recent: null,
		});
		for (const [hours, failed] of [
			[0, 1],
			[1, 0],
			[2, 50],
		] as const)
			await insertRow("usage_hours", {
				tenant_id: tenantId,
				hour: hour - hours,
				model: "gpt-5.5",
				succeeded: 1,
				failed,
				run_3: 1,
			});
		const recent = { jobs: 3, failure_rate: 1 / 3, p50: expect.closeTo(1.7, 1), p95: expect.closeTo(2.8, 1) };
		expect((await all())[1]).toMatchObject({ recent });
	});

	it("lists what was used thirty days ago where jobs used four models every hour since then", async () => {
		const caller = await aCaller();
		const hour = Math.floor(NOW / HOUR);
		await env.DB.prepare(
			`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 28 * 24 * 4)
			 INSERT INTO usage_hours (tenant_id, hour, model) SELECT ?1, ?2 - i / 4, 'gone/' || (i % 4) FROM n`,
		)
			.bind(caller.tenantId, hour)
			.run();
		await insertRow("usage_hours", { tenant_id: caller.tenantId, hour: hour - 29 * 24, model: "sim/early" });
		expect((await all(caller.key)).map(({ id }) => id)).toContain("sim/early");
	});

	it("shows for each what its next call waits for: of its tenant's breakers and the shared ones, the last to open", async () => {
		const [soon, later] = [NOW + MINUTE, NOW + 2 * MINUTE];
		const gpt = "model:openai-compatible https://a.example.com/|gpt-5.5";
		await aBreaker(gpt, { open_until: soon, trips: 3 });
		expect((await states())[1]).toEqual(["gpt-5.5", "throttled", new Date(soon).toISOString()]);
		await aBreaker(`own:${tenantId}|credential:openai-compatible https://a.example.com/`, {
			reason: "blocked",
			open_until: later,
		});
		expect((await states())[1]).toEqual(["gpt-5.5", "blocked", new Date(later).toISOString()]);
		expect((await states(other.key))[1]).toEqual(["gpt-5.5", "throttled", new Date(soon).toISOString()]);
		await aBreaker("model:simulated|sim", { open_until: NOW, permits: 3 });
		await aBreaker("credential:workers-ai @cf", { reason: "unavailable", open_until: 0, permits: null, trips: 0 });
		await parked(tenantId, "gpt-5.5", gpt, 3);
		await parked(other.tenantId, "gpt-5.5", gpt, 5);
		expect(
			(await all()).map(({ state, permits, trips, parked_jobs }) => [state, permits, trips, parked_jobs.value]),
		).toEqual([
			["healthy", null, 0, 0],
			["blocked", 0, 3, 3],
			["recovering", 3, 1, 0],
			["healthy", null, 0, 0],
			["healthy", null, 0, 0],
		]);
	});

	it("counts jobs up to five hundred, and reads no more rows for a longer line", async () => {
		await aBreaker("model:simulated|sim", { open_until: NOW });
		await parked(tenantId, "sim", "model:simulated|sim", 2_000);
		const [, , sim] = await all();
		expect(sim?.parked_jobs).toEqual({ value: 500, or_more: true });
		const { rowsRead } = await costOf("/v1/models");
		expect(rowsRead).toBeGreaterThan(500);
		expect(rowsRead).toBeLessThan(600);
	});

	it("lists a model that only waiting jobs name, once a sweep has counted them", async () => {
		const { tenantId, key } = await aCaller();
		const start_at = Math.floor(NOW / HOUR) * HOUR;
		const counts = { open_jobs: 1, parked_jobs: 0, later_jobs: 1, oldest_ms: 0, pending_deliveries: 0, is_cut: 0 };
		const models = JSON.stringify({ "sim/waiting": 1, "gone/unserved": 1 });
		await insertRow("backlog", { tenant_id: tenantId, minutes: 60, start_at, sampled_at: NOW, ...counts, models });
		expect((await all(key)).map(({ id }) => id)).toContain("sim/waiting");
	});

	it("shows any model that a route serves, by its name, and no other", async () => {
		for (const path of ["/v1/models/%40cf%2Fanything", "/v1/models/@cf/anything"]) {
			const found = ModelBody.parse((await get(path)).body);
			expect(found).toMatchObject({ id: "@cf/anything", owned_by: "workers-ai" });
		}
		expect((await sendTo(server, "PUT", "/v1/models/@cf/anything")).status).toBe(405);
		expect(refusalOf(await get("/v1/models/claude"))).toMatchObject({ status: 404, code: "model_not_found" });
	});
});

describe("GET /v1/stats", () => {
	const stats = async (as: string) => StatsBody.parse((await get("/v1/stats", as)).body);
	const counts = async (as: string) =>
		(await stats(as)).open.map(({ status, status_reason, jobs }) => [status, status_reason, jobs.value, jobs.or_more]);

	it("counts the tenant's own open jobs by status and reason, whatever they are parked on, and those that ended today", async () => {
		const [caller, neighbour] = [await aCaller(), await aCaller()];
		expect(await stats(caller.key)).toEqual({
			object: "stats",
			open: [],
			oldest_open_at: null,
			due_later: { value: 0, or_more: false },
			pending_deliveries: { value: 0, or_more: false },
			sampled_at: null,
			ended_today: { jobs: 0, succeeded: 0 },
			ended_24h: { succeeded: 0, failed: 0, cancelled: 0, expired: 0, or_more: false },
		});
		for (const key of ["credential:c", "model:c|m"]) await aBreaker(key, { open_until: NOW });
		for (const { tenantId } of [caller, neighbour]) {
			const keys = [
				`tenant:${tenantId}`,
				`own:${tenantId}|model:c|m`,
				`own:${tenantId}|credential:c`,
				"credential:c",
				"model:c|m",
			];
			for (const key of keys.slice(1, 3)) await aBreaker(key, { open_until: NOW });
			for (const parkedOn of keys) await aJob({ tenantId, parkedOn, statusReason: "throttled", createdAt: NOW - 5 });
			await aJob({ tenantId, status: "running", createdAt: NOW - MINUTE });
			await aJob({ tenantId });
			await aJob({ tenantId, status: "succeeded" });
			const day = Math.floor(NOW / DAY);
			for (const [days, jobs] of [
				[0, 3],
				[1, 50],
			] as const)
				await insertRow("usage_hours", {
					tenant_id: tenantId,
					hour: (day - days) * 24,
					model: "m",
					succeeded: 2,
					failed: jobs - 2,
				});
		}
		expect(await counts(caller.key)).toEqual([
			["queued", null, 1, false],
			["queued", "throttled", 5, false],
			["running", null, 1, false],
		]);
		expect(await stats(caller.key)).toMatchObject({
			oldest_open_at: new Date(NOW - MINUTE).toISOString(),
			ended_today: { jobs: 3, succeeded: 2 },
			ended_24h: { succeeded: 2, failed: 1, cancelled: 0, expired: 0 },
		});
	});

	it("counts up to a thousand, and reads no more rows where more wait", async () => {
		const caller = await aCaller();
		await parked(caller.tenantId, "sim", `tenant:${caller.tenantId}`, 1_500);
		const running = rowOf(await aJob({ tenantId: caller.tenantId, status: "running" }));
		await copyRow("jobs", running, 99, { id: `'${running.id}' || printf('%08d', n.i)` });
		expect(await counts(caller.key)).toEqual([
			["queued", null, 900, true],
			["running", null, 100, false],
		]);
		expect(await stats(caller.key)).toMatchObject({ oldest_open_at: null });
		expect((await costOf("/v1/stats", caller.key)).rowsRead).toBeLessThan(1_100);
		await env.DB.prepare(
			`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2399)
			 INSERT INTO usage_hours (tenant_id, hour, model, failed) SELECT ?1, ?2 - i / 100, printf('m%02d', i % 100), 1 FROM n`,
		)
			.bind(caller.tenantId, Math.floor(NOW / HOUR))
			.run();
		const { ended_24h, ended_today } = await stats(caller.key);
		// The last ten hours have a hundred models each, and four hours are of today.
		expect([ended_24h, ended_today]).toMatchObject([{ failed: 1_000, or_more: true }, { jobs: 400 }]);
		expect((await costOf("/v1/stats", caller.key)).rowsRead).toBeLessThan(2_200);
	});

	it("is read once in two seconds, of each tenant", async () => {
		const caller = await aCaller();
		clock.step = 0;
		await stats(caller.key);
		await aJob({ tenantId: caller.tenantId });
		expect(await counts(caller.key)).toEqual([]);
		meter.read();
		await get("/v1/stats", caller.key);
		expect(meter.read().rowsRead).toBe(0);
		clock.step = 2_000;
		expect(await counts(caller.key)).toEqual([["queued", null, 1, false]]);
	});

	it("has jobs that wait for later and pending deliveries as the last sweep counted them", async () => {
		const caller = await aCaller();
		const sample = { open_jobs: 3, parked_jobs: 0, later_jobs: 3, oldest_ms: 0, pending_deliveries: 2, is_cut: 0 };
		const row = { tenant_id: caller.tenantId, minutes: 1, sampled_at: NOW - MINUTE };
		await insertRow("backlog", { ...row, start_at: NOW - 4 * MINUTE, ...sample });
		expect(await stats(caller.key)).toMatchObject({ due_later: { value: 0 }, sampled_at: null });
		await insertRow("backlog", { ...row, start_at: NOW - MINUTE, ...sample, is_cut: 1 });
		expect(await stats(caller.key)).toMatchObject({
			due_later: { value: 3, or_more: true },
			pending_deliveries: { value: 2, or_more: true },
			sampled_at: new Date(NOW - MINUTE).toISOString(),
		});
	});

	it("counts jobs behind a breaker whatever others of the same kind observe, and says so if too many are open", async () => {
		const caller = await aCaller();
		const behind = "model:zzz|m";
		await aBreaker(behind, { open_until: NOW });
		await aJob({ tenantId: caller.tenantId, parkedOn: behind, statusReason: "throttled", createdAt: NOW - MINUTE });
		const foreign = async (count: number, from: string, permits: number | null) =>
			await env.DB.prepare(
				`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
				 INSERT INTO breakers (key, reason, open_until, permits, trips, tripped_at, observed_until)
				 SELECT 'model:' || ?2 || i, 'unavailable', 0, ?3, 0, 0, ?4 FROM n`,
			)
				.bind(count, from, permits, NOW)
				.run();
		await foreign(101, "a", null);
		expect(await counts(caller.key)).toEqual([["queued", "throttled", 1, false]]);
		expect(await stats(caller.key)).toMatchObject({ oldest_open_at: new Date(NOW - MINUTE).toISOString() });
		await foreign(300, "b", 1);
		expect(await counts(caller.key)).toEqual([["queued", null, 0, true]]);
		expect(await stats(caller.key)).toMatchObject({ oldest_open_at: null });
		expect((await costOf("/v1/stats", caller.key)).rowsRead).toBeLessThan(800);
	});
});

describe("one poll of the dashboard", () => {
	const PAGES = {
		overview: [
			"/v1/stats",
			"/v1/models",
			"/v1/webhook_endpoints?limit=100",
			"/v1/jobs?status=failed,expired&limit=10",
			"/v1/jobs?limit=1",
		],
		jobs: ["/v1/jobs?limit=100", "/v1/stats"],
	};
	it.each(Object.entries(PAGES))(
		"of the page %s reads at most 2,000 rows, however many jobs there are",
		async (_, paths) => {
			const { tenantId, key } = await aCaller();
			await env.DB.prepare("DELETE FROM breakers").run();
			await aBreaker(`own:${tenantId}|model:simulated|sim`, { open_until: NOW });
			await parked(tenantId, "sim", `own:${tenantId}|model:simulated|sim`, 3_000);
			await parked(tenantId, "sim", `tenant:${tenantId}`, 3_000);
			const failed = rowOf(await aJob({ tenantId, status: "failed" }));
			await copyRow("jobs", failed, 3_000, { id: `'${failed.id}' || printf('%08d', n.i)` });
			await get("/v1/session", key);
			meter.read();
			const since = new Date(NOW - DAY).toISOString();
			for (const path of [...paths, `/v1/backlog?bucket=hour&since=${since}`])
				expect((await get(path, key)).status).toBe(200);
			const { rowsRead } = meter.read();
			expect(rowsRead).toBeGreaterThan(1_000);
			expect(rowsRead).toBeLessThanOrEqual(2_000);
		},
	);
});
