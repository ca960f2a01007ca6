/**
 * The port to the models over the real client of the AI binding, with a fake upstream behind it: what that client sends,
 * and what it makes of answers, errors, aborts and calls that overlap.
 */
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import type { JsonObject } from "../../../shared/core/json/json.ts";
import { callModel } from "../../../shared/model/call-model.ts";
import type { ModelCall } from "../../../shared/model/port.ts";
import { runtime } from "../../../workers/runtime.ts";
import { ANSWERS, eventsOf, streamOf } from "../../node/shared/core/chat/anthropic-answers.ts";
import { aCall, type CallFacts, ending, piece, sseOf } from "../../support/model-calls.ts";

declare global {
	namespace Cloudflare {
		interface Env {
			FAKE_AI_PORT: number;
		}
	}
}

const SeenCalls = z.array(
	z.object({ headers: z.record(z.string(), z.string()), body: z.unknown(), isHungUp: z.boolean() }),
);

const Cached = z.object({
	options: z.object({ gateway: z.looseObject({ cacheKey: z.string().regex(/^[0-9a-f]{64}$/) }) }),
});

const ask = callModel({ runtime, ai: env.AI, signingKey: env.SIGNING_KEY, secret: () => null, allowSimulated: false });
const NEVER = new AbortController().signal;

let jobs = 0;

/** A call of a job of its own. `upstream` says how it is answered; see the fake. */
function aiCall(upstream: JsonObject, { input, ...more }: CallFacts = {}): ModelCall {
	return aCall({
		model: "openai/gpt-5.5",
		route: { match: "*", provider: "workers-ai" },
		jobId: `job_ai_${++jobs}`,
		input: { messages: [{ role: "user", content: "Why?" }], ...input, upstream: btoa(JSON.stringify(upstream)) },
		...more,
	});
}

async function callsSeen(jobId: string) {
	const response = await fetch(`http://127.0.0.1:${env.FAKE_AI_PORT}/calls/${jobId}`);
	return SeenCalls.parse(await response.json());
}

const saying = (content: string) => ({ choices: [{ message: { content } }] });

