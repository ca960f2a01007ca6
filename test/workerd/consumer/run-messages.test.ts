import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { ChatCompletion } from "../../../shared/core/chat/chat-completion.ts";
import { newAttempt } from "../../../shared/core/jobs/attempts.ts";
import { callModel } from "../../../shared/model/call-model.ts";
import { ACK } from "../../../shared/queues/dispositions.ts";
import { resultKey } from "../../../shared/storage/keys.ts";
import { ANSWERS, eventsOf, streamOf } from "../../node/shared/core/chat/anthropic-answers.ts";
import { aJob, DAY, HOUR, LEASE_MS, MINUTE, NOW, reload, SECOND, WEBHOOK } from "../support/a-job.ts";
import { consumed } from "../world/drive.ts";
import { aModel, answered, failed, slowly, USAGE } from "../world/model.ts";
import { World } from "../world/world.ts";

let world: World;
beforeEach(() => {
	world = new World();
});

const storedText = async (job: { tenantId: string; jobId: string }) =>
	(await env.RESULTS.get(resultKey(job)))?.text() ?? null;

/** Spread over half a lease. */
const AFTER_LEASE = expect.toSatisfy((s) => s >= LEASE_MS / 1000 && s <= (1.5 * LEASE_MS) / 1000);

describe("an attempt that succeeds", () => {
	it("stores the result, ends the job, inserts its delivery and enqueues it, in this order", async () => {
		const { world, job, disposition, after } = await consumed([answered("Because.")], { webhook: WEBHOOK });
		expect(disposition).toEqual(ACK);
		expect(after).toMatchObject({
			status: "succeeded",
			attempt: 1,
			usage: USAGE,
			attempts: [{ number: 1, fence: 1, outcome: "succeeded", counted: true, logId: "log_1", provider: "simulated" }],
		});
		expect(await storedText(job)).toContain("Because.");
		expect(world.calls).toEqual([
			"d1 lease jobs",
			"model",
			"r2 put results",
			"d1 finish jobs",
			"queue sendBatch deliveries",
		]);
		expect(world.deliveries.waiting).toHaveLength(1);
	});

	it("leaves no timer behind", async () => {
		await world.start(aModel(slowly(MINUTE, answered()))).consume(await aJob());
		expect(world.runtime.pendingTimers()).toBe(0);
	});

	it("calls with what the job says, and for no longer than its timeout and its deadline allow", async () => {
		const model = aModel(answered());
		const job = await aJob({ timeoutMs: 30 * SECOND });
		await world.start(model).consume(job);
		await world.start(model).consume(await aJob({ deadlineMs: 20 * SECOND }));
		expect(model.calls.map(({ timeoutMs }) => timeoutMs)).toEqual([30 * SECOND, 20 * SECOND]);
		expect(model.calls[0]).toMatchObject({ jobId: job.jobId, callsBefore: 0, route: { provider: "simulated" } });
		expect(model.calls[0]?.input.toObject()).toEqual({ messages: [{ role: "user", content: "Why?" }] });
	});

	it("calls with the chat completion that a request to the Responses API becomes", async () => {
		const model = aModel(answered());
		const request = { instructions: "Be brief.", input: [{ role: "user", content: "And now?" }] };
		const context = [{ id: "msg_1", type: "message", role: "user", content: [{ type: "input_text", text: "Why?" }] }];
		await world.start(model).consume(await aJob({ input: JSON.stringify({ request, context }) }));
		expect(model.calls[0]?.input.toObject()).toEqual({
			messages: [
				{ role: "system", content: "Be brief." },
				{ role: "user", content: "Why?" },
				{ role: "user", content: "And now?" },
			],
		});
	});
});

