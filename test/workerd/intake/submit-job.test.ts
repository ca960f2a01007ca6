import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { Database } from "../../../shared/db/database.ts";
import { ObjectStore } from "../../../shared/storage/object-store.ts";
import type { KeyCache } from "../../../workers/intake/auth/key-cache.ts";
import { runtime } from "../../../workers/runtime.ts";
import { reload } from "../support/a-job.ts";
import { forgetfulD1, interceptedD1, standIn, watchedD1 } from "../support/watched-d1.ts";
import { aCaller, aKey, errorOf, limit, refusalOf, send, sendTo } from "./caller.ts";
import { jobIn, jobsOf, LATER, PROMPT, submitted } from "./jobs.ts";
import { BROKEN_R2, theServices, withCountedD1 } from "./services.ts";

const { key, tenantId } = await aCaller();

const submit = (json: unknown, headers: Record<string, string> = {}) =>
	send("POST", "/v1/jobs", { key, json, headers });
const stored = async (jobId: string) => {
	const job = await reload({ tenantId, jobId });
	if (job === null) throw new Error(`${jobId} is not stored`);
	return job;
};
const DAY_MS = 86_400_000;
/** Over 32 KiB: kept in R2. */
const LARGE = { messages: [{ role: "user", content: "x".repeat(40_000) }] };

