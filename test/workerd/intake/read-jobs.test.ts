import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { type JobBody, JobList } from "../../../shared/api/job.ts";
import { signedResultUrl } from "../../../shared/crypto/result-link.ts";
import { Database } from "../../../shared/db/database.ts";
import { resultKey } from "../../../shared/storage/keys.ts";
import { runtime } from "../../../workers/runtime.ts";
import { anId, DAY, HOUR, MINUTE, NOW } from "../../support/job-of.ts";
import { aDelivery, aJob, copyRow, rowOf } from "../support/a-job.ts";
import { meteredD1, standIn, watchedD1 } from "../support/watched-d1.ts";
import { aCaller, errorOf, refusalOf, send, sendTo } from "./caller.ts";
import { aSucceededJob, COMPLETION, jobIn, jobsOf, submitted } from "./jobs.ts";
import { BROKEN_R2, theServices } from "./services.ts";

const { key, tenantId } = await aCaller();
const { key: otherKey } = await aCaller();

const get = (path: string, headers: Record<string, string> = {}, who = key) => send("GET", path, { key: who, headers });
const UNKNOWN = "job_01jq0000000000000000000000";

describe("a result", () => {
	it.each(["/result", "?include=result"])("that is erased while it is read is not found: %s", async (path) => {
		const job = await aSucceededJob(tenantId);
		const get = async () => {
			await env.DB.prepare("DELETE FROM jobs WHERE id = ?1").bind(job.jobId).run();
			return null;
		};
		const { server } = theServices({}, { RESULTS: standIn(env.RESULTS, { get }) });
		const answer = await sendTo(server, "GET", `/v1/jobs/${job.jobId}${path}`, { key });
		expect([answer.status, errorOf(answer).code]).toEqual([404, "not_found"]);
	});
});

describe("stored JSON in a response", () => {
	/** The API with R2 whose streams never end, what was opened there, and what was cancelled. */
	const withEndlessR2 = (missing: string | null = null) => {
		const opened: string[] = [];
		const cancelled: string[] = [];
		const get = async (name: string) => {
			opened.push(name);
			const pull = (controller: ReadableStreamDefaultController) => controller.enqueue(new Uint8Array(10));
			const cancel = () => void cancelled.push(name);
			return name === missing ? null : { body: new ReadableStream({ pull, cancel }, { highWaterMark: 0 }) };
		};
		const { server } = theServices({}, { RESULTS: standIn(env.RESULTS, { get }) });
		const request = (path: string, method: string, who: string) =>
			server(new Request(`https://jobs.test/v1/jobs${path}`, { method, headers: { authorization: `Bearer ${who}` } }));
		return { request, opened, cancelled };
	};
	/** Leaves once `chunks` arrived. */
	const readSome = async ({ body }: Response, chunks: number) => {
		const reader = body?.getReader();
		for (let nth = 0; nth < chunks; nth++) await reader?.read();
		await reader?.cancel();
	};
	const stored = { tenantId, status: "succeeded", inputKey: "inputs/one", resultBytes: 100 } as const;

	it.each([1, 4])("is cancelled when its reader leaves after %d chunks", async (chunks) => {
		const job = await aJob(stored);
		const { request, cancelled } = withEndlessR2();
		await readSome(await request(`/${job.jobId}?include=input,result`, "GET", key), chunks);
		expect(cancelled.sort()).toEqual(["inputs/one", resultKey(job)].sort());
	});

	it("is cancelled if the other part cannot be opened, and not opened for HEAD", async () => {
		const job = await aJob(stored);
		const { request, opened, cancelled } = withEndlessR2(resultKey(job));
		const path = `/${job.jobId}?include=input,result`;
		expect((await request(path, "HEAD", key)).status).toBe(200);
		expect(opened).toEqual([]);
		expect((await request(path, "GET", key)).status).toBe(503);
		expect(cancelled).toEqual(["inputs/one"]);
	});

	it("is cancelled if what stands before it cannot be read, and the response breaks off", async () => {
		const job = await aJob(stored);
		const cancelled: string[] = [];
		const get = async (name: string) => {
			const pull = (controller: ReadableStreamDefaultController) => controller.error(new Error("lost"));
			return {
				body: new ReadableStream(name === stored.inputKey ? { pull } : { cancel: () => void cancelled.push(name) }),
			};
		};
		const { server } = theServices({}, { RESULTS: standIn(env.RESULTS, { get }) });
		const request = new Request(`https://jobs.test/v1/jobs/${job.jobId}?include=input,result`, {
			headers: { authorization: `Bearer ${key}` },
		});
		await expect((await server(request)).text()).rejects.toThrow("lost");
		expect(cancelled).toEqual([resultKey(job)]);
	});

	it("is opened in a list when its turn comes", async () => {
		const many = await aCaller();
		for (let nth = 0; nth < 3; nth++) await aJob({ ...stored, tenantId: many.tenantId });
		const { request, opened, cancelled } = withEndlessR2();
		await readSome(await request("?include=result", "GET", many.key), 20);
		expect([opened.length, cancelled.length]).toEqual([1, 1]);
	});
});

