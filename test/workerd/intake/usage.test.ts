import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { UsageList } from "../../../shared/api/usage.ts";
import { Database } from "../../../shared/db/database.ts";
import { runtime } from "../../../workers/runtime.ts";
import { DAY } from "../../support/job-of.ts";
import { meteredD1 } from "../support/watched-d1.ts";
import { aCaller, refusalOf, send, sendTo } from "./caller.ts";
import { jobIn, PROMPT } from "./jobs.ts";
import { theServices } from "./services.ts";

const MODELS = ["a/one", "b/two:x & y"];
/** Noon. */
const TODAY = Date.parse("2026-03-01T12:00:00Z");
const dateAgo = (days: number) => new Date(TODAY - days * DAY).toISOString().slice(0, 10);

const { tenantId, key } = await aCaller();
const other = await aCaller();
for (const [at, days] of [0, 1, 29, 30, 400].entries()) {
	for (const model of MODELS) await use(tenantId, days, model, at + 1);
	await use(other.tenantId, days, "a/one", 1_000);
}

async function use(whose: string, daysAgo: number, model: string, tokens: number) {
	const day = Math.floor((TODAY - daysAgo * DAY) / DAY);
	await env.DB.prepare("INSERT INTO usage VALUES (?1, ?2, ?3, 3, 2, ?4, ?4, 2 * ?4, 0)")
		.bind(whose, day, model, tokens)
		.run();
}

const get = (query: string) => {
	const db = new Database(env.DB, runtime, () => TODAY);
	return sendTo(theServices({ db }).server, "GET", `/v1/usage?${query}`, { key });
};
const page = async (query: string) => UsageList.parse((await get(query)).body);
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
		});
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
		["model=a", "model"],
		["from=2026-01-01&from=2026-01-02", "from"],
	])("refuses %s", async (query, param) => {
		expect(refusalOf(await get(query))).toMatchObject({ status: 400, param });
	});

	it("reads no more rows of D1 than it shows, whatever came before and after", async () => {
		const meter = meteredD1(env.DB);
		const { server, services } = theServices({ db: new Database(meter.d1, runtime, () => TODAY) });
		await sendTo(server, "GET", "/v1/usage", { key });
		const cost = async (query: string) => {
			meter.read();
			await sendTo(theServices({ ...services }).server, "GET", `/v1/usage?${query}`, { key });
			return meter.read().rowsRead;
		};
		expect(await cost("from=2020-01-01&limit=1")).toBeLessThanOrEqual(2);
		expect(await cost(`from=2020-01-01&limit=1&after=${encodeURIComponent(ids(30)[0] ?? "")}`)).toBeLessThanOrEqual(3);
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
			},
		]);
		expect(total_tokens).toBeGreaterThan(0);
	});
});