describe("an attempt that fails", () => {
	it("goes back to the queue with full jitter after a transient failure", async () => {
		const delays: number[] = [];
		for (let tries = 0; tries < 20; tries++) {
			// Each of another model: so many failures of one would trip its breaker.
			const job = await aJob({ attempt: 2, models: [`simulated/${tries}`] });
			const disposition = await world.start(aModel(failed("transient"))).consume(job);
			const after = await reload(job);
			expect(after).toMatchObject({ status: "queued", statusReason: "retrying", attempt: 3 });
			const delayMs = (after?.runAt ?? 0) - world.runtime.now();
			expect(disposition).toEqual({ kind: "retry", delaySeconds: Math.ceil(delayMs / 1000) });
			delays.push(delayMs);
		}
		expect(Math.max(...delays)).toBeLessThanOrEqual(8 * SECOND);
		expect(Math.min(...delays)).toBeLessThan(2 * SECOND);
		expect(Math.max(...delays)).toBeGreaterThan(5 * SECOND);
	});

	it("waits at least as long as the provider says, in the queue if that is near, else in D1 alone", async () => {
		const throttled = (retryAfterMs: number) => aModel(failed("throttled", { status: 429, retryAfterMs }));
		const [near, far] = [await aJob(), await aJob({ models: ["simulated/other"] })];
		const disposition = await world.start(throttled(30 * SECOND)).consume(near);
		expect(disposition).toEqual({ kind: "retry", delaySeconds: expect.toSatisfy((s) => s >= 30 && s <= 33) });
		expect(await world.start(throttled(HOUR)).consume(far)).toEqual(ACK);
		const later = await reload(far);
		expect(later?.runAt).toBeGreaterThanOrEqual(NOW + HOUR);
		expect(later?.sweepAt).toBe(later?.runAt);
	});

	it("uses no attempt when it was throttled or blocked, but is in the history", async () => {
		for (const failureClass of ["throttled", "blocked"] as const) {
			const job = await aJob({ maxAttempts: 1, models: [`simulated/${failureClass}`] });
			await world.start(aModel(failed(failureClass, { status: 429 }))).consume(job);
			expect(await reload(job)).toMatchObject({
				status: "queued",
				statusReason: failureClass,
				attempt: 0,
				attempts: [{ outcome: failureClass, counted: false }],
			});
		}
	});

	it("moves on at once when it is blocked, and its credential stays blocked for a minute at least", async () => {
		const model = aModel(failed("blocked", { status: 401 }), answered());
		const job = await aJob({ maxAttempts: 1, models: ["simulated/one", "other/two"] });
		world.config.modelRoutes = [
			{ match: "other/*", provider: "openai-compatible", base_url: "https://other.test/v1" },
			{ match: "*", provider: "simulated" },
		];
		expect(await world.start(model).consume(job)).toEqual({ kind: "retry", delaySeconds: 0 });
		const { results } = await env.DB.prepare("SELECT key, reason, open_until FROM breakers").all();
		expect(results).toEqual([
			{ key: `own:${job.tenantId}|credential:simulated`, reason: "blocked", open_until: world.runtime.now() + MINUTE },
		]);
		await world.start(model).consume(job);
		expect(await reload(job)).toMatchObject({
			...{ status: "succeeded", model: "other/two", attempt: 1 },
			attempts: [{ outcome: "blocked", counted: false, status: 401 }, { outcome: "succeeded" }],
		});
	});

	it("fails at once for good", async () => {
		const { world, disposition, after } = await consumed(
			[failed("permanent", { code: "invalid_request", status: 400 })],
			{ webhook: WEBHOOK },
		);
		expect(disposition).toEqual(ACK);
		expect(after).toMatchObject({
			status: "failed",
			statusReason: "permanent",
			error: { code: "invalid_request", status: 400 },
		});
		expect(world.deliveries.waiting).toHaveLength(1);
	});

	it("fails when its attempts are used up, after as many calls", async () => {
		const job = await aJob({ maxAttempts: 3 });
		const model = aModel(failed("transient"));
		while ((await reload(job))?.status === "queued") {
			await world.start(model).consume(job);
			await world.advance(10 * MINUTE);
		}
		expect(model.calls).toHaveLength(3);
		expect(await reload(job)).toMatchObject({ status: "failed", statusReason: "attempts_exhausted", attempt: 3 });
	});

	it("puts the job back at once for its next model, whose attempts are counted from 1", async () => {
		const models = ["simulated/one", "simulated/two"];
		const job = await aJob({ models, maxAttempts: 2, attempt: 1 });
		const model = aModel(failed("transient"), failed("transient"), answered());
		expect(await world.start(model).consume(job)).toEqual({ kind: "retry", delaySeconds: 0 });
		expect(await reload(job)).toMatchObject({ status: "queued", model: "simulated/two", attempt: 0, fence: 1 });
		await world.start(model).consume(job);
		expect(await reload(job)).toMatchObject({ status: "queued", model: "simulated/two", attempt: 1 });
		await world.advance(10 * SECOND);
		await world.start(model).consume(job);
		expect(await reload(job)).toMatchObject({ status: "succeeded", model: "simulated/two", attempt: 2 });
		expect(model.calls.map((call) => call.model)).toEqual(["simulated/one", "simulated/two", "simulated/two"]);
		expect(model.calls.map((call) => call.callsBefore)).toEqual([0, 1, 2]);
	});

	it("keeps the first and the last 49 of its calls", async () => {
		const job = await aJob({ deadlineMs: 30 * DAY, maxAttempts: 60 });
		const model = aModel(failed("throttled"));
		for (let calls = 0; calls < 55; calls++) {
			await world.start(model).consume(job);
			await world.advance(10 * MINUTE);
		}
		const after = await reload(job);
		expect(after?.attempts.map(({ number }) => number)).toEqual([1, ...Array.from({ length: 49 }, (_, i) => i + 7)]);
		expect(model.calls.at(-1)?.callsBefore).toBe(54);
	});
});

