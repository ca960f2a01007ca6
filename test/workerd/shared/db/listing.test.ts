import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { smallestIdAt } from "../../../../shared/core/ids.ts";
import { JOB_STATES } from "../../../../shared/core/jobs/job-states.ts";
import { Database } from "../../../../shared/db/database.ts";
import { type JobFilter, listJobs } from "../../../../shared/db/jobs/list-jobs.ts";
import { runtime } from "../../../../workers/runtime.ts";
import { ANY_JOB, anId, HOUR, MINUTE, NOW, type StoredJob } from "../../../support/job-of.ts";
import { aJob, copyRow, db, rowOf } from "../../support/a-job.ts";
import { meteredD1 } from "../../support/watched-d1.ts";

interface Ask {
	filter?: Partial<JobFilter>;
	limit?: number;
	after?: string | null;
	order?: "asc" | "desc";
}

async function list(tenantId: string, ask: Ask = {}) {
	const { filter = {}, limit = 20, after = null, order = "desc" } = ask;
	const page = await listJobs(db, { tenantId, filter: { ...ANY_JOB, ...filter }, limit, after, order });
	return { ids: page.items.map(({ jobId }) => jobId), hasMore: page.hasMore, nextAfter: page.nextAfter };
}

/** Follows the pages to the end. */
async function listAll(tenantId: string, ask: Ask): Promise<{ ids: string[]; pages: number }> {
	const ids: string[] = [];
	let after: string | null = null;
	for (let pages = 1; ; pages++) {
		const page = await list(tenantId, { ...ask, after });
		ids.push(...page.ids);
		if (!page.hasMore) return { ids, pages };
		after = page.nextAfter;
	}
}

async function someJobs(tenantId: string, overrides: Partial<StoredJob>[]) {
	const jobs = [];
	for (const override of overrides) jobs.push(await aJob({ tenantId, ...override }));
	return jobs.map(({ jobId }) => jobId);
}

describe("listJobs", () => {
	it("lists a tenant's own jobs, newest first, or oldest first", async () => {
		const tenantId = anId("ten");
		const ids = await someJobs(tenantId, [{}, { status: "failed" }, {}]);
		await aJob({ tenantId: anId("ten") });

		expect(await list(tenantId)).toEqual({ ids: ids.toReversed(), hasMore: false, nextAfter: null });
		expect((await list(tenantId, { order: "asc" })).ids).toEqual(ids);
		expect(await list(anId("ten"))).toEqual({ ids: [], hasMore: false, nextAfter: null });
	});

	it("answers jobs without their inputs and histories", async () => {
		const tenantId = anId("ten");
		const job = await aJob({ tenantId, metadata: { team: "blue" } });
		const { parkedOn, redispatches, sweepAt, pruneAt, input, attempts, ...summary } = job;
		const page = await listJobs(db, { tenantId, filter: ANY_JOB, limit: 1, after: null, order: "desc" });
		expect(page.items).toEqual([summary]);
	});

	it.each(["asc", "desc"] as const)("goes on where the page before ended, %s", async (order) => {
		const tenantId = anId("ten");
		const ids = await someJobs(
			tenantId,
			Array.from({ length: 7 }, () => ({})),
		);
		const inOrder = order === "asc" ? ids : ids.toReversed();

		for (const limit of [1, 2, 3, 6, 7, 8]) {
			expect(await listAll(tenantId, { order, limit })).toEqual({ ids: inOrder, pages: Math.ceil(7 / limit) });
		}
		expect(await list(tenantId, { order, limit: 3 })).toMatchObject({ hasMore: true, nextAfter: inOrder[2] });
	});

	it("shows a job submitted between two pages in neither or once, and no other twice", async () => {
		const tenantId = anId("ten");
		const ids = await someJobs(tenantId, [{}, {}, {}, {}]);
		const first = await list(tenantId, { limit: 2 });
		await aJob({ tenantId });
		const second = await list(tenantId, { limit: 2, after: first.nextAfter });
		expect([...first.ids, ...second.ids]).toEqual(ids.toReversed());
	});

	it("goes on after an id that does not exist any more", async () => {
		const tenantId = anId("ten");
		const [oldest = "", gone = "", newest = ""] = await someJobs(tenantId, [{}, {}, {}]);
		await env.DB.prepare("DELETE FROM jobs WHERE tenant_id = ?1 AND id = ?2").bind(tenantId, gone).run();
		expect((await list(tenantId, { after: gone })).ids).toEqual([oldest]);
		expect((await list(tenantId, { after: gone, order: "asc" })).ids).toEqual([newest]);
	});
});

