import { describe, expect, it } from "vitest";
import {
	ApiError,
	Conflict,
	ConnectionError,
	type Holdfast,
	InvalidWebhook,
	JobFailed,
	LimitReached,
	WaitTimeout,
} from "../../../client/index.ts";
import { signedHeaders } from "../../../shared/webhooks/sign.ts";
import { aClient, INPUT, job, ok, type Reply, refusal } from "./a-client.ts";

const LOST = new TypeError("fetch failed");
const keysOf = (sent: { headers: Headers }[]) => new Set(sent.map(({ headers }) => headers.get("idempotency-key")));

describe("submit", () => {
	it.each<[string, Reply]>([
		["a lost response", LOST],
		["408", refusal(408, "x")],
		["429", refusal(429, "rate_limited")],
		["500", refusal(500, "internal_error")],
		["503", refusal(503, "storage_unavailable")],
		["409 that should be retried", refusal(409, "x", { "x-should-retry": "true" })],
	])("is repeated with the same key after %s, and each call has a key of its own", async (_, reply) => {
		const { client, sent } = aClient([reply, reply, ok(job()), ok(job())]);
		expect(await client.jobs.submit({ input: INPUT })).toMatchObject({ id: "job_1" });
		expect([sent.length, keysOf(sent).size]).toEqual([3, 1]);
		expect(sent[2]).toMatchObject({ method: "POST", path: "/v1/jobs", body: { input: INPUT } });
		await client.jobs.submit({ input: INPUT });
		expect(keysOf(sent).size).toBe(2);
	});

	it("gives up after five attempts, with jitter between them, and after what no repeat can change", async () => {
		const lost = aClient([LOST]);
		await expect(lost.client.jobs.submit({ input: INPUT })).rejects.toThrow(ConnectionError);
		expect([lost.sent.length, lost.slept]).toEqual([5, [1_000, 2_000, 4_000, 8_000]]);
		for (const reply of [
			refusal(400, "invalid_request"),
			refusal(429, "budget_spent", { "x-should-retry": "false" }),
		]) {
			const { client, sent } = aClient([reply]);
			await expect(client.jobs.submit({ input: INPUT })).rejects.toThrow(ApiError);
			expect(sent).toHaveLength(1);
		}
	});

	it("waits as long as the service asks, up to a minute", async () => {
		const asked = aClient([refusal(429, "rate_limited", { "retry-after": "7" }), ok(job())]);
		await asked.client.jobs.submit({ input: INPUT });
		expect(asked.slept).toEqual([8_000]);
		const long = aClient([refusal(429, "rate_limited", { "retry-after": "61" })]);
		const error: unknown = await long.client.jobs.submit({ input: INPUT }).catch((caught: unknown) => caught);
		expect(error).toBeInstanceOf(LimitReached);
		expect([Object(error).retryAfterMs, long.sent.length]).toEqual([61_000, 1]);
	});

	it("is not repeated once the caller has aborted, however the failure is wrapped", async () => {
		const gone = new AbortController();
		const reason = new Error("enough");
		const { client, sent } = aClient([ok(job())], {
			maxRetries: 0,
			fetch: async () => {
				gone.abort(reason);
				throw new TypeError("fetch failed", { cause: reason });
			},
		});
		await expect(client.jobs.submit({ input: INPUT }, { signal: gone.signal })).rejects.toBe(reason);
		expect(sent).toEqual([]);
	});

	it("is not repeated after an abort that only its `fetch` knows of", async () => {
		const wrapped = new TypeError("fetch failed", { cause: new DOMException("enough", "AbortError") });
		const { client, sent } = aClient([wrapped]);
		await expect(client.jobs.submit({ input: INPUT })).rejects.toBe(wrapped);
		expect(sent).toHaveLength(1);
	});

	it("is not repeated once the signal of the client aborts, in the request and in the pause after it", async () => {
		for (const reply of [LOST, refusal(500, "x")]) {
			const gone = new AbortController();
			const fetch = async () => {
				gone.abort("enough");
				if (reply === LOST) throw reply;
				return Response.json({}, { status: 500 });
			};
			const { client, slept } = aClient([], { fetch, signal: gone.signal });
			await expect(client.jobs.submit({ input: INPUT })).rejects.toBe("enough");
			expect(slept).toEqual([]);
		}
	});

	it("repeats no request that would make a second thing, but where nothing was done", async () => {
		const lost = aClient([LOST]);
		await expect(lost.client.keys.create()).rejects.toThrow(ConnectionError);
		const unknown = aClient([refusal(503, "storage_unavailable")]);
		await expect(unknown.client.endpoints.rotateSecret("we_1")).rejects.toThrow(ApiError);
		expect([lost.sent.length, unknown.sent.length]).toEqual([1, 1]);
		const limited = aClient([refusal(429, "rate_limited"), ok({ key: "hf_new" })]);
		expect(await limited.client.keys.create()).toEqual({ key: "hf_new" });
	});
});

