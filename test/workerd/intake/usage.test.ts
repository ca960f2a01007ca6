import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { UsageBucketList, UsageList } from "../../../shared/api/usage.ts";
import { Database } from "../../../shared/db/database.ts";
import { runtime } from "../../../workers/runtime.ts";
import { DAY, HOUR } from "../../support/job-of.ts";
import { insertRow } from "../support/a-job.ts";
import { meteredD1 } from "../support/watched-d1.ts";
import { aCaller, refusalOf, send, sendTo } from "./caller.ts";
import { jobIn, PROMPT } from "./jobs.ts";
import { theServices } from "./services.ts";

const MODELS = ["a/one", "b/two:x & y"];
/** Noon. */
const TODAY = Date.parse("2026-03-01T12:00:00Z");
const dateAgo = (days: number) => new Date(TODAY - days * DAY).toISOString().slice(0, 10);

const modelPrices = [{ match: "a/*", input: 1, output: 2.5 }];
const { tenantId, key } = await aCaller();
const other = await aCaller();
for (const [at, days] of [0, 1, 29, 30, 400].entries()) {
	for (const model of MODELS) await use(tenantId, days, model, at + 1);
	await use(other.tenantId, days, "a/one", 1_000);
}

async function use(whose: string, daysAgo: number, model: string, tokens: number) {
	const day = Math.floor(TODAY / DAY) - daysAgo;
	const used = { prompt_tokens: tokens, completion_tokens: tokens, total_tokens: 2 * tokens };
	if (daysAgo > 1) return await insertRow("usage", { tenant_id: whose, day, model, jobs: 3, succeeded: 2, ...used });
	const row = { tenant_id: whose, model };
	await insertRow("usage_hours", { ...row, hour: day * 24, succeeded: 2, wait_0: 1, wait_2: 1, run_4: 2, ...used });
	await insertRow("usage_hours", { ...row, hour: day * 24 + 11, expired: 1 });
}

const get = (query: string) => {
	const db = new Database(env.DB, runtime, () => TODAY);
	return sendTo(theServices({ db, config: { modelPrices } }).server, "GET", `/v1/usage?${query}`, { key });
};
const page = async (query: string) => UsageList.parse((await get(query)).body);
const buckets = async (query: string) => UsageBucketList.parse((await get(query)).body);
const idsOf = async (query: string) => (await page(query)).data.map(({ id }) => id);
const ids = (...daysAgo: number[]) =>
	daysAgo.flatMap((days) => [...MODELS].reverse().map((model) => `${dateAgo(days)}:${model}`));

