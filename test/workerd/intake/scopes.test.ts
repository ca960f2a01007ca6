import { describe, expect, it } from "vitest";
import { z } from "zod";
import { SCOPES, type Scope } from "../../../shared/core/tenants/api-key.ts";
import { ADMIN, aCaller, aKey, type Call, errorOf, send, sendTo } from "./caller.ts";
import { description, leastCall } from "./least-call.ts";
import { withWatchedQueue } from "./services.ts";

const routes = description.operations.map((operation) => ({
	...operation,
	url: operation.path.replace(/\{\w+\}/, "unknown"),
	call: leastCall(operation),
}));
const scoped = routes.filter(({ access }) => access !== null && access !== "admin");

/** By noun and method: what a route must require, whatever it says of itself. */
function scopesOf(method: string, path: string): Scope[] {
	if (/^\/v1\/(keys|audit_log)/.test(path)) return ["keys:manage"];
	if (path === "/v1/session") return [];
	if (path === "/v1/usage") return ["usage:read"];
	if (`${method} ${path}` === "GET /v1/webhook_signing_secret") return ["secrets:read"];
	// It reads the old job's input, and these the answer.
	if (path === "/v1/jobs/{id}/retry") return ["jobs:write", "jobs:read"];
	if (method === "POST" && /^\/v1\/(chat|responses)/.test(path)) return ["jobs:write", "jobs:read"];
	const noun = /^\/v1\/(webhook|deliveries)|\/(redeliver|deliveries)$/.test(path) ? "webhooks" : "jobs";
	return [`${noun}:${method === "GET" ? "read" : "write"}`];
}

const keyWith = new Map<Scope, string>();
const keyWithout = new Map<Scope, string>();
const single = (scope: Scope) => keyWith.get(scope) ?? "";
const { tenantId } = await aCaller();
const { key: all } = await aKey(tenantId, { scopes: [...SCOPES] });
for (const scope of SCOPES) {
	const others = SCOPES.filter((other) => other !== scope);
	keyWith.set(scope, (await aKey(tenantId, { scopes: [scope] })).key);
	keyWithout.set(scope, (await aKey(tenantId, { scopes: others })).key);
}

describe("a key with one scope", () => {
	it.each(scoped)("opens $name with $scopes alone, and names it otherwise", async ({ method, url, call, scopes }) => {
		const [only] = scopes;
		const isOne = only !== undefined && scopes.length === 1;
		const opened = await send(method, url, { key: isOne ? single(only) : all, ...call });
		expect([200, 201, 202, 204, 404], opened.text).toContain(opened.status);
		if (only === undefined)
			for (const key of SCOPES.map(single))
				expect([200, 204]).toContain((await send(method, url, { key, ...call })).status);
		for (const scope of scopes) {
			const others = SCOPES.filter((other) => !scopes.includes(other)).map(single);
			for (const key of [...(isOne ? others : []), keyWithout.get(scope) ?? ""]) {
				const answer = await send(method, url, { key, ...call });
				expect([answer.status, errorOf(answer).code]).toEqual([403, "forbidden"]);
				expect(errorOf(answer).message).toBe(`This API key lacks the scope ${scope}.`);
			}
		}
	});

	const guarded = scoped.filter(({ scopes }) => scopes.length > 0);
	it.each(guarded.filter(({ method }) => method === "GET"))("opens HEAD of $path with $scopes alone", async (route) => {
		for (const other of SCOPES) {
			const { status } = await send("HEAD", route.url, { key: single(other) });
			if (route.scopes.includes(other)) expect([401, 403]).not.toContain(status);
			else expect(status, `with ${other}`).toBe(403);
		}
	});

	it.each(routes.filter(({ access }) => access === "admin"))("never opens $name", async ({ method, url, call }) => {
		for (const scope of SCOPES) expect((await send(method, url, { key: single(scope), ...call })).status).toBe(401);
		expect((await send(method, url, { key: ADMIN, ...call })).status).not.toBe(401);
	});

	it("opens what its name says, and a scope that only reads changes nothing", () => {
		expect(scoped.map(({ name, scopes }) => [name, scopes])).toEqual(
			scoped.map(({ name, method, path }) => [name, scopesOf(method, path)]),
		);
	});

	it("reads nothing of what it writes: a job and a delivery have an id and a status then", async () => {
		const input = { messages: [{ role: "user", content: "Why?" }] };
		const webhook = { url: "https://hooks.example.com/x?token=y" };
		const json = { input, metadata: { a: "b" }, webhook, delay_seconds: 3_600 };
		// No webhook leaves the queue.
		const { server } = withWatchedQueue("DELIVERY_QUEUE");
		const send = (method: string, path: string, call: Call) => sendTo(server, method, path, call);
		const submitted = await send("POST", "/v1/jobs", { key: single("jobs:write"), json });
		const { id } = z.object({ id: z.string() }).parse(submitted.body);
		expect([submitted.status, submitted.body]).toEqual([202, { id, object: "job", status: "queued" }]);
		const cancelled = { id, object: "job", status: "cancelled" };
		for (let time = 0; time < 2; time++) {
			const { body } = await send("POST", `/v1/jobs/${id}/cancel`, { key: single("jobs:write") });
			expect(body).toEqual(cancelled);
		}
		const include = await send("GET", `/v1/jobs/${id}?include=deliveries`, { key: single("jobs:read") });
		expect([include.status, errorOf(include).message]).toEqual([403, "This API key lacks the scope webhooks:read."]);
		const listed = await send("GET", `/v1/jobs/${id}/deliveries`, { key: single("webhooks:read") });
		const [{ id: delivery }] = z.object({ data: z.tuple([z.object({ id: z.string() })]) }).parse(listed.body).data;
		const pending = { id: delivery, object: "delivery", status: "pending" };
		const write = single("webhooks:write");
		expect((await send("POST", `/v1/deliveries/${delivery}/redeliver`, { key: write })).body).toEqual(pending);
		const resent = await send("POST", `/v1/jobs/${id}/redeliver`, { key: write });
		expect(resent.body).toMatchObject({ data: [pending] });
		expect(resent.text).not.toContain("token");
	});
});

describe("a request without a key", () => {
	it("opens the description, its page, the health check and signing in and out, and nothing else", () => {
		const open = routes.filter(({ access }) => access === null).map(({ name }) => name);
		expect(open.sort()).toEqual([
			"DELETE /v1/admin/session",
			"DELETE /v1/session",
			"GET /docs",
			"GET /healthz",
			"GET /openapi.json",
			"POST /v1/admin/session",
			"POST /v1/session",
		]);
	});
});