describe("POST /v1/jobs", () => {
	it("answers 202 with the job, and where to find it", async () => {
		const answer = await submit(LATER);
		const job = jobIn(answer);
		expect(answer.status).toBe(202);
		expect(answer.headers.get("location")).toBe(`/v1/jobs/${job.id}`);
		expect(answer.headers.get("retry-after")).toBe("60");
		expect(job).toMatchObject({
			id: expect.stringMatching(/^job_[0-9a-z]{26}$/),
			object: "job",
			status: "queued",
			status_reason: null,
			model: "simulated/echo",
			models: ["simulated/echo"],
			attempt: 0,
			max_attempts: 5,
			priority: 5,
			started_at: null,
			finished_at: null,
			next_attempt_at: job.run_at,
			usage: null,
			error: null,
			result_url: null,
			metadata: {},
			webhook: null,
			retry_of: null,
			cancellation: null,
			version: 1,
		});
		expect(Date.parse(job.run_at) - Date.parse(job.created_at)).toBe(3_600_000);
		expect(Date.parse(job.deadline_at) - Date.parse(job.run_at)).toBe(DAY_MS);
		expect(await stored(job.id)).toMatchObject({
			timeoutMs: 600_000,
			retainMs: 30 * DAY_MS,
			gateway: null,
			origin: "https://jobs.test",
		});
		expect(jobIn(await send("GET", `/v1/jobs/${job.id}`, { key }))).toEqual(job);
	});

	it("keeps every field that it takes", async () => {
		const fields = {
			model: ["simulated/a", "simulated/b/c"],
			webhook: { url: "https://Receiver.example.com/hook", events: ["job.failed"], payload: "thin" },
			priority: 9,
			gateway: { cache_ttl: 60, skip_cache: false },
			metadata: { team: "blue", ключ: "" },
			deadline_seconds: 604_800,
			timeout_seconds: 1.0001,
			max_attempts: 20,
			retain_seconds: 0,
		};
		const job = await submitted(key, fields);
		expect(job).toMatchObject({
			model: "simulated/a",
			models: fields.model,
			webhook: { url: "https://receiver.example.com/hook", events: ["job.failed"], payload: "thin" },
			priority: 9,
			metadata: fields.metadata,
			max_attempts: 20,
		});
		expect(await stored(job.id)).toMatchObject({
			gateway: { cacheTtlSeconds: 60, skipCache: false },
			deadlineMs: 7 * DAY_MS,
			timeoutMs: 1_000,
			retainMs: 0,
		});
	});

	it("stores the input as it came: order, numbers and unknown fields", async () => {
		const input =
			'{"zeta":{"b":[],"a":null},"temperature":0.5,"messages":[{"name":"n","role":"user","content":[{"type":"x"}]}],"alpha":1e-7}';
		const answer = await send("POST", "/v1/jobs", { key, raw: `{"delay_seconds":3600,"input":${input}}` });
		expect((await stored(jobIn(answer).id)).input).toBe(input);
		const retried = await stored((await submitted(key, { input: JSON.parse(input) })).id);
		expect([retried.input, retried.inputBytes]).toEqual([input, input.length]);
	});

	it("stores an input over 32 KiB in R2, and a smaller one in the row", async () => {
		const large = await stored((await submitted(key, { input: LARGE })).id);
		expect([large.input, large.inputBytes]).toEqual([null, JSON.stringify(LARGE).length]);
		expect(await (await env.RESULTS.get(large.inputKey ?? ""))?.text()).toBe(JSON.stringify(LARGE));
		const fitting = { messages: [], x: "" };
		fitting.x = "x".repeat(32 * 1024 - JSON.stringify(fitting).length);
		expect((await stored((await submitted(key, { input: fitting })).id)).inputKey).toBeNull();
	});

	const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, ""]));
	const ahead = (ms: number) => new Date(runtime.now() + ms).toISOString();
	const now = { delay_seconds: undefined };

	it.each(
		[
			{ model: "simulated/x" },
			{ model: ["simulated/1", "simulated/2", "simulated/3", "simulated/4"] },
			{ model: `simulated/${"x".repeat(246)}` },
			{ input: { messages: [] } },
			{ input: { ...PROMPT, max_tokens: 0.5, n: 1_000, stream: true, temperature: 2, top_p: 0 } },
			{ priority: 0 },
			{ gateway: {} },
			{ metadata: {} },
			{ metadata: pairs(16) },
			{ metadata: { ["k".repeat(64)]: "v".repeat(512), "a.$'é😀": "x" } },
			{ ...now, run_at: ahead(30 * DAY_MS - 60_000) },
			{ ...now, run_at: "2030-01-01T00:00:00+02:00", deadline_seconds: 1 },
			{ delay_seconds: 2_592_000 },
			{ delay_seconds: 3_600.0004 },
			{ deadline_seconds: 1.2345678 },
			{ timeout_seconds: 780 },
			{ timeout_seconds: 1 },
			{ max_attempts: 1 },
			{ retain_seconds: 31_536_000 },
			{ retain_seconds: 0.0001 },
			{ webhook: { url: "http://127.0.0.1:9999/hook" } },
			{ webhook: { url: "https://receiver.example.com", events: ["job.started", "job.failed"] } },
			{ webhook: { url: "https://receiver.example.com", events: ["job.*"] } },
			{ gateway: { cache_ttl: 0, skip_cache: true } },
		].filter((fields) => !("run_at" in fields) || Date.parse(String(fields.run_at)) < runtime.now() + 30 * DAY_MS),
	)("takes %j", async (fields) => {
		const answer = await submit({ ...LATER, ...fields });
		expect(answer.status, answer.text).toBe(202);
	});

	const secret = "the-prompt-that-no-log-may-show";
	it.each<[string, object, RegExp]>([
		["input", { input: undefined }, /^This field is required\.$/],
		["input", { input: null }, /object.*null/],
		["input", { input: secret }, /an object/],
		["input.messages", { input: {} }, /required/],
		["input.messages", { input: { messages: secret } }, /a list/],
		["input.messages.0", { input: { messages: [secret] } }, /an object/],
		[
			"input.messages.0.role",
			{ input: { messages: [{ role: secret, content: secret }] } },
			/"system", "developer", "user", "assistant" or "tool"/,
		],
		["input.messages.0.content", { input: { messages: [{ role: "user" }] } }, /required/],
		[
			"input.messages.1.content",
			{ input: { messages: [PROMPT.messages[0], { role: "user", content: { x: secret } }] } },
			/text, null or a list/,
		],
		["input.temperature", { input: { ...PROMPT, temperature: 2.1 } }, /at most 2/],
		["input.temperature", { input: { ...PROMPT, temperature: "1" } }, /a number/],
		["input.max_tokens", { input: { ...PROMPT, max_tokens: 0 } }, /more than 0/],
		["input.stream", { input: { ...PROMPT, stream: 1 } }, /true or false/],
		["input.stream_options.x", { input: { ...PROMPT, stream_options: { x: secret } } }, /Unknown field/],
		["prompt", { prompt: secret }, /Unknown field/],
		["status", { status: "succeeded" }, /Unknown field/],
		["model", { model: "" }, /at least 1 character/],
		["model", { model: "y".repeat(257) }, /at most 256/],
		["model", { model: "a\u0000b" }, /visible ASCII/],
		["model", { model: "a b" }, /visible ASCII/],
		["model.1", { model: ["simulated/echo", "modèle"] }, /visible ASCII/],
		["model", { model: 1 }, /text or a list/],
		["model", { model: null }, /null/],
		["model", { model: [] }, /at least 1 entry/],
		[
			"model",
			{ model: ["simulated/1", "simulated/2", "simulated/3", "simulated/4", "simulated/5"] },
			/at most 4 entries/,
		],
		["model", { model: "gpt-unknown" }, /No route serves the model "gpt-unknown"/],
		["model.1", { model: ["simulated/1", ""] }, /at least 1 character/],
		["model.1", { model: ["simulated/1", 7] }, /text/],
		["model.1", { model: ["simulated/1", "gpt-unknown"] }, /No route/],
		["model.1", { model: ["simulated/1", "simulated/1"] }, /Duplicate model/],
		["webhook", { webhook: "https://receiver.example.com" }, /an object/],
		["webhook.url", { webhook: {} }, /required/],
		["webhook.url", { webhook: { url: "http://receiver.local/" } }, /URL/],
		["webhook.url", { webhook: { url: "https://169.254.169.254/" } }, /IP address/],
		["webhook.url", { webhook: { url: "https://a:b@receiver.example.com/" } }, /password/],
		["webhook.url", { webhook: { url: "ftp://receiver.example.com/" } }, /https/],
		["webhook.secret", { webhook: { url: "https://receiver.example.com", secret } }, /Unknown field/],
		["webhook.events", { webhook: { url: "https://receiver.example.com", events: [] } }, /at least 1 entry/],
		["webhook.events.0", { webhook: { url: "https://receiver.example.com", events: ["job.done"] } }, /"job.succeeded"/],
		["webhook.events.0", { webhook: { url: "https://receiver.example.com", events: ["*"] } }, /"job\.\*"/],
		["webhook.events.1", { webhook: { url: "https://a.example.com", events: ["job.*", "endpoint.*"] } }, /"job\.\*"/],
		["webhook.events", { webhook: { url: "https://a.example.com", events: Array(7).fill("job.*") } }, /at most 6/],
		["webhook.payload", { webhook: { url: "https://receiver.example.com", payload: "all" } }, /"full" or "thin"/],
		["priority", { priority: 10 }, /at most 9/],
		["priority", { priority: -1 }, /at least 0/],
		["priority", { priority: 1.5 }, /a whole number/],
		["gateway.cache_ttl", { gateway: { cache_ttl: -1 } }, /at least 0/],
		["gateway.id", { gateway: { id: "mine" } }, /Unknown field/],
		["metadata", { metadata: pairs(17) }, /at most 16 pairs/],
		["metadata", { metadata: [] }, /an object/],
		["metadata.a", { metadata: { a: 1 } }, /text/],
		["metadata.a", { metadata: { a: "v".repeat(513) } }, /at most 512/],
		[`metadata.${"k".repeat(64)}…`, { metadata: { ["k".repeat(65)]: "v" } }, /at most 64/],
		["run_at", { ...now, run_at: "tomorrow" }, /a time such as/],
		["run_at", { ...now, run_at: "2026-02-30T00:00:00Z" }, /a time such as/],
		["run_at", { ...now, run_at: "2026-01-02T03:04:05" }, /a time such as/],
		["run_at", { ...now, run_at: 1_760_000_000 }, /text/],
		["run_at", { ...now, run_at: ahead(30 * DAY_MS + 60_000) }, /30 days/],
		["delay_seconds", { run_at: ahead(DAY_MS) }, /either/],
		["delay_seconds", { delay_seconds: -1 }, /at least 0/],
		["delay_seconds", { delay_seconds: 2_592_001 }, /at most 2592000/],
		["delay_seconds", { delay_seconds: null }, /null/],
		["deadline_seconds", { deadline_seconds: 0.99 }, /at least 1/],
		["deadline_seconds", { deadline_seconds: 604_801 }, /at most 604800/],
		["timeout_seconds", { timeout_seconds: 0 }, /at least 1/],
		["timeout_seconds", { timeout_seconds: 781 }, /at most 780/],
		["max_attempts", { max_attempts: 0 }, /at least 1/],
		["max_attempts", { max_attempts: 21 }, /at most 20/],
		["max_attempts", { max_attempts: "5" }, /a number/],
		["retain_seconds", { retain_seconds: -1 }, /at least 0/],
		["retain_seconds", { retain_seconds: 31_536_001 }, /at most 31536000/],
	])("refuses %s that breaks its rule: %j", async (param, fields, message) => {
		const answer = await submit({ ...LATER, ...fields });
		expect(answer.status, answer.text).toBe(400);
		expect(errorOf(answer)).toMatchObject({ code: "invalid_request", param, message: expect.stringMatching(message) });
		expect(answer.text).not.toContain(secret);
	});

	it("refuses what none of its models can be sent, and takes what one of them can", async () => {
		const gateway = { match: "*", provider: "workers-ai" as const };
		const modelRoutes = [
			{ match: "claude", provider: "workers-ai" as const, rename: "anthropic/claude-sonnet-5" },
			gateway,
		];
		const { server } = theServices({ config: { modelRoutes } });
		const input = { ...PROMPT, logprobs: true };
		const submitTo = (fields: object) =>
			sendTo(server, "POST", "/v1/jobs", { key, json: { ...LATER, input, ...fields } });
		for (const model of ["claude", ["anthropic/claude-opus-5", "claude"]]) {
			const answer = await submitTo({ model });
			expect(refusalOf(answer)).toMatchObject({ status: 400, code: "invalid_request", param: "input.logprobs" });
		}
		const image = [{ type: "image_url", image_url: { url: "data:image/bmp;base64,aGk=" } }];
		const shown = await submitTo({ model: "claude", input: { messages: [{ role: "user", content: image }] } });
		expect(refusalOf(shown)).toMatchObject({ param: "input.messages.0.content.0.image_url.url" });
		expect((await submitTo({ model: ["claude", "openai/gpt-5.5"] })).status).toBe(202);
		expect((await submitTo({ model: "claude", input: { ...PROMPT, logprobs: false } })).status).toBe(202);
	});

	it("refuses a webhook that points at this service itself", async () => {
		const { server } = theServices({
			config: { publicUrl: "https://holdfast.example.com", allowInsecureWebhooks: false },
		});
		const json = { ...LATER, webhook: { url: "https://holdfast.example.com/v1/jobs" } };
		const answer = await sendTo(server, "POST", "/v1/jobs", { key, json });
		expect([answer.status, errorOf(answer).param]).toEqual([400, "webhook.url"]);
	});
});

