/** The client of Holdfast's API, for Node 20.3 and later, Workers, browsers, Deno and Bun. */
import { Audit, Backlog, Keys, Models, Usage } from "./account.ts";
import { Admin } from "./admin.ts";
import { type BatchItem, type BatchOptions, batch } from "./batch.ts";
import { type CallOptions, Http, type Options } from "./http.ts";
import { Jobs } from "./jobs.ts";
import type { Session, Stats, SubmitJob } from "./schemas.ts";
import { Deliveries, Endpoints, Webhooks } from "./webhooks.ts";

export type { BatchItem, BatchOptions, BatchProgress } from "./batch.ts";
export * from "./errors.ts";
export type { CallOptions, Options } from "./http.ts";
export type { Include, JobAnswer, JobFilters, SubmitOptions, WaitOptions } from "./jobs.ts";
export type { Page, Pages } from "./pages.ts";
export type { Attempt, ChatCompletion, ChatInput, Delivery, Job, RetryJob, SubmitJob } from "./schemas.ts";
export type { DeliveryFilter, EventJob, WebhookEvent } from "./webhooks.ts";

export class Holdfast {
	readonly jobs: Jobs;
	readonly webhooks: Webhooks;
	readonly endpoints: Endpoints;
	readonly deliveries: Deliveries;
	readonly keys: Keys;
	readonly usage: Usage;
	readonly backlog: Backlog;
	readonly models: Models;
	readonly audit: Audit;
	readonly admin: Admin;
	readonly #http: Http;

	constructor(options: Options = {}) {
		this.#http = new Http(options);
		this.jobs = new Jobs(this.#http);
		this.webhooks = new Webhooks(this.#http);
		this.endpoints = new Endpoints(this.#http);
		this.deliveries = new Deliveries(this.#http);
		this.keys = new Keys(this.#http);
		this.usage = new Usage(this.#http);
		this.backlog = new Backlog(this.#http);
		this.models = new Models(this.#http);
		this.audit = new Audit(this.#http);
		this.admin = new Admin(this.#http);
	}

	/** Runs many jobs, some at a time, and yields what came of each as it ends. */
	batch(
		items: Iterable<SubmitJob> | AsyncIterable<SubmitJob>,
		options: BatchOptions = {},
	): AsyncGenerator<BatchItem, void> {
		return batch(this.jobs, (ms, signal) => this.#http.sleep(ms, signal), items, options);
	}

	/** Throws where a setting of the service is missing or invalid. */
	async health(options: CallOptions = {}): Promise<{ status: "ok" }> {
		return await this.#http.json({ method: "GET", path: "/healthz", ...options });
	}

	/** How many jobs are open, and why they wait; how many ended today. */
	async stats(options: CallOptions = {}): Promise<Stats> {
		return await this.#http.json({ method: "GET", path: "/v1/stats", ...options });
	}

	/** In a page of the service: the browser keeps a cookie, and this client needs no `apiKey`. */
	async signIn(key: string, options: CallOptions = {}): Promise<Session> {
		return await this.#http.json({ method: "POST", path: "/v1/session", body: { key }, ...options });
	}

	async signOut(options: CallOptions = {}): Promise<void> {
		await this.#http.send({ method: "DELETE", path: "/v1/session", ...options });
	}

	/** Whose the API key is, or the session, and what it may do. */
	async session(options: CallOptions = {}): Promise<Session> {
		return await this.#http.json({ method: "GET", path: "/v1/session", ...options });
	}
}
