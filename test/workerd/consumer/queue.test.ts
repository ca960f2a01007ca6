/** The consumer behind its queue: the disposition of each message, with the real clock and the simulated provider. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { aJob, MINUTE, reload, type StoredJob } from "../support/a-job.ts";
import { handToQueue } from "../support/queue-handler.ts";

const inputWith = (simulate: object) => JSON.stringify({ messages: [{ role: "user", content: "Why?" }], simulate });
const now = () => Date.now();
const aJobNow = (overrides: Partial<StoredJob> = {}) => aJob({ createdAt: now(), ...overrides });

const messageOf = ({ tenantId, jobId }: StoredJob) => ({ tenantId, jobId });

describe("a batch of job messages", () => {
	it("is disposed of one by one: ack what is settled, retry what may pass", async () => {
		const [good, failing, early, far] = [
			await aJobNow(),
			await aJobNow({ input: inputWith({ fail: [503], retry_after: 40 }) }),
			await aJobNow({ runAt: now() + MINUTE }),
			await aJobNow({ runAt: now() + 60 * MINUTE }),
		];
		const hand = (...jobs: StoredJob[]) => handToQueue("holdfast-jobs", jobs.map(messageOf));
		expect(await hand(good, far)).toMatchObject({ outcome: "ok", acked: ["0", "1"], retried: [] });
		expect((await hand(failing)).retried).toEqual([
			{ msgId: "0", delaySeconds: expect.toSatisfy((s) => s >= 40 && s <= 44) },
		]);
		expect((await hand(early)).retried).toEqual([
			{ msgId: "0", delaySeconds: expect.toSatisfy((s) => s >= 55 && s <= 60) },
		]);
		expect(await reload(good)).toMatchObject({ status: "succeeded" });
		expect(await reload(failing)).toMatchObject({
			status: "queued",
			attempts: [{ status: 503, retryAfterMs: 40_000 }],
		});
		expect(await reload(early)).toMatchObject({ status: "queued", fence: 0 });
	});

	it("loses nothing to messages that are unreadable, unknown, foreign, late or repeated", async () => {
		const [good, final] = [await aJobNow(), await aJobNow({ status: "failed" })];
		const foreign = { ...messageOf(good), tenantId: "ten_another" };
		const disposed = await handToQueue("holdfast-jobs", [
			null,
			"a message",
			{ jobId: 7 },
			{ tenantId: good.tenantId, jobId: "job_unknown" },
			foreign,
			messageOf(final),
			messageOf(good),
			messageOf(good),
			{ ...messageOf(good), more: "than a message" },
		]);
		expect(disposed).toMatchObject({ acked: ["0", "1", "2", "3", "4", "5", "6", "7", "8"], retried: [] });
		expect(await reload(good)).toMatchObject({ status: "succeeded", fence: 1 });
		expect(await reload(final)).toEqual(final);
	});

	it("acks a message that comes while another holder has the job", async () => {
		const job = await aJobNow({ status: "running" });
		expect(await handToQueue("holdfast-jobs", [messageOf(job)])).toMatchObject({ acked: ["0"], retried: [] });
		expect(await reload(job)).toEqual(job);
	});

	it("takes over from a holder whose lease expired", async () => {
		const job = await aJobNow({ status: "running", leaseExpiresAt: now() - 1 });
		expect(await handToQueue("holdfast-jobs", [messageOf(job)])).toMatchObject({ acked: ["0"], retried: [] });
		expect(await reload(job)).toMatchObject({ status: "succeeded", attempt: 2 });
	});

	it("of a hundred jobs, in batches of four, ends them all", async () => {
		const jobs: StoredJob[] = [];
		for (let made = 0; made < 100; made++) jobs.push(await aJobNow({ input: inputWith({ latency_ms: 200 }) }));
		const batches = Array.from({ length: 25 }, (_, at) => jobs.slice(4 * at, 4 * at + 4));
		const startedAt = now();
		await Promise.all(batches.map((batch) => handToQueue("holdfast-jobs", batch.map(messageOf))));
		expect(now() - startedAt).toBeLessThan(20_000);
		for (const job of jobs) expect(await reload(job)).toMatchObject({ status: "succeeded", attempt: 1 });
	}, 30_000);
});

describe("a dead letter", () => {
	it("is acked, whatever it is", async () => {
		const job = await aJobNow();
		expect(await handToQueue("holdfast-dead-letters", [messageOf(job), "nonsense"])).toMatchObject({
			outcome: "ok",
			ackAll: true,
		});
		expect(await reload(job)).toEqual(job);
	});
});

describe("logs", () => {
	it("of a whole attempt show neither prompt nor result", async () => {
		const lines: string[] = [];
		const { log } = console;
		console.log = (...line: unknown[]) => lines.push(line.join(" "));
		try {
			const input = JSON.stringify({ messages: [{ role: "user", content: "a very secret prompt" }] });
			const job = await aJobNow({ input });
			await handToQueue("holdfast-jobs", [messageOf(job)]);
			expect(lines.some((line) => line.includes(job.jobId) && line.includes("attempt.settled"))).toBe(true);
			expect(lines.join("\n")).not.toMatch(/secret prompt|simulated answer/);
			const stored = await env.RESULTS.get(`results/${job.tenantId}/${job.jobId}`);
			expect(await stored?.text()).toContain("secret prompt");
		} finally {
			console.log = log;
		}
	});
});
