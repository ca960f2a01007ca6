import { createExecutionContext } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import HEADERS_OF_FILES from "../../../dashboard/_headers?raw";
import { SCOPES } from "../../../shared/core/tenants/api-key.ts";
import { sha256Base64 } from "../../../shared/crypto/digest.ts";
import worker from "../../../workers/index.ts";
import { runtime } from "../../../workers/runtime.ts";
import { ADMIN, aCaller, errorOf, ROUTES, refusalOf, send, sendTo } from "./caller.ts";
import { LATER, PROMPT, submitted } from "./jobs.ts";
import { theServices, withCountedD1 } from "./services.ts";

const { key } = await aCaller([...SCOPES]);

const submit = (raw: BodyInit, headers: Record<string, string> = {}) => send("POST", "/v1/jobs", { key, raw, headers });
const latin1 = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const nested = (levels: number) =>
	`{"input":{"messages":[],"x":${"[".repeat(levels - 2)}${"]".repeat(levels - 2)}},"delay_seconds":3600}`;

it("an unencrypted request is refused, not redirected, and its caller learns that the key was exposed", async () => {
	const { server, trips } = withCountedD1();
	const get = async (url: string, authorization?: string, method = "GET") => {
		const headers = authorization === undefined ? {} : { authorization };
		const response = await server(new Request(url, { method, headers }));
		return { status: response.status, text: await response.text() };
	};
	const exposed = await get("http://jobs.test/v1/jobs", `Bearer ${key}`);
	expect([exposed.status, exposed.text]).toEqual([403, expect.stringContaining('"https_required"')]);
	expect(exposed.text).toContain("revoke it");
	expect((await get("http://jobs.test/v1/session", undefined, "POST")).text).toContain("revoke it");
	expect((await get("http://jobs.test/healthz")).text).not.toContain("revoke");
	expect(trips()).toBe(0);
	for (const host of ["127.0.0.1:8787", "localhost:8787", "[::1]:8787"])
		expect((await get(`http://${host}/v1/jobs`, `Bearer ${key}`)).status).toBe(200);
});

describe("any route", () => {
	const paths = ROUTES.map(({ method, path }) => ({
		method,
		path,
		url: path.replace("{id}", "job_01jq0000000000000000000000"),
	}));
	const keyFor = (path: string) => (path.startsWith("/v1/admin") ? ADMIN : key);
	const guarded = paths.filter(
		({ method, path }) => path.startsWith("/v1/") && (!path.endsWith("/session") || method === "GET"),
	);

	it("is listed in the description of the API", () => {
		expect(ROUTES.length).toBeGreaterThanOrEqual(36);
	});

	it.each(paths)("refuses an unknown query parameter: $method $path", async ({ method, path, url }) => {
		const body = method === "GET" || method === "DELETE" ? {} : { json: {} };
		const answer = await send(method, `${url}?nonsense=1`, { key: keyFor(path), ...body });
		expect(answer.status).toBe(400);
		expect(errorOf(answer)).toMatchObject({ code: "invalid_request", param: "nonsense" });
	});

	it.each(guarded)("refuses who has no key: $method $path", async ({ method, url }) => {
		for (const call of [{}, { key: "null" }, { headers: { authorization: `Basic ${btoa(`a:${key}`)}` } }]) {
			expect((await send(method, url, call)).status).toBe(401);
		}
	});

	it.each(guarded)("refuses the other kind of key: $method $path", async ({ method, path, url }) => {
		expect((await send(method, url, { key: path.startsWith("/v1/admin") ? key : ADMIN })).status).toBe(401);
	});

	it.each(paths)("names its methods to others: $method $path", async ({ method, url }) => {
		const answer = await send("PUT", url, { key });
		expect(answer.status).toBe(405);
		expect(answer.headers.get("allow")?.split(", ")).toEqual(expect.arrayContaining([method, "OPTIONS"]));
		const options = await send("OPTIONS", url, {
			headers: { origin: "null", "access-control-request-method": "POST" },
		});
		expect([options.status, options.text]).toEqual([204, ""]);
		expect(options.headers.get("allow")).toBe(answer.headers.get("allow"));
	});

	it("ignores Range on what is no stored result, and Origin everywhere", async () => {
		const answer = await send("GET", "/v1/jobs", { key, headers: { range: "bytes=0-1", origin: "https://evil.test" } });
		expect([answer.status, answer.headers.get("accept-ranges")]).toEqual([200, null]);
	});

	it("refuses a query parameter that is given twice", async () => {
		for (const twice of ["limit=1&limit=2", "metadata[a]=1&metadata[a]=2", "after=a&after=b"]) {
			const answer = await send("GET", `/v1/jobs?${twice}`, { key });
			expect(answer.status, twice).toBe(400);
			expect(errorOf(answer)).toMatchObject({
				param: twice.slice(0, twice.indexOf("=")),
				message: "Must occur only once.",
			});
		}
	});
});

