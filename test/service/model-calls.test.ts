/**
 * From a caller's job to a provider's wire and back, through the whole service. Every test has models of its own, so
 * they run side by side; waits are the service's own.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv2020 from "ajv/dist/2020.js";
import { describe, expect, vi } from "vitest";
import { openReceiver } from "../../scripts/lib/webhook-receiver.ts";
import {
	answering,
	breakingAfter,
	completion,
	endingAfter,
	refusing,
	silence,
	slowly,
	stallingAfter,
	streaming,
	USAGE,
} from "../support/answers.ts";
import type { SeenCall } from "../support/provider.ts";
import { Completion } from "./support/api.ts";
import { it, type Scenario } from "./support/scenario.ts";
import { PROVIDER_KEYS } from "./support/start-service.ts";

const fixture = (name: string): unknown =>
	JSON.parse(readFileSync(join(import.meta.dirname, "../node/fixtures", name), "utf8"));

const isCompletion = new Ajv2020().compile(Object(fixture("chat-output.schema.json")));

async function contentOf({ api }: Scenario, id: string): Promise<string | undefined> {
	return Completion.parse(await api.result(id)).choices[0]?.message.content;
}

/** The first thing that `look` finds. */
const found = <T>(look: () => T | Promise<T>) => vi.waitUntil(look, { timeout: 20_000, interval: 50 });

const firstCallOf = ({ provider }: Scenario, model: string) => found(() => provider.callsOf(model)[0]);

function gone(call: SeenCall): Promise<number | null> {
	return found(() => call.overAt);
}

describe.concurrent("a model that says later", () => {
	it("by a 429 and 3 seconds is called by none of its jobs until then, by one first, and costs no attempt", async ({
		scenario,
	}) => {
		const { api, provider, submit } = scenario;
		const model = scenario.model("scripted/throttled");
		const hi = answering(completion("Hi"));
		const busy = refusing(429, { message: "Slow down.", type: "rate_limit_error" }, { "retry-after": "3" });
		provider.script(model, busy, slowly(300, hi), hi, hi, hi, hi);

		const first = await submit({ model, max_attempts: 1 });
		await found(async () => (await api.job(first.id)).status_reason === "throttled");
		const others = await Promise.all(Array.from({ length: 4 }, () => submit({ model })));
		for (const { id } of [first, ...others])
			expect(await api.finalJob(id)).toMatchObject({ status: "succeeded", attempt: 1 });

		const [refused, probe, ...rest] = provider.callsOf(model);
		expect(probe?.at).toBeGreaterThanOrEqual((refused?.at ?? 0) + 3_000);
		expect(rest).toHaveLength(4);
		for (const call of rest) expect(call.at).toBeGreaterThanOrEqual(probe?.overAt ?? Number.POSITIVE_INFINITY);
		expect(await api.attempts(first.id)).toMatchObject([
			{ outcome: "throttled", counted: false, status: 429, message: "Slow down.", retry_after_ms: 3_000 },
			{ outcome: "succeeded", counted: true, status: 200 },
		]);
		for (const { id } of others) expect(await api.attempts(id)).toMatchObject([{ outcome: "succeeded" }]);
	});

	it("to several calls at once is not called again by all of them at once", async ({ scenario }) => {
		const { api, provider, submit } = scenario;
		const model = scenario.model("scripted/herd");
		const hi = answering(completion("Hi"));
		const busy = slowly(500, refusing(429, { message: "Slow down." }, { "retry-after": "1" }));
		provider.script(model, busy, busy, busy, busy, slowly(300, hi), hi, hi, hi);
		// The local queue hands out one batch at a time: while a gate is out, the others gather for the next.
		const gate = scenario.model("scripted/gate");
		provider.script(gate, slowly(500, hi), slowly(3_000, hi));
		await submit({ model: gate });
		await found(() => provider.callsOf(gate).length === 1);
		const jobs = await Promise.all(Array.from({ length: 4 }, () => submit({ model })));
		await found(() => provider.callsOf(model).filter(({ overAt }) => overAt !== null).length >= 4);
		await submit({ model: gate });

		for (const { id } of jobs) expect(await api.finalJob(id)).toMatchObject({ status: "succeeded", attempt: 1 });

		const calls = provider.callsOf(model);
		const refused = calls.slice(0, 4).map(({ overAt }) => overAt ?? Number.POSITIVE_INFINITY);
		const [probe, ...rest] = calls.slice(4);
		expect(probe?.at).toBeGreaterThanOrEqual(Math.max(...refused) + 1_000);
		expect(rest).toHaveLength(3);
		for (const call of rest) expect(call.at).toBeGreaterThanOrEqual(probe?.overAt ?? Number.POSITIVE_INFINITY);
	});
});

