import { describe, expect, it } from "vitest";
import { JobFailed } from "../../../client/index.ts";
import { aClient, INPUT, job, ok } from "./a-client.ts";

describe("batch", () => {
	it("settles every item, never more at a time than allowed, and reports progress", async () => {
		let [open, most] = [0, 0];
		const progress: object[] = [];
		const fetch = async (url: string, init: RequestInit) => {
			if (init.method === "POST") most = Math.max(most, ++open);
			const nth = /"(\d+)"/.exec(String(init.body))?.[1] ?? /job_(\d+)/.exec(url)?.[1];
			const isBad = Number(nth) % 5 === 0;
			await new Promise((resolve) => setImmediate(resolve));
			if (url.endsWith("/result")) {
				open -= 1;
				return Response.json({ choices: [{ message: { content: nth } }] });
			}
			const status = init.method === "POST" ? "queued" : isBad ? "failed" : "succeeded";
			if (status === "failed") open -= 1;
			return Response.json({ ...job(), id: `job_${nth}`, status });
		};
		const { client } = aClient([], { fetch });
		const items = Array.from({ length: 23 }, (_, nth) => ({ input: INPUT, metadata: { nth: `${nth}` } }));
		const seen = [];
		for await (const one of client.batch(items, { concurrency: 4, onProgress: (now) => progress.push(now) }))
			seen.push([one.index, one.ok ? one.answer.text : one.error instanceof JobFailed]);
		const expected = items.map((_, nth) => [nth, nth % 5 === 0 ? true : `${nth}`]);
		expect(seen.sort((a, b) => Number(a[0]) - Number(b[0]))).toEqual(expected);
		expect(most).toBeLessThanOrEqual(4);
		expect(progress.at(-1)).toEqual({ succeeded: 18, failed: 5, running: 0 });
	});

	const answer = ok({ ...job("succeeded"), choices: [] });

	it("yields an item that has ended while the source pauses", async () => {
		async function* source() {
			yield { input: INPUT };
			await new Promise(() => undefined);
		}
		for await (const one of aClient([answer]).client.batch(source())) {
			expect(one).toMatchObject({ index: 0, ok: true });
			break;
		}
	});

	it("ends its waits and its source when the caller leaves", async () => {
		const signals: (AbortSignal | null | undefined)[] = [];
		const fetch = async (_: string, init: RequestInit) => {
			signals.push(init.signal);
			return signals.length > 1 ? await new Promise<Response>(() => undefined) : Response.json({}, { status: 400 });
		};
		let isClosed = false;
		function* source() {
			try {
				for (;;) yield { input: INPUT };
			} finally {
				isClosed = true;
			}
		}
		for await (const one of aClient([], { fetch }).client.batch(source(), { concurrency: 2 })) if (!one.ok) break;
		expect([isClosed, signals.map((signal) => signal?.aborted)]).toEqual([true, [true, true]]);
	});

	it("refuses a concurrency that is no whole number from 1", async () => {
		for (const concurrency of [0, -1, 1.5, Number.NaN])
			await expect(aClient([answer]).client.batch([], { concurrency }).next()).rejects.toThrow(RangeError);
	});
});
