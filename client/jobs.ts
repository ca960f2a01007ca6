/** Submits jobs, waits for them, and reads what came of them. */
import { JobCancelled, JobExpired, JobFailed, WaitTimeout } from "./errors.ts";
import { type CallOptions, type Http, type Query, type Request, retryAfterMs } from "./http.ts";
import { Pages } from "./pages.ts";
import type {
	Attempt,
	ChatCompletion,
	ChatInput,
	Delivery,
	Job,
	JobList,
	RedeliveryList,
	RetryJob,
	SubmitJob,
} from "./schemas.ts";

export interface SubmitOptions extends CallOptions {
	/** One of its own for each call by default, so that repeats of the request make no second job. */
	idempotencyKey?: string | undefined;
}

export interface WaitOptions extends CallOptions {
	/** Without it, the wait ends with the job. */
	timeoutMs?: number | undefined;
	/** Whether the job is cancelled when `signal` aborts. */
	cancelOnAbort?: boolean | undefined;
}

export interface JobFilters {
	/** One or several. */
	status?: Job["status"] | Job["status"][];
	statusReason?: string;
	model?: string;
	retryOf?: string;
	createdAfter?: Date | string;
	createdBefore?: Date | string;
	finishedAfter?: Date | string;
	finishedBefore?: Date | string;
	metadata?: Record<string, string>;
	order?: "asc" | "desc";
	/** Of a page. */
	limit?: number;
	after?: string;
	/** With it, pages have at most 20 jobs. */
	include?: "result";
}

export type Include = "input" | "result" | "attempts" | "deliveries";

export interface JobAnswer {
	/** The text of the first choice; empty if it has none. */
	text: string;
	completion: ChatCompletion;
	job: Job;
}

/** The service holds a response for 60 seconds at most. Changes are looked for more often, so that a broken connection is noticed. */
const WAIT_SECONDS = 60;
const WATCH_SECONDS = 30;
/** How soon to look again, where the service has no room for another wait. */
const POLL_MS = 1_000;

const FINAL: readonly string[] = ["succeeded", "failed", "cancelled", "expired"];

/** With a status that is newer than this client, a job is final once it has finished. */
export const isFinal = ({ status, finished_at }: Pick<Job, "status" | "finished_at">) =>
	FINAL.includes(status) || typeof finished_at === "string";

export class Jobs {
	readonly #http: Http;

	constructor(http: Http) {
		this.#http = http;
	}

	/** To a key without the scope `jobs:read`, the job has only `id`, `object` and `status`. */
	async submit(job: SubmitJob, options: SubmitOptions = {}): Promise<Job> {
		return await this.#post("/v1/jobs", job, options);
	}

	/** Runs a final job again, as a new one. Fields of `overrides` replace those of the old job. */
	async retry(id: string, overrides: RetryJob = {}, options: SubmitOptions = {}): Promise<Job> {
		return await this.#post(`${pathOf(id)}/retry`, overrides, options);
	}

	/** Submits a job, and waits for its answer. Throws `JobFailed`, `JobCancelled`, `JobExpired` or `WaitTimeout`. */
	async run(job: SubmitJob, options: SubmitOptions & WaitOptions = {}): Promise<JobAnswer> {
		return await this.answer(await this.wait(await this.submit(job, options), options), options);
	}

	/** The answer of a final job. Throws `JobFailed`, `JobCancelled` or `JobExpired`. */
	async answer(job: Job, options: CallOptions = {}): Promise<JobAnswer> {
		if (job.status === "failed") throw new JobFailed(job);
		if (job.status === "cancelled") throw new JobCancelled(job);
		if (job.status === "expired") throw new JobExpired(job);
		const completion = await this.result(job.id, options);
		return { text: textOf(completion), completion, job };
	}

	async get(id: string, options: CallOptions & { include?: Include[] } = {}): Promise<Job> {
		const { include = [], signal } = options;
		const query = include.length === 0 ? {} : { include: include.join(",") };
		return await this.#http.json({ method: "GET", path: pathOf(id), query, signal });
	}

	/** The job, once it is final. Throws `WaitTimeout`. */
	async wait(job: string | Pick<Job, "id">, options: WaitOptions = {}): Promise<Job> {
		const id = typeof job === "string" ? job : job.id;
		const { timeoutMs = Number.POSITIVE_INFINITY, signal, cancelOnAbort = false } = options;
		const { clock } = this.#http;
		const endAt = clock.now() + timeoutMs;
		try {
			for (;;) {
				const leftMs = endAt - clock.now();
				const seen = await this.#look(id, Math.min(WAIT_SECONDS, Math.max(0, Math.floor(leftMs / 1_000))), { signal });
				if (isFinal(seen.job)) return seen.job;
				const restMs = endAt - clock.now();
				if (restMs <= 0) throw new WaitTimeout(seen.job);
				await this.#http.sleep(Math.min(seen.pauseMs, restMs), signal);
			}
		} catch (error) {
			if (cancelOnAbort && signal?.aborted) await this.#cancelAfter(error, id);
			throw error;
		}
	}