describe("a model of Anthropic behind the gateway", () => {
	/** The world's consumer with the real port, and what the AI binding is sent and replies. */
	function behindTheGateway(...replies: string[]) {
		const sent: object[] = [];
		const run = async (model: string, inputs: object) => {
			sent.push({ model, inputs });
			return new Response(replies[sent.length - 1], { headers: { "content-type": "text/event-stream" } });
		};
		const model = aModel(({ route, ...call }, signal, runtime) => {
			const ask = callModel({
				runtime,
				ai: { run },
				signingKey: "s".repeat(43),
				secret: () => null,
				allowSimulated: false,
			});
			return ask({ ...call, route: { ...route, provider: "workers-ai" } }, signal);
		});
		return { sent, model };
	}
	const models = ["anthropic/claude-sonnet-5"];
	const SYSTEM = { role: "system", content: "Be brief." };
	const ASKED = { role: "user", content: "Sky?" };
	const modelRoutes = [{ match: "*", provider: "workers-ai" as const }];

	it("gets an answer with calls back as it gave it, beside their results", async () => {
		const world = new World({ config: { modelRoutes } });
		const named = (name: string) => ANSWERS.find((one) => one.name === name)?.body ?? { content: [] };
		const [first, last] = [named("calls behind thoughts and a text"), named("a text")] as const;
		const { sent, model } = behindTheGateway(streamOf(eventsOf(first)), JSON.stringify(last));
		const tools = [{ type: "function", function: { name: "weather" } }];
		const asked = { messages: [SYSTEM, ASKED], tools, max_tokens: 99 };
		const job = await aJob({ models, input: JSON.stringify(asked) });
		await world.start(model).consume(job);
		const usage = { promptTokens: 3, completionTokens: 4, totalTokens: 7 };
		expect(await reload(job)).toMatchObject({ status: "succeeded", usage, attempts: [{ provider: "workers-ai" }] });
		const { message } = ChatCompletion.parse(JSON.parse((await storedText(job)) ?? "")).choices[0] ?? {};
		const results = (message?.tool_calls ?? []).map(({ id }) => ({ role: "tool", tool_call_id: id, content: "1" }));
		const again = { ...asked, messages: [...asked.messages, message, ...results] };
		const next = await aJob({ models, input: JSON.stringify(again) });
		await world.start(model).consume(next);
		expect(await storedText(next)).toContain("Hällo.");
		const inputs = {
			max_tokens: 99,
			system: "Be brief.",
			tools: [{ name: "weather", input_schema: { type: "object" } }],
			stream: true,
		};
		const result = (tool_use_id: string) => ({ type: "tool_result", tool_use_id, content: "1" });
		const turns = [
			ASKED,
			{ role: "assistant", content: first.content },
			{ role: "user", content: ["a", "b"].map(result) },
		];
		expect(sent).toEqual([
			{ model: models[0], inputs: { ...inputs, messages: [ASKED] } },
			{ model: models[0], inputs: { ...inputs, messages: turns } },
		]);
	});

	it("is passed over without a call where it cannot be sent the input", async () => {
		const world = new World({ config: { modelRoutes } });
		const { sent, model } = behindTheGateway();
		const job = await aJob({
			models: [...models, "openai/gpt-5.5"],
			input: JSON.stringify({ messages: [ASKED], n: 2 }),
		});
		expect(await world.start(model).consume(job)).toEqual({ kind: "retry", delaySeconds: 0 });
		const message = expect.stringContaining("input.n");
		const attempts = [{ model: models[0], outcome: "permanent", code: "not_supported", message, usage: null }];
		expect(await reload(job)).toMatchObject({ status: "queued", model: "openai/gpt-5.5", attempt: 0, attempts });
		expect(sent).toEqual([]);
		const alone = await aJob({ models, input: JSON.stringify({ messages: [ASKED], n: 2 }) });
		await world.start(model).consume(alone);
		expect(await reload(alone)).toMatchObject({ status: "failed", error: { code: "not_supported" } });
		expect(sent).toEqual([]);
	});
});