describe("GET /v1/jobs/{id}", () => {
	it("carries the version as its ETag, and answers 304 to who has it", async () => {
		const { id } = await submitted(key);
		const first = await get(`/v1/jobs/${id}`);
		expect(first.headers.get("etag")).toBe('"1"');
		for (const known of ['"1"', 'W/"1"', '"0", "1"', "*"]) {
			const answer = await get(`/v1/jobs/${id}`, { "if-none-match": known });
			expect([answer.status, answer.text, answer.headers.get("etag")]).toEqual([304, "", '"1"']);
		}
		for (const other of ['"2"', "1", '"11"', ""]) {
			expect((await get(`/v1/jobs/${id}`, { "if-none-match": other })).status).toBe(200);
		}
		await send("POST", `/v1/jobs/${id}/cancel`, { key });
		const after = await get(`/v1/jobs/${id}`, { "if-none-match": '"1"' });
		expect([after.status, after.headers.get("etag")]).toEqual([200, '"2"']);
	});

	it("says when to ask again, until the job is final", async () => {
		const now = runtime.now();
		const retryAfter = async (job: Parameters<typeof aJob>[0]) => {
			const { jobId } = await aJob({ tenantId, ...job });
			return (await get(`/v1/jobs/${jobId}`)).headers.get("retry-after");
		};
		// Queued rows of these tests are due far in the future, so that no consumer runs them.
		expect(await retryAfter({ status: "queued", createdAt: now, runAt: now + HOUR })).toBe("60");
		expect(await retryAfter({ status: "running", createdAt: now })).toBe("1");
		expect(await retryAfter({ status: "running", createdAt: now - 5 * MINUTE })).toBe("31");
		expect(await retryAfter({ status: "running", createdAt: now - DAY })).toBe("60");
		for (const status of ["failed", "cancelled", "expired"] as const) expect(await retryAfter({ status })).toBeNull();
	});

	it("shows what went wrong", async () => {
		const { jobId } = await aJob({
			tenantId,
			status: "failed",
			usage: { promptTokens: 1, completionTokens: 2, totalTokens: 3 },
		});
		expect(jobIn(await get(`/v1/jobs/${jobId}`))).toMatchObject({
			status: "failed",
			status_reason: "permanent",
			error: { code: "server_error", status: 500, model: null },
			usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
			result_url: null,
		});
	});

	it("inlines what it is asked to include", async () => {
		const { id } = jobIn(
			await send("POST", "/v1/jobs", { key, json: { input: { messages: [] } }, headers: { prefer: "wait=30" } }),
		);
		await aDelivery({ tenantId, jobId: id });
		const result = await get(`/v1/jobs/${id}/result`);
		const all = await get(`/v1/jobs/${id}?include=result,attempts,deliveries`);
		expect(all.body).toMatchObject({
			id,
			result: result.body,
			attempts: [{ number: 1, counted: true, provider: "simulated", outcome: "succeeded" }],
			deliveries: [{ object: "delivery", event_type: "job.succeeded", endpoint_id: null }],
		});
		expect(all.headers.get("etag")).toBeNull();
		const one = await get(`/v1/jobs/${id}?include=attempts`);
		expect(one.body).not.toHaveProperty("result");
		expect(await get(`/v1/jobs/${(await submitted(key)).id}?include=result,attempts`)).toMatchObject({
			body: { result: null, attempts: [] },
		});
		expect((await get(`/v1/jobs/${id}?include=result,attempts,deliveries`, {}, otherKey)).status).toBe(404);
	});

	it.each([
		"include=",
		"include=prompt",
		"include=result,,attempts",
		"include=result&include=attempts",
		"Include=result",
	])("refuses ?%s", async (query) => {
		expect((await get(`/v1/jobs/${UNKNOWN}?${query}`)).status).toBe(400);
	});
});

