/** Chat completions on the fake clock: how long a response is silent, what it says then, and what becomes of its job. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { CONFIG } from "../../faults/config.ts";
import { Story } from "../../faults/story.ts";
import { SECOND } from "../../support/a-job.ts";
import { emptyTables } from "../../support/all-rows.ts";
import type { Step } from "../../world/upstreams.ts";
import { World } from "../../world/world.ts";

interface Given {
	steps?: Step[];
	body?: object;
	headers?: Record<string, string>;
	signal?: AbortSignal;
}

const Job = z.object({ id: z.string(), status: z.string() });

let worldsMade = 0;
const DAY = 86_400_000;

async function aService() {
	await emptyTables();
	const world = new World({ startAt: Date.UTC(2027, 0, 1) + DAY * worldsMade++, config: CONFIG, runsByItself: true });
	const { key } = await Story.begin(world);
	const ask = async (method: string, path: string, body: string | null, headers: object = {}, signal?: AbortSignal) => {
		const all = { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers };
		const init = { method, headers: all, body, ...(signal === undefined ? {} : { signal }) };
		const response = await world.request(new Request(`https://jobs.test${path}`, init), 60 * SECOND);
		if (response === null) throw new Error("there is no response");
		return response;
	};
	return {
		world,
		async post(prompt: string, { steps = [{}], body = {}, headers = {}, signal }: Given = {}) {
			if (!world.upstreams.script.has(prompt)) world.upstreams.script.set(prompt, steps);
			const json = { model: "gateway/one", messages: [{ role: "user", content: prompt }], ...body };
			return await ask("POST", "/v1/chat/completions", JSON.stringify(json), headers, signal);
		},
		async jobs() {
			const response = await ask("GET", "/v1/jobs", null);
			return z.object({ data: z.array(Job) }).parse(await response.json()).data;
		},
		/** The body as it comes. Null at its end: it was cut. */
		async read(response: Response) {
			const seen: { at: number; text: string }[] = [];
			const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
			const startedAt = world.runtime.now();
			let isCut = false;
			const reading = (async () => {
				for (;;) {
					const { value, done } = (await reader?.read()) ?? { done: true, value: "" };
					if (done) return;
					seen.push({ at: world.runtime.now() - startedAt, text: value });
				}
			})().catch(() => {
				isCut = true;
			});
			await world.until(reading);
			return { seen, text: seen.map(({ text }) => text).join(""), isCut };
		},
		async error(response: Response) {
			return { status: response.status, ...z.object({ error: z.looseObject({}) }).parse(await response.json()).error };
		},
	};
}

const FAILING: Step[] = [{ status: 500 }];
const ONCE = { holdfast: { max_attempts: 1 } };

