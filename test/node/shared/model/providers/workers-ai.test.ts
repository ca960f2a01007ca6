import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../../shared/core/json/json.ts";
import type { ModelRoute } from "../../../../../shared/core/upstreams/model-routes.ts";
import type { AiCallOptions } from "../../../../../shared/model/providers/workers-ai.ts";
import { fakeRuntime, settled } from "../../../../support/fake-runtime.ts";
import { asking } from "../../../../support/model-calls.ts";
import { failedAs } from "../../../../support/outcomes.ts";

const ROUTE: ModelRoute = { match: "*", provider: "workers-ai" };

/** Like the real one it has private state, so that it works only when called as a method. */
class FakeAi {
	readonly runs: { model: string; inputs: JsonObject; options: AiCallOptions }[] = [];
	readonly #answer: () => Promise<unknown>;

	constructor(answer: () => Promise<unknown>) {
		this.#answer = answer;
	}

	async run(model: string, inputs: JsonObject, options: AiCallOptions): Promise<unknown> {
		this.runs.push({ model, inputs, options });
		return this.#answer();
	}
}

function withAi(answer: () => Promise<unknown> = async () => Response.json({ response: "Hi" }), deps = {}) {
	const ai = new FakeAi(answer);
	const runtime = fakeRuntime();
	const ask = asking(runtime, { ai, ...deps });
	return { ai, runtime, ask: (call: Parameters<typeof ask>[0] = {}) => ask({ route: ROUTE, ...call }) };
}