describe("the AI binding's client", () => {
	it("sends each call through the gateway, with the job's ids, one attempt and the input as it is", async () => {
		const call = aiCall({ body: { response: "Hi" } }, { input: { seed: 7, x: { y: [null] } } });
		expect(await ask(call, NEVER)).toMatchObject({ ok: true });
		const [seen, ...more] = await callsSeen(call.jobId);
		expect(more).toEqual([]);
		expect(seen?.headers).toMatchObject({
			"mf-url": expect.stringContaining("/ai-gateway/run"),
			"mf-header-cf-consn-model-id": "openai/gpt-5.5",
			"mf-header-cf-aig-collect-log-payload": "false",
		});
		const metadata = { job: call.jobId, tenant: call.tenantId };
		const gateway = { id: "default", metadata, retries: { maxAttempts: 1 }, collectLog: false, skipCache: true };
		expect(seen?.body).toEqual({
			inputs: { ...call.input.toObject(), stream: true, stream_options: { include_usage: true } },
			options: { returnRawResponse: true, gateway },
		});
	});

	it("sends the route's gateway, name and log, and two cache keys for two tenants with equal prompts", async () => {
		const keys: unknown[] = [];
		for (const tenantId of ["ten_1", "ten_2"]) {
			const call = aiCall(
				{ body: { response: "Hi" } },
				{
					tenantId,
					route: { match: "*", provider: "workers-ai", gateway: "mine", rename: "@cf/x/y", collect_log: true },
					gateway: { cacheTtlSeconds: 60, skipCache: null },
				},
			);
			await ask(call, NEVER);
			const [seen] = await callsSeen(call.jobId);
			expect(seen?.headers["mf-header-cf-consn-model-id"]).toBe("@cf/x/y");
			expect(seen?.headers).not.toHaveProperty("mf-header-cf-aig-collect-log-payload");
			const { options } = Cached.parse(seen?.body);
			expect(options.gateway).toMatchObject({ id: "mine", cacheTtl: 60, collectLog: true });
			keys.push(options.gateway.cacheKey);
		}
		expect(new Set(keys).size).toBe(2);
	});

	it("sends a model of Anthropic its own form, and gives its stream as a completion", async () => {
		const { body } = ANSWERS.find(({ name }) => name === "two texts") ?? { body: { content: [] } };
		const headers = { "content-type": "text/event-stream" };
		const messages = [
			{ role: "developer", content: "Be brief." },
			{ role: "user", content: "Why?" },
		];
		const call = aiCall(
			{ body: streamOf(eventsOf(body)), headers },
			{ model: "anthropic/claude-sonnet-5", input: { messages } },
		);
		expect(await ask(call, NEVER)).toMatchObject({
			ok: true,
			response: { completion: saying("Hi"), usage: { totalTokens: 7 } },
		});
		const [seen] = await callsSeen(call.jobId);
		const inputs = { max_tokens: 128_000, system: "Be brief.", messages: messages.slice(1), stream: true };
		expect(seen).toMatchObject({
			headers: { "mf-header-cf-consn-model-id": "anthropic/claude-sonnet-5" },
			body: { inputs },
		});
	});

	it("that is refused a stream calls once more without", async () => {
		const error = { message: "Your organization must be verified to stream this model.", param: "stream" };
		const refused = aiCall({ body: { response: "Hi" }, streamRefusal: { error } });
		expect(await ask(refused, NEVER)).toMatchObject({ ok: true, response: { completion: saying("Hi"), status: 200 } });
		expect((await callsSeen(refused.jobId)).map(({ body }) => body)).toMatchObject([
			{ inputs: { stream: true } },
			{ inputs: refused.input.toObject() },
		]);
	});

	it.each(["application/json", "application/json; charset=utf-8", "text/plain"])(
		"gives an answer of type %s whole, with its log id and its usage",
		async (type) => {
			const body = { response: "Hi", usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } };
			const headers = { "content-type": type, "cf-aig-log-id": "log-1" };
			expect(await ask(aiCall({ body, headers }), NEVER)).toMatchObject({
				ok: true,
				response: {
					completion: saying("Hi"),
					usage: { promptTokens: 3, completionTokens: 2, totalTokens: 5 },
					status: 200,
					logId: "log-1",
				},
			});
		},
	);

	it("gives a stream", async () => {
		const body = `${sseOf(piece("H"), piece("i"), ending)}data: [DONE]\n\n`;
		const headers = { "content-type": "text/event-stream", "cf-aig-log-id": "log-1" };
		const call = aiCall({ body, headers }, { input: { stream: true } });
		expect(await ask(call, NEVER)).toMatchObject({ ok: true, response: { completion: saying("Hi"), logId: "log-1" } });
		const [seen] = await callsSeen(call.jobId);
		expect(seen?.body).toMatchObject({ inputs: { stream: true, stream_options: { include_usage: true } } });
	});
});

const RATE_LIMITED = { error: { message: "Rate limit reached.", type: "rate_limit_error" } };
const OVERLOADED = { type: "error", error: { type: "overloaded_error", message: "Overloaded" }, request_id: "req_1" };
const NO_BILL = { type: "error", error: { type: "billing_error", message: "Check your payment." } };
const NO_QUOTA = { error: { message: "You exceeded your quota.", code: "insufficient_quota" } };
const NO_CREDIT = { success: false, errors: [{ code: 7003, message: "Insufficient credits." }] };
const NO_CAPACITY = { internalCode: 3040, name: "AiError", description: "Capacity temporarily exceeded." };
const NO_NEURONS = { errors: [{ code: 3036, message: "You have used up your daily free allocation." }] };
const NO_ACCESS = { success: false, errors: [{ code: 2009, message: "Unauthorized" }] };
const NO_MODEL = { internalCode: 5007, name: "AiError", description: "No such model." };

