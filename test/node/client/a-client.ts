/** A client without a service, and the responses it gets. */
import { Holdfast } from "../../../client/index.ts";
import { viewJob } from "../../../shared/api/job.ts";
import { jobOf } from "../../support/job-of.ts";

const KEY = "hf_secret-key";
export const INPUT = { messages: [{ role: "user" as const, content: "secret prompt" }] };

/** One response, or what the request fails with. */
export type Reply = { status: number; body?: unknown; text?: string; headers?: Record<string, string> } | Error;

/** A client without a service: each request takes the next reply, and the last one again and again. No sleep takes time. */
export function aClient(replies: Reply[], options: object = {}) {
	const sent: { method: string; path: string; headers: Headers; body: unknown }[] = [];
	const slept: number[] = [];
	let now = 0;
	const clock = {
		now: () => now,
		random: () => 1,
		sleep: async (ms: number, signal?: AbortSignal) => {
			signal?.throwIfAborted();
			now += ms;
			slept.push(ms);
		},
	};
	const fetch = async (url: string, init: RequestInit) => {
		const { pathname, search } = new URL(url);
		const body = typeof init.body === "string" ? JSON.parse(init.body) : null;
		sent.push({ method: init.method ?? "", path: pathname + search, headers: new Headers(init.headers), body });
		const reply = replies.length > 1 ? replies.shift() : replies[0];
		if (reply === undefined || reply instanceof Error) throw reply;
		const hasWaited = reply.headers?.["preference-applied"] !== undefined;
		if (hasWaited) now += Number(/wait=(\d+)/.exec(new Headers(init.headers).get("prefer") ?? "")?.[1]) * 1_000;
		const isEmpty = reply.status === 204 || reply.status === 304;
		const text = isEmpty ? null : (reply.text ?? JSON.stringify(reply.body ?? {}));
		return new Response(text, { status: reply.status, headers: reply.headers ?? {} });
	};
	const client = new Holdfast({ baseUrl: "https://jobs.test/", apiKey: KEY, fetch, clock, ...options });
	return { client, sent, slept };
}

export const job = (status: "queued" | "succeeded" | "failed" = "queued", version = 1) => ({
	...viewJob(jobOf({ status }), "https://jobs.test"),
	id: "job_1",
	version,
});
export const refusal = (status: number, code: string, headers: Record<string, string> = {}): Reply => ({
	status,
	body: { error: { message: "No.", type: "t", code, param: "input", request_id: "req_1" } },
	headers,
});
export const ok = (body: unknown, headers: Record<string, string> = {}): Reply => ({ status: 200, body, headers });