describe("Prefer: wait with If-None-Match", () => {
	/** Each sleep takes no time: `onSleep` is called with the seconds that have passed so far. */
	const waiting = async (onSleep: (seconds: number) => Promise<unknown>, path: string, headers = {}) => {
		let passed = 0;
		const sleep = async (ms: number) => {
			passed += ms;
			await onSleep(passed / 1_000);
		};
		let looks = 0;
		const db = new Database(
			watchedD1(env.DB, (_, asked) => {
				looks += asked.filter(({ name }) => name === "find job summary").length;
			}),
			runtime,
		);
		const { server } = theServices({ db, runtime: { ...runtime, now: () => NOW + passed, sleep } });
		const known = { prefer: "wait=30", "if-none-match": '"1"', ...headers };
		const answer = await sendTo(server, "GET", path, { key, headers: known });
		return { answer, seconds: passed / 1_000, looks };
	};
	const started = (id: string) => env.DB.prepare("UPDATE jobs SET version = 2 WHERE id = ?1").bind(id).run();
	const nothing = async () => undefined;

	it.each(["", "?include=attempts", "?include=input"])("responds when the version changes: %s", async (query) => {
		const { id } = await submitted(key);
		const onSleep = async (seconds: number) => (seconds >= 5 ? started(id) : null);
		const { answer, seconds } = await waiting(onSleep, `/v1/jobs/${id}${query}`);
		expect(answer).toMatchObject({ status: 200, body: { status: "queued", version: 2 } });
		expect(seconds).toBeLessThan(8);
		expect(answer.headers.get("preference-applied")).toBe("wait=30");
	});

	it("is 304 when nothing has changed, after 25 looks at most, and waits for the end without a version", async () => {
		const { id } = await submitted(key);
		const same = await waiting(nothing, `/v1/jobs/${id}`);
		expect([same.answer.status, same.answer.headers.get("etag"), same.seconds]).toEqual([304, '"1"', 30]);
		expect(same.looks).toBeLessThanOrEqual(25);
		const final = await waiting(() => started(id), `/v1/jobs/${id}`, { "if-none-match": "" });
		expect([final.answer.status, final.seconds]).toEqual([200, 0]);
	});

	it("responds at once to an old version, and about a final job", async () => {
		const { id } = await submitted(key);
		const old = await waiting(nothing, `/v1/jobs/${id}`, { "if-none-match": '"0"' });
		expect([old.answer.status, old.seconds, old.looks]).toEqual([200, 0, 1]);
		const { jobId } = await aSucceededJob(tenantId);
		const final = await waiting(nothing, `/v1/jobs/${jobId}`);
		expect([final.answer.status, final.seconds]).toEqual([304, 0]);
	});
});