describe("an error behind the AI binding", () => {
	it.each([
		[429, { "retry-after": "3" }, RATE_LIMITED, "throttled", "rate_limited", "Rate limit reached.", 3_000],
		[429, {}, NO_QUOTA, "blocked", "quota_exhausted", "You exceeded your quota.", null],
		[402, {}, NO_CREDIT, "blocked", "quota_exhausted", "Insufficient credits.", null],
		[429, {}, NO_CAPACITY, "throttled", "rate_limited", "Capacity temporarily exceeded.", null],
		[429, {}, NO_NEURONS, "blocked", "quota_exhausted", NO_NEURONS.errors[0]?.message, expect.any(Number)],
		[401, {}, NO_ACCESS, "blocked", "route_misconfigured", expect.stringContaining("credential"), null],
		[400, {}, NO_MODEL, "permanent", "model_not_found", "No such model.", null],
		[503, { "retry-after-ms": "250" }, {}, "transient", "unavailable", expect.any(String), 250],
		[529, {}, "<html>", "transient", "overloaded", expect.any(String), null],
		[529, {}, OVERLOADED, "transient", "overloaded", "Overloaded", null],
		[200, {}, OVERLOADED, "transient", "overloaded", "Overloaded", null],
		[402, {}, NO_BILL, "blocked", "quota_exhausted", "Check your payment.", null],
		[200, {}, NO_ACCESS, "blocked", "route_misconfigured", "Unauthorized", null],
	] as const)("%d %j %j is %s: %s", async (status, headers, body, failureClass, code, message, retryAfterMs) => {
		const call = aiCall({ status, headers: { ...headers, "cf-aig-log-id": "log-1" }, body });
		expect(await ask(call, NEVER)).toMatchObject({
			ok: false,
			failure: { class: failureClass, status, code, message, retryAfterMs, logId: "log-1" },
		});
		expect(await callsSeen(call.jobId)).toHaveLength(1);
	});
});

describe("a call through the AI binding that is given up", () => {
	const isHungUp = (jobId: string) =>
		vi.waitUntil(async () => (await callsSeen(jobId))[0]?.isHungUp, { timeout: 5_000, interval: 20 });

	it("hangs up when its time is over", async () => {
		const call = aiCall({ silent: true }, { timeoutMs: 200 });
		expect(await ask(call, NEVER)).toMatchObject({ ok: false, failure: { class: "transient", code: "timed_out" } });
		await isHungUp(call.jobId);
	});

	it("hangs up when its caller aborts", async () => {
		const call = aiCall({ silent: true });
		const stop = new AbortController();
		const outcome = ask(call, stop.signal);
		await vi.waitUntil(async () => (await callsSeen(call.jobId)).length === 1, { timeout: 5_000, interval: 20 });
		stop.abort();
		expect(await outcome).toMatchObject({ ok: false, failure: { code: "aborted" } });
		await isHungUp(call.jobId);
	});
});

describe("calls through one AI binding that overlap", () => {
	/** As many as an invocation may have waiting, less one for the test's own questions. */
	const KINDS = ["json", "stream", "refusal", "json", "stream"] as const;

	function upstreamFor(kind: (typeof KINDS)[number], name: string): JsonObject {
		const headers = { "cf-aig-log-id": `log-${name}`, "retry-after": "9" };
		switch (kind) {
			case "json":
				return { headers, body: { response: name } };
			case "stream":
				return { headers: { ...headers, "content-type": "text/event-stream" }, body: sseOf(piece(name), ending) };
			case "refusal":
				return { headers, status: 429, body: { error: { message: name, code: "slow_down" } } };
		}
	}

	it.each(["first to last", "last to first"])(
		"each have their own answer, status and log id, answered %s",
		async (order) => {
			const base = jobs;
			const calls = KINDS.map((kind, index) => {
				const before = order === "first to last" ? index - 1 : index + 1;
				const after = KINDS[before] === undefined ? {} : { after: `job_ai_${base + before + 1}` };
				return aiCall({ ...upstreamFor(kind, `${index}`), ...after }, { input: { stream: kind === "stream" } });
			});
			const outcomes = await Promise.all(calls.map((call) => ask(call, NEVER)));
			for (const [index, outcome] of outcomes.entries()) {
				const logId = `log-${index}`;
				expect(outcome).toMatchObject(
					KINDS[index] === "refusal"
						? { ok: false, failure: { message: `${index}`, status: 429, retryAfterMs: 9_000, logId } }
						: { ok: true, response: { completion: saying(`${index}`), status: 200, logId } },
				);
			}
			for (const { jobId } of calls) expect(await callsSeen(jobId)).toHaveLength(1);
		},
	);
});