describe.concurrent("a job whose model", () => {
	it("fails three times with a 500 is called four times and has one result", async ({ scenario }) => {
		const { api, provider, submit } = scenario;
		const model = scenario.model("scripted/stumbling");
		const failing = refusing(500, { message: "Oops.", type: "server_error" }, { "retry-after-ms": "50" });
		provider.script(model, failing, failing, failing, answering(completion("At last")));

		const { id } = await submit({ model });
		expect(await api.finalJob(id)).toMatchObject({ status: "succeeded", attempt: 4, usage: USAGE });
		expect(await contentOf(scenario, id)).toBe("At last");
		const failed = { outcome: "transient", counted: true, status: 500, message: "Oops.", retry_after_ms: 50 };
		expect(await api.attempts(id)).toMatchObject([failed, failed, failed, { outcome: "succeeded", number: 4 }]);
		expect(provider.callsOf(model)).toHaveLength(4);
	});

	it("refuses the key fails at one call, with a message for the operator, and the webhook says so", async ({
		scenario,
		onTestFinished,
	}) => {
		const { api, provider, submit } = scenario;
		const model = scenario.model("scripted/locked");
		provider.script(model, refusing(401, { message: "Incorrect API key provided.", code: "invalid_api_key" }));
		const message = "The provider rejected the credential of this model's route (401). The operator must replace it.";
		const receiver = await openReceiver(await api.signingSecret());
		onTestFinished(() => receiver.close());

		const { id } = await submit({ model, webhook: { url: receiver.url } });
		const error = { code: "unauthorized", message, status: 401 };
		expect(await api.finalJob(id)).toMatchObject({ status: "failed", status_reason: "permanent", error });
		expect(await receiver.nextEvent).toMatchObject({ type: "job.failed", data: { id, error } });
		const [call, ...more] = provider.callsOf(model);
		expect(call).toMatchObject({ headers: { authorization: `Bearer ${PROVIDER_KEYS.SCRIPTED_KEY}` } });
		expect(more).toEqual([]);
	});

	it("has spent its quota is held with all that shares the credential, called no more, and can be cancelled", async ({
		scenario,
	}) => {
		const { api, provider, submit } = scenario;
		const [model, sibling] = [scenario.model("unpaid/quota"), scenario.model("unpaid/sibling")];
		const witness = scenario.model("scripted/witness");
		provider.script(model, refusing(429, { message: "You exceeded your quota.", type: "insufficient_quota" }));
		provider.script(
			witness,
			refusing(500, { message: "Oops." }, { "retry-after": "1" }),
			answering(completion("Still here")),
		);

		const held = await submit({ model, max_attempts: 1 });
		await found(async () => (await api.job(held.id)).status_reason === "blocked");
		const parked = await submit({ model: sibling });
		await found(async () => (await api.job(parked.id)).status_reason === "blocked");
		// Meanwhile others fail, wait and are called again.
		const other = await submit({ model: witness });
		expect(await api.finalJob(other.id)).toMatchObject({ status: "succeeded" });

		const job = await api.job(held.id);
		expect(job).toMatchObject({ status: "queued", status_reason: "blocked", attempt: 0 });
		expect(Date.parse(job.next_attempt_at ?? "") - Date.parse(job.created_at)).toBeGreaterThanOrEqual(60_000);
		expect(provider.callsOf(model, sibling)).toHaveLength(1);
		expect(await api.attempts(held.id)).toMatchObject([{ outcome: "blocked", counted: false, status: 429 }]);
		for (const { id } of [held, parked]) {
			expect(await api.cancel(id)).toMatchObject({ status: "cancelled", cancellation: "before_start" });
		}
	});

	it("cuts its stream, in whatever way, is asked again, and half an answer is never the result", async ({
		scenario,
	}) => {
		const { api, provider, submit } = scenario;
		const model = scenario.model("scripted/cutting");
		provider.script(model, breakingAfter("Half "), endingAfter("Other half "), streaming("All ", "of it"));

		const { id } = await submit({ model, input: { messages: [], stream: true } });
		expect(await api.finalJob(id)).toMatchObject({ status: "succeeded", usage: USAGE });
		expect(await contentOf(scenario, id)).toBe("All of it");
		const cut = { outcome: "transient", counted: true, code: "stream_cut" };
		expect(await api.attempts(id)).toMatchObject([cut, cut, { outcome: "succeeded" }]);
	});

	it.for([
		["stalls in its answer", stallingAfter("Half ")],
		["says nothing at all", silence],
	] as const)("%s is hung up on when its time is over, and asked again", async ([, stall], { scenario }) => {
		const { api, provider, submit } = scenario;
		const model = scenario.model("scripted/stalling");
		provider.script(model, stall, streaming("All of it"));

		const { id } = await submit({ model, timeout_seconds: 1, input: { messages: [], stream: true } });
		const call = await firstCallOf(scenario, model);
		expect(((await gone(call)) ?? Number.POSITIVE_INFINITY) - call.at).toBeLessThan(10_000);
		expect(call.isCut).toBe(true);
		expect(await api.finalJob(id)).toMatchObject({ status: "succeeded", attempt: 2 });
		expect(await contentOf(scenario, id)).toBe("All of it");
		const [stalled, answered] = await api.attempts(id);
		expect(stalled).toMatchObject({ outcome: "transient", code: "timed_out", counted: true });
		expect(Date.parse(stalled?.ended_at ?? "") - Date.parse(stalled?.started_at ?? "")).toBeGreaterThanOrEqual(1_000);
		expect(answered).toMatchObject({ outcome: "succeeded" });
	});

	it("refuses to stream is called again without within the attempt, and the history says so", async ({ scenario }) => {
		const { api, provider, submit } = scenario;
		const model = scenario.model("scripted/unverified");
		const unverified = refusing(400, { message: "Your organization must be verified.", param: "stream" });
		provider.script(model, unverified, answering(completion("Whole")));

		const { id } = await submit({ model, max_attempts: 1 });
		expect(await api.finalJob(id)).toMatchObject({ status: "succeeded", attempt: 1, usage: USAGE });
		expect(await contentOf(scenario, id)).toBe("Whole");
		expect(await api.attempts(id)).toMatchObject([
			{ number: 1, outcome: "succeeded", status: 200, message: expect.stringContaining("refused the stream") },
		]);
		const [first, second] = provider.callsOf(model).map(({ text }) => Object(JSON.parse(text)).stream);
		expect([first, second]).toEqual([true, undefined]);
	});

	it("streams what its caller did not ask to stream has the assembled answer", async ({ scenario }) => {
		const { api, provider, submit } = scenario;
		const model = scenario.model("scripted/streaming");
		provider.script(model, streaming("All ", "of it"));
		const { id } = await submit({ model });
		expect(await api.finalJob(id)).toMatchObject({ status: "succeeded", usage: USAGE });
		expect(await contentOf(scenario, id)).toBe("All of it");
	});

	it("is not known to its provider is answered by the next one", async ({ scenario }) => {
		const { api, provider, submit } = scenario;
		const [missing, present] = [scenario.model("scripted/missing"), scenario.model("scripted/present")];
		provider.script(missing, refusing(404, { message: "No such model.", code: "model_not_found" }));
		provider.script(present, answering(completion("Here I am")));

		const { id } = await submit({ model: [missing, present] });
		expect(await api.finalJob(id)).toMatchObject({ status: "succeeded", model: present, attempt: 1 });
		expect(await contentOf(scenario, id)).toBe("Here I am");
		expect(await api.attempts(id)).toMatchObject([
			{ model: missing, outcome: "permanent", status: 404, message: "No such model." },
			{ model: present, outcome: "succeeded" },
		]);
	});
});

