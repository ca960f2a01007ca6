import { afterEach, describe, expect, it, vi } from "vitest";
import type { Json, JsonObject } from "../../../../../shared/core/json/json.ts";
import type { ModelRoute } from "../../../../../shared/core/upstreams/model-routes.ts";
import { simulated } from "../../../../../shared/model/providers/simulated.ts";
import { fakeRuntime } from "../../../../support/fake-runtime.ts";
import { aCall, asking, watched } from "../../../../support/model-calls.ts";
import { failedAs } from "../../../../support/outcomes.ts";

afterEach(() => {
	vi.restoreAllMocks();
});

const ROUTE: ModelRoute = { match: "*", provider: "simulated" };

function simulating() {
	const runtime = fakeRuntime();
	const ask = asking(runtime);
	return {
		runtime,
		ask: (simulate: Json, more: JsonObject = {}, callsBefore = 0, signal?: AbortSignal) => {
			const input: JsonObject = { messages: [{ role: "user", content: "Why is the sky blue?" }], ...more };
			return ask({ route: ROUTE, callsBefore, input: simulate === undefined ? input : { ...input, simulate } }, signal);
		},
	};
}
const contentOf = (outcome: unknown) => /"content":"(.*?[^\\])"/.exec(JSON.stringify(outcome))?.[1] ?? "";