describe("GET /v1/usage", () => {
	it("adds up what jobs used, by day and model: the last thirty days, newest first, the tenant's own alone", async () => {
		const answer = await get("");
		expect(answer.status, answer.text).toBe(200);
		expect(answer.body).toMatchObject({ object: "list", has_more: false, first_id: ids(0)[0], last_id: ids(29)[1] });
		expect((await page("")).data.map(({ id }) => id)).toEqual(ids(0, 1, 29));
		expect((await page("")).data[0]).toEqual({
			id: `${dateAgo(0)}:b/two:x & y`,
			object: "usage",
			date: "2026-03-01",
			model: "b/two:x & y",
			jobs: 3,
			succeeded: 2,
			prompt_tokens: 1,
			completion_tokens: 1,
			total_tokens: 2,
			estimated_tokens: 0,
			cost_usd: null,
		});
		expect((await page("")).data[1]).toMatchObject({ model: "a/one", cost_usd: 0.0000035 });
	});

	it("is asked from one day to another, both included", async () => {
		expect(await idsOf(`from=${dateAgo(30)}&to=${dateAgo(1)}`)).toEqual(ids(1, 29, 30));
		expect(await idsOf(`from=${dateAgo(400)}`)).toEqual(ids(0, 1, 29, 30, 400));
		// Thirty days up to the last one.
		expect(await idsOf(`to=${dateAgo(1)}`)).toEqual(ids(1, 29, 30));
		expect(await idsOf(`to=${dateAgo(371)}`)).toEqual(ids(400));
		expect(await idsOf(`from=${dateAgo(1)}&to=${dateAgo(2)}`)).toEqual([]);
		expect(await idsOf("from=2400-01-01")).toEqual([]);
	});

	it.each(["desc", "asc"])("comes page by page, in order: %s", async (order) => {
		const all = ids(0, 1, 29, 30, 400);
		const seen: string[] = [];
		for (let after = "", more = true; more; ) {
			const next = await page(`from=2020-01-01&limit=3&order=${order}${after}`);
			seen.push(...next.data.map(({ id }) => id));
			expect([next.first_id, next.last_id]).toEqual([next.data[0]?.id, next.data.at(-1)?.id]);
			after = `&after=${encodeURIComponent(next.last_id ?? "")}`;
			more = next.has_more;
		}
		expect(seen).toEqual(order === "desc" ? all : all.toReversed());
	});

	it.each([
		["from=yesterday", "from"],
		["from=2026-02-30", "from"],
		["to=2026-01-01T00:00:00Z", "to"],
		["to=", "to"],
		["limit=0", "limit"],
		["order=up", "order"],
		["after=x", "after"],
		["after=2026-13-01:a", "after"],
		["after=2026-01-01:", "after"],
		["after=2026-01-01T00:30:00.000Z", "after"],
		["after=2026-01-01T00:00:00.000Z", "after"],
		["after=2026-01-01:m&bucket=hour", "after"],
		["after=2026-01-01T01:00:00.000Z&bucket=day", "after"],
		["limit=1001", "limit"],
		["bucket=minute", "bucket"],
		["group_by=day", "group_by"],
		["model=a", "model"],
		["from=2026-01-01&from=2026-01-02", "from"],
	])("refuses %s", async (query, param) => {
		expect(refusalOf(await get(query))).toMatchObject({ status: 400, param });
	});

	it("adds up buckets of hours, or days, of all models or each, with all states, times and costs", async () => {
		const at = (hour: number) => new Date(Math.floor(TODAY / DAY) * DAY + hour * HOUR).toISOString();
		const noJobs = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
		const hours = (await buckets(`bucket=hour&from=${dateAgo(0)}`)).data;
		expect(hours.map(({ id, expired }) => [id, expired])).toEqual([
			[at(11), 2],
			[at(0), 0],
		]);
		expect(hours[1]).toEqual({
			...{ id: at(0), object: "usage_bucket", start_at: at(0), model: null, jobs: 4, succeeded: 4, failed: 0 },
			...{ cancelled: 0, expired: 0, prompt_tokens: 2, completion_tokens: 2, total_tokens: 4, estimated_tokens: 0 },
			...{ cost_usd: 0.0000035, unpriced_tokens: 2 },
			wait: {
				p50: 0.1,
				p95: expect.closeTo(0.9, 1),
				p99: expect.closeTo(0.98, 2),
				counts: noJobs.with(0, 2).with(2, 2),
			},
			run: {
				p50: expect.closeTo(5.5, 1),
				p95: expect.closeTo(9.4, 1),
				p99: expect.closeTo(9.9, 1),
				counts: noJobs.with(4, 4),
			},
		});
		expect(hours[0]).toMatchObject({ wait: { p50: null, counts: noJobs }, cost_usd: 0, unpriced_tokens: 0 });
		const days = (await buckets(`group_by=model&order=asc&from=${dateAgo(29)}`)).data;
		expect(days.map(({ id, jobs, failed }) => [id.slice(0, 10), id.slice(25), jobs, failed])).toEqual(
			[29, 1, 0].flatMap((ago) => MODELS.map((model) => [dateAgo(ago), model, 3, ago === 29 ? null : 0])),
		);
		expect(days[0]).toMatchObject({ wait: null, run: null, succeeded: 2 });
		// Hours of the first days are not known.
		expect((await buckets(`bucket=hour&group_by=model&from=${dateAgo(400)}`)).data).toHaveLength(8);
	});

	it("reads no more rows than a page has, and shows each once, however many models and hours there are", async () => {
		const caller = await aCaller();
		const meter = meteredD1(env.DB);
		const { server } = theServices({ db: new Database(meter.d1, runtime, () => TODAY) });
		await env.DB.prepare(
			`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9599)
			 INSERT INTO usage_hours (tenant_id, hour, model, succeeded) SELECT ?1, ?2 + i / 100, printf('m%02d', i % 100), 1 FROM n`,
		)
			.bind(caller.tenantId, (Math.floor(TODAY / DAY) - 3) * 24)
			.run();
		for (const [query, rows] of [
			["order=desc", 400],
			["order=asc", 400],
			["bucket=hour", 96],
			["bucket=hour&order=asc&group_by=model", 9_600],
			["bucket=day", 4],
			["bucket=day&order=asc&limit=1", 4],
		] as const) {
			const seen: string[] = [];
			for (let after = "", more = true; more; ) {
				meter.read();
				const { body } = await sendTo(
					server,
					"GET",
					`/v1/usage?${query.includes("limit") ? "" : "limit=100&"}${query}${after}`,
					{ key: caller.key },
				);
				// A cursor within a day passes over what is before it.
				expect(meter.read().rowsRead).toBeLessThanOrEqual(query.startsWith("bucket") ? 3_610 : 3_610 + 2_400);
				const next = z.union([UsageList, UsageBucketList]).parse(body);
				expect(next.data.reduce((sum, { jobs }) => sum + jobs, 0)).toBeGreaterThan(0);
				seen.push(...next.data.map(({ id }) => id));
				after = `&after=${encodeURIComponent(next.last_id ?? "")}`;
				more = next.has_more;
			}
			expect([new Set(seen).size, seen.length]).toEqual([rows, rows]);
			expect(seen).toEqual(query.includes("asc") ? seen.toSorted() : seen.toSorted().reverse());
		}
	});

	it("knows a job as soon as it has ended", async () => {
		const caller = await aCaller();
		const json = { input: PROMPT, model: "simulated/counted" };
		const job = jobIn(await send("POST", "/v1/jobs", { key: caller.key, json, headers: { prefer: "wait=30" } }));
		const answer = await send("GET", "/v1/usage", { key: caller.key });
		const { data } = UsageList.parse(answer.body);
		const { prompt_tokens, completion_tokens, total_tokens } = job.usage ?? {};
		expect(data).toEqual([
			{
				id: `${job.finished_at?.slice(0, 10)}:simulated/counted`,
				object: "usage",
				date: job.finished_at?.slice(0, 10),
				model: "simulated/counted",
				jobs: 1,
				succeeded: 1,
				prompt_tokens,
				completion_tokens,
				total_tokens,
				estimated_tokens: 0,
				cost_usd: null,
			},
		]);
		expect(total_tokens).toBeGreaterThan(0);
	});
});