describe("a request body", () => {
	const limit = 16 * 1024 * 1024;
	const padded = (bytes: number) => {
		const [head, tail] = ['{"delay_seconds":3600,"input":{"messages":[],"x":"', '"}}'];
		return head + "x".repeat(bytes - head.length - tail.length) + tail;
	};

	it("may have 16 MiB, and is refused beyond that while it streams", async () => {
		expect((await submit(padded(limit))).status).toBe(202);
		expect(refusalOf(await submit(padded(limit + 1)))).toMatchObject({ status: 413, code: "payload_too_large" });
	});

	it.each([
		["/v1/webhook_endpoints", 64],
		["/v1/jobs/job_1/cancel", 4],
		["/v1/webhook_endpoints/end_1/rotate_secret", 4],
	])("may have less where it needs less: %s", async (path, kib) => {
		const answer = await send("POST", path, { key, raw: `{"x":"${"x".repeat(kib * 1024)}"}` });
		expect(refusalOf(answer)).toMatchObject({ status: 413, code: "payload_too_large" });
		expect(JSON.stringify(answer.body)).toContain(`${kib * 1024} bytes`);
	});

	it("is counted where it has no Content-Length, and read no further than the limit", async () => {
		let sent = 0;
		const chunk = new Uint8Array(1024 * 1024).fill(0x20);
		const endless = new ReadableStream({
			type: "bytes",
			pull(controller) {
				sent += chunk.byteLength;
				controller.enqueue(chunk.slice());
			},
		});
		const { server } = theServices();
		expect((await sendTo(server, "POST", "/v1/jobs", { key, raw: endless })).status).toBe(413);
		expect(sent).toBeLessThan(limit + 4 * chunk.byteLength);
	});

	it("is not read for unauthenticated callers: 401 comes before it", async () => {
		const answer = await send("POST", "/v1/jobs", { raw: "{", headers: { "content-type": "text/plain" } });
		expect(answer.status).toBe(401);
	});

	it.each([
		"application/json",
		"Application/JSON",
		"application/json; charset=utf-8",
		'application/json;charset="UTF-8"',
	])("is taken as %s", async (type) => {
		expect((await submit(JSON.stringify(LATER), { "content-type": type })).status).toBe(202);
	});

	it.each([
		"",
		"text/plain",
		"text/json",
		"application/json5",
		"application/jsonx",
		"application/problem+json",
		"application/json; charset=utf-16",
		"application/json; charset=utf-8; charset=utf-16",
		"application/json, application/json",
		"application/x-www-form-urlencoded",
		"multipart/form-data; boundary=x",
	])("is refused as %j", async (type) => {
		const answer = await send("POST", "/v1/jobs", {
			key,
			raw: latin1(JSON.stringify(LATER)),
			headers: { "content-type": type },
		});
		expect([answer.status, errorOf(answer).code]).toEqual([415, "unsupported_media_type"]);
	});

	it.each(["gzip", "br", "deflate", "identity"])("is refused with Content-Encoding: %s", async (encoding) => {
		expect((await submit(JSON.stringify(LATER), { "content-encoding": encoding })).status).toBe(415);
	});

	it.each([
		["nothing", ""],
		["null", "null"],
		["a list", "[]"],
		["text", '"a"'],
		["a cut object", '{"input":'],
		["a trailing comma", '{"input":{"messages":[],}}'],
		["two values", "{}{}"],
		["NaN", '{"delay_seconds":NaN}'],
		["Infinity", '{"delay_seconds":Infinity}'],
		["single quotes", "{'input':{}}"],
		["a comment", "{/**/}"],
		["a byte order mark", latin1(`\u00ef\u00bb\u00bf${JSON.stringify(LATER)}`)],
		["UTF-16", latin1([...JSON.stringify(LATER)].map((letter) => `${letter}\0`).join(""))],
		["bytes that are not UTF-8", latin1('{"input":{"messages":[],"x":"\u00ff"}}')],
	])("is refused as %s", async (_, raw) => {
		const answer = await submit(raw);
		expect([answer.status, errorOf(answer).code, errorOf(answer).param]).toEqual([400, "invalid_request", null]);
	});

	it.each([
		["a key twice", '{"input":{"messages":[],"messages":[]}}', "input.messages"],
		["a key twice, once in disguise", '{"input":{"messages":[]},"\\u0069nput":{}}', "input"],
		["__proto__", '{"input":{"messages":[],"x":{"__proto__":{}}}}', "input.x.__proto__"],
		["a lone surrogate", '{"input":{"messages":[{"role":"user","content":"\\ud800"}]}}', "input.messages.0.content"],
		["a number no double holds", '{"input":{"messages":[],"max_tokens":1e400}}', "input.max_tokens"],
		["65 levels", nested(65), expect.stringMatching(/^input\.x\.0/)],
		["100,000 levels", "[".repeat(100_000), expect.stringMatching(/^0\.0/)],
	])("is refused with %s, which is named", async (_, raw, param) => {
		expect(refusalOf(await submit(raw))).toMatchObject({ status: 400, param });
	});

	it("may be 64 levels deep, and hold constructor, emoji and right-to-left text", async () => {
		expect((await submit(nested(64))).status).toBe(202);
		const strange = { ...PROMPT, constructor: 1, prototype: 2, "‮👩‍👩‍👧": "\u200d\u202e\u0000" };
		await submitted(key, { input: strange });
	});

	const ENDPOINT = "/we_01jq0000000000000000000000";
	/** What the route requires: otherwise the error would name what is missing. */
	const whole = (path: string) => {
		if (path === "/v1/jobs") return LATER;
		if (path === "/v1/webhook_endpoints") return { name: "x", url: "https://a.example.com", event_types: ["job.*"] };
		if (path.endsWith("/recover")) return { since: "2026-01-02T03:04:05Z" };
		return path.endsWith("/test") ? { event_type: "job.failed" } : {};
	};
	it("holds no unknown field on any route that takes one", async () => {
		const job = await submitted(key);
		for (const path of [
			"/v1/jobs",
			`/v1/jobs/${job.id}/cancel`,
			`/v1/jobs/${job.id}/retry`,
			`/v1/jobs/${job.id}/redeliver`,
			"/v1/deliveries/dlv_01jq0000000000000000000000_failed_webhook/redeliver",
			...["", ENDPOINT, ...["enable", "recover", "rotate_secret", "test"].map((verb) => `${ENDPOINT}/${verb}`)].map(
				(rest) => `/v1/webhook_endpoints${rest}`,
			),
			"/v1/webhook_signing_secret/rotate",
			"/v1/keys",
		]) {
			const answer = await send("POST", path, { key, json: { ...whole(path), tenant_id: "x" } });
			expect([answer.status, errorOf(answer).param], path).toEqual([400, "tenant_id"]);
		}
	});
});

