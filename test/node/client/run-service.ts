/** A service for `holdfast run`, in memory, and a process that can be killed at each of its steps. */
import { existsSync, readFileSync, writeSync } from "node:fs";
import { main } from "../../../client/cli/main.ts";
import { viewJob } from "../../../shared/api/job.ts";
import { jobOf } from "../../support/job-of.ts";

const TENANT = { id: "ten_1", name: "acme" };
const HOUR_MS = 3_600_000;

interface Made {
	id: string;
	line: string;
	/** How often a list was read since it was submitted. */
	looks: number;
	isCancelled: boolean;
	body: { input: { messages: { content: string }[] }; model?: unknown; metadata: Record<string, string> };
}

export class RunService {
	readonly jobs: Made[] = [];
	readonly posts: string[] = [];
	readonly paths: string[] = [];
	/** By Idempotency-Key. */
	readonly keys = new Map<string, Made>();
	/** After how many looks a job ends. */
	looks = 1;
	/** What a submission is refused with, by its prompt. */
	refuse: (prompt: string, nth: number) => { status: number; code: string } | null = () => null;
	fails: (prompt: string) => boolean = () => false;
	message = "No.";
	scopes = ["jobs:read", "jobs:write"];
	retryAfter = "100";
	nowMs = Date.parse("2026-01-01");
	most = 0;

	respond(method: string, url: URL, body: string, key: string): Response {
		this.paths.push(`${method} ${url.pathname}`);
		const [, , , id = "", part] = url.pathname.split("/");
		if (url.pathname === "/v1/session") return Response.json({ tenant: TENANT, key: { scopes: this.scopes } });
		if (method === "POST" && part === "cancel") return this.#cancel(id);
		if (method === "POST") return this.#submit(body, key);
		if (id === "") return this.#list(url.searchParams);
		const job = this.jobs.find((one) => one.id === id);
		if (job === undefined) return this.#refusal(404, "not_found");
		if (part !== "result") return Response.json(this.#view(job));
		return Response.json({ choices: [{ message: { content: `answer to ${promptOf(job)}` } }] });
	}

	#submit(text: string, key: string): Response {
		const body = JSON.parse(text);
		const prompt = String(body.input.messages.at(-1).content);
		const refusal = this.refuse(prompt, this.posts.push(prompt));
		if (refusal !== null) return this.#refusal(refusal.status, refusal.code);
		let job = this.keys.get(key);
		if (job === undefined) {
			const id = `job_01m8n2ma${String(this.jobs.length).padStart(2, "0")}p81j18kt36n610ea`;
			job = { id, line: body.metadata.holdfast_line, looks: 0, isCancelled: false, body };
			this.jobs.push(job);
			this.keys.set(key, job);
		}
		this.most = Math.max(this.most, this.jobs.filter((one) => !this.#isOver(one)).length);
		return Response.json(this.#view(job), { status: 202 });
	}

	#list(query: URLSearchParams): Response {
		for (const job of this.jobs) job.looks += 1;
		const run = query.get("metadata[holdfast_run]");
		const found = this.jobs.filter(
			({ id, body }) => id > (query.get("after") ?? "") && (run === null || body.metadata.holdfast_run === run),
		);
		const data = found.slice(0, 2).map((job) => this.#view(job));
		const next = found.length > 2 ? data.at(-1)?.id : null;
		return Response.json({ data, has_more: next !== null, last_id: null, next_after: next });
	}

	#cancel(id: string): Response {
		const job = this.jobs.find((one) => one.id === id);
		if (job === undefined || this.#isOver(job)) return this.#refusal(409, "not_final");
		job.isCancelled = true;
		return Response.json(this.#view(job));
	}

	#isOver = (job: Made) => job.isCancelled || job.looks >= this.looks;

	#view(job: Made) {
		const ended = this.fails(promptOf(job)) ? ("failed" as const) : ("succeeded" as const);
		const status = job.isCancelled ? "cancelled" : this.#isOver(job) ? ended : "running";
		const usage = { prompt_tokens: 4, completion_tokens: 6, total_tokens: 10 };
		const error =
			status === "failed" ? { code: "model_error", message: this.message, status: null, model: null } : null;
		const { id, body } = job;
		return {
			...viewJob(jobOf({ status }), "https://jobs.test"),
			id,
			metadata: body.metadata,
			usage,
			error,
			model: "m",
		};
	}

	#refusal(status: number, code: string): Response {
		const headers = status === 429 ? { "retry-after": this.retryAfter } : {};
		return Response.json({ error: { message: this.message, code, param: null } }, { status, headers });
	}

	/** Forgets the keys, as a service does after a day. */
	passDay(): void {
		this.nowMs += 25 * HOUR_MS;
		this.keys.clear();
	}
}

const promptOf = ({ body }: Made) => String(body.input.messages.at(-1)?.content);

interface Given {
	/** The step at which the process is killed: each write counts for two, each request as well. */
	killAt?: number;
	stdin?: string | Uint8Array;
	isTTY?: boolean;
	url?: string;
	/** Interrupts the process before the request with this number. */
	interruptAt?: number;
}

/** Runs `holdfast` until it ends or is killed. */
export async function process(service: RunService, argv: string[], given: Given = {}) {
	const {
		killAt = Number.POSITIVE_INFINITY,
		stdin = "",
		isTTY = false,
		url = "https://jobs.test",
		interruptAt,
	} = given;
	const interrupted = new AbortController();
	const written = { out: "", err: "" };
	let [steps, requests] = [0, 0];
	const step = () => {
		steps += 1;
		if (steps >= killAt) throw new Error("killed");
	};
	const code = await main(argv, {
		stdout: { isTTY, write: (text) => void Object.assign(written, { out: written.out + text }) },
		stderr: { isTTY, write: (text) => void Object.assign(written, { err: written.err + text }) },
		readStdin: async () => Buffer.from(stdin),
		readLine: null,
		openBrowser: () => undefined,
		env: { NO_COLOR: "1", HOLDFAST_API_KEY: "hf_key", HOLDFAST_URL: url, XDG_CONFIG_HOME: "/nowhere" },
		signal: interrupted.signal,
		clock: { now: () => service.nowMs, random: () => 0, sleep: async (_, signal) => signal?.throwIfAborted() },
		write: (file, bytes) => {
			const half = Math.ceil(bytes.byteLength / 2);
			if (steps + 1 === killAt) writeSync(file, bytes.subarray(0, half));
			step();
			writeSync(file, bytes);
			step();
			return bytes.byteLength;
		},
		fetch: async (address, init) => {
			step();
			if (++requests === interruptAt) interrupted.abort();
			init.signal?.throwIfAborted();
			const key = new Headers(init.headers).get("idempotency-key") ?? "";
			const response = service.respond(init.method ?? "", new URL(address), String(init.body), key);
			step();
			return response;
		},
	});
	return { code, ...written, steps };
}

/** The lines of an output. */
export function linesIn(path: string): Record<string, unknown>[] {
	if (!existsSync(path)) return [];
	return readFileSync(path, "utf8")
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line));
}