describe("Prefer: wait", () => {
	it("answers 200 with the final job when it ends in time, on POST and on GET", async () => {
		const answer = await submit({ input: PROMPT }, { prefer: "respond-async, wait=30" });
		expect([answer.status, jobIn(answer).status]).toEqual([200, "succeeded"]);
		expect(answer.headers.get("preference-applied")).toBe("wait=30");
		expect(answer.headers.get("retry-after")).toBeNull();
		expect(answer.headers.get("location")).toBe(`/v1/jobs/${jobIn(answer).id}`);

		const { id } = await submitted(key, { delay_seconds: 0, input: { ...PROMPT, simulate: { latency_ms: 300 } } });
		const waited = await send("GET", `/v1/jobs/${id}`, { key, headers: { prefer: "wait=30" } });
		expect(jobIn(waited)).toMatchObject({ id, status: "succeeded" });
	});

	it("answers 202, or the job as it is, when the time is over first", async () => {
		const answer = await submit(LATER, { prefer: "wait=1" });
		expect([answer.status, jobIn(answer).status]).toEqual([202, "queued"]);
		const waited = await send("GET", `/v1/jobs/${jobIn(answer).id}`, { key, headers: { prefer: 'Wait="0"' } });
		expect([waited.status, jobIn(waited).status, waited.headers.get("retry-after")]).toEqual([200, "queued", "60"]);
	});

	it.each(["wait", "wait=120", "wait=1.5", "return=minimal; waiting=99"])("never refuses for %s", async (prefer) => {
		const answer = await submit({ input: PROMPT }, { prefer });
		const applied = { wait: "wait=30", "wait=120": "wait=60" }[prefer] ?? null;
		expect([answer.status, answer.headers.get("preference-applied")]).toEqual([applied === null ? 202 : 200, applied]);
	});

	it("answers 202 with the job where D1 has too much to do to look at it", async () => {
		const d1 = watchedD1(env.DB, (_, asked) => {
			if (asked.some(({ name }) => name === "find job summary"))
				throw new Error("D1_ERROR: D1 DB is overloaded. Requests queued for too long.");
		});
		const { server } = theServices({ db: new Database(d1, runtime) });
		const call = { key, json: LATER, headers: { prefer: "wait=1" } };
		const answer = await sendTo(server, "POST", "/v1/jobs", call);
		expect([answer.status, jobIn(answer).status]).toEqual([202, "queued"]);
	});

	it("looks no further once the caller has gone away", async () => {
		const gone = new AbortController();
		let looks = 0;
		const db = new Database(
			watchedD1(env.DB, () => {
				if (++looks === 4) gone.abort();
			}),
			runtime,
		);
		const { server } = theServices({ db });
		const call = { key, json: LATER, headers: { prefer: "wait=60" }, signal: gone.signal };
		const answer = await sendTo(server, "POST", "/v1/jobs", call);
		expect(answer.status).toBe(202);
		expect(looks).toBeLessThanOrEqual(5);
	});
});