describe("the deadline", () => {
	it("is settled by the holder whose call it cuts off", async () => {
		const { world, disposition, after } = await consumed([slowly(HOUR, answered())], {
			deadlineMs: 20 * SECOND,
			webhook: WEBHOOK,
		});
		expect(disposition).toEqual(ACK);
		expect(world.runtime.now()).toBe(NOW + 20 * SECOND);
		expect(after).toMatchObject({
			status: "expired",
			statusReason: "deadline_passed",
			attempts: [{ outcome: "expired" }],
		});
		expect(world.deliveries.waiting).toHaveLength(1);
	});

	it("lets no job be called that is leased after it", async () => {
		const job = await aJob({ deadlineMs: 20 * SECOND });
		await world.advance(30 * SECOND);
		const model = aModel(answered());
		await world.start(model).consume(job);
		expect(model.calls).toHaveLength(0);
		expect(await reload(job)).toMatchObject({ status: "expired", attempt: 0, attempts: [] });
	});

	it("less than a second ahead leaves no time for a call", async () => {
		const { world, model, after } = await consumed([answered()], { deadlineMs: 900 });
		expect(model.calls).toHaveLength(0);
		expect(world.runtime.now()).toBe(NOW + 900);
		expect(after).toMatchObject({ status: "expired", attempt: 0 });
	});

	it("that passes while a job waits for memory leaves it uncalled", async () => {
		const [large, job] = [
			await aJob({ inputBytes: 20 << 20 }),
			await aJob({ inputBytes: 20 << 20, deadlineMs: 20 * SECOND }),
		];
		const model = aModel(slowly(30 * SECOND, answered()));
		await world.until(world.start(model).consuming(large, job).over);
		expect(model.calls.map(({ jobId }) => jobId)).toEqual([large.jobId]);
		expect(await reload(job)).toMatchObject({ status: "expired", attempt: 0 });
	});

	it("bounds a retry: the job is due again at its deadline at the latest", async () => {
		const { job, after } = await consumed([failed("throttled", { retryAfterMs: HOUR })], { deadlineMs: 20 * SECOND });
		expect(after).toMatchObject({ runAt: job.deadlineAt, sweepAt: job.deadlineAt });
	});
});

describe("a cancelled job", () => {
	const cancel = async (job: { tenantId: string; jobId: string }, now: number) => {
		await env.DB.prepare(
			`UPDATE jobs SET status = 'cancelled', cancellation = 'in_flight', finished_at = ?2, prune_at = ?2,
			   lease_expires_at = NULL, sweep_at = NULL, slot = NULL WHERE id = ?1`,
		)
			.bind(job.jobId, now)
			.run();
		return await reload(job);
	};

	it("has its call aborted at the next look, and its holder writes nothing", async () => {
		const job = await aJob({ webhook: WEBHOOK });
		const { dispositions, over } = world.start(aModel(slowly(HOUR, answered()))).consuming(job);
		await world.advance(12 * SECOND);
		const cancelled = await cancel(job, world.runtime.now());
		await world.until(over);
		expect(world.runtime.now()).toBe(NOW + 15 * SECOND);
		expect(dispositions[job.jobId]).toEqual(ACK);
		expect(await reload(job)).toEqual(cancelled);
		expect(world.calls.filter((call) => !call.startsWith("d1 find held leases"))).toEqual(["d1 lease jobs", "model"]);
	});

	it("is not called when it is cancelled between lease and call", async () => {
		const [large, job] = [await aJob({ inputBytes: 20 << 20 }), await aJob({ inputBytes: 20 << 20 })];
		const model = aModel(slowly(30 * SECOND, answered()));
		const { dispositions, over } = world.start(model).consuming(large, job);
		await world.advance(10 * SECOND);
		await cancel(job, world.runtime.now());
		await world.until(over);
		expect(model.calls.map(({ jobId }) => jobId)).toEqual([large.jobId]);
		expect(dispositions[job.jobId]).toEqual(ACK);
	});
});

