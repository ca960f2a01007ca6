import { describe, expect, it } from "vitest";
import { SCOPES, type Scope } from "../../../shared/core/tenants/api-key.ts";
import { ADMIN, aCaller, aKey, errorOf, send } from "./caller.ts";
import { description, leastCall } from "./least-call.ts";

const routes = description.operations.map((operation) => ({
	...operation,
	url: operation.path.replace(/\{\w+\}/, "unknown"),
	call: leastCall(operation),
}));
const scoped = routes.flatMap(({ access, ...route }) =>
	access === null || access === "admin" ? [] : [{ ...route, scope: access }],
);

/** By noun and method: what a route must ask for, whatever it says of itself. */
function scopeOf(method: string, path: string): Scope {
	if (/^\/v1\/(keys|audit_log)/.test(path)) return "keys:manage";
	if (path === "/v1/usage") return "usage:read";
	const noun = /^\/v1\/(webhook|deliveries)|\/redeliver$/.test(path) ? "webhooks" : "jobs";
	return `${noun}:${method === "GET" ? "read" : "write"}`;
}

const keyWith = new Map<Scope, string>();
const keyWithout = new Map<Scope, string>();
const single = (scope: Scope) => keyWith.get(scope) ?? "";
const { tenantId } = await aCaller();
for (const scope of SCOPES) {
	const others = SCOPES.filter((other) => other !== scope);
	keyWith.set(scope, (await aKey(tenantId, { scopes: [scope] })).key);
	keyWithout.set(scope, (await aKey(tenantId, { scopes: others })).key);
}

describe("a key with one scope", () => {
	it.each(scoped)("opens $name with $scope alone, and names it otherwise", async ({ method, url, call, scope }) => {
		const opened = await send(method, url, { key: single(scope), ...call });
		expect([200, 201, 202, 204, 404], opened.text).toContain(opened.status);
		const others = SCOPES.filter((other) => other !== scope).map(single);
		for (const key of [...others, keyWithout.get(scope) ?? ""]) {
			const answer = await send(method, url, { key, ...call });
			expect([answer.status, errorOf(answer).code]).toEqual([403, "forbidden"]);
			expect(errorOf(answer).message).toBe(`This API key lacks the scope ${scope}.`);
		}
	});

	it.each(scoped.filter(({ method }) => method === "GET"))("opens HEAD of $path with $scope alone", async (route) => {
		for (const other of SCOPES) {
			const { status } = await send("HEAD", route.url, { key: single(other) });
			if (other === route.scope) expect([401, 403]).not.toContain(status);
			else expect(status, `with ${other}`).toBe(403);
		}
	});

	it.each(routes.filter(({ access }) => access === "admin"))("never opens $name", async ({ method, url, call }) => {
		for (const scope of SCOPES) expect((await send(method, url, { key: single(scope), ...call })).status).toBe(401);
		expect((await send(method, url, { key: ADMIN, ...call })).status).not.toBe(401);
	});

	it("opens what its name says, and a scope that only reads changes nothing", () => {
		expect(scoped.map(({ name, scope }) => [name, scope])).toEqual(
			scoped.map(({ name, method, path }) => [name, scopeOf(method, path)]),
		);
	});
});

describe("a request without a key", () => {
	it("opens the description, its page and the health check, and nothing else", () => {
		const open = routes.filter(({ access }) => access === null).map(({ name }) => name);
		expect(open.sort()).toEqual(["GET /docs", "GET /healthz", "GET /openapi.json"]);
	});
});
