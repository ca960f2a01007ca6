/**
 * Callers for tests. Whatever the API answers, to whichever test, is held to what holds for every answer: the headers,
 * the error envelope, a documented status, and a body that its documented schema describes to the last field.
 */
import { env, exports } from "cloudflare:workers";
import { z } from "@hono/zod-openapi";
import { expect } from "vitest";
import { ErrorBody } from "../../../shared/api/error.ts";
import { api } from "../../../workers/intake/api.ts";

export interface Call {
	/** An API key, or ADMIN_TOKEN. */
	key?: string;
	/** Sent as JSON. */
	json?: unknown;
	/** Sent as it is, as `application/json` unless `headers` say otherwise. */
	raw?: BodyInit;
	headers?: Record<string, string>;
	signal?: AbortSignal;
}

/** What responds: the deployed Worker, or the API with services of the test's making. */
export type Server = (request: Request) => Promise<Response>;

export interface Answer {
	status: number;
	headers: Headers;
	text: string;
	/** The body as JSON; undefined where it is none. */
	body: unknown;
}

export const ADMIN = env.ADMIN_TOKEN;

export async function send(method: string, path: string, call: Call = {}): Promise<Answer> {
	return await sendTo((request) => exports.default.fetch(request), method, path, call);
}

export async function sendTo(server: Server, method: string, path: string, call: Call = {}): Promise<Answer> {
	const headers = new Headers(call.headers);
	if (call.key !== undefined) headers.set("authorization", `Bearer ${call.key}`);
	const body = call.raw ?? (call.json === undefined ? null : JSON.stringify(call.json));
	if (body !== null && !headers.has("content-type")) headers.set("content-type", "application/json");
	if (headers.get("content-type") === "") headers.delete("content-type");
	const signal = call.signal === undefined ? {} : { signal: call.signal };
	const response = await server(new Request(`https://jobs.test${path}`, { method, headers, body, ...signal }));
	const text = await response.text();
	const isJson = response.headers.get("content-type")?.startsWith("application/json") && text !== "";
	const answer = {
		status: response.status,
		headers: response.headers,
		text,
		body: isJson && response.status !== 206 ? JSON.parse(text) : undefined,
	};
	checkAnswer(method, path, answer);
	return answer;
}

/** @param path with its query */
export function checkAnswer(method: string, path: string, answer: Answer): void {
	const { status, headers, body } = answer;
	const what = `${method} ${path.slice(0, 100)} → ${status} ${answer.text.slice(0, 300)}`;
	expect(headers.get("x-request-id"), what).toMatch(/^req_[0-9a-z]{26}$/);
	expect(headers.get("cache-control"), what).toMatch(/^no-store(, no-transform)?$/);
	expect(headers.get("x-content-type-options"), what).toBe("nosniff");
	expect(headers.get("referrer-policy"), what).toBe("no-referrer");
	expect(headers.get("cross-origin-resource-policy"), what).toBe("same-origin");
	expect(headers.get("content-security-policy"), what).toMatch(
		/^default-src 'none'; (script-src 'self' 'sha256-[\w+/]{43}='; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; )?frame-ancestors 'none'$/,
	);
	expect(headers.get("strict-transport-security"), what).toBe("max-age=31536000");
	expect([...headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
	if (status >= 400 && method !== "HEAD") {
		const { error } = ErrorBody.strict().parse(body);
		expect(error.request_id, what).toBe(headers.get("x-request-id"));
		// Of a job, the provider's own words.
		if (!headers.has("holdfast-job")) expect(error.message, what).toMatch(/^[A-Z`].*\.$/s);
	}
	const isOpen = headers.get("holdfast-job") !== null && answer.text.includes('"not_final"');
	if ((status === 409 || status === 422) && !isOpen) expect(headers.get("x-should-retry"), what).toBe("false");
	if (status === 429 && !headers.has("holdfast-job")) {
		expect(headers.get("retry-after"), what).toMatch(/^[1-9]\d*$/);
		expect(headers.get("ratelimit-policy"), what).toMatch(/^"\w+";q=\d+(;w=\d+)?$/);
	}
	if (status === 401) expect(headers.get("www-authenticate"), what).toBe("Bearer");
	if (status === 405) expect(headers.get("allow"), what).toMatch(/[A-Z]+(, [A-Z]+)*/);
	checkDocumented(method, path, answer, what);
}

function checkDocumented(method: string, path: string, { status, body }: Answer, what: string): void {
	const route = ROUTES.find((one) => one.method === (method === "HEAD" ? "GET" : method) && one.pattern.test(path));
	if (route === undefined) {
		expect([204, 404, 405, 503], what).toContain(status);
		return;
	}
	const response = route.responses[String(status)];
	expect(response, `undocumented: ${what}`).toBeDefined();
	const schema = response?.content?.["application/json"]?.schema;
	if (body !== undefined) expect(z.instanceof(z.ZodType).parse(schema).parse(body), what).toEqual(body);
}

const Route = z.object({
	type: z.literal("route"),
	route: z.object({
		method: z.string(),
		path: z.string(),
		responses: z.record(
			z.string(),
			z.object({ content: z.record(z.string(), z.object({ schema: z.unknown() })).optional() }),
		),
	}),
});

export const ROUTES = api.openAPIRegistry.definitions.flatMap((definition) => {
	const parsed = Route.safeParse(definition);
	if (!parsed.success) return [];
	const { method, path, responses } = parsed.data.route;
	const part = path === "/v1/models/{id}" ? "[^?]+" : "[^/?]+";
	const pattern = new RegExp(`^${path.replace(/\{[^}]+\}/g, part).replaceAll(".", "\\.")}(\\?.*)?$`);
	return [{ method: method.toUpperCase(), path, pattern, responses }];
});

/** What the operator allows a tenant. */
export async function limit(tenantId: string, limits: object): Promise<Answer> {
	return await send("PATCH", `/v1/admin/tenants/${tenantId}`, { key: ADMIN, json: { limits } });
}

/** A tenant of its own with one key. */
export async function aCaller(scopes?: string[]): Promise<{ tenantId: string; key: string; keyId: string }> {
	const tenant = await send("POST", "/v1/admin/tenants", { key: ADMIN, json: { name: "acme" } });
	const { id: tenantId } = z.object({ id: z.string() }).parse(tenant.body);
	return { tenantId, ...(await aKey(tenantId, scopes === undefined ? {} : { scopes })) };
}

export async function aKey(tenantId: string, json: object = {}): Promise<{ key: string; keyId: string }> {
	const made = await send("POST", `/v1/admin/tenants/${tenantId}/keys`, { key: ADMIN, json });
	const { id: keyId, key } = z.object({ id: z.string(), key: z.string() }).parse(made.body);
	return { key, keyId };
}

/** Noting when a key was used is no part of what a request changes: here it is noted for good. */
export async function noteAllUses(): Promise<void> {
	await env.DB.prepare("UPDATE api_keys SET last_used_at = ?1").bind(Date.UTC(2100, 0)).run();
}

export function errorOf(answer: Answer) {
	return ErrorBody.parse(answer.body).error;
}

export function refusalOf(answer: Answer) {
	return { status: answer.status, ...errorOf(answer) };
}