describe("a batch", () => {
	it("is leased in one statement and kept alive in one statement per heartbeat", async () => {
		const jobs = [await aJob(), await aJob(), await aJob(), await aJob()] as const;
		const { over } = world.start(aModel(slowly(5 * MINUTE, answered()))).consuming(...jobs);
		await world.advance(4 * MINUTE);
		for (const job of jobs) {
			expect(await reload(job)).toMatchObject({ status: "running", fence: 1, leaseExpiresAt: NOW + 5.5 * MINUTE });
		}
		expect(world.calls.filter((call) => call === "d1 lease jobs")).toHaveLength(1);
		expect(world.calls.filter((call) => call === "d1 extend leases")).toHaveLength(8);
		await world.until(over);
		for (const job of jobs) expect(await reload(job)).toMatchObject({ status: "succeeded", fence: 1 });
	});

	it("extends its lease again after 5 s when D1 failed to", async () => {
		const job = await aJob();
		const process = world.start(aModel(slowly(5 * MINUTE, answered()))).on(/extend leases/, "fails before", 1);
		const { over } = process.consuming(job);
		await world.advance(35 * SECOND);
		expect(await reload(job)).toMatchObject({ leaseExpiresAt: NOW + 125 * SECOND });
		await world.until(over);
		expect(await reload(job)).toMatchObject({ status: "succeeded" });
	});

	it("disposes of each message as soon as it can, whatever its neighbours do", async () => {
		const [slow, quick, broken] = [await aJob(), await aJob(), await aJob()];
		const model = aModel((call, signal, runtime) => {
			if (call.jobId === broken.jobId) throw new TypeError("a bug");
			const step = slowly(call.jobId === slow.jobId ? MINUTE : SECOND, answered());
			return typeof step === "function" ? step(call, signal, runtime) : step;
		});
		const { dispositions, over } = world.start(model).consuming(slow, broken, quick);
		await world.advance(2 * SECOND);
		expect(dispositions[quick.jobId]).toEqual(ACK);
		// Its retry would come when the batch is over: a new message does not wait for that.
		expect(dispositions[broken.jobId]).toEqual(ACK);
		expect(world.jobs.waiting).toEqual([{ tenantId: broken.tenantId, jobId: broken.jobId }]);
		expect(dispositions[slow.jobId]).toBeUndefined();
		expect(await reload(quick)).toMatchObject({ status: "succeeded" });
		await world.until(over);
		expect(dispositions[slow.jobId]).toEqual(ACK);
	});

	it("retries a message that cannot be replaced while a neighbour runs", async () => {
		const [slow, failing] = [await aJob(), await aJob()];
		const model = aModel((call, signal, runtime) => {
			const step = call.jobId === slow.jobId ? slowly(MINUTE, answered()) : failed("transient");
			return typeof step === "function" ? step(call, signal, runtime) : step;
		});
		const process = world.start(model).on(/queue sendBatch jobs/, "fails before");
		const { dispositions, over } = process.consuming(slow, failing);
		await world.until(over);
		expect(dispositions[failing.jobId]).toMatchObject({ kind: "retry" });
	});

	it("holds the inputs at a time that its isolate has memory for, in the order of arrival, and all get their turn", async () => {
		const sizes = [16, 16, 4, 30];
		const jobs = await Promise.all(sizes.map((mib) => aJob({ inputBytes: mib << 20 })));
		let held = 0;
		let heldMax = 0;
		const model = aModel(async (call, signal, runtime) => {
			const size = jobs.find(({ jobId }) => jobId === call.jobId)?.inputBytes ?? 0;
			held += size;
			heldMax = Math.max(heldMax, held);
			await runtime.sleep(10 * SECOND, signal);
			held -= size;
			return answered();
		});
		const { over } = world.start(model).consuming(...jobs);
		expect(await world.until(over)).toBe(true);
		expect(model.calls).toHaveLength(4);
		// What is larger than the whole budget runs alone.
		expect(heldMax).toBe(32 << 20);
		expect(world.runtime.now()).toBe(NOW + 30 * SECOND);
	});

	it("gives a job back that waited too long to be called before its invocation ends", async () => {
		const killed = newAttempt(
			{ attempts: [], fence: 1, model: "m" },
			{ outcome: "abandoned", counted: true, startedAt: 0, endedAt: 0 },
		);
		const jobs = [await aJob(), await aJob({ attempts: [killed] })] as const;
		const model = aModel(slowly(8 * MINUTE, answered()));
		const { dispositions, over } = world.start(model).consuming(...jobs);
		await world.until(over);
		expect(model.calls).toHaveLength(1);
		expect(dispositions[jobs[1].jobId]).toEqual({ kind: "retry", delaySeconds: 30 });
		expect(await reload(jobs[1])).toMatchObject({ status: "queued", attempt: 0, attempts: [killed] });
	});

	it("gives a job back for which the isolate has no memory for half a minute, whichever invocation has it", async () => {
		const [large, job] = [await aJob({ inputBytes: 20 << 20 }), await aJob({ inputBytes: 20 << 20 })];
		const model = aModel(slowly(8 * MINUTE, answered()), answered());
		const process = world.start(model);
		const other = process.consuming(large);
		const { dispositions, over } = process.consuming(job);
		await world.advance(10 * SECOND);
		expect(model.calls).toHaveLength(1);
		await world.until(over);
		const { delaySeconds } = z.object({ delaySeconds: z.number() }).parse(dispositions[job.jobId]);
		expect(delaySeconds).toBeGreaterThanOrEqual(5);
		const returned = { status: "queued", statusReason: "worker_full", attempt: 0, attempts: [] };
		expect(await reload(job)).toMatchObject(returned);
		await world.until(other.over);
		await world.until(process.consuming(job).over);
		expect(await reload(job)).toMatchObject({ status: "succeeded", attempt: 1 });
	});

	it("runs, though a row among it cannot be read", async () => {
		const [broken, sound] = [await aJob(), await aJob()];
		await env.DB.prepare("UPDATE jobs SET attempts = '[{}]' WHERE id = ?1").bind(broken.jobId).run();
		const { dispositions, over } = world.start(aModel(answered())).consuming(broken, sound);
		await world.until(over);
		expect(dispositions).toEqual({ [broken.jobId]: ACK, [sound.jobId]: ACK });
		expect(await reload(sound)).toMatchObject({ status: "succeeded" });
	});

	it("that D1 does not lease comes back whole, after a lease", async () => {
		const process = world.start().on(/^d1/, "fails before", 1_000);
		const job = await aJob();
		expect(await process.consume(job)).toEqual({ kind: "retry", delaySeconds: AFTER_LEASE });
		expect(await reload(job)).toMatchObject({ status: "queued", fence: 0 });
	});

	it.each([
		["lost", "fails after", 3],
		["hanging", "hangs after", 1],
	] as const)(
		"runs although the reply to its lease is %s, and uses no attempt without a call",
		async (_, fault, times) => {
			const model = aModel(answered());
			const process = world.start(model).on(/^d1 lease jobs/, fault, times);
			const job = await aJob({ maxAttempts: 1 });
			expect(await process.consume(job)).toEqual(ACK);
			expect(model.calls).toHaveLength(1);
			expect(await reload(job)).toMatchObject({ status: "succeeded", fence: 1, attempt: 1 });
		},
	);

	it("whose lease is not confirmed is not asked for again and again", async () => {
		const model = aModel(answered());
		const process = world.start(model).on(/^d1 lease jobs/, "hangs after", 5);
		const job = await aJob();
		expect(await process.consume(job)).toEqual({ kind: "retry", delaySeconds: AFTER_LEASE });
		expect(world.calls.filter((call) => call.startsWith("d1 lease jobs"))).toHaveLength(2);
		expect(model.calls).toHaveLength(0);
	});
});
