import { beforeAll, describe, expect, it } from "vitest";
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

const keyWith = new Map<Scope, string>();
const single = (scope: Scope) => keyWith.get(scope) ?? "";
beforeAll(async () => {
	const { tenantId } = await aCaller();
	for (const scope of SCOPES) keyWith.set(scope, (await aKey(tenantId, { scopes: [scope] })).key);
});

describe("a key with one scope", () => {
	it.each(scoped)("opens $name with $scope alone, and is told so otherwise", async ({ method, url, call, scope }) => {
		for (const other of SCOPES) {
			const answer = await send(method, url, { key: single(other), ...call });
			if (other === scope) expect([401, 403], answer.text).not.toContain(answer.status);
			else expect([answer.status, errorOf(answer).code], `with ${other}`).toEqual([403, "forbidden"]);
			if (other !== scope) expect(errorOf(answer).message).toBe(`This API key lacks the scope ${scope}.`);
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

	it("that only reads is not asked for by a route that changes anything, nor the other way round", () => {
		for (const { name, method, scope } of scoped) {
			expect(scope, name).toMatch(method === "GET" ? /:(read|manage)$/ : /:(write|manage)$/);
		}
	});
});

describe("a request without a key", () => {
	it("opens the description, its page and the health check, and nothing else", () => {
		const open = routes.filter(({ access }) => access === null).map(({ name }) => name);
		expect(open.sort()).toEqual(["GET /docs", "GET /healthz", "GET /openapi.json"]);
	});
});