describe("Idempotency-Key", () => {
	const raw = JSON.stringify(LATER);
	const withKey = (idempotencyKey: string, body = raw, who = key) =>
		send("POST", "/v1/jobs", { key: who, raw: body, headers: { "idempotency-key": idempotencyKey } });

	it("makes one job of a hundred identical requests at once, and all get 202", async () => {
		const caller = await aCaller();
		const answers = await Promise.all(Array.from({ length: 100 }, () => withKey("hundred", raw, caller.key)));
		expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
		expect(new Set(answers.map((answer) => jobIn(answer).id)).size).toBe(1);
		expect(answers.filter(({ headers }) => headers.get("idempotent-replayed") === "true").length).toBe(99);
		expect((await jobsOf(caller.key)).length).toBe(1);
	});

	it("gives the same job for the same bytes, and 422 for others, be it one space or their order", async () => {
		const first = await withKey("same");
		expect(first.headers.get("idempotent-replayed")).toBeNull();
		const again = await withKey("same");
		expect(again.headers.get("idempotent-replayed")).toBe("true");
		expect([again.status, again.body, again.headers.get("location")]).toEqual([
			202,
			first.body,
			first.headers.get("location"),
		]);
		for (const other of [`${raw} `, JSON.stringify({ delay_seconds: 3_600, input: PROMPT })]) {
			expect(refusalOf(await withKey("same", other))).toMatchObject({ status: 422, code: "idempotency_key_reused" });
		}
	});

	it("is another key on another path, and another tenant's is another's", async () => {
		const { id } = await submitted(key);
		await send("POST", `/v1/jobs/${id}/cancel`, { key });
		const retry = await send("POST", `/v1/jobs/${id}/retry`, { key, raw, headers: { "idempotency-key": "path" } });
		expect(retry.status).toBe(202);
		expect((await withKey("path")).status).toBe(422);
		const other = await aCaller();
		const [mine, theirs] = [await withKey("tenant"), await withKey("tenant", raw, other.key)];
		expect(theirs.headers.get("idempotent-replayed")).toBeNull();
		expect(jobIn(theirs).id).not.toBe(jobIn(mine).id);
	});

	it("is refused where it stands twice in a request, the same or not", async () => {
		for (const second of ["once", "twice"]) {
			const headers = new Headers({ authorization: `Bearer ${key}`, "content-type": "application/json" });
			for (const one of ["once", second]) headers.append("idempotency-key", one);
			const { server } = theServices();
			const answer = await server(new Request("https://jobs.test/v1/jobs", { method: "POST", body: raw, headers }));
			expect(answer.status).toBe(400);
			expect(await answer.json()).toMatchObject({ error: { param: "idempotency-key" } });
		}
		expect((await withKey("once")).headers.get("idempotent-replayed")).toBeNull();
	});

	it("means nothing to a route that is the same once or twice anyway", async () => {
		const { id } = jobIn(await withKey("cancelled"));
		const headers = { "idempotency-key": "cancelled" };
		const cancelled = await send("POST", `/v1/jobs/${id}/cancel`, { key, headers });
		expect([cancelled.status, jobIn(cancelled).status]).toEqual([200, "cancelled"]);
		expect(jobIn(await withKey("cancelled"))).toMatchObject({ id, status: "cancelled" });
	});

	it("stays free when the request it came with was refused", async () => {
		expect((await withKey("free", "{}")).status).toBe(400);
		expect((await withKey("free")).status).toBe(202);
	});

	it("is remembered for 24 hours", async () => {
		const at = runtime.now();
		const post = async (now: number) => {
			const { server } = theServices({ db: new Database(env.DB, runtime, () => now) });
			return await sendTo(server, "POST", "/v1/jobs", { key, raw, headers: { "idempotency-key": "day" } });
		};
		const first = jobIn(await post(at));
		expect(jobIn(await post(at + DAY_MS - 1_000)).id).toBe(first.id);
		const later = await post(at + DAY_MS + 1_000);
		expect([later.status, later.headers.get("idempotent-replayed")]).toEqual([202, null]);
		expect(jobIn(later).id).not.toBe(first.id);
	});

	it.each(["' OR 1=1--", "a b", "", "x".repeat(256), "a, a"])("is refused as %.20j", async (bad) => {
		expect(refusalOf(await withKey(bad))).toMatchObject({ status: 400, param: "idempotency-key" });
	});

	it.each(["x".repeat(255), "%".repeat(255), "'OR/**/1=1--", '"quoted"'])("may be %.20s", async (good) => {
		expect((await withKey(good)).status).toBe(202);
		expect((await withKey(good)).headers.get("idempotent-replayed")).toBe("true");
	});

	it("gives the same job though no route serves its model any more", async () => {
		const { server } = theServices({ config: { modelRoutes: [] } });
		const call = { key, json: LATER, headers: { "idempotency-key": "rerouted" } };
		const first = await send("POST", "/v1/jobs", call);
		const again = await sendTo(server, "POST", "/v1/jobs", call);
		expect([again.status, again.headers.get("idempotent-replayed")]).toEqual([202, "true"]);
		expect(jobIn(again).id).toBe(jobIn(first).id);
		const other = await sendTo(server, "POST", "/v1/jobs", { ...call, json: { ...LATER, priority: 1 } });
		expect(errorOf(other).code).toBe("idempotency_key_reused");
		const fresh = await sendTo(server, "POST", "/v1/jobs", { ...call, headers: { "idempotency-key": "fresh" } });
		expect(errorOf(fresh)).toMatchObject({ code: "invalid_request", param: "model" });
	});

	it("answers job_erased, and runs nothing, once its job is erased", async () => {
		const { id } = jobIn(await withKey("erased"));
		await send("POST", `/v1/jobs/${id}/cancel`, { key });
		expect((await send("DELETE", `/v1/jobs/${id}`, { key })).status).toBe(204);
		expect(refusalOf(await withKey("erased"))).toMatchObject({ status: 409, code: "job_erased" });
	});
});

