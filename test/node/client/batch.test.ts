import { describe, expect, it } from "vitest";
import { JobFailed } from "../../../client/index.ts";
import { JobPoller } from "../../../client/job-poller.ts";
import { aClient, INPUT, job, ok, refusal } from "./a-client.ts";

describe("batch", () => {
	it("settles every item, never more at a time than allowed, and reports progress", async () => {
		let [open, most, reads] = [0, 0, 0];
		const progress: object[] = [];
		const submitted = new Map<string, object>();
		const failed = new Set<string>();
		const fetch = async (url: string, init: RequestInit) => {
			await new Promise((resolve) => setImmediate(resolve));
			const nth = (/job_(\d+)/.exec(url) ?? /"(\d+)"/.exec(String(init.body)))?.[1] ?? "";
			const ends = (id: string) => (Number(id) % 5 === 0 ? "failed" : "succeeded");
			if (init.method === "POST") {
				most = Math.max(most, ++open);
				submitted.set(nth, { ...job(), id: `job_${nth}`, status: ends(nth) });
				return Response.json({ ...job(), id: `job_${nth}`, status: "queued" });
			}
			if (url.endsWith("/result")) {
				open -= 1;
				return Response.json({ choices: [{ message: { content: nth } }] });
			}
			reads += 1;
			const fresh = [...submitted.keys()].filter((id) => ends(id) === "failed" && !failed.has(id));
			for (const id of fresh) failed.add(id);
			open -= fresh.length;
			return Response.json({ data: [...submitted.values()], has_more: false, last_id: null, next_after: null });
		};
		const { client } = aClient([], { fetch });
		const items = Array.from({ length: 23 }, (_, nth) => ({ input: INPUT, metadata: { nth: `${nth}` } }));
		const seen = [];
		for await (const one of client.batch(items, { concurrency: 4, onProgress: (now) => progress.push(now) }))
			seen.push([one.index, one.ok ? one.answer.text : one.error instanceof JobFailed]);
		const expected = items.map((_, nth) => [nth, nth % 5 === 0 ? true : `${nth}`]);
		expect(seen.sort((a, b) => Number(a[0]) - Number(b[0]))).toEqual(expected);
		expect([most, reads < items.length]).toEqual([4, true]);
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

	it("throws the reason of the client's own signal", async () => {
		const gone = new AbortController();
		const { client } = aClient([ok(job())], { signal: gone.signal });
		const items = function* () {
			yield { input: INPUT };
			gone.abort(new Error("gone"));
			yield { input: INPUT };
		};
		await expect(client.batch(items()).next()).rejects.toThrow("gone");
	});

	it("reads one list for all jobs, goes over pages without them, and notes which are erased", async () => {
		const id = (nth: number) => `job_01m8n2ma${String(nth).padStart(2, "0")}p81j18kt36n610ea`;
		const page = (nths: number[], next: number | null) =>
			ok({
				data: nths.map((nth) => ({ ...job(nth === 1 ? "queued" : "failed"), id: id(nth) })),
				has_more: next !== null,
				last_id: null,
				next_after: next === null ? null : id(next),
			});
		const limit = refusal(429, "rate_limited", { "retry-after": "99" });
		const looks = [limit, page([1, 3], 3), refusal(404, "not_found"), page([50], null), page([2], null)];
		const { client, sent } = aClient([...looks, ok({ ...job("failed"), id: id(1) })]);
		const slept: number[] = [];
		const poller = new JobPoller(client.jobs, { sleep: async (ms) => void slept.push(ms) });
		const waits = [2, 50, 1, 50].map((nth) => poller.ended(id(nth)).catch((error) => error.code));
		expect((await Promise.all(waits)).map((job) => job.id ?? job)).toEqual(["not_found", id(50), id(1), id(50)]);
		const list = (nth: number) => `/v1/jobs?order=asc&limit=100&after=${id(nth).slice(0, -16)}${"0".repeat(16)}`;
		const paths = [list(1), list(1), `/v1/jobs/${id(2)}`, list(50), list(1), `/v1/jobs/${id(1)}`];
		expect([sent.map(({ path }) => path), slept]).toEqual([paths, [500, 99_000, 500]]);
	});

	it("refuses a concurrency that is no whole number from 1", async () => {
		for (const concurrency of [0, -1, 1.5, Number.NaN])
			await expect(aClient([answer]).client.batch([], { concurrency }).next()).rejects.toThrow(RangeError);
	});
});
