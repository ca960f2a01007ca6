/** The scripts' HTTP client: JSON in, JSON out. A failed connection is a PlainError, not a stack. */
import { PlainError } from "./terminal.ts";

export type ApiResponse = { status: number; body: unknown };

export type Call = { method?: string; token?: string; body?: unknown; timeoutMs?: number };

export async function callApi(url: string, call: Call): Promise<ApiResponse> {
	const headers: Record<string, string> = call.token ? { authorization: `Bearer ${call.token}` } : {};
	const init: RequestInit = {
		method: call.method ?? "GET",
		headers,
		signal: AbortSignal.timeout(call.timeoutMs ?? 30_000),
	};
	if (call.body !== undefined) {
		headers["content-type"] = "application/json";
		init.body = JSON.stringify(call.body);
	}
	let text: string;
	let status: number;
	try {
		const response = await fetch(url, init);
		status = response.status;
		text = await response.text();
	} catch (error) {
		const cause = (error as Error).cause instanceof Error ? (error as Error).cause : error;
		throw new PlainError(`Cannot reach ${new URL(url).origin}: ${(cause as Error).message}.`);
	}
	return { status, body: parsed(text) };
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