describe("GET /v1/jobs/{id}/input", () => {
	const small = '{ "messages": [{"role": "user", "content": "\\u00e9 1.0"}], "n": 1e2 }';
	const large = small.replace("1.0", "x".repeat(40_000));
	const stored = async (input: string) =>
		jobIn(await send("POST", "/v1/jobs", { key, raw: `{"input":${input},"delay_seconds":3600}` }));

	it.each([
		["a small one", small],
		["one in R2", large],
	])("gives what was submitted, byte for byte, and parts of it: %s", async (_, input) => {
		const { id, input_bytes } = await stored(input);
		const whole = await get(`/v1/jobs/${id}/input`);
		expect([whole.status, whole.text, input_bytes]).toEqual([200, input, input.length]);
		expect(Object.fromEntries(whole.headers)).toMatchObject({
			"content-length": String(input.length),
			"content-disposition": `attachment; filename="${id}.input.json"`,
			etag: `"${id}"`,
		});
		const part = await get(`/v1/jobs/${id}/input`, { range: "bytes=2-9" });
		expect([part.status, part.text]).toEqual([206, input.slice(2, 10)]);
		expect(part.headers.get("content-range")).toBe(`bytes 2-9/${input.length}`);
		expect((await get(`/v1/jobs/${id}/input`, { "if-none-match": `"${id}"` })).status).toBe(304);
		expect((await get(`/v1/jobs/${id}/input`, { range: `bytes=${input.length}-` })).status).toBe(416);
		const job = await get(`/v1/jobs/${id}?include=input,result`);
		expect(job.body).toMatchObject({ id, input: JSON.parse(input), result: null });
		expect(job.text).toContain(`"input":${input},"result":null}`);
	});

	it("reads of D1 what a poll reads, and R2 once at most", async () => {
		const { id } = await stored(large);
		let gets = 0;
		const get = async (...args: Parameters<R2Bucket["get"]>) => {
			gets += 1;
			return await env.RESULTS.get(...args);
		};
		const meter = meteredD1(env.DB);
		const { server } = theServices({ db: new Database(meter.d1, runtime) }, { RESULTS: standIn(env.RESULTS, { get }) });
		const costOf = async (path: string) => {
			meter.read();
			expect((await sendTo(server, "GET", path, { key })).status).toBe(200);
			const { statements, rowsRead } = meter.read();
			return [statements.length, rowsRead];
		};
		await costOf(`/v1/jobs/${id}`);
		const poll = await costOf(`/v1/jobs/${id}`);
		for (const path of [`/v1/jobs/${id}/input`, `/v1/jobs/${id}?include=input`]) {
			gets = 0;
			expect([await costOf(path), gets]).toEqual([poll, 1]);
		}
	});

	it("is 503 where the input cannot be read, and 404 where it was erased meanwhile", async () => {
		const { id } = await stored(large);
		const erase = async () => {
			await env.DB.prepare("DELETE FROM jobs WHERE id = ?1").bind(id).run();
			return null;
		};
		for (const path of [`/v1/jobs/${id}/input`, `/v1/jobs/${id}?include=input`]) {
			const { server } = theServices({}, { RESULTS: BROKEN_R2 });
			expect(errorOf(await sendTo(server, "GET", path, { key })).code).toBe("storage_unavailable");
		}
		const { server } = theServices({}, { RESULTS: standIn(env.RESULTS, { get: erase }) });
		expect((await sendTo(server, "GET", `/v1/jobs/${id}/input`, { key })).status).toBe(404);
	});
});

describe("GET /v1/jobs/{id}/attempts and /deliveries", () => {
	it("list them in order, each with what is known of it", async () => {
		const { jobId } = await aSucceededJob(tenantId);
		await aDelivery(
			{ tenantId, jobId },
			{ attemptsMade: 1, attempts: [{ at: NOW, durationMs: 5, status: 500, error: "HTTP 500", response: "no" }] },
		);
		expect((await get(`/v1/jobs/${jobId}/deliveries`)).body).toMatchObject({
			object: "list",
			has_more: false,
			data: [
				{
					status: "pending",
					attempts: [{ duration_ms: 5, status: 500, error: "HTTP 500", response: "no" }],
				},
			],
		});
		expect((await get(`/v1/jobs/${jobId}/attempts`)).body).toEqual({
			object: "list",
			data: [],
			has_more: false,
			first_id: null,
			last_id: null,
		});
	});
});

