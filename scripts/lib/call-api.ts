/** The scripts' HTTP client: JSON in, JSON out. A failed connection is a PlainError, not a stack. */
import { PlainError } from "./terminal.ts";

/** `body` is `text` parsed as JSON, or `text` itself where it is none. */
export type ApiResponse = { status: number; headers: Headers; text: string; body: unknown };

export type Call = {
	method?: string;
	token?: string;
	headers?: Record<string, string>;
	body?: unknown;
	timeoutMs?: number;
	signal?: AbortSignal;
};

export async function callApi(url: string, call: Call): Promise<ApiResponse> {
	const headers = new Headers(call.headers);
	if (call.token) headers.set("authorization", `Bearer ${call.token}`);
	const timeout = AbortSignal.timeout(call.timeoutMs ?? 30_000);
	const init: RequestInit = {
		method: call.method ?? "GET",
		headers,
		signal: call.signal === undefined ? timeout : AbortSignal.any([timeout, call.signal]),
	};
	if (call.body !== undefined) {
		headers.set("content-type", "application/json");
		init.body = JSON.stringify(call.body);
	}
	try {
		const response = await fetch(url, init);
		const text = await response.text();
		return { status: response.status, headers: response.headers, text, body: parsed(text) };
	} catch (error) {
		call.signal?.throwIfAborted();
		throw new PlainError(`Cannot reach ${new URL(url).origin}: ${reasonOf(error as Error)}.`);
	}
}

/** An error of several addresses has no message of its own, and the message of one of TLS is a line of a log. */
function reasonOf(error: Error & { cause?: unknown }): string {
	const cause: Error & { code?: string; reason?: string } = error.cause instanceof Error ? error.cause : error;
	return cause.reason === undefined ? cause.message || cause.code || cause.name : `TLS failed, ${cause.reason}`;
}

/** The body of a 2xx response. Any other status throws a PlainError with method, path, status and message. */
export async function callForSuccess<T>(url: string, call: Call): Promise<T> {
	const { status, body } = await callApi(url, call);
	if (status >= 200 && status < 300) return body as T;
	throw new PlainError(`${call.method ?? "GET"} ${new URL(url).pathname} returned ${status}: ${messageOf(body)}`);
}

/** The message of an error envelope, or else the body itself. */
export function messageOf(body: unknown): string {
	const message = (body as { error?: { message?: unknown } } | null)?.error?.message;
	if (typeof message === "string") return message;
	return typeof body === "string" ? body.slice(0, 500) : JSON.stringify(body);
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}
