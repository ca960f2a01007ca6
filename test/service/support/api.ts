/** The service as a caller sees it: HTTP in, JSON out, each answer checked for what the tests read of it. */
import { z } from "zod";
import { type AttemptBody, AttemptList } from "../../../shared/api/attempt.ts";
import { JobBody } from "../../../shared/api/job.ts";

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

	async submit(job: object): Promise<JobBody> {
		return JobBody.parse(await this.#json(202, "/v1/jobs", { method: "POST", body: JSON.stringify(job) }));
	}

	async job(id: string): Promise<JobBody> {
		return JobBody.parse(await this.#json(200, `/v1/jobs/${id}`));
	}

	/** The job when it is final, or as it is after 45 seconds. */
	async finalJob(id: string): Promise<JobBody> {
		return JobBody.parse(await this.#json(200, `/v1/jobs/${id}`, { headers: { prefer: "wait=45" } }));
	}

	async cancel(id: string): Promise<JobBody> {
		return JobBody.parse(await this.#json(200, `/v1/jobs/${id}/cancel`, { method: "POST" }));
	}

	async attempts(id: string): Promise<AttemptBody[]> {
		return AttemptList.parse(await this.#json(200, `/v1/jobs/${id}/attempts`)).data;
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