	/** If that fails, the failure becomes the cause of `error`. */
	async #cancelAfter(error: unknown, id: string): Promise<void> {
		try {
			await this.cancel(id);
		} catch (failure) {
			if (error instanceof Error && error !== failure) error.cause ??= failure;
		}
	}

	/** The job now, after each change, and last in its final state. */
	async *watch(id: string, { signal }: CallOptions = {}): AsyncGenerator<Job, void> {
		for (let version = 0; ; ) {
			const seen = await this.#look(id, WATCH_SECONDS, { signal, version });
			if (seen.job !== null && seen.job.version !== version) {
				version = seen.job.version;
				yield seen.job;
				if (isFinal(seen.job)) return;
			}
			await this.#http.sleep(seen.pauseMs, signal);
		}
	}

	list(filters: JobFilters = {}, { signal }: CallOptions = {}): Pages<Job> {
		const query = queryOf(filters);
		return new Pages((after = filters.after) =>
			this.#http.json<JobList>({ method: "GET", path: "/v1/jobs", query: { ...query, after }, signal }),
		);
	}

	async cancel(id: string, options: CallOptions = {}): Promise<Job> {
		return await this.#http.json({ method: "POST", path: `${pathOf(id)}/cancel`, ...options });
	}

	/** Erases a final job with all its data. */
	async delete(id: string, options: CallOptions = {}): Promise<void> {
		await this.#http.delete(pathOf(id), options);
	}

	async result(id: string, options: CallOptions = {}): Promise<ChatCompletion> {
		return await this.#http.json({ method: "GET", path: `${pathOf(id)}/result`, ...options });
	}

	async input(id: string, options: CallOptions = {}): Promise<ChatInput> {
		return await this.#http.json({ method: "GET", path: `${pathOf(id)}/input`, ...options });
	}

	/** The first bytes of the input or the result as text, which is JSON only if it is whole; and the `size` of the whole in bytes. */
	async excerpt(
		id: string,
		what: "input" | "result",
		bytes: number,
		{ signal }: CallOptions = {},
	): Promise<{ text: string; size: number }> {
		const request: Request = { method: "GET", path: `${pathOf(id)}/${what}`, signal };
		request.headers = { range: `bytes=0-${bytes - 1}` };
		const { headers, body } = await this.#http.send(request, (text) => text);
		const size = Number(headers.get("content-range")?.split("/")[1] ?? headers.get("content-length"));
		// The last character may be cut in two.
		return { text: (body ?? "").replace(/\uFFFD+$/, ""), size };
	}

	/** Every model call of the job. */
	async attempts(id: string, options: CallOptions = {}): Promise<Attempt[]> {
		return await this.#data({ method: "GET", path: `${pathOf(id)}/attempts`, ...options });
	}

	async deliveries(id: string, options: CallOptions = {}): Promise<Delivery[]> {
		return await this.#data({ method: "GET", path: `${pathOf(id)}/deliveries`, ...options });
	}

	/** Sends all webhooks of the job again. */
	async redeliver(id: string, options: CallOptions = {}): Promise<RedeliveryList["data"]> {
		return await this.#data({ method: "POST", path: `${pathOf(id)}/redeliver`, ...options });
	}

	async #data<Item>(request: Request): Promise<Item[]> {
		return (await this.#http.json<{ data: Item[] }>(request)).data;
	}

	async #post(path: string, body: object, { idempotencyKey, signal }: SubmitOptions): Promise<Job> {
		const headers = { "idempotency-key": idempotencyKey ?? crypto.randomUUID() };
		return await this.#http.json({ method: "POST", path, body, headers, signal });
	}

	/** Waits on the service, and says how long to pause before the next look. `job` null: it still has `version`. */
	async #look(id: string, waitSeconds: number, known: CallOptions): Promise<{ job: Job; pauseMs: number }>;
	async #look(
		id: string,
		waitSeconds: number,
		known: CallOptions & { version: number },
	): Promise<{ job: Job | null; pauseMs: number }>;
	async #look(id: string, waitSeconds: number, { signal, version }: CallOptions & { version?: number }) {
		const headers = version === undefined ? {} : { "if-none-match": `"${version}"` };
		const { headers: sent, body } = await this.#http.send<Job>({
			method: "GET",
			path: pathOf(id),
			headers,
			waitSeconds,
			signal,
		});
		const hasWaited = sent.has("preference-applied");
		const pauseMs = hasWaited ? 0 : (retryAfterMs(sent, this.#http.clock.now()) ?? POLL_MS);
		return { job: body, pauseMs };
	}
}

/** Ids of others than the service may have any character. */
function pathOf(id: string): string {
	return `/v1/jobs/${encodeURIComponent(id)}`;
}

function textOf({ choices }: ChatCompletion): string {
	const content = choices[0]?.message.content;
	return typeof content === "string" ? content : "";
}

function queryOf({ status, metadata = {}, ...filters }: JobFilters): Query {
	const time = (at: Date | string | undefined) => (at instanceof Date ? at.toISOString() : at);
	return {
		status: Array.isArray(status) ? status.join(",") : status,
		status_reason: filters.statusReason,
		model: filters.model,
		retry_of: filters.retryOf,
		created_after: time(filters.createdAfter),
		created_before: time(filters.createdBefore),
		finished_after: time(filters.finishedAfter),
		finished_before: time(filters.finishedBefore),
		order: filters.order,
		limit: filters.limit,
		include: filters.include,
		...Object.fromEntries(Object.entries(metadata).map(([key, value]) => [`metadata[${key}]`, value])),
	};
}