describe("Workers AI", () => {
	it("is always asked for the raw answer, through a gateway that knows the job and does not retry", async () => {
		const { ai, ask } = withAi();
		await ask();
		await ask({ input: { messages: [], stream: true } });
		const metadata = { job: "job_1", tenant: "ten_1" };
		const ours = { metadata, retries: { maxAttempts: 1 }, collectLog: false, skipCache: true };
		const expected = { id: "default", ...ours };
		expect(ai.runs.map(({ options }) => [options.returnRawResponse, options.gateway])).toEqual([
			[true, expected],
			[true, expected],
		]);
	});

	it("is given no other model beside the route's", async () => {
		const { ai, ask } = withAi();
		await ask({ input: { model: "expensive/one", messages: [] } });
		expect(ai.runs[0]?.inputs).not.toHaveProperty("model");
	});

	it("is given the route's gateway and name", async () => {
		const { ai, ask } = withAi();
		await ask({ route: { ...ROUTE, gateway: "mine", rename: "@cf/x/y" } });
		expect(ai.runs[0]).toMatchObject({ model: "@cf/x/y", options: { gateway: { id: "mine" } } });
	});

	it("logs neither prompts nor responses at the gateway unless the route says so", async () => {
		const { ai, ask } = withAi();
		await ask();
		await ask({ route: { ...ROUTE, collect_log: true } });
		expect(ai.runs.map(({ options }) => [options.gateway.collectLog, options.extraHeaders])).toEqual([
			[false, { "cf-aig-collect-log-payload": "false" }],
			[true, undefined],
		]);
	});

	it("is given the caller's input, streamed by default where nothing is lost", async () => {
		const { ai, ask } = withAi();
		const input = { messages: [], seed: 1 };
		for (const model of ["openai/gpt-5.5", "google/gemini"]) await ask({ input, model });
		const streamed = { ...input, stream: true, stream_options: { include_usage: true } };
		expect(ai.runs.map(({ inputs }) => inputs)).toEqual([streamed, streamed]);
	});

	it("is given the request of an Anthropic model in its own form, and not called where that cannot be said", async () => {
		const { ai, ask } = withAi();
		const messages = [
			{ role: "system", content: "Be brief." },
			{ role: "user", content: "Hi" },
		];
		await ask({ input: { messages, n: 1 }, model: "claude", route: { ...ROUTE, rename: "anthropic/claude-sonnet-5" } });
		const { inputs } = ai.runs[0] ?? {};
		expect(inputs).toEqual({ max_tokens: 128_000, system: "Be brief.", messages: messages.slice(1), stream: true });
		const failure = { class: "permanent", code: "not_supported", isCallMade: false };
		const refused = await ask({ input: { messages, n: 2 }, model: "anthropic/claude-sonnet-5" });
		expect(refused).toMatchObject(failedAs({ ...failure, message: expect.stringContaining("input.n") }));
		expect(ai.runs).toHaveLength(1);
	});

	describe("its gateway's cache", () => {
		const CACHED = { cacheTtlSeconds: 60, skipCache: null };
		async function cacheOf(call: Parameters<ReturnType<typeof withAi>["ask"]>[0] = {}, deps = {}) {
			const { ai, ask } = withAi(undefined, deps);
			await ask({ gateway: CACHED, ...call });
			const { skipCache, cacheKey, cacheTtl } = {
				skipCache: null,
				cacheKey: "",
				cacheTtl: null,
				...ai.runs[0]?.options.gateway,
			};
			return { skipCache, cacheKey, cacheTtl };
		}

		it.each([
			null,
			{ cacheTtlSeconds: null, skipCache: null },
			{ cacheTtlSeconds: 60, skipCache: true },
			{ cacheTtlSeconds: 0, skipCache: false },
		])("is skipped by a job with %j", async (gateway) => {
			expect(await cacheOf({ gateway })).toEqual({ skipCache: true, cacheKey: "", cacheTtl: null });
		});

		it("is used under a key that differs between tenants with equal prompts, and says nothing of them", async () => {
			const [mine, yours] = [await cacheOf({ tenantId: "ten_1" }), await cacheOf({ tenantId: "ten_2" })];
			expect(mine).toMatchObject({ skipCache: null, cacheTtl: 60, cacheKey: expect.stringMatching(/^[0-9a-f]{64}$/) });
			expect(yours.cacheKey).not.toBe(mine.cacheKey);
			expect((await cacheOf({ gateway: { cacheTtlSeconds: null, skipCache: false } })).cacheKey).toBe(mine.cacheKey);
		});

		it("is used under one key for equal jobs of one tenant, and under another for any difference", async () => {
			const base = await cacheOf();
			expect((await cacheOf({}, { signingKey: "another" })).cacheKey).not.toBe(base.cacheKey);
			expect((await cacheOf({ jobId: "job_2", timeoutMs: 1_000 })).cacheKey).toBe(base.cacheKey);
			const others = [
				{ model: "maker/other" },
				{ route: { ...ROUTE, gateway: "mine" } },
				{ input: { messages: [{ role: "user", content: "Why" }] } },
				{ input: { messages: [{ role: "user", content: "Why?" }], seed: 1 } },
			];
			const keys = await Promise.all(others.map(async (other) => (await cacheOf(other)).cacheKey));
			expect(new Set([base.cacheKey, ...keys]).size).toBe(others.length + 1);
		});
	});

	it("gives each of two overlapping calls its own answer and log id", async () => {
		const releases: (() => void)[] = [];
		let count = 0;
		const { ask } = withAi(async () => {
			const name = `${count++}`;
			await new Promise<void>((resolve) => releases.push(resolve));
			return Response.json({ response: name }, { headers: { "cf-aig-log-id": `log-${name}` } });
		});
		const [first, second] = [ask(), ask()];
		await settled();
		for (const release of releases.reverse()) release();
		expect(await first).toMatchObject({
			response: { logId: "log-0", completion: { choices: [{ message: { content: "0" } }] } },
		});
		expect(await second).toMatchObject({
			response: { logId: "log-1", completion: { choices: [{ message: { content: "1" } }] } },
		});
	});

	it("is stopped when the call has had its time", async () => {
		const { ai, ask, runtime } = withAi(() => new Promise(() => undefined));
		const outcome = ask({ timeoutMs: 1000 });
		await runtime.advance(1000);
		expect(await outcome).toMatchObject(failedAs({ code: "timed_out" }));
		expect(ai.runs[0]?.options.signal.aborted).toBe(true);
	});

	it("is classified by the status and headers of its raw answer", async () => {
		const body = { success: false, errors: [{ code: 3040, message: "Capacity temporarily exceeded" }] };
		const headers = { "retry-after": "3", "cf-aig-log-id": "log_1" };
		const { ask } = withAi(async () => Response.json(body, { status: 429, headers }));
		const failure = { class: "throttled", providerCode: "3040", retryAfterMs: 3000, logId: "log_1", status: 429 };
		expect(await ask()).toMatchObject(failedAs(failure));
	});

	it.each([
		["3040: Capacity temporarily exceeded, please try again.", "throttled", "rate_limited"],
		["2009: Unauthorized", "blocked", "route_misconfigured"],
		["Network connection lost.", "transient", "unreachable"],
		["Binding AI needs to be run remotely", "permanent", "route_misconfigured"],
	])("that throws %j is a %s failure", async (message, failureClass, code) => {
		const { ask } = withAi(async () => Promise.reject(new Error(message)));
		expect(await ask()).toMatchObject(failedAs({ class: failureClass, code }));
	});

	it("is understood although it answers with a parsed object", async () => {
		const { ask } = withAi(async () => ({ response: "Hi" }));
		expect(await ask()).toMatchObject({ ok: true });
	});
});
