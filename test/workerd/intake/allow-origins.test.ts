import { z } from "@hono/zod-openapi";
import { describe, expect, it } from "vitest";
import { aCaller } from "./caller.ts";
import { theServices } from "./services.ts";

const OURS = "https://app.example.com";
const THEIRS = "https://evil.test";

const { key } = await aCaller();

/** What an answer says about who may read it. */
async function said(corsOrigins: string[], method: string, origin: string | null, path = "/v1/jobs", wanted = "") {
	const { server } = theServices({ config: { corsOrigins } });
	const headers = { authorization: `Bearer ${key}`, ...(origin === null ? {} : { origin }) };
	if (wanted !== "") Object.assign(headers, { "access-control-request-headers": wanted });
	const answer = await server(new Request(`https://jobs.test${path}`, { method, headers }));
	return {
		status: answer.status,
		vary: answer.headers.get("vary"),
		...Object.fromEntries([...answer.headers].filter(([name]) => name.startsWith("access-control-"))),
	};
}

describe("a page of another origin", () => {
	it.each(["GET", "OPTIONS"])("may read nothing unless its origin is configured: %s", async (method) => {
		const status = method === "GET" ? 200 : 204;
		for (const origin of [null, OURS, THEIRS, "null"]) {
			expect(await said([], method, origin)).toEqual({ status, vary: null });
		}
		for (const origin of [null, THEIRS, "null", `${OURS}.evil.test`, "http://app.example.com", `${OURS}:8443`, "*"]) {
			expect(await said([OURS], method, origin)).toEqual({ status, vary: "origin" });
		}
	});

	it("may read every answer where its own origin is, errors too, and never with credentials", async () => {
		const readable = {
			vary: "origin",
			"access-control-allow-origin": OURS,
			"access-control-expose-headers": expect.any(String),
		};
		expect(await said(["https://b.example.com", OURS], "GET", OURS)).toEqual({ status: 200, ...readable });
		expect(await said([OURS], "GET", OURS, "/v1/jobs/x")).toEqual({ status: 404, ...readable });
		expect(await said([OURS], "GET", OURS, "/nowhere")).toEqual({ status: 404, ...readable });
		expect(await said([OURS], "GET", OURS, "/v1/jobs?x=1")).toEqual({ status: 400, ...readable });
	});

	it("may send what OpenAI's package sends with each request, and nothing else besides", async () => {
		const wanted = "authorization,content-type,x-stainless-lang,x-stainless-retry-count,x-else,x-stainless-a b";
		const { "access-control-allow-headers": allowed } = z
			.looseObject({ "access-control-allow-headers": z.string() })
			.parse(await said([OURS], "OPTIONS", OURS, "/v1/jobs", wanted));
		const names = allowed.split(", ");
		expect(names).toEqual(expect.arrayContaining(["authorization", "x-stainless-lang", "x-stainless-retry-count"]));
		expect(names.filter((name) => name.startsWith("x-"))).toEqual(["x-stainless-lang", "x-stainless-retry-count"]);
	});

	it("reads which limit was reached, and when to try again", async () => {
		const headers = { "access-control-expose-headers": expect.stringContaining("ratelimit-policy, retry-after") };
		expect(await said([OURS], "GET", OURS)).toMatchObject(headers);
	});

	it("learns from a preflight what the path takes", async () => {
		expect(await said([OURS], "OPTIONS", OURS, "/v1/jobs/x")).toMatchObject({
			status: 204,
			"access-control-allow-origin": OURS,
			"access-control-allow-methods": "DELETE, GET, HEAD, OPTIONS",
			"access-control-allow-headers": expect.stringContaining("authorization, content-type, idempotency-key"),
			"access-control-max-age": "600",
		});
	});
});
