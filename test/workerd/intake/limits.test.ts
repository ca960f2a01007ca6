import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Database } from "../../../shared/db/database.ts";
import { finishJobs } from "../../../shared/db/jobs/finish-jobs.ts";
import { runtime } from "../../../workers/runtime.ts";
import { finalizationOf } from "../../support/job-of.ts";
import { aJob } from "../support/a-job.ts";
import { ADMIN, aCaller, errorOf, limit, send, sendTo } from "./caller.ts";
import { jobIn, jobsOf, LATER, PROMPT, submitted } from "./jobs.ts";
import { withWatchedQueue } from "./services.ts";

const DAY_SECONDS = 86_400;
const NOW_OR_NEVER = { input: PROMPT };
const Jobs = z.array(z.object({ jobId: z.string() }));

async function limited(limits: object): Promise<{ tenantId: string; key: string }> {
	const caller = await aCaller();
	expect((await limit(caller.tenantId, limits)).status).toBe(200);
	return caller;
}

const submit = (key: string, headers: Record<string, string> = {}, json: object = LATER) =>
	send("POST", "/v1/jobs", { key, headers, json });

/** As if jobs of the tenant had ended today. */
async function spend(tenantId: string, tokens: number): Promise<void> {
	const job = await aJob({
		tenantId,
		status: "running",
		createdAt: runtime.now(),
		deadlineAt: runtime.now() + DAY_SECONDS * 1000,
	});
	const progress = { ...job, usage: { promptTokens: tokens, completionTokens: 0, totalTokens: tokens } };
	await finishJobs(new Database(env.DB, runtime), [finalizationOf(job, { progress })]);
}

/** Changes limits, and returns the jobs that this enqueues. */
async function enqueuedByChange(tenantId: string, limits: object): Promise<string[]> {
	const { server, sent } = withWatchedQueue("JOB_QUEUE");
	const changed = await sendTo(server, "PATCH", `/v1/admin/tenants/${tenantId}`, { key: ADMIN, json: { limits } });
	expect(changed.status).toBe(200);
	return Jobs.parse((await sent()).flat()).map(({ jobId }) => jobId);
}

describe("a tenant that the operator reads", () => {
	it("shows what its limits are compared with, and nothing of what it has no limit for", async () => {
		const { tenantId, key } = await limited({ open_jobs: 5, tokens_per_day: 100, stored_bytes: 10_000 });
		await Promise.all([submit(key), submit(key)]);
		const useOf = async (path: string) => Object((await send("GET", path, { key: ADMIN })).body);
		await spend(tenantId, 7);
		const use = { open_jobs: 2, tokens_today: 7, stored_bytes: expect.any(Number) };
		expect(await useOf(`/v1/admin/tenants/${tenantId}`)).toMatchObject({ use });
		expect((await useOf("/v1/admin/tenants?limit=1")).data).toMatchObject([{ id: tenantId, use }]);
		await limit(tenantId, { tokens_per_day: null, stored_bytes: null });
		const unlimited = await useOf(`/v1/admin/tenants/${tenantId}`);
		expect(unlimited.use).toEqual({ open_jobs: 2, tokens_today: null, stored_bytes: null });
	});
});

describe("open_jobs", () => {
	it("admits 5 of 30 that come at once, and says to the others when to come again", async () => {
		const { key } = await limited({ open_jobs: 5 });
		const answers = await Promise.all(
			Array.from({ length: 30 }, (_, at) => submit(key, { "idempotency-key": `k${at}` })),
		);
		expect(answers.filter(({ status }) => status === 202)).toHaveLength(5);
		const refused = answers.filter(({ status }) => status === 429);
		expect(refused).toHaveLength(25);
		for (const answer of refused) {
			expect(errorOf(answer)).toMatchObject({ type: "rate_limit_error", code: "open_jobs_limit", param: null });
			expect(Object.fromEntries(answer.headers)).toMatchObject({
				"retry-after": "10",
				"ratelimit-policy": '"open_jobs";q=5',
			});
			expect(answer.headers.has("x-should-retry")).toBe(false);
		}
		expect(await jobsOf(key)).toHaveLength(5);
	});

	it("that is set on a tenant with open jobs counts them, of 30 submissions at once, too", async () => {
		const { tenantId, key } = await aCaller();
		const [first] = await Promise.all([submitted(key), submitted(key), submitted(key)]);
		await limit(tenantId, { open_jobs: 5 });
		const answers = await Promise.all(Array.from({ length: 30 }, () => submit(key)));
		expect(answers.filter(({ status }) => status === 202)).toHaveLength(2);
		await send("POST", `/v1/jobs/${first?.id}/cancel`, { key });
		const again = await Promise.all(Array.from({ length: 3 }, () => submit(key)));
		expect(again.map(({ status }) => status).sort()).toEqual([202, 429, 429]);
	});

	it("answers the job of a key that came before, and leaves a refused key free", async () => {
		const { key } = await limited({ open_jobs: 1 });
		const [first, refused] = [
			await submit(key, { "idempotency-key": "a" }),
			await submit(key, { "idempotency-key": "b" }),
		];
		expect([first.status, refused.status]).toEqual([202, 429]);
		expect(jobIn(await submit(key, { "idempotency-key": "a" })).id).toBe(jobIn(first).id);
		await send("POST", `/v1/jobs/${jobIn(first).id}/cancel`, { key });
		expect((await submit(key, { "idempotency-key": "b" })).status).toBe(202);
	});

	it("holds for a job that is run again", async () => {
		const { tenantId, key } = await limited({ open_jobs: 0 });
		const old = await aJob({ tenantId, status: "failed", createdAt: runtime.now() });
		const again = await send("POST", `/v1/jobs/${old.jobId}/retry`, { key, json: {} });
		expect([again.status, errorOf(again).code]).toEqual([429, "open_jobs_limit"]);
	});
});