describe("a held response", () => {
	it("is silent for 45 seconds, then sends blank lines each 15 seconds, and then its JSON", async () => {
		const { world, post, read } = await aService();
		const askedAt = world.runtime.now();
		const response = await post("slow", { steps: [{ afterMs: 80 * SECOND }] });
		expect(world.runtime.now() - askedAt).toBeGreaterThanOrEqual(45 * SECOND);
		expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
		expect(response.headers.get("cache-control")).toContain("no-transform");
		expect(response.headers.get("holdfast-job")).toMatch(/^job_/);
		const { text, seen } = await read(response);
		expect(text).toMatch(/^\n\n\n\{/);
		expect(JSON.parse(text)).toMatchObject({
			object: "chat.completion",
			holdfast: { attempts: 1, model: "gateway/one" },
		});
		expect(seen.filter((one) => one.text === "\n").map(({ at }) => Math.round(at / SECOND))).toEqual([0, 15, 30]);
	});

	it("is cut if the job fails after that, and a retry by the same key gets the error without another call", async () => {
		const { world, post, read, error, jobs } = await aService();
		const given = { steps: [{ afterMs: 60 * SECOND, status: 500 }], body: ONCE, headers: { "idempotency-key": "one" } };
		const { text, isCut } = await read(await post("dying", given));
		expect([isCut, text.trim()]).toEqual([true, ""]);
		const again = await post("dying", given);
		expect(again.headers.get("x-should-retry")).toBe("false");
		expect(again.headers.get("holdfast-job")).toBe((await jobs())[0]?.id);
		expect(await error(again)).toMatchObject({ status: 502, code: "provider_failed", type: "server_error" });
		expect(world.calls.filter((name) => name.startsWith("ai model"))).toHaveLength(1);
	});

	it("is cut, and the counted retry of the same bytes joins the job, ten minutes after it ended, too", async () => {
		const { world, post, read, error, jobs } = await aService();
		const counted = (count: number) => ({ headers: { "x-stainless-retry-count": String(count) } });
		const given = { steps: [{ afterMs: 60 * SECOND, status: 500 }], body: ONCE };
		await read(await post("dying", { ...given, ...counted(0) }));
		await world.advance(600 * SECOND);
		expect(await error(await post("dying", { ...given, ...counted(1) }))).toMatchObject({ status: 502 });
		expect(await jobs()).toHaveLength(1);
	});
});

describe("a request that equals one whose job has just failed", () => {
	it("gets that job's error for a minute where the client sends no count, unless it has a key of its own", async () => {
		const { world, post, jobs } = await aService();
		const failing = { steps: FAILING, body: ONCE };
		for (let time = 0; time < 3; time++) expect((await post("failing", failing)).status).toBe(502);
		expect(await jobs()).toHaveLength(1);
		await post("failing", { ...failing, headers: { "idempotency-key": "mine" } });
		expect(await jobs()).toHaveLength(2);
		await world.advance(61 * SECOND);
		await post("failing", failing);
		expect(await jobs()).toHaveLength(3);
	});

	it("is a new job where that one has succeeded", async () => {
		const { post, jobs } = await aService();
		for (let time = 0; time < 2; time++) expect((await post("fine")).status).toBe(200);
		expect(await jobs()).toHaveLength(2);
	});
});

describe("a stream", () => {
	const streamed = { stream: true };

	it("has a comment each ten seconds until the answer is there, and then all of it", async () => {
		const { post, read } = await aService();
		const response = await post("slow", { steps: [{ afterMs: 35 * SECOND }], body: streamed });
		expect(response.headers.get("content-type")).toBe("text/event-stream");
		const { text } = await read(response);
		expect(text).toMatch(/^(: keep-alive\n\n){3}data: \{/);
		expect(text).toMatch(/data: \[DONE\]\n\n$/);
	});

	it("ends with a frame of the error if the job fails late, and without an end mark", async () => {
		const { post, read } = await aService();
		const steps = [{ afterMs: 20 * SECOND, status: 500 }];
		const { text, isCut } = await read(await post("dying", { steps, body: { ...streamed, ...ONCE } }));
		expect(isCut).toBe(false);
		expect(text).toMatch(/data: \{"error":\{.*"code":"provider_failed".*\}\}\n\n$/);
		expect(text).not.toContain("[DONE]");
	});

	it("is the error itself, with its status, if the job fails early", async () => {
		const { post, error } = await aService();
		const response = await post("refused", { steps: [{ status: 400 }], body: streamed });
		expect(await error(response)).toMatchObject({ status: 400, type: "invalid_request_error", message: "No." });
	});

	it("is another request than the same one without a stream: they cannot share a key", async () => {
		const { post, error } = await aService();
		const headers = { "idempotency-key": "shared" };
		await post("both", { headers });
		const other = await post("both", { headers, body: streamed });
		expect(await error(other)).toMatchObject({ status: 422, code: "idempotency_key_reused" });
	});
});

describe("a caller that hangs up", () => {
	const hangUp = async (body: object) => {
		const { world, post, jobs } = await aService();
		const gone = new AbortController();
		world.runtime.timer(2 * SECOND, () => gone.abort());
		await post("left", { steps: [{ afterMs: 20 * SECOND }], body, signal: gone.signal });
		await world.advance(5 * SECOND);
		const [soon] = await jobs();
		await world.advance(60 * SECOND);
		const [later] = await jobs();
		return [soon?.status, later?.status];
	};

	it("leaves its job to go on", async () => {
		expect(await hangUp({})).toEqual(["running", "succeeded"]);
	});

	it("cancels its job if it wants so", async () => {
		expect(await hangUp({ holdfast: { on_disconnect: "cancel" } })).toEqual(["cancelled", "cancelled"]);
	});
});

describe("a job of a chat completion", () => {
	it("is throttled to its end: 429, which is no reason to retry", async () => {
		const { post, error } = await aService();
		const steps = [{ status: 429, retryAfter: 5 }];
		const response = await post("throttled", { steps, body: { holdfast: { deadline_seconds: 30 } } });
		expect(response.headers.get("x-should-retry")).toBe("false");
		expect(await error(response)).toMatchObject({ status: 429, code: "rate_limit_exceeded" });
	});

	it("fails by the operator's key: 502, not the caller's 401", async () => {
		const { post, error } = await aService();
		const response = await post("refused", { steps: [{ status: 401 }], body: { holdfast: { deadline_seconds: 30 } } });
		expect(await error(response)).toMatchObject({ status: 502, code: "provider_refused" });
	});
});