describe("GET /v1/jobs/{id}/result", async () => {
	const size = COMPLETION.length;
	const { jobId } = await aSucceededJob(tenantId);
	const path = `/v1/jobs/${jobId}/result`;
	const etag = (await get(path)).headers.get("etag") ?? "";

	it("gives the stored bytes, to be saved and not shown", async () => {
		const answer = await get(path);
		expect([answer.status, answer.text]).toEqual([200, COMPLETION]);
		expect(Object.fromEntries(answer.headers)).toMatchObject({
			"content-type": "application/json",
			"content-length": String(size),
			"content-disposition": expect.stringMatching(/^attachment; filename="job_[0-9a-z]+\.json"$/),
			"accept-ranges": "bytes",
			etag: expect.stringMatching(/^"[^"]+"$/),
		});
	});

	it.each([
		["bytes=0-0", 0, 1],
		["bytes=5-9", 5, 10],
		["bytes=40-", 40, size],
		["bytes=-7", size - 7, size],
		["bytes=-9999", 0, size],
		["bytes=10-9999", 10, size],
	])("gives the part that Range: %s asks for", async (range, from, to) => {
		const answer = await get(path, { range });
		expect([answer.status, answer.text]).toEqual([206, COMPLETION.slice(from, to)]);
		expect(answer.headers.get("content-range")).toBe(`bytes ${from}-${to - 1}/${size}`);
		expect(answer.headers.get("content-length")).toBe(String(to - from));
		expect(answer.headers.get("etag")).toBe(etag);
	});

	it.each([`bytes=${size}-`, "bytes=9999-10000", "bytes=-0"])(
		"answers 416 with the size to Range: %s",
		async (range) => {
			const answer = await get(path, { range });
			expect([answer.status, errorOf(answer).code]).toEqual([416, "range_not_satisfiable"]);
			expect(answer.headers.get("content-range")).toBe(`bytes */${size}`);
		},
	);

	it.each(["bytes=0-1,4-5", "bytes=5-1", "lines=1-2", "bytes=x"])(
		"gives the whole where Range: %s means nothing to it",
		async (range) => {
			const answer = await get(path, { range });
			expect([answer.status, answer.text, answer.headers.get("content-range")]).toEqual([200, COMPLETION, null]);
		},
	);

	it("gives a part only of the version that If-Range names, and no part on HEAD", async () => {
		expect((await get(path, { range: "bytes=0-0", "if-range": etag })).status).toBe(206);
		for (const other of ['"other"', `W/${etag}`, "Sat, 29 Oct 1994 19:43:31 GMT"]) {
			expect((await get(path, { range: "bytes=0-0", "if-range": other })).status).toBe(200);
		}
		const head = await send("HEAD", path, { key, headers: { range: "bytes=0-0" } });
		expect([head.status, head.headers.get("content-length")]).toEqual([200, String(size)]);
	});

	it("answers 304 to who has it, before any range", async () => {
		for (const known of [etag, `W/${etag}`, "*", `"x", ${etag}`]) {
			const answer = await get(path, { "if-none-match": known, range: "bytes=0-0" });
			expect([answer.status, answer.text, answer.headers.get("etag")]).toEqual([304, "", etag]);
		}
		for (const other of ['"x"', "garbage", ""]) expect((await get(path, { "if-none-match": other })).status).toBe(200);
		expect((await get(path, { "if-match": '"x"', "if-modified-since": new Date().toUTCString() })).status).toBe(200);
	});

	it("answers not_final before the end, and no_result after another end", async () => {
		const { id } = await submitted(key);
		expect(errorOf(await get(`/v1/jobs/${id}/result`)).code).toBe("not_final");
		const running = await aJob({ tenantId, status: "running", createdAt: runtime.now() });
		expect(errorOf(await get(`/v1/jobs/${running.jobId}/result`)).code).toBe("not_final");
		for (const status of ["failed", "cancelled", "expired"] as const) {
			const { jobId } = await aJob({ tenantId, status });
			expect(refusalOf(await get(`/v1/jobs/${jobId}/result`))).toMatchObject({ status: 409, code: "no_result" });
		}
	});

	it("never answers empty: a result that is missing or cannot be read is 503", async () => {
		const job = await aSucceededJob(tenantId);
		await env.RESULTS.delete(resultKey(job));
		const { server } = theServices({}, { RESULTS: BROKEN_R2 });
		for (const answer of [
			await get(`/v1/jobs/${job.jobId}/result`),
			await get(`/v1/jobs/${job.jobId}?include=result`),
			await sendTo(server, "GET", path, { key }),
		]) {
			expect([answer.status, errorOf(answer).code]).toEqual([503, "storage_unavailable"]);
			expect(answer.headers.get("retry-after")).not.toBeNull();
		}
	});

	describe("by a signed link", () => {
		const link = async (
			job: { tenantId: string; jobId: string },
			expiresAt = runtime.now() + HOUR,
			signingKey = env.SIGNING_KEY,
		) => (await signedResultUrl(runtime, signingKey, "", job, expiresAt)).replace("https://jobs.test", "");

		it("needs no key, and gives parts as well", async () => {
			const job = await aSucceededJob(tenantId);
			const answer = await send("GET", await link(job));
			expect([answer.status, answer.text]).toEqual([200, COMPLETION]);
			expect((await send("GET", await link(job), { headers: { range: "bytes=0-0" } })).status).toBe(206);
			expect((await send("GET", await link(job), { key: "no key at all" })).status).toBe(200);
		});

		it("opens nothing once it is over, changed, of another job, or signed by another key", async () => {
			const [job, other] = [await aSucceededJob(tenantId), await aSucceededJob(tenantId)];
			const good = await link(job);
			const bad = [
				await link(job, runtime.now() - 1_000),
				good.replace(/expires=\d+/, "expires=9999999999"),
				good.replace(/expires=\d+&/, ""),
				good.replace(/.$/, (last) => (last === "0" ? "1" : "0")),
				good.replace(job.jobId, other.jobId),
				good.replace(tenantId, anId("ten")),
				good.replace(/signature=.*/, "signature="),
				good.replace(/signature=.*/, "signature=a.b.c"),
				await link(job, runtime.now() + HOUR, "another-signing-key-another-signing-key"),
			];
			for (const path of bad) expect((await send("GET", path)).status, path).toBe(401);
		});

		it("may be read as often as a tenant may send requests, but does not use up the tenant's own", async () => {
			const job = await aSucceededJob(tenantId);
			const TENANT_RATE: RateLimit = { limit: async ({ key }) => ({ success: key === tenantId }) };
			const { server } = theServices({}, { TENANT_RATE });
			const statuses: number[] = [];
			const path = await link(job);
			for (let read = 0; read < 5; read++) statuses.push((await sendTo(server, "HEAD", path)).status);
			expect(statuses).toEqual([200, 200, 200, 200, 429]);
			for (let page = 0; page < 5; page++) {
				expect((await sendTo(server, "GET", "/v1/jobs?limit=1", { key })).status).toBe(200);
			}
		});

		it("outlives a rotation of SIGNING_KEY unless the old key leaked, and does not outlive the job", async () => {
			const job = await aSucceededJob(tenantId);
			const rotated = { signingKeys: ["a-new-signing-key-a-new-signing-key", env.SIGNING_KEY] };
			expect((await sendTo(theServices({ config: rotated }).server, "GET", await link(job))).status).toBe(200);
			const leaked = { ...rotated, acceptsPreviousLinks: false };
			const { server } = theServices({ config: leaked });
			expect((await sendTo(server, "GET", await link(job))).status).toBe(401);
			const renewed = await link(job, runtime.now() + HOUR, leaked.signingKeys[0]);
			expect((await sendTo(server, "GET", renewed)).status).toBe(200);
			await send("DELETE", `/v1/jobs/${job.jobId}`, { key });
			expect((await send("GET", await link(job))).status).toBe(404);
		});
	});
});