describe("stored_bytes", () => {
	it("refuses what comes once it is reached, retries too, until a job is erased", async () => {
		const { tenantId, key } = await aCaller();
		const old = await aJob({ tenantId, status: "failed", createdAt: runtime.now() });
		expect((await limit(tenantId, { stored_bytes: 10 })).body).toMatchObject({ limits: { stored_bytes: 10 } });
		const again = await send("POST", `/v1/jobs/${old.jobId}/retry`, { key, json: {} });
		const refused = await submit(key, { "idempotency-key": "a" });
		const large = { ...LATER, input: { messages: [{ role: "user", content: "x".repeat(40_000) }] } };
		for (const answer of [again, refused, await submit(key, {}, large)]) {
			expect(answer.status).toBe(429);
			expect(errorOf(answer)).toMatchObject({ type: "rate_limit_error", code: "stored_bytes_limit", param: null });
			expect(Object.fromEntries(answer.headers)).toMatchObject({
				"retry-after": "60",
				"ratelimit-policy": '"stored_bytes";q=10',
				"x-should-retry": "false",
			});
		}
		expect(await jobsOf(key)).toHaveLength(1);
		expect((await env.RESULTS.list()).objects.filter(({ key }) => key.includes(tenantId))).toEqual([]);
		await send("DELETE", `/v1/jobs/${old.jobId}`, { key });
		expect((await submit(key, { "idempotency-key": "a" })).status).toBe(202);
	});

	it("of a new tenant holds from its first job on", async () => {
		const post = async (path: string, json: object) =>
			z
				.looseObject({ id: z.string(), key: z.string().optional() })
				.parse((await send("POST", `/v1/admin/tenants${path}`, { key: ADMIN, json })).body);
		const { id } = await post("", { name: "new", limits: { stored_bytes: 10 } });
		const { key = "" } = await post(`/${id}/keys`, { name: "k" });
		expect([(await submit(key)).status, (await submit(key)).status]).toEqual([202, 429]);
	});
});

describe("tokens_per_day", () => {
	it("refuses a job over it until midnight, UTC, and asks clients not to try again", async () => {
		const { tenantId, key } = await limited({ tokens_per_day: 100 });
		expect((await submit(key)).status).toBe(202);
		await spend(tenantId, 100);
		const refused = await submit(key);
		expect([refused.status, errorOf(refused).code]).toEqual([429, "budget_spent"]);
		expect(refused.headers.get("x-should-retry")).toBe("false");
		expect(refused.headers.get("ratelimit-policy")).toBe('"tokens_per_day";q=100;w=86400');
		const untilMidnight = DAY_SECONDS - ((runtime.now() / 1000) % DAY_SECONDS);
		expect(Math.abs(Number(refused.headers.get("retry-after")) - untilMidnight)).toBeLessThan(60);
		await limit(tenantId, { tokens_per_day: 101 });
		expect((await submit(key)).status).toBe(202);
	});

	it("of 0 refuses every job", async () => {
		const { key } = await limited({ tokens_per_day: 0 });
		expect(errorOf(await submit(key)).code).toBe("budget_spent");
	});
});

describe("running_jobs", () => {
	it("that is raised lets those go at once who wait: by priority, then by age", async () => {
		const { tenantId, key } = await limited({ running_jobs: 0 });
		const jobs = [];
		for (const priority of [5, 5, 9, 0, 7]) {
			const job = jobIn(await submit(key, {}, { ...NOW_OR_NEVER, priority }));
			expect(job).toMatchObject({ status: "queued", status_reason: "running_limit", priority });
			jobs.push(job.id);
		}
		const [old, young, most, least, more] = jobs;
		expect((await enqueuedByChange(tenantId, { running_jobs: 2 })).sort()).toEqual([most, more].sort());
		expect(await enqueuedByChange(tenantId, { running_jobs: 3 })).toEqual([old]);
		expect((await enqueuedByChange(tenantId, { running_jobs: null })).sort()).toEqual([young, least].sort());
		expect(await enqueuedByChange(tenantId, { running_jobs: 9, tokens_per_day: 100 })).toEqual([]);
	});

	it("enqueues nothing when another limit changes, or a name", async () => {
		const { tenantId, key } = await limited({ running_jobs: 0 });
		await submit(key, {}, NOW_OR_NEVER);
		expect(await enqueuedByChange(tenantId, { open_jobs: 7 })).toEqual([]);
		const named = await send("PATCH", `/v1/admin/tenants/${tenantId}`, { key: ADMIN, json: { name: "other" } });
		expect(named.body).toMatchObject({ name: "other", limits: { running_jobs: 0, open_jobs: 7 } });
	});
});
