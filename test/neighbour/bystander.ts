/**
 * The tenant that does nothing unusual, in a thread of its own: it submits jobs at a constant rate, polls each, and reports how
 * long that took. A request or a job that fails counts as one that took `LOST_MS`.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { z } from "zod";
import { callerOf } from "./caller.ts";
import { LOST_MS, MODEL, type Samples, type Window } from "./figures.ts";

/** A tenth of what one machine serves, so that idle means idle. */
const SUBMISSIONS_PER_SECOND = 6;
const POLL_EVERY_MS = 300;

const Setup = z.object({ url: z.string(), key: z.string() });
const Job = z.object({ id: z.string(), status: z.string(), finished_at: z.string().nullable() });
type Job = z.infer<typeof Job>;

const { url, key } = Setup.parse(workerData);
const { send } = callerOf(url, key);

async function measure({ windowMs, drainMs }: Window): Promise<Samples> {
	const samples: Samples = { submit: [], poll: [], final: [] };
	const endsAt = Date.now() + windowMs;
	const jobs: Promise<void>[] = [];
	while (Date.now() < endsAt) {
		jobs.push(followJob(samples, endsAt + drainMs));
		await sleep(1_000 / SUBMISSIONS_PER_SECOND);
	}
	await Promise.all(jobs);
	return samples;
}

async function followJob(samples: Samples, giveUpAt: number): Promise<void> {
	const startedAt = Date.now();
	const input = { messages: [{ role: "user", content: "Why?" }] };
	const submitted = await timed(samples.submit, 202, "POST", "/v1/jobs", { model: MODEL, input });
	if (submitted === null) return void samples.final.push(LOST_MS);
	for (let everyMs = POLL_EVERY_MS; Date.now() < giveUpAt; everyMs *= 1.2) {
		await sleep(everyMs);
		const job = await timed(samples.poll, 200, "GET", `/v1/jobs/${submitted.id}`);
		if (job === null || job.finished_at === null) continue;
		return void samples.final.push(job.status === "succeeded" ? Date.parse(job.finished_at) - startedAt : LOST_MS);
	}
	samples.final.push(LOST_MS);
}

async function timed(into: number[], status: number, ...request: Parameters<typeof send>): Promise<Job | null> {
	const startedAt = performance.now();
	const reply = await send(...request);
	into.push(reply.status === status ? performance.now() - startedAt : LOST_MS);
	return reply.status === status ? Job.parse(JSON.parse(reply.text)) : null;
}

parentPort?.on("message", async (window: Window) => parentPort?.postMessage(await measure(window)));