describe("an Authorization header", () => {
	it("may name its scheme in any letters, with more than one space", async () => {
		for (const authorization of [`bearer ${key}`, `BEARER   ${key}`]) {
			expect((await send("GET", "/v1/jobs", { headers: { authorization } })).status).toBe(200);
		}
	});

	it("costs no look into D1 where it is no key of ours: not with a wrong checksum either", async () => {
		const { server, trips } = withCountedD1();
		const wrong = key.slice(0, -1) + (key.endsWith("0") ? "1" : "0");
		const shouted = `Bearer HF_${key.slice(3)}`;
		for (const authorization of [`Bearer ${wrong}`, `Bearer ${key}x`, "Bearer hf_", "Bearer undefined", key, shouted]) {
			expect((await sendTo(server, "GET", "/v1/jobs", { headers: { authorization } })).status).toBe(401);
		}
		expect(trips()).toBe(0);
		expect((await sendTo(server, "GET", "/v1/jobs", { key })).status).toBe(200);
		expect(trips()).toBe(2);
	});
});

describe("a service whose configuration is not whole", () => {
	const secret = "s3cr3t";
	const routing = (route: object, secrets = {}) => {
		const compatible = { match: "*", provider: "openai-compatible", base_url: "http://a.example.com/v1" };
		return { MODEL_ROUTES: JSON.stringify([{ ...compatible, ...route }]), ...secrets };
	};

	it.each<[string, Record<string, string | undefined>]>([
		["ADMIN_TOKEN", { ADMIN_TOKEN: secret }],
		["SIGNING_KEY", { SIGNING_KEY: secret }],
		["MODEL_ROUTES", { MODEL_ROUTES: `[{"match":"*","provider":"${secret}"}]` }],
		["MODEL_ROUTES", { MODEL_ROUTES: secret }],
		["MODEL_ROUTES.0.base_url", routing({ base_url: `http://user:${secret}@a.example.com/v1` })],
		["MODEL_ROUTES.0.headers header 1 has a name", routing({ headers: { [`${secret} `]: "A" } })],
		["MODEL_ROUTES.0.headers header 1 names a secret", routing({ headers: { "x-key": "A" }, api_key_secret: "B" })],
		["MODEL_ROUTES.0.api_key_secret names a secret", routing({ api_key_secret: "A" }, { A: `${secret}\n${secret}` })],
		["DEFAULT_MODEL", { DEFAULT_MODEL: undefined }],
		["LEASE_SECONDS", { LEASE_SECONDS: secret }],
		["PUBLIC_URL", { PUBLIC_URL: secret }],
	])("says on every route that it is %s, and never its value", async (name, change) => {
		const broken = new Proxy(env, {
			get: (real, at) => (Object.hasOwn(change, at) ? Reflect.get(change, at) : Reflect.get(real, at)),
			ownKeys: (real) => Reflect.ownKeys(real),
		});
		for (const path of ["/healthz", "/v1/jobs", "/docs", "/nowhere"]) {
			const answer = await sendTo(
				async (request) => await worker.fetch(new Request(request), broken, createExecutionContext()),
				"GET",
				path,
				{ key },
			);
			expect(answer.status).toBe(503);
			expect(errorOf(answer)).toMatchObject({ code: "misconfigured", message: expect.stringContaining(name) });
			expect(answer.text).not.toContain(secret);
			expect(answer.headers.get("x-should-retry")).toBe("false");
		}
	});
});