describe.concurrent("a job in flight", () => {
	it("that is cancelled hangs up on its provider within seconds", async ({ scenario }) => {
		const { api, provider, submit } = scenario;
		const model = scenario.model("scripted/endless");
		provider.script(model, stallingAfter("Once upon a time"));

		const { id } = await submit({ model, input: { messages: [], stream: true } });
		const call = await firstCallOf(scenario, model);
		expect(await api.cancel(id)).toMatchObject({ status: "cancelled", cancellation: "in_flight" });
		const cancelledAt = Date.now();
		expect(((await gone(call)) ?? 0) - cancelledAt).toBeLessThan(10_000);
		expect(call.isCut).toBe(true);
		expect(await api.attempts(id)).toMatchObject([{ outcome: "cancelled" }]);
		expect(await api.job(id)).toMatchObject({ status: "cancelled" });
	});
});

describe.concurrent("what is sent and what comes back", () => {
	it("is a valid completion with the text of a bare {text} answer", async ({ scenario }) => {
		const { api, provider, submit } = scenario;
		const model = scenario.model("scripted/bare");
		const input = fixture("example-input.json");
		const output = Object(fixture("example-output.text.json"));
		provider.script(model, answering(output));

		const { id } = await submit({ model, input });
		expect(await api.finalJob(id)).toMatchObject({ status: "succeeded", usage: null });
		const result = await api.result(id);
		expect(isCompletion(result), JSON.stringify(isCompletion.errors)).toBe(true);
		expect(await contentOf(scenario, id)).toBe(output.text);
		const streamed = { stream: true, stream_options: { include_usage: true } };
		expect(JSON.parse(provider.callsOf(model)[0]?.text ?? "")).toEqual({ ...Object(input), model, ...streamed });
	});

	it("is a prompt of 6 MB, unchanged, and an answer of 5 MB", async ({ scenario }) => {
		const { api, provider, submit } = scenario;
		const model = scenario.model("scripted/large");
		const messages = [
			{ role: "system", content: 'Quotes ", \\, \u0000, \u2028, lone brackets ]} and 🦀.\r\n' },
			{ role: "user", content: "Prömpt 🦀 ".repeat(480_000), name: "x" },
		];
		const answer = "Änswer ".repeat(625_000);
		provider.script(model, answering(completion(answer)));

		const { id } = await submit({ model, input: { messages } });
		expect(await api.finalJob(id)).toMatchObject({ status: "succeeded" });
		const sent = Buffer.from(JSON.stringify(messages));
		const call = provider.callsOf(model)[0];
		expect(sent.byteLength).toBeGreaterThan(6_000_000);
		expect(Buffer.from(call?.text ?? "").includes(sent)).toBe(true);
		const response = await api.fetch(`/v1/jobs/${id}/result`);
		const stored = await response.text();
		expect(Buffer.byteLength(stored)).toBeGreaterThan(5_000_000);
		expect(Completion.parse(JSON.parse(stored)).choices[0]?.message.content === answer).toBe(true);
	});

	it("is no prompt of 17 MiB, which is refused", async ({ scenario }) => {
		const { api, provider } = scenario;
		const model = scenario.model("scripted/oversized");
		const input = { messages: [{ role: "user", content: "x".repeat(17 * 1024 * 1024) }] };
		const response = await api.fetch("/v1/jobs", { method: "POST", body: JSON.stringify({ model, input }) });
		expect(response.status).toBe(413);
		expect(await response.json()).toMatchObject({ error: { code: "payload_too_large" } });
		expect(provider.callsOf(model)).toEqual([]);
	});
});