describe("errors", () => {
	it("say what and where, and nothing of keys and bodies", async () => {
		const { client } = aClient([refusal(422, "idempotency_key_reused")]);
		const error: unknown = await client.jobs.submit({ input: INPUT }).catch((caught: unknown) => caught);
		expect(error).toBeInstanceOf(Conflict);
		const facts = { name: "Conflict", code: "idempotency_key_reused", param: "input", requestId: "req_1", attempts: 1 };
		expect(error).toMatchObject({ status: 422, message: "No.", ...facts });
		for (const reply of [LOST, refusal(500, "x"), { status: 502, body: "<html>" }]) {
			const failed: unknown = await aClient([reply], { maxRetries: 0 })
				.client.jobs.submit({ input: INPUT })
				.catch((caught: unknown) => caught);
			expect(`${failed} ${JSON.stringify(failed)}`).not.toMatch(/secret/);
		}
	});

	it("are of the class of their code, and an unknown code of that of its status", async () => {
		const kinds: [number, string, typeof ApiError][] = [
			[409, "limit_reached", LimitReached],
			[429, "of_tomorrow", LimitReached],
			[409, "of_tomorrow", Conflict],
		];
		for (const [status, code, kind] of kinds)
			await expect(aClient([refusal(status, code)], { maxRetries: 0 }).client.session()).rejects.toThrow(kind);
	});

	it.each<[string, (client: Holdfast) => Promise<unknown>, unknown]>([
		["job", ({ jobs }) => jobs.delete("x"), undefined],
		["tenant", ({ admin }) => admin.deleteTenant("x"), undefined],
		[
			"endpoint",
			({ endpoints }) => endpoints.delete("x"),
			{ id: "x", object: "webhook_endpoint.deleted", deleted: true },
		],
	])("a deletion of a %s whose response was lost is no error", async (_, remove, expected) => {
		const missing = refusal(404, "not_found");
		expect(await remove(aClient([LOST, missing]).client)).toEqual(expected);
		await expect(remove(aClient([missing]).client)).rejects.toThrow(ApiError);
	});

	it("a success that is not JSON is repeated where a lost response is, and not quoted", async () => {
		const page = { status: 200, text: "<html>secret" };
		expect(await aClient([page, ok(job())]).client.jobs.submit({ input: INPUT })).toMatchObject({ id: "job_1" });
		const { client, sent } = aClient([page]);
		const error: unknown = await client.keys.create().catch((caught: unknown) => caught);
		expect(error).toEqual(new ConnectionError("The service responded with something that is not JSON: POST /v1/keys"));
		expect([sent.length, Object(error).cause]).toEqual([1, undefined]);
	});

	it("a key that no header can carry, and no address, are refused before anything is sent", async () => {
		for (const apiKey of ["", "hf_secret\n", "hf_sécret"])
			expect(() => aClient([], { apiKey })).toThrow(/^(?!.*s.cret).*HOLDFAST_API_KEY/);
		const { client, sent } = aClient([ok({})], { baseUrl: "" });
		await expect(client.session()).rejects.toThrow(/HOLDFAST_URL/);
		expect(sent).toEqual([]);
	});
});

