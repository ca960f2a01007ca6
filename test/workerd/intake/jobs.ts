/** Jobs of the callers of tests. */
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { JobBody, JobList } from "../../../shared/api/job.ts";
import { resultKey } from "../../../shared/storage/keys.ts";
import type { StoredJob } from "../../support/job-of.ts";
import { aJob } from "../support/a-job.ts";
import { type Answer, send } from "./caller.ts";

export const PROMPT = { messages: [{ role: "user", content: "Why is the sky blue?" }] };

/** Stays queued for as long as any test runs, and enqueues nothing. */
export const LATER = { input: PROMPT, delay_seconds: 3_600 };

/** The job of an answer that must be one, already held to its schema. */
export function jobIn(answer: Answer): JobBody {
	const job = JobBody.safeParse(answer.body);
	if (!job.success) throw new Error(`Not a job: ${answer.status} ${answer.text}`);
	return job.data;
}

/** The jobs on a page of `/v1/jobs`. */
export async function jobsOf(key: string, query = "limit=100"): Promise<JobBody[]> {
	return JobList.parse((await send("GET", `/v1/jobs?${query}`, { key })).body).data;
}

export async function submitted(key: string, json: object = {}): Promise<JobBody> {
	const answer = await send("POST", "/v1/jobs", { key, json: { ...LATER, ...json } });
	expect(answer.status, answer.text).toBe(202);
	return jobIn(answer);
}

export const COMPLETION = JSON.stringify({
	id: "chatcmpl-1",
	object: "chat.completion",
	created: 1_780_000_000,
	model: "simulated/a",
	choices: [{ index: 0, message: { role: "assistant", content: "Rayleigh." }, finish_reason: "stop" }],
});

/** A succeeded job with its result in R2. */
export async function aSucceededJob(tenantId: string, result = COMPLETION): Promise<StoredJob> {
	const resultBytes = new TextEncoder().encode(result).byteLength;
	const job = await aJob({ tenantId, status: "succeeded", resultBytes });
	await env.RESULTS.put(resultKey(job), result);
	return job;
}