describe("the description of the API", () => {
	it("is a page with a slash at the end of its address, too", async () => {
		const typed = new Request("https://jobs.test/docs/", { redirect: "manual" });
		const { status, headers } = await exports.default.fetch(typed);
		expect([status, headers.get("location")]).toEqual([302, "/docs"]);
		expect((await send("POST", "/docs/")).status).toBe(404);
	});

	it("is data, and a page that runs only its own scripts and links to the data where they do not run", async () => {
		const data = await send("GET", "/openapi.json");
		expect(data.body).toMatchObject({ openapi: "3.1.0", paths: { "/v1/jobs": { post: expect.anything() } } });
		const page = await send("GET", "/docs");
		expect(page.headers.get("content-type")).toMatch(/^text\/html/);
		const [, script = ""] = /<script>(.*)<\/script>/s.exec(page.text) ?? [];
		const hash = await sha256Base64(runtime, script);
		expect(page.headers.get("content-security-policy")).toBe(
			`default-src 'none'; script-src 'self' 'sha256-${hash}'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
		);
		expect(page.text).toContain('<a href="/openapi.json">');
		expect(page.text).not.toMatch(/ style=|<style| on[a-z]+=|https?:/);
		const files = [...page.text.matchAll(/ (?:src|href)="([^"]+)"/g)].map(([, file]) => file);
		expect(files).toEqual(["/docs/swagger-ui.css", "/openapi.json", "/docs/swagger-ui-bundle.js"]);
	});
});

describe("the dashboard", () => {
	it("has one page at every address below its own, under a policy that lets it load nothing from elsewhere", async () => {
		// The platform serves the other files without the Worker, with the same policy.
		const [, ofFiles] = /Content-Security-Policy: (.*)/.exec(HEADERS_OF_FILES) ?? [];
		for (const path of ["/dashboard", "/dashboard/jobs/job_1?tab=raw"]) {
			const page = await theServices().server(new Request(`https://jobs.test${path}`));
			expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("<!doctype html>")]);
			expect(page.headers.get("cache-control")).toBe("no-store");
			expect(page.headers.get("content-security-policy")).toBe(ofFiles);
		}
		expect(ofFiles).toContain("; require-trusted-types-for 'script'; ");
	});

	it("is where browsers are led from the root, which has nothing for programs", async () => {
		const { server } = withCountedD1();
		const headers = { accept: "text/html,*/*;q=0.8" };
		const asBrowser = await server(new Request("https://jobs.test/", { headers, redirect: "manual" }));
		expect([asBrowser.status, asBrowser.headers.get("location")]).toEqual([302, "/dashboard"]);
		expect(errorOf(await send("GET", "/", { headers: { accept: "*/*" } })).code).toBe("not_found");
		expect((await server(new Request("https://jobs.test/v2", { headers, redirect: "manual" }))).status).toBe(404);
		for (const file of ["assets/of-yesterday.js", "assets/a/b.js", "assets/", "icon.svg", "a/icon.svg"])
			expect(errorOf(await send("GET", `/dashboard/${file}`)).code, file).toBe("not_found");
		expect((await send("POST", "/dashboard/jobs")).headers.get("allow")).toBe("GET, HEAD, OPTIONS");
	});
});