describe("wait, watch and run", () => {
	const waited = { "preference-applied": "wait=60" };

	it("wait until the job is final, a minute at a time", async () => {
		const { client, sent, slept } = aClient([ok(job(), waited), ok(job(), waited), ok(job("succeeded", 3))]);
		expect(await client.jobs.wait(job())).toMatchObject({ status: "succeeded" });
		expect(sent.map(({ headers }) => headers.get("prefer"))).toEqual(["wait=60", "wait=60", "wait=60"]);
		expect(slept).toEqual([0, 0]);
	});

	it("go on through a status that this client does not know", async () => {
		const [unknown, ended] = [job(), job("succeeded")].map((one) => ({ ...one, status: "of_tomorrow" }));
		const { client, sent } = aClient([ok(unknown, waited), ok(ended)]);
		expect(await client.jobs.wait("job_1")).toEqual(ended);
		expect(sent).toHaveLength(2);
	});

	it("poll as the service asks where it has no room for a wait", async () => {
		const { client, slept } = aClient([ok(job(), { "retry-after": "3" }), ok(job("succeeded"))]);
		await client.jobs.wait("job_1");
		expect(slept).toEqual([3_000]);
	});

	it("end with WaitTimeout and the job, which goes on", async () => {
		const { client, sent } = aClient([ok(job(), waited)]);
		const error: unknown = await client.jobs.wait("job_1", { timeoutMs: 90_000 }).catch((caught: unknown) => caught);
		expect(error).toBeInstanceOf(WaitTimeout);
		expect([Object(error).job.id, sent.map(({ headers }) => headers.get("prefer"))]).toEqual([
			"job_1",
			["wait=60", "wait=30"],
		]);
	});

	it("look once more at their end, however long the service asks to pause", async () => {
		const { client, slept } = aClient([ok(job(), { "retry-after": "30" }), ok(job("succeeded"))]);
		expect(await client.jobs.wait("job_1", { timeoutMs: 10_000 })).toMatchObject({ status: "succeeded" });
		expect(slept).toEqual([10_000]);
	});

	it("keep the reason of the abort when the cancellation fails", async () => {
		const reason = new Error("enough");
		const { client } = aClient([refusal(403, "forbidden")]);
		const options = { signal: AbortSignal.abort(reason), cancelOnAbort: true };
		await expect(client.jobs.wait("job_1", options)).rejects.toBe(reason);
		expect(reason.cause).toBeInstanceOf(ApiError);
	});

	it("cancel the job when the caller aborts, if asked to", async () => {
		const gone = new AbortController();
		const { client, sent } = aClient([ok(job(), { "retry-after": "1" })]);
		gone.abort();
		await expect(client.jobs.wait("job_1", { signal: gone.signal, cancelOnAbort: true })).rejects.toThrow();
		expect(sent.map(({ path }) => path)).toEqual(["/v1/jobs/job_1/cancel"]);
	});

	it("show each version once", async () => {
		const applied = { "preference-applied": "wait=30" };
		const replies = [ok(job("queued", 1)), { status: 304, headers: applied }, ok(job("queued", 2), applied)];
		const { client, sent } = aClient([...replies, ok(job("succeeded", 3), applied)]);
		const seen = [];
		for await (const { version } of client.jobs.watch("job_1")) seen.push(version);
		expect(seen).toEqual([1, 2, 3]);
		expect(sent.map(({ headers }) => headers.get("if-none-match"))).toEqual(['"0"', '"1"', '"1"', '"2"']);
	});

	it("give the answer, or throw what the job came to", async () => {
		const completion = { choices: [{ index: 0, message: { role: "assistant", content: "Rayleigh." } }] };
		const good = aClient([ok(job()), ok(job("succeeded")), ok(completion)]);
		expect(await good.client.jobs.run({ input: INPUT })).toMatchObject({ text: "Rayleigh.", completion });
		const bad = aClient([ok(job()), ok(job("failed"))]);
		await expect(bad.client.jobs.run({ input: INPUT })).rejects.toThrow(JobFailed);
	});
});

describe("lists", () => {
	const pages = [
		ok({ data: [], has_more: true, last_id: null, next_after: "job_a" }),
		ok({ data: [job()], has_more: true, last_id: "job_1", next_after: "job_b" }),
		ok({ data: [job()], has_more: false, last_id: "job_1", next_after: null }),
	];

	it("follow next_after, through empty pages too", async () => {
		const { client, sent } = aClient([...pages]);
		const seen = [];
		const filters = {
			status: ["failed" as const, "expired" as const],
			metadata: { "a b": "c" },
			createdAfter: new Date(0),
		};
		for await (const one of client.jobs.list(filters)) seen.push(one.id);
		expect(seen).toEqual(["job_1", "job_1"]);
		const query = "status=failed%2Cexpired&created_after=1970-01-01T00%3A00%3A00.000Z&metadata%5Ba%20b%5D=c";
		expect(sent.map(({ path }) => path)).toEqual([
			`/v1/jobs?${query}`,
			`/v1/jobs?${query}&after=job_a`,
			`/v1/jobs?${query}&after=job_b`,
		]);
	});

	it("are their first page, and say how to go on", async () => {
		const { client } = aClient([...pages]);
		const page = await client.jobs.list();
		expect([page.data, page.nextAfter]).toEqual([[], "job_a"]);
		expect((await page.nextPage())?.data).toHaveLength(1);
	});
});

describe("webhooks.unwrap", () => {
	const secret = `whsec_${btoa("x".repeat(24))}`;
	const other = `whsec_${btoa("y".repeat(24))}`;
	const body = JSON.stringify({ id: "evt_1", object: "event", type: "job.newer", data: { id: "job_1" } });
	const { client } = aClient([]);
	const headersAt = (at: number) => signedHeaders([secret], "evt_1", at, body);

	it("takes what one of the secrets signed, whatever its type", async () => {
		const headers = headersAt(Date.now());
		for (const given of [headers, new Headers(headers)])
			expect(await client.webhooks.unwrap(body, given, ["malformed", other, secret])).toEqual(JSON.parse(body));
		expect(await client.webhooks.unwrap(new TextEncoder().encode(body), headers, secret)).toEqual(JSON.parse(body));
	});

	it("refuses another secret, another body, and an old one", async () => {
		const headers = headersAt(Date.now());
		const old = headersAt(Date.now() - 301_000);
		for (const [text, sent, by] of [
			[body, headers, other],
			[`${body} `, headers, secret],
			[body, old, secret],
			[body, {}, secret],
		] as const)
			await expect(client.webhooks.unwrap(text, sent, by)).rejects.toThrow(InvalidWebhook);
	});
});