describe("X-Stainless-Retry-Count without an Idempotency-Key", () => {
	const raw = JSON.stringify({ ...LATER, metadata: { of: "retries" } });
	const counted = async (count: string, body = raw, who = key, path = "/v1/jobs", headers = {}) => {
		const all = { "x-stainless-retry-count": count, ...headers };
		const answer = await send("POST", path, { key: who, raw: body, headers: all });
		expect(answer.status, answer.text).toBe(202);
		return { id: jobIn(answer).id, isReplayed: answer.headers.get("idempotent-replayed") === "true" };
	};

	it("distinguishes a repeat, which gets the job of its first try, from a new submission of the same bytes", async () => {
		const [one, two] = [await counted("0"), await counted("0")];
		expect([one.isReplayed, two.isReplayed, one.id === two.id]).toEqual([false, false, false]);
		for (const count of ["1", "2", "10"]) expect(await counted(count)).toEqual({ id: two.id, isReplayed: true });
	});

	it("makes a job of a repeat whose first try never came, once", async () => {
		const body = `${raw} `;
		const first = await counted("1", body);
		expect(first.isReplayed).toBe(false);
		expect(await counted("2", body)).toEqual({ id: first.id, isReplayed: true });
	});

	it("is for the same API key, path and bytes alone", async () => {
		const body = `${raw}  `;
		const { id } = await counted("0", body);
		const sibling = await aKey(tenantId);
		const others = [
			await counted("1", body.replace("{", "{ ")),
			await counted("1", body, sibling.key),
			await counted("1", body, (await aCaller()).key),
		];
		await send("POST", `/v1/jobs/${id}/cancel`, { key });
		others.push(await counted("1", body, key, `/v1/jobs/${id}/retry`));
		expect(others.map(({ isReplayed }) => isReplayed)).toEqual([false, false, false, false]);
		expect(await counted("1", body)).toEqual({ id, isReplayed: true });
	});

	it("gives way to an Idempotency-Key, which no key of ours can be", async () => {
		const headers = { "idempotency-key": "with-a-count" };
		const first = await counted("0", raw, key, "/v1/jobs", headers);
		expect(await counted("0", raw, key, "/v1/jobs", headers)).toEqual({ id: first.id, isReplayed: true });
		const { results } = await env.DB.prepare("SELECT key FROM idempotency_keys WHERE tenant_id = ?1")
			.bind(tenantId)
			.all<{ key: string }>();
		const ours = results.filter(({ key }) => key.startsWith("retried "));
		expect(ours.length).toBeGreaterThan(0);
		const stolen = { "idempotency-key": ours[0]?.key ?? "" };
		expect((await send("POST", "/v1/jobs", { key, raw, headers: stolen })).status).toBe(400);
	});

	it.each(["", "x", "-1", "1.5", "1, 1", "99999"])("means nothing as %j", async (count) => {
		const ids = [await counted(count), await counted(count)];
		expect(new Set(ids.map(({ id }) => id)).size).toBe(2);
	});
});

