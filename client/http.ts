/** Sends requests, and repeats those that may be repeated. */

import { RealClock } from "./clock.ts";
import { ApiError, apiError, ConnectionError, HoldfastError, NotFound } from "./errors.ts";

export interface Options {
	/** Where the service is. `HOLDFAST_URL` by default; in a page, the page's own origin. */
	baseUrl?: string | undefined;
	/** `HOLDFAST_API_KEY` by default. */
	apiKey?: string | undefined;
	fetch?: Fetch | undefined;
	/** For one request, 60 s by default. The time that the service may hold a response comes on top. */
	timeoutMs?: number | undefined;
	/** How often a request is repeated, 4 times by default. */
	maxRetries?: number | undefined;
	/** Ends every request and every pause of this client when it aborts. */
	signal?: AbortSignal | undefined;
	/** Time and randomness, for tests. */
	clock?: Clock | undefined;
}

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface Clock {
	now(): number;
	random(): number;
	/** Rejects with the reason of the signal if that aborts. */
	sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Of each call. */
export interface CallOptions {
	signal?: AbortSignal | undefined;
}

export type Query = Record<string, string | number | undefined>;

export interface Request {
	method: "GET" | "POST" | "PATCH" | "DELETE";
	path: string;
	query?: Query;
	body?: unknown;
	headers?: Record<string, string>;
	/** How long the service may hold the response. */
	waitSeconds?: number;
	/** It may take effect only once, and has no Idempotency-Key: it is repeated only where it did nothing. */
	isOnce?: boolean;
	signal?: AbortSignal | undefined;
}

export interface Answer<Body> {
	status: number;
	headers: Headers;
	/** Null: the response has none. */
	body: Body | null;
}

const TIMEOUT_MS = 60_000;
const RETRIES = 4;
const BACKOFF_BASE_MS = 500;
const BACKOFF_CAP_MS = 8_000;
/** A longer wait is the caller's to decide about. */
const RETRY_AFTER_MS_MAX = 60_000;
/** With any other character, `fetch` throws an error that quotes the key. */
const KEY = /^[\x21-\x7e]+$/;

export class Http {
	readonly clock: Clock;
	readonly #options: Options;
	readonly #baseUrl: string;
	readonly #apiKey: string | undefined;
	readonly #fetch: Fetch;

	constructor(options: Options) {
		const origin = Reflect.get(globalThis, "location")?.origin;
		this.clock = options.clock ?? new RealClock();
		this.#options = options;
		this.#baseUrl = (options.baseUrl ?? environment("HOLDFAST_URL") ?? origin ?? "").replace(/\/+$/, "");
		this.#apiKey = options.apiKey ?? environment("HOLDFAST_API_KEY");
		if (this.#apiKey !== undefined && !KEY.test(this.#apiKey))
			throw new HoldfastError(
				"The API key is empty, or has a space, a line break or another character that no key has. Check `apiKey` or HOLDFAST_API_KEY.",
			);
		// Not a method of this object: browsers and Workers refuse to call `fetch` as one.
		const send = options.fetch ?? ((url, init) => fetch(url, init));
		this.#fetch = (url, init) => send(url, init);
	}

	/** The body of a response, which has the type that the API describes. */
	async json<Body>(request: Request): Promise<Body> {
		const { body } = await this.send<Body>(request);
		if (body === null) throw notJson(request);
		return body;
	}

	/** Null: it was gone already, because the response to an earlier attempt was lost. */
	async delete<Body>(path: string, options: CallOptions): Promise<Body | null> {
		try {
			return (await this.send<Body>({ method: "DELETE", path, ...options })).body;
		} catch (error) {
			if (error instanceof NotFound && error.attempts > 1) return null;
			throw error;
		}
	}

	/** Throws the reason of a signal that aborts. */
	async sleep(ms: number, signal?: AbortSignal): Promise<void> {
		await this.clock.sleep(ms, this.#either(signal));
	}

	/**
	 * A response with 2xx or 304. Throws `ApiError`, `ConnectionError`, or the reason of the signal.
	 * @param read turns the text of a 2xx response into its body; null: the text is not what the caller asked for
	 */
	async send<Body>(request: Request, read: (text: string) => Body | null = parsed): Promise<Answer<Body>> {
		if (this.#baseUrl === "")
			throw new HoldfastError("The client has no address of a service. Set `baseUrl` or HOLDFAST_URL.");
		const retries = this.#options.maxRetries ?? RETRIES;
		for (let attempt = 1; ; attempt++) {
			const answer = await this.#try(request, read);
			if (!(answer instanceof ConnectionError) && (answer.status < 300 || answer.status === 304)) return answer;
			const error = answer instanceof ConnectionError ? answer : this.#refusalOf(answer, attempt);
			const waitMs = attempt > retries ? null : this.#waitBeforeRetry(request, error, answer, attempt);
			if (waitMs === null) throw error;
			await this.sleep(waitMs, request.signal);
		}
	}

	/** Aborts when one of the caller's signals does: that of the call, or that of the client. */
	#either(signal: AbortSignal | undefined): AbortSignal {
		return AbortSignal.any([signal, this.#options.signal].filter((one) => one !== undefined));
	}

	async #try<Body>(request: Request, read: (text: string) => Body | null): Promise<Answer<Body> | ConnectionError> {
		const { method, path, query = {}, body: sent, waitSeconds = 0 } = request;
		const signal = this.#either(request.signal);
		signal.throwIfAborted();
		const headers: Record<string, string> = { accept: "application/json", ...request.headers };
		if (this.#apiKey !== undefined) headers.authorization = `Bearer ${this.#apiKey}`;
		if (sent !== undefined) headers["content-type"] = "application/json";
		if (waitSeconds > 0) headers.prefer = `wait=${waitSeconds}`;
		const limit = AbortSignal.timeout((this.#options.timeoutMs ?? TIMEOUT_MS) + waitSeconds * 1_000);
		const init: RequestInit = { method, headers, signal: AbortSignal.any([signal, limit]) };
		if (sent !== undefined) init.body = JSON.stringify(sent);
		try {
			const response = await this.#fetch(`${this.#baseUrl}${path}${queryOf(query)}`, init);
			const text = await response.text();
			const body = response.ok ? read(text) : parsed<Body>(text);
			const answer = { status: response.status, headers: response.headers, body };
			return response.ok && answer.status !== 204 && answer.body === null ? notJson(request) : answer;
		} catch (cause) {
			signal.throwIfAborted();
			// Of a signal that only the caller's `fetch` knows.
			if (!limit.aborted && isAbort(cause)) throw cause;
			const what = limit.aborted ? "did not respond in time" : "could not be reached";
			return new ConnectionError(`The service ${what}: ${method} ${path}`, { cause });
		}
	}

	/** Null: it is not repeated. */
	#waitBeforeRetry({ isOnce }: Request, error: Error, answer: object, attempt: number): number | null {
		const backoffMs = this.clock.random() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** attempt);
		if (!(error instanceof ApiError)) return isOnce ? null : backoffMs;
		const { headers } = Object(answer);
		const shouldRetry = headers.get("x-should-retry");
		const didNothing = error.status === 429 || error.code === "overloaded";
		const isTransient = didNothing || (!isOnce && (error.status === 408 || error.status >= 500));
		if (shouldRetry === "false" || (shouldRetry !== "true" && !isTransient)) return null;
		const { retryAfterMs } = error;
		if (retryAfterMs === null) return backoffMs;
		return retryAfterMs > RETRY_AFTER_MS_MAX ? null : retryAfterMs + backoffMs;
	}

	#refusalOf({ status, headers, body }: Answer<unknown>, attempts: number): ApiError {
		// What stands between client and service may respond with anything.
		const { message, code, param, request_id } = Object(Object(body).error);
		return apiError({
			status,
			code: textOr(code, `http_${status}`),
			message: textOr(message, `The service responded with ${status}.`),
			param: typeof param === "string" ? param : null,
			requestId: textOr(request_id, headers.get("x-request-id") ?? "") || null,
			retryAfterMs: retryAfterMs(headers, this.clock.now()),
			attempts,
		});
	}
}

/** Also where it is hidden as the cause of another error. */
function isAbort(error: unknown): boolean {
	return error instanceof Error && (error.name === "AbortError" || isAbort(error.cause));
}

function textOr(value: unknown, other: string): string {
	return typeof value === "string" ? value : other;
}

/** Null: it is not JSON. */
function parsed<Body>(text: string): Body | null {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}

/** Without a cause, which would quote the body. */
function notJson({ method, path }: Request): ConnectionError {
	return new ConnectionError(`The service responded with something that is not JSON: ${method} ${path}`);
}

/** Null: the response does not say. */
export function retryAfterMs(headers: Headers, now: number): number | null {
	const text = headers.get("retry-after");
	if (text === null) return null;
	const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now;
	return Number.isNaN(ms) ? null : Math.max(0, ms);
}

function queryOf(query: Query): string {
	const pairs = Object.entries(query).flatMap(([name, value]) =>
		value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`],
	);
	return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

function environment(name: string): string | undefined {
	const value: unknown = Reflect.get(globalThis, "process")?.env?.[name];
	return typeof value === "string" && value !== "" ? value : undefined;
}
