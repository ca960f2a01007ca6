/** The service as a caller sees it: HTTP in, JSON out, each answer checked for what the tests read of it. */
import { z } from "zod";

const Job = z.object({
	id: z.string(),
	status: z.enum(["queued", "running", "succeeded", "failed", "cancelled", "expired"]),
	status_reason: z.string().nullable(),
	model: z.string(),
	attempt: z.number(),
	created_at: z.string(),
	next_attempt_at: z.string().nullable(),
	usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number(), total_tokens: z.number() }).nullable(),
	error: z.object({ code: z.string(), message: z.string(), status: z.number().nullable() }).nullable(),
	cancellation: z.string().nullable(),
});
export type Job = z.infer<typeof Job>;

const Attempt = z.object({
	number: z.number(),
	counted: z.boolean(),
	model: z.string(),
	started_at: z.string(),
	ended_at: z.string(),
	outcome: z.string(),
	status: z.number().nullable(),
	code: z.string().nullable(),
	message: z.string().nullable(),
	retry_after_ms: z.number().nullable(),
});
export type Attempt = z.infer<typeof Attempt>;

/** What of a stored completion the tests read. */
export const Completion = z.looseObject({
	choices: z.array(z.looseObject({ message: z.looseObject({ content: z.string() }) })),
});

export class Api {
	readonly #url: string;
	readonly #key: string;

	constructor({ url, key }: { url: string; key: string }) {
		this.#url = url;
		this.#key = key;
	}

	fetch(path: string, init: RequestInit = {}): Promise<Response> {
		const headers = new Headers(init.headers);
		headers.set("authorization", `Bearer ${this.#key}`);
		if (init.body !== undefined) headers.set("content-type", "application/json");
		return fetch(`${this.#url}${path}`, { ...init, headers });
	}

	async submit(job: object): Promise<Job> {
		return Job.parse(await this.#json(202, "/v1/jobs", { method: "POST", body: JSON.stringify(job) }));
	}

	async job(id: string): Promise<Job> {
		return Job.parse(await this.#json(200, `/v1/jobs/${id}`));
	}

	/** The job when it is final, or as it is after 45 seconds. */
	async finalJob(id: string): Promise<Job> {
		return Job.parse(await this.#json(200, `/v1/jobs/${id}`, { headers: { prefer: "wait=45" } }));
	}

	async cancel(id: string): Promise<Job> {
		return Job.parse(await this.#json(200, `/v1/jobs/${id}/cancel`, { method: "POST" }));
	}

	async attempts(id: string): Promise<Attempt[]> {
		return z.object({ data: z.array(Attempt) }).parse(await this.#json(200, `/v1/jobs/${id}/attempts`)).data;
	}

	async result(id: string): Promise<unknown> {
		return await this.#json(200, `/v1/jobs/${id}/result`);
	}

	async signingSecret(): Promise<string> {
		return z.object({ secret: z.string() }).parse(await this.#json(200, "/v1/webhook_signing_secret")).secret;
	}

	async #json(status: number, path: string, init: RequestInit = {}): Promise<unknown> {
		const response = await this.fetch(path, init);
		const text = await response.text();
		if (response.status !== status) throw new Error(`${path} answered ${response.status}: ${text.slice(0, 500)}`);
		return JSON.parse(text);
	}
}