describe("when a part of the platform fails", () => {
	/** Loses the connection before anything is written, `times` times. */
	function deafD1(times: number): D1Database {
		let left = times;
		return new Proxy(env.DB, {
			get(real, name) {
				if (name === "batch" && left-- > 0) {
					return () => Promise.reject(new Error("D1_ERROR: Network connection lost."));
				}
				const value: unknown = Reflect.get(real, name);
				return typeof value === "function" ? value.bind(real) : value;
			},
		});
	}
	/** A key that is known already costs no query, so that the fault hits the submission. */
	async function knownKeys(who: string): Promise<KeyCache> {
		const { server, services } = theServices();
		await sendTo(server, "GET", "/v1/jobs", { key: who });
		return services.keys;
	}
	const post = (
		server: ReturnType<typeof theServices>["server"],
		who: string,
		json: unknown = { ...LATER, delay_seconds: 30 },
	) => sendTo(server, "POST", "/v1/jobs", { key: who, json, headers: { "idempotency-key": "fault" } });

	it("stores nothing and asks to come again where D1 does not answer at all", async () => {
		const caller = await aCaller();
		const keys = await knownKeys(caller.key);
		const { server, background } = theServices({ keys, db: new Database(deafD1(9), runtime) });
		const answer = await post(server, caller.key);
		expect([answer.status, errorOf(answer).code]).toEqual([503, "storage_unavailable"]);
		expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
		expect([background, (await jobsOf(caller.key)).length]).toEqual([[], 0]);
		expect(await post(theServices().server, caller.key)).toMatchObject({ status: 202 });
	});

	it.each([
		["before", deafD1],
		["after", (times: number) => forgetfulD1(env.DB, times)],
	])("stores one job where D1 loses the connection %s the commit", async (_, faulty) => {
		const caller = await aCaller();
		const keys = await knownKeys(caller.key);
		const { server, background } = theServices({ keys, db: new Database(faulty(1), runtime) });
		const answer = await post(server, caller.key);
		expect([answer.status, answer.headers.get("idempotent-replayed")]).toEqual([202, null]);
		expect([background.length, (await jobsOf(caller.key)).length]).toEqual([1, 1]);
	});

	it("gives the job that was stored, under its key, where both answers were lost", async () => {
		const caller = await aCaller();
		const keys = await knownKeys(caller.key);
		const { server } = theServices({ keys, db: new Database(forgetfulD1(env.DB, 2), runtime) });
		expect((await post(server, caller.key)).status).toBe(503);
		expect((await post(theServices().server, caller.key)).headers.get("idempotent-replayed")).toBe("true");
		expect((await jobsOf(caller.key)).length).toBe(1);
	});

	it.each([
		["fails", () => Promise.reject(new Error("queue is down"))],
		["hangs", () => new Promise<never>(() => {})],
		[
			"breaks",
			() => {
				throw new Error("no such queue");
			},
		],
	])("answers 202 without delay where the queue's send %s", async (_, sendMessage) => {
		const JOB_QUEUE = new Proxy(env.JOB_QUEUE, { get: () => sendMessage });
		const { server, background } = theServices({}, { JOB_QUEUE });
		const answer = await sendTo(server, "POST", "/v1/jobs", {
			key,
			json: { input: PROMPT, run_at: new Date(runtime.now() + 30_000).toISOString() },
		});
		expect(answer.status).toBe(202);
		expect(background.length).toBe(1);
		await Promise.race([background[0], runtime.sleep(20)]);
		expect(await reload({ tenantId, jobId: jobIn(answer).id })).toMatchObject({ status: "queued" });
	});

	it("keeps no large input of a submission that makes no job, unless D1 did not say so", async () => {
		const caller = await aCaller();
		const inputs = async () => {
			const { objects } = await env.RESULTS.list({ prefix: "inputs/" });
			return objects.filter(({ key }) => key.includes(caller.tenantId)).length;
		};
		const headers = { "idempotency-key": "large" };
		const large = { key: caller.key, json: { ...LATER, input: LARGE } };
		expect((await send("POST", "/v1/jobs", { ...large, headers })).status).toBe(202);
		expect((await send("POST", "/v1/jobs", { ...large, headers })).headers.get("idempotent-replayed")).toBe("true");
		const other = { ...large, json: { ...large.json, priority: 1 }, headers };
		expect(errorOf(await send("POST", "/v1/jobs", other)).code).toBe("idempotency_key_reused");
		// The limit is reached after the look-up; where the response is lost, the job may yet be stored.
		for (const [isLost, left] of [
			[false, 1],
			[true, 2],
		] as const) {
			await limit(caller.tenantId, { open_jobs: null });
			const d1 = interceptedD1(env.DB, {
				async call([first], run) {
					if (first?.name !== "submit job") return await run();
					await limit(caller.tenantId, { open_jobs: 0 });
					if (isLost) throw new Error("D1_ERROR: Network connection lost.");
					return await run();
				},
			});
			const { server } = theServices({ db: new Database(d1, runtime) });
			expect(errorOf(await sendTo(server, "POST", "/v1/jobs", large)).code).toBe("open_jobs_limit");
			expect(await inputs()).toBe(left);
		}
	});

	it("looks its key and its limits up before it puts a large input", async () => {
		const caller = await aCaller();
		const puts: string[] = [];
		const put = (key: string, value: Uint8Array, options: R2PutOptions) => {
			puts.push(key);
			return env.RESULTS.put(key, value, options);
		};
		const { server, trips } = withCountedD1({
			keys: await knownKeys(caller.key),
			objects: new ObjectStore(standIn(env.RESULTS, { put }), runtime),
		});
		const headers = { "idempotency-key": "large" };
		const post = (more: object = {}) =>
			sendTo(server, "POST", "/v1/jobs", { key: caller.key, json: { ...LATER, input: LARGE, ...more }, headers });
		expect([(await post()).status, puts.length, trips()]).toEqual([202, 1, 2]);
		expect((await post()).headers.get("idempotent-replayed")).toBe("true");
		expect(errorOf(await post({ priority: 1 })).code).toBe("idempotency_key_reused");
		await limit(caller.tenantId, { open_jobs: 0 });
		headers["idempotency-key"] = "other";
		expect(errorOf(await post()).code).toBe("open_jobs_limit");
		expect([puts.length, trips()]).toEqual([1, 5]);
	});

	it("accepts nothing while D1 is nearly full, except one a minute that looks whether it still is", async () => {
		let bytes = 9_500_000_000;
		const d1 = watchedD1(env.DB, (results) => {
			for (const { meta } of results) meta.size_after = bytes;
		});
		const caller = await aCaller();
		let now = runtime.now();
		const { server } = theServices({ db: new Database(d1, runtime), runtime: { ...runtime, now: () => now } });
		const codes = async (times: number) => {
			const answers = [];
			for (let sent = 0; sent < times; sent++) {
				const answer = await sendTo(server, "POST", "/v1/jobs", { key: caller.key, json: LATER });
				answers.push(answer.status === 202 ? "ok" : errorOf(answer).code);
			}
			return answers;
		};
		expect(await codes(2)).toEqual(["ok", "storage_unavailable"]);
		now += 60_000;
		bytes -= 1;
		expect(await codes(2)).toEqual(["ok", "ok"]);
	});

	it("stores nothing where R2 does not take a large input", async () => {
		const caller = await aCaller();
		const { server } = theServices({}, { RESULTS: BROKEN_R2 });
		const answer = await post(server, caller.key, { ...LATER, input: LARGE });
		expect([answer.status, errorOf(answer).code]).toEqual([503, "storage_unavailable"]);
		expect(answer.headers.get("retry-after")).not.toBeNull();
		expect((await jobsOf(caller.key)).length).toBe(0);
	});

	it("does one D1 round trip between request and 202, besides the key's look-up", async () => {
		const { server, trips } = withCountedD1({ keys: await knownKeys(key) });
		expect((await sendTo(server, "POST", "/v1/jobs", { key, json: LATER })).status).toBe(202);
		expect(trips()).toBe(1);
	});
});

describe("the queue message", () => {
	it("brings a submitted job to its end, whose result is what is stored", async () => {
		const { id } = await submitted(key, { delay_seconds: 0 });
		const end = await vi.waitUntil(async () => {
			const job = jobIn(await send("GET", `/v1/jobs/${id}`, { key }));
			return job.status === "succeeded" ? job : null;
		}, 10_000);
		expect(end.result_url).toBe(`https://jobs.test/v1/jobs/${id}/result`);
	});
});
