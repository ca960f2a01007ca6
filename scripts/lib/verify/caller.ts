/** The service as one caller sees it, with responses checked against the schemas that describe them. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { z } from "zod";
import { DeliveryList } from "../../../shared/api/delivery.ts";
import { JobResponse } from "../../../shared/api/job.ts";
import { isFinal } from "../../../shared/core/jobs/job-states.ts";
import { type ApiResponse, type Call, callApi } from "../call-api.ts";
import { PlainError } from "../terminal.ts";
import { CheckFailed, expectStatus } from "./expect.ts";

export type Job = z.infer<typeof JobResponse>;
export type Delivery = z.infer<typeof DeliveryList>["data"][number];

/** An upload of 15 MiB over a slow line. */
const TIMEOUT_MS = 180_000;
/** The longest that the service holds a request for a job. */
const WAIT_SECONDS = 60;
const TRIES = 3;
const RETRY_DELAY_MS = 500;
/** A longer `Retry-After` than the service sends is not obeyed. */
const RETRY_AFTER_MS_MAX = 10_000;

export class Caller {
	readonly #url: string;
	readonly #token: string | null;
	readonly #signal: AbortSignal;
	readonly #timeoutMs: number;

	constructor(url: string, token: string | null, signal: AbortSignal, timeoutMs = TIMEOUT_MS) {
		this.#url = url;
		this.#token = token;
		this.#signal = signal;
		this.#timeoutMs = timeoutMs;
	}

	/**
	 * Repeated when the connection breaks or the service says when to try again, where a repetition changes nothing.
	 * @param path or a whole URL, which gets no token
	 */
	async call(path: string, call: Omit<Call, "token" | "signal"> = {}): Promise<ApiResponse> {
		const isRepeatable = call.method === undefined || call.headers?.["idempotency-key"] !== undefined;
		const isElsewhere = URL.canParse(path);
		const url = isElsewhere ? path : this.#url + path;
		const token = this.#token === null || isElsewhere ? {} : { token: this.#token };
		for (let tried = 1; ; tried++) {
			const isLast = !isRepeatable || tried === TRIES;
			let delayMs = RETRY_DELAY_MS;
			try {
				const response = await callApi(url, { timeoutMs: this.#timeoutMs, ...call, ...token, signal: this.#signal });
				const retryAfter = response.status === 503 ? response.headers.get("retry-after") : null;
				if (isLast || retryAfter === null) return response;
				delayMs = Math.min(Number(retryAfter) * 1_000 || RETRY_DELAY_MS, RETRY_AFTER_MS_MAX);
			} catch (error) {
				if (isLast || this.#signal.aborted || !(error instanceof PlainError)) throw error;
			}
			await sleep(delayMs, undefined, { signal: this.#signal });
		}
	}

	async read<T>(path: string, schema: z.ZodType<T>): Promise<T> {
		const response = await this.call(path);
		expectStatus(response, 200, `GET ${path}`);
		return parsed(response, schema, `GET ${path}`);
	}

	/** A submission with `Idempotency-Key`. */
	submission(job: object, headers: Record<string, string> = {}): Promise<ApiResponse> {
		return this.call("/v1/jobs", {
			method: "POST",
			body: job,
			headers: { "idempotency-key": randomUUID(), ...headers },
		});
	}

	async submit(job: object): Promise<Job> {
		const response = await this.submission(job);
		expectStatus(response, 202, "POST /v1/jobs");
		return parsed(response, JobResponse, "POST /v1/jobs");
	}

	/** With its attempts. */
	job(id: string): Promise<Job> {
		return this.read(`/v1/jobs/${id}?include=attempts`, JobResponse);
	}

	/** The job when it is final, with its attempts. */
	async finalJob(id: string, withinMs: number): Promise<Job> {
		const giveUpAt = Date.now() + withinMs;
		for (;;) {
			const wait = Math.max(1, Math.min(WAIT_SECONDS, Math.ceil((giveUpAt - Date.now()) / 1_000)));
			const response = await this.call(`/v1/jobs/${id}?include=attempts`, { headers: { prefer: `wait=${wait}` } });
			expectStatus(response, 200, `GET /v1/jobs/${id}`);
			const job = parsed(response, JobResponse, `GET /v1/jobs/${id}`);
			if (isFinal(job.status)) return job;
			if (Date.now() >= giveUpAt) throw new CheckFailed(`${describe(job)} after ${withinMs / 1_000} s`);
		}
	}

	async succeededJob(id: string, withinMs: number): Promise<Job> {
		const job = await this.finalJob(id, withinMs);
		if (job.status !== "succeeded") throw new CheckFailed(describe(job));
		return job;
	}

	async deliveries(id: string): Promise<Delivery[]> {
		return (await this.read(`/v1/jobs/${id}/deliveries`, DeliveryList)).data;
	}
}

export function parsed<T>({ body }: ApiResponse, schema: z.ZodType<T>, what: string): T {
	const read = schema.safeParse(body);
	if (read.success) return read.data;
	const [issue] = read.error.issues;
	throw new CheckFailed(`${what}: unexpected ${issue?.path.join(".") || "body"}, ${issue?.message}`);
}

/** What became of a job, with its id for the operator's own look. */
export function describe({ id, status, status_reason: reason, error }: Job): string {
	const details = [reason, error?.status, error?.code, error?.message].filter((detail) => detail != null);
	return `job ${id} is ${status}${details.length === 0 ? "" : ` (${details.join(", ")})`}`;
}