describe("GET /v1/jobs", async () => {
	const { key: lister, tenantId: own } = await aCaller();
	const ids: string[] = [];
	for (let hour = 0; hour < 5; hour++) {
		const { jobId } = await aJob({
			tenantId: own,
			createdAt: NOW + hour * HOUR,
			status: hour % 2 === 0 ? "failed" : "cancelled",
			models: [`simulated/${hour}`],
			...(hour === 3 ? { retryOf: ids[1] ?? null } : {}),
			...(hour === 4 ? { statusReason: "poisoned" as const } : {}),
			finishedAt: NOW + hour * HOUR + MINUTE,
			metadata: { hour: String(hour), team: "blue", 'a."]': "odd" },
		});
		ids.push(jobId);
	}
	const at = (hour: number) => new Date(NOW + hour * HOUR).toISOString();
	const page = async (query: string) => JobList.parse((await get(`/v1/jobs?${query}`, {}, lister)).body);
	const found = async (query: string) => (await page(query)).data.map(({ id }) => ids.indexOf(id));

	it("lists newest first, in pages without gap or repetition, in either order", async () => {
		expect(await found("")).toEqual([4, 3, 2, 1, 0]);
		expect(await found("order=asc")).toEqual([0, 1, 2, 3, 4]);
		for (const [order, expected] of [
			["desc", [4, 3, 2, 1, 0]],
			["asc", [0, 1, 2, 3, 4]],
		] as const) {
			const seen: number[] = [];
			for (let after = ""; ; ) {
				const { data, has_more, first_id, last_id, next_after } = await page(`limit=2&order=${order}${after}`);
				seen.push(...data.map(({ id }) => ids.indexOf(id)));
				expect([first_id, last_id]).toEqual([data[0]?.id, data.at(-1)?.id]);
				expect(next_after).toBe(has_more ? last_id : null);
				if (!has_more) break;
				after = `&after=${next_after}`;
			}
			expect(seen).toEqual(expected);
		}
	});

	it.each([
		["status=failed", [4, 2, 0]],
		["status=succeeded", []],
		["status=failed,cancelled,queued", [4, 3, 2, 1, 0]],
		["status=queued,running", []],
		["status_reason=poisoned", [4]],
		["status_reason=poisoned&status=cancelled", []],
		[`retry_of=${ids[1]}`, [3]],
		[`retry_of=${ids[1]}&order=asc`, [3]],
		[`retry_of=${ids[3]}`, []],
		[`finished_after=${at(3)}`, [4, 3]],
		[`finished_before=${at(2)}`, [1, 0]],
		[`finished_after=${at(1)}&finished_before=${at(3)}`, [2, 1]],
		["model=simulated/3", [3]],
		["created_after=2026-01-02T04:04:05.678Z", [4, 3, 2]],
		["created_before=2026-01-02T06:04:05.678%2B02:00", [0]],
		["metadata[hour]=2", [2]],
		["metadata%5Bteam%5D=blue&metadata[hour]=3", [3]],
		["metadata[team]=green", []],
		["metadata[hour]=", []],
		['metadata[a."]]=odd&limit=1', [4]],
		["status=cancelled&order=asc&limit=1", [1]],
		[`created_after=${at(4)}&created_before=${at(0)}`, []],
		[`created_after=${at(0)}&created_before=${at(3)}&status=failed`, [2]],
	])("finds by %s", async (query, expected) => {
		expect(await found(query)).toEqual(expected);
	});

	it("shows nothing of another tenant, not by its id as `after` either", async () => {
		expect(await jobsOf(otherKey, `after=${ids[4]}&order=asc`)).toEqual([]);
		const foreign = await submitted(otherKey);
		expect((await jobsOf(lister)).map(({ id }: JobBody) => id)).not.toContain(foreign.id);
	});

	it("includes results, of at most 1 MiB each and 4 MiB together", async () => {
		const many = await aCaller();
		const resultOf = (content: string) => COMPLETION.replace("Rayleigh.", content);
		const page = async (query: string) => await get(`/v1/jobs?${query}`, {}, many.key);
		const results = async (query: string) => JobList.parse((await page(query)).body).data.map((job) => job.result);
		await aJob({ tenantId: many.tenantId, status: "failed" });
		await aSucceededJob(many.tenantId, resultOf("first"));
		expect(await results("include=result")).toEqual([JSON.parse(resultOf("first")), null]);
		expect((await page("limit=20")).body).not.toHaveProperty("data.0.result");
		await aSucceededJob(many.tenantId, resultOf("x".repeat(1024 * 1024)));
		for (let nth = 0; nth < 5; nth++) await aSucceededJob(many.tenantId, resultOf("y".repeat(900_000)));
		const included = (await results("include=result")).map(
			(result) => result?.choices[0]?.message.content?.at(0) ?? null,
		);
		expect(included).toEqual(["y", "y", "y", "y", null, null, "f", null]);
		const { server } = theServices({}, { RESULTS: BROKEN_R2 });
		expect((await sendTo(server, "GET", "/v1/jobs?include=result", { key: many.key })).status).toBe(503);
	});

	it("looks at 1,000 / (1 + metadata filters) jobs a page at most, and says where to go on", async () => {
		const many = await aCaller();
		const first = await aJob({ tenantId: many.tenantId, status: "failed", metadata: { rare: "yes" } });
		const later = rowOf(await aJob({ tenantId: many.tenantId, status: "failed" }));
		await copyRow("jobs", later, 700, { id: "substr(jobs.id, 1, 20) || printf('1%09d', n.i)" });
		const query = "metadata[rare]=yes&limit=100";
		const short = JobList.parse((await get(`/v1/jobs?${query}`, {}, many.key)).body);
		expect(short).toMatchObject({ data: [], has_more: true, next_after: expect.any(String) });
		const rest = JobList.parse((await get(`/v1/jobs?${query}&after=${short.next_after}`, {}, many.key)).body);
		expect([rest.data.map(({ id }) => id), rest.has_more]).toEqual([[first.jobId], false]);
	});

	it.each([
		["limit=0", "limit"],
		["limit=-1", "limit"],
		["limit=101", "limit"],
		["limit=1e1", "limit"],
		["limit=0x10", "limit"],
		["limit=1.0", "limit"],
		["limit=%D9%A3", "limit"],
		["limit=", "limit"],
		["after=garbage", "after"],
		["after=", "after"],
		["order=id;drop%20table", "order"],
		["status=done", "status"],
		["status=failed,", "status"],
		["status=", "status"],
		["retry_of=x", "retry_of"],
		["finished_after=now", "finished_after"],
		["include=attempts", "include"],
		["include=result&limit=21", "limit"],
		["created_after=yesterday", "created_after"],
		["created_before=1760000000", "created_before"],
		["metadata=x", "metadata"],
		["metadata[]=x", "metadata[]"],
		[["a", "b", "c", "d", "e"].map((key) => `metadata[${key}]=x`).join("&"), "metadata[e]"],
		["tenant_id=x", "tenant_id"],
		["cursor=x", "cursor"],
	])("refuses ?%s", async (query, param) => {
		expect(refusalOf(await get(`/v1/jobs?${query}`))).toMatchObject({ status: 400, param });
	});
});