describe("a filter", () => {
	it.each(JOB_STATES)("by status shows those that are %s", async (status) => {
		const tenantId = anId("ten");
		const ids = await someJobs(
			tenantId,
			JOB_STATES.map((one) => ({ status: one })),
		);
		expect((await list(tenantId, { filter: { statuses: [status] } })).ids).toEqual([ids[JOB_STATES.indexOf(status)]]);
	});

	it("by model shows those whose model it is now", async () => {
		const tenantId = anId("ten");
		const [, second] = await someJobs(tenantId, [{}, { models: ["a/first", "b/second"], model: "b/second" }]);
		expect((await list(tenantId, { filter: { model: "b/second" } })).ids).toEqual([second]);
		expect((await list(tenantId, { filter: { model: "a/first" } })).ids).toEqual([]);
	});

	it("by time shows what was created strictly after and strictly before", async () => {
		const tenantId = anId("ten");
		const times = [NOW, NOW + 1, NOW + 2 * HOUR, NOW + 2 * HOUR + 1];
		const [at, after, before, later] = await someJobs(
			tenantId,
			times.map((createdAt) => ({ createdAt })),
		);
		const filter = { createdAfter: NOW, createdBefore: NOW + 2 * HOUR + 1 };

		expect((await list(tenantId, { filter })).ids).toEqual([before, after]);
		expect((await list(tenantId, { filter, order: "asc" })).ids).toEqual([after, before]);
		expect((await list(tenantId, { filter: { createdAfter: NOW - 1 } })).ids).toEqual([later, before, after, at]);
		expect((await list(tenantId, { filter: { createdBefore: 0 } })).ids).toEqual([]);
	});

	it("by time finds a job whose id was made by a clock some minutes off", async () => {
		const tenantId = anId("ten");
		const jobId = smallestIdAt("job", NOW - 30 * MINUTE);
		await aJob({ tenantId, jobId, createdAt: NOW });
		expect((await list(tenantId, { filter: { createdAfter: NOW - 1 } })).ids).toEqual([jobId]);
	});

	it.each([
		"team",
		"a.b",
		"$",
		"$.team",
		'say "hi"',
		"it's",
		"a[0]",
		"back\\slash",
		"ключ",
		"🔑",
		"%",
		"'; --",
		" ",
		"\n",
	])("by metadata takes the key %j as it is written", async (key) => {
		const tenantId = anId("ten");
		const [jobId] = await someJobs(tenantId, [
			{ metadata: { [key]: 'va"l.ue$' } },
			{ metadata: { [key]: "other" } },
			{ metadata: { [`${key}x`]: 'va"l.ue$' } },
			{ metadata: null },
		]);
		expect((await list(tenantId, { filter: { metadata: { [key]: 'va"l.ue$' } } })).ids).toEqual([jobId]);
	});

	it("by metadata wants every pair, and distinguishes a missing key from an empty value", async () => {
		const tenantId = anId("ten");
		const [both] = await someJobs(tenantId, [{ metadata: { a: "1", b: "" } }, { metadata: { a: "1" } }, {}]);
		expect((await list(tenantId, { filter: { metadata: { a: "1", b: "" } } })).ids).toEqual([both]);
		expect((await list(tenantId, { filter: { metadata: { a: "1" } } })).ids).toHaveLength(2);
	});

	it("combines with the others and with pages", async () => {
		const tenantId = anId("ten");
		const ids = await someJobs(
			tenantId,
			Array.from({ length: 12 }, (_, index) => ({
				status: index % 2 === 0 ? ("failed" as const) : ("queued" as const),
				metadata: { third: String(index % 3) },
			})),
		);
		const filter = { statuses: ["failed" as const], metadata: { third: "0" } };
		const wanted = ids.filter((_, index) => index % 6 === 0);
		expect((await listAll(tenantId, { filter, limit: 1, order: "asc" })).ids).toEqual(wanted);
		expect((await listAll(tenantId, { filter, limit: 2, order: "desc" })).ids).toEqual(wanted.toReversed());
	});
});