describe("the simulated provider", () => {
	it("says that it is simulated, and which model and prompt it answers", async () => {
		const outcome = await simulating().ask({});
		expect(outcome).toMatchObject({
			ok: true,
			response: { completion: { model: "maker/model" }, usage: { promptTokens: 5 } },
		});
		expect(JSON.stringify(outcome)).toMatch(/simulated answer.*maker\/model.*20 characters.*Why is the sky blue\?/);
	});

	it("gives the same answer to the same input, streamed or not, but for the marks of a stream", async () => {
		const whole = await simulating().ask({});
		expect(await simulating().ask({})).toEqual(whole);
		expect(await simulating().ask({}, { stream: true })).toEqual(whole);
	});

	it("fails the first calls as instructed, counted or not, then answers", async () => {
		const { ask } = simulating();
		const simulate = { fail: [429, 503], retry_after: 3 };
		const throttled = { class: "throttled", status: 429, retryAfterMs: 3000 };
		expect(await ask(simulate, {}, 0)).toMatchObject({ ok: false, failure: throttled });
		expect(await ask(simulate, {}, 1)).toMatchObject(failedAs({ class: "transient", status: 503 }));
		expect(await ask(simulate, {}, 2)).toMatchObject({ ok: true });
	});

	it.each([
		[400, "permanent"],
		[401, "permanent"],
		[402, "blocked"],
		[404, "permanent"],
		[500, "transient"],
		[304, "permanent"],
	])("fails with %i as a provider would", async (status, failureClass) => {
		const failure = { class: failureClass, status };
		expect(await simulating().ask({ fail: status })).toMatchObject(failedAs(failure));
	});

	it("sends a nonsense Retry-After as instructed", async () => {
		const outcome = await simulating().ask({ fail: [429], retry_after: "soon 🌍" });
		expect(outcome).toMatchObject(failedAs({ status: 429, retryAfterMs: null }));
	});

	it("waits for its latency, failing or answering", async () => {
		const { ask, runtime } = simulating();
		const outcomes = [watched(ask({ latency_ms: 2000 })), watched(ask({ latency_ms: 2000, fail: [500] }))];
		await runtime.advance(1999);
		expect(outcomes.map((outcome) => outcome.now())).toEqual(["waiting", "waiting"]);
		await runtime.advance(1);
		expect(outcomes.map((outcome) => outcome.now())).toMatchObject([{ ok: true }, { ok: false }]);
	});

	it("stalls until the call is given up, and only the calls that it is instructed to", async () => {
		const { ask, runtime } = simulating();
		const forever = watched(ask({ stall: true }));
		expect(await ask({ stall: 1 }, {}, 1)).toMatchObject({ ok: true });
		await runtime.advance(599_999);
		expect(forever.now()).toBe("waiting");
		await runtime.advance(1);
		expect(forever.now()).toMatchObject(failedAs({ code: "timed_out" }));
	});

	it("stalls in the middle of a stream", async () => {
		const { ask, runtime } = simulating();
		const outcome = watched(ask({ stall: true }, { stream: true }));
		await runtime.advance(120_000);
		expect(outcome.now()).toMatchObject(failedAs({ code: "stalled", status: 200 }));
		expect(runtime.pendingTimers()).toBe(0);
	});

	it.each([{ latency_ms: 5000 }, { stall: true }, { stall: true, stream_chunk_ms: 1 }, { stream_chunk_ms: 5000 }])(
		"obeys an abort while %j",
		async (simulate) => {
			const { ask, runtime } = simulating();
			const stop = new AbortController();
			const outcome = watched(ask(simulate, {}, 0, stop.signal));
			await runtime.advance(100);
			expect(outcome.now()).toBe("waiting");
			stop.abort();
			await runtime.advance(0);
			expect(outcome.now()).toMatchObject(failedAs({ code: "aborted" }));
			expect(runtime.pendingTimers()).toBe(0);
		},
	);

	it("streams at the instructed pace", async () => {
		const { ask, runtime } = simulating();
		const outcome = watched(ask({ stream_chunk_ms: 1000, output_tokens: 3 }));
		// Its role, three tokens and the finish reason; then the usage and [DONE].
		await runtime.advance(5999);
		expect(outcome.now()).toBe("waiting");
		await runtime.advance(1);
		expect(outcome.now()).toMatchObject({ ok: true, response: { usage: { completionTokens: 3 } } });
	});

	it("refuses for good where it is switched off", async () => {
		const ask = asking(fakeRuntime(), { allowSimulated: false });
		const failure = { class: "permanent", code: "route_misconfigured", isCallMade: false };
		expect(await ask({ route: ROUTE })).toMatchObject(failedAs(failure));
	});

	it("makes each event of a stream when it is read", async () => {
		const provider = simulated(fakeRuntime(), true);
		const simulate = { output_tokens: 100_000, stream_chunk_ms: 0 };
		const call = { ...aCall({ route: ROUTE, input: { messages: [], stream: true, simulate } }) };
		const stringify = vi.spyOn(JSON, "stringify");
		const reply = await provider(call, new AbortController().signal);
		await (reply.ok ? reply.response.body : null)?.cancel();
		expect(stringify.mock.calls.length).toBeLessThan(10);
	});

	it("answers at the instructed length, up to 100,000 tokens, and no longer than the caller allows", async () => {
		const { ask } = simulating();
		expect(await ask({ output_tokens: 1000 })).toMatchObject({
			ok: true,
			response: { usage: { completionTokens: 1000 } },
		});
		const cut = { completion: { choices: [{ finish_reason: "length" }] }, usage: { completionTokens: 7 } };
		expect(await ask({ output_tokens: 1000 }, { max_tokens: 7.5 })).toMatchObject({ ok: true, response: cut });
		const large = await ask({ output_tokens: 100_000 });
		expect(contentOf(large).length).toBeGreaterThan(580_000);
		const tooLong = { providerCode: "invalid_simulate", message: expect.stringMatching(/output_tokens.*100000/) };
		expect(await ask({ output_tokens: 100_001 })).toMatchObject(failedAs(tooLong));
	});

	it.each<Json>([{ fail: "soon" }, { fail: [99] }, { latency_ms: -1 }, { stall: "yes" }, "fast", [1]])(
		"refuses steering that makes no sense: %j",
		async (simulate) => {
			const failure = { class: "permanent", providerCode: "invalid_simulate", status: 400 };
			expect(await simulating().ask(simulate)).toMatchObject(failedAs(failure));
		},
	);
});