describe("filters by metadata", () => {
	const pairs = (value: string, count = 16) =>
		Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, `${value}${at}`]));

	it("look at fewer rows the more they are, parse each row once, and read whole only what the page shows", async () => {
		const tenantId = anId("ten");
		const first = rowOf(await aJob({ tenantId, metadata: pairs("v") }));
		await copyRow("jobs", first, 1_039, { id: "'job_r' || printf('%010d', n.i)" });
		const meter = meteredD1(env.DB);
		const metered = new Database(meter.d1, runtime, () => NOW);
		const look = async (metadata: Record<string, string>) => {
			meter.read();
			const query = { tenantId, filter: { ...ANY_JOB, metadata }, limit: 1, after: null, order: "desc" as const };
			const page = await listJobs(metered, query);
			return { found: page.items.length, hasMore: page.hasMore, rows: meter.read().rowsRead };
		};
		for (const filters of [1, 2, 4]) {
			const { found, hasMore, rows } = await look({ ...pairs("v", filters), [`k${filters - 1}`]: "other" });
			expect([found, hasMore]).toEqual([0, true]);
			expect(rows).toBeLessThanOrEqual((1_000 / (1 + filters)) * (16 + 3) + 20);
		}
		expect((await look({ ...pairs("v", 4) })).found).toBe(1);
	});
});

describe("a filter that few jobs pass", () => {
	it.each(["asc", "desc"] as const)(
		"gives short pages, %s, that say where to go on, and misses none",
		async (order) => {
			const tenantId = anId("ten");
			const [first = ""] = await someJobs(tenantId, [{ model: "rare" }]);
			await manyJobs(tenantId, 2_500);
			const [last = ""] = await someJobs(tenantId, [{ model: "rare", createdAt: NOW + HOUR }]);
			const ask = { filter: { model: "rare" }, order };

			const page = await list(tenantId, ask);
			const all = await listAll(tenantId, ask);

			expect(page).toMatchObject({ ids: [order === "asc" ? first : last], hasMore: true });
			expect(page.nextAfter).not.toBe(page.ids[0]);
			expect(all).toEqual({ ids: order === "asc" ? [first, last] : [last, first], pages: 3 });
		},
	);

	it("ends where the last thousand rows hold none", async () => {
		const tenantId = anId("ten");
		await manyJobs(tenantId, 1_000);
		const ask = { filter: { model: "none" } };
		const page = await list(tenantId, ask);
		expect(page).toMatchObject({ ids: [], hasMore: true });
		expect(await list(tenantId, { ...ask, after: page.nextAfter })).toEqual({
			ids: [],
			hasMore: false,
			nextAfter: null,
		});
	});
});

/** Newer than those of the factory. */
async function manyJobs(tenantId: string, count: number) {
	const id = `'${smallestIdAt("job", NOW + MINUTE).slice(0, 20)}' || printf('%010d', n.i)`;
	await copyRow("jobs", rowOf(await aJob()), count, { tenant_id: `'${tenantId}'`, id });
}
