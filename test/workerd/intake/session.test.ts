import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { SessionBody } from "../../../shared/api/key.ts";
import type { Config } from "../../../shared/core/config.ts";
import { SCOPES } from "../../../shared/core/tenants/api-key.ts";
import { seal } from "../../../shared/crypto/seal.ts";
import { Database } from "../../../shared/db/database.ts";
import { api } from "../../../workers/intake/api.ts";
import { runtime } from "../../../workers/runtime.ts";
import { HOUR } from "../../support/job-of.ts";
import {
	ADMIN,
	type Answer,
	aCaller,
	aKey,
	type Call,
	errorOf,
	refusalOf,
	type Server,
	send,
	sendTo,
} from "./caller.ts";
import { description, leastCall } from "./least-call.ts";
import { theServices } from "./services.ts";

const SITES = ["same-origin", "same-site", "cross-site", "none", null] as const;
const from = (site: string | null): Record<string, string> => (site === null ? {} : { "sec-fetch-site": site });

const { tenantId, key } = await aCaller([...SCOPES]);
const readOnly = await aKey(tenantId, { scopes: ["jobs:read", "webhooks:read", "usage:read"] });

const signIn = (key: string, call: Call = {}, server = theServices().server) =>
	sendTo(server, "POST", "/v1/session", { json: { key }, headers: from("same-origin"), ...call });
const cookieOf = ({ headers }: Answer) => headers.get("set-cookie")?.split(";")[0] ?? "";
const cookie = cookieOf(await signIn(key));
const own = (cookie: string) => ({ headers: { cookie, ...from("same-origin") } });

const guarded = description.operations
	.filter(({ access }) => access !== null)
	.map((route) => ({ ...route, url: route.path.replace(/\{\w+\}/, "unknown"), call: leastCall(route) }));
const forTenants = guarded.filter(({ access }) => access !== "admin");
const forOperator = guarded.filter(({ access }) => access === "admin");

const signInOperator = (token = ADMIN, call: Call = {}, server = theServices().server) =>
	sendTo(server, "POST", "/v1/admin/session", { json: { token }, headers: from("same-origin"), ...call });
const operators = cookieOf(await signInOperator());

describe("POST /v1/session", () => {
	it("sets a cookie that scripts cannot read, and says whose it is and until when", async () => {
		const before = runtime.now();
		const answer = await send("POST", "/v1/session", { json: { key }, headers: from("same-origin") });
		expect(answer.status, answer.text).toBe(201);
		expect(answer.headers.get("set-cookie")).toMatch(
			/^__Host-holdfast=v1\.[0-9a-f]{8}\.[0-9a-f]{24}\.[0-9a-f]+; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
		);
		const session = SessionBody.parse(answer.body);
		expect(session).toMatchObject({
			tenant: { id: tenantId, name: "acme" },
			key: { scopes: [...SCOPES], expires_at: null },
		});
		const hours = (Date.parse(session.expires_at ?? "") - before) / HOUR;
		expect(hours).toBeCloseTo(12, 2);
		expect((await send("GET", "/v1/session", own(cookieOf(answer)))).body).toEqual(session);
		const { data } = z
			.object({ data: z.array(z.looseObject({})) })
			.parse((await send("GET", "/v1/audit_log", { key })).body);
		const entry = data.find(({ action }) => action === "session.created");
		expect(entry).toMatchObject({ actor: session.key.id, target_id: session.key.id });
	});

	it("is recorded once an hour, and never after the revocation of its key, which another isolate made", async () => {
		const caller = await aCaller([...SCOPES]);
		let now = Date.now();
		const db = new Database(env.DB, runtime, () => now);
		const { services } = theServices({ db });
		let request = 0;
		const server: Server = async (asked) =>
			await api.fetch(asked, { services, requestId: `req_${String(request++).padStart(26, "0")}` });
		const signedIn = async () => {
			const { status } = await signIn(caller.key, {}, server);
			const acts = env.DB.prepare("SELECT action FROM audit_log WHERE tenant_id = ?1 AND action LIKE 'session.%'");
			return [status, (await acts.bind(caller.tenantId).all()).results.length];
		};
		expect([await signedIn(), await signedIn()]).toEqual([
			[201, 1],
			[201, 1],
		]);
		now += HOUR;
		expect([await signedIn(), await signedIn()]).toEqual([
			[201, 2],
			[201, 2],
		]);
		now += HOUR;
		await env.DB.prepare("UPDATE api_keys SET revoked_at = 1 WHERE id = ?1").bind(caller.keyId).run();
		expect(await signedIn()).toEqual([401, 2]);
	});

	it("refuses what is no key, and pages of other origins, and sets no cookie then", async () => {
		for (const wrong of ["hf_none", `${key.slice(0, -1)}~`, ADMIN]) expect((await signIn(wrong)).status).toBe(401);
		for (const headers of [from("same-site"), from("cross-site"), from("none"), { origin: "https://evil.test" }]) {
			const answer = await signIn(key, { headers });
			expect([answer.status, errorOf(answer).code, answer.headers.get("set-cookie")]).toEqual([403, "forbidden", null]);
		}
		for (const headers of [{}, { origin: "https://jobs.test" }])
			expect((await signIn(key, { headers })).status).toBe(201);
		const form = {
			json: undefined,
			raw: `{"key":"${key}"}`,
			headers: { ...from("same-origin"), "content-type": "text/plain" },
		};
		expect((await signIn(key, form)).status).toBe(415);
		const large = (bytes: number) => ({ json: undefined, raw: `{"key":"${key}"}`.padEnd(bytes) });
		expect([(await signIn(key, large(1_024))).status, (await signIn(key, large(1_025))).status]).toEqual([201, 413]);
	});

	it("sets one without Secure on loopback, where some browsers take no other, and takes it at that port alone", async () => {
		const { server } = theServices();
		const behindProxy = theServices({ config: { publicUrl: "https://jobs.test" } }).server;
		const at = (origin: string, method: string, headers: object, body: string | null = null) =>
			server(new Request(`${origin}/v1/session`, { method, headers: { ...from("same-origin"), ...headers }, body }));
		const json = { "content-type": "application/json" };
		const made = await at("http://127.0.0.1:8787", "POST", json, JSON.stringify({ key }));
		const set = made.headers.get("set-cookie") ?? "";
		expect(set).toMatch(/^holdfast-8787=v1\..*; HttpOnly; SameSite=Strict$/);
		expect(set).not.toContain("Secure");
		const [cookie = ""] = set.split(";");
		expect((await at("http://127.0.0.1:8787", "GET", { cookie })).status).toBe(200);
		for (const other of ["http://127.0.0.1:8788", "https://jobs.test"])
			expect((await at(other, "GET", { cookie })).status).toBe(401);
		const asked = { method: "POST", headers: json, body: JSON.stringify({ key }) };
		const proxied = await behindProxy(new Request("http://127.0.0.1:8787/v1/session", asked));
		expect(proxied.headers.get("set-cookie")).toMatch(/^__Host-holdfast=.*Secure/);
	});
});

describe("a session", () => {
	it.each(forTenants)("counts on pages of this origin alone: $name", async ({ method, url, call }) => {
		for (const site of SITES) {
			const withCookie = await send(method, url, { ...call, headers: { cookie, ...from(site) } });
			if (site === "same-origin") expect([401, 403], withCookie.text).not.toContain(withCookie.status);
			else expect(withCookie.status, String(site)).toBe(401);
			const withKey = await send(method, url, { ...call, key, headers: from(site) });
			expect([401, 403], withKey.text).not.toContain(withKey.status);
			const withBoth = await send(method, url, { ...call, key: "hf_none", headers: { cookie, ...from(site) } });
			expect(withBoth.status).toBe(401);
		}
		for (const origin of ["https://jobs.test", "https://evil.test", "null"])
			expect((await send(method, url, { ...call, headers: { cookie, origin } })).status).toBe(401);
	});

	it.each(forOperator)(
		"of a tenant never opens $name, and the operator's does, on pages of this origin alone",
		async (route) => {
			const { method, url, call } = route;
			const status = async (headers: Record<string, string>, key: { key?: string } = {}) =>
				(await send(method, url, { ...call, ...key, headers })).status;
			for (const site of SITES) {
				expect(await status({ cookie, ...from(site) })).toBe(401);
				const opened = await status({ cookie: operators, ...from(site) });
				if (site === "same-origin") expect([401, 403]).not.toContain(opened);
				else expect(opened, String(site)).toBe(401);
				expect(await status({ cookie: operators, ...from(site) }, { key: "none" })).toBe(401);
			}
			// A cookie of the one kind under the name of the other.
			for (const swapped of [cookie.replace("holdfast=", "holdfast-operator="), `${cookie}; x=${operators}`])
				expect(await status({ cookie: swapped, ...from("same-origin") })).toBe(401);
		},
	);

	it("of the operator opens nothing of a tenant's", async () => {
		for (const { method, url, call, name } of forTenants)
			for (const cookie of [operators, operators.replace("-operator=", "=")])
				expect((await send(method, url, { ...call, ...own(cookie) })).status, name).toBe(401);
	});

	it("of the operator lasts an hour, ends with the token and by signing out, and no other page opens it", async () => {
		let now = runtime.now();
		const clock = { ...runtime, now: () => now };
		const { server } = theServices({ runtime: clock });
		const lines = vi.spyOn(console, "log").mockImplementation(() => undefined);
		const answer = await signInOperator(ADMIN, {}, server);
		const logged = lines.mock.calls.map(([line]) => JSON.parse(line));
		lines.mockRestore();
		expect(logged).toContainEqual({ event: "operator.signed_in", requestId: expect.stringMatching(/^req_/) });
		expect(answer.body).toEqual({ object: "operator_session", expires_at: new Date(now + HOUR).toISOString() });
		expect(answer.headers.get("set-cookie")).toMatch(
			/^__Host-holdfast-operator=v1\..*; Max-Age=3600; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
		);
		const get = (at = server) => sendTo(at, "GET", "/v1/admin/session", own(cookieOf(answer)));
		expect((await get()).body).toEqual(answer.body);
		const replaced = { adminTokens: ["another", "and another"] };
		expect((await get(theServices({ runtime: clock, config: replaced }).server)).status).toBe(401);
		const kept = { adminTokens: ["another", ADMIN] };
		expect((await get(theServices({ runtime: clock, config: kept }).server)).status).toBe(200);
		now += HOUR - 1;
		expect((await get()).status).toBe(200);
		now += 1;
		expect(errorOf(await get()).message).toMatch(/^This session has ended/);
		const withToken = { headers: { ...own(cookieOf(answer)).headers, authorization: "Bearer nope" } };
		expect(errorOf(await sendTo(server, "GET", "/v1/admin/session", withToken)).message).toMatch(/admin token/);
		for (const token of [key, `${ADMIN}~`]) {
			const wrong = await signInOperator(token);
			expect([wrong.status, wrong.headers.get("set-cookie")]).toEqual([401, null]);
		}
		for (const site of ["same-site", "cross-site", "none"] as const) {
			expect((await signInOperator(ADMIN, { headers: from(site) })).status).toBe(403);
			const out = await send("DELETE", "/v1/admin/session", { headers: { cookie: operators, ...from(site) } });
			expect([out.status, out.headers.get("set-cookie")]).toEqual([403, null]);
		}
		const signedOut = await send("DELETE", "/v1/admin/session", own(operators));
		expect([signedOut.status, cookieOf(signedOut)]).toEqual([204, "__Host-holdfast-operator="]);
	});

	it("of a key that only reads changes nothing", async () => {
		const cookie = cookieOf(await signIn(readOnly.key));
		const changes = forTenants.filter(({ method, path }) => method !== "GET" && path !== "/v1/session");
		expect(changes.length).toBeGreaterThan(15);
		for (const { method, url, call, name } of changes)
			expect((await send(method, url, { ...call, ...own(cookie) })).status, name).toBe(403);
		for (const path of ["/v1/keys", "/v1/audit_log", "/v1/webhook_signing_secret"])
			expect((await send("GET", path, own(cookie))).status).toBe(403);
		expect((await send("GET", "/v1/jobs", own(cookie))).status).toBe(200);
	});

	it("ends with its time, with its key, and by signing out", async () => {
		let now = runtime.now();
		const { server } = theServices({ runtime: { ...runtime, now: () => now } });
		const get = (cookie: string) => sendTo(server, "GET", "/v1/jobs", own(cookie));
		const status = async (cookie: string) => (await get(cookie)).status;
		const revoked = await aKey(tenantId);
		const [first, second] = [cookieOf(await signIn(key, {}, server)), cookieOf(await signIn(revoked.key, {}, server))];
		expect([await status(first), await status(second)]).toEqual([200, 200]);
		await send("DELETE", `/v1/admin/keys/${revoked.keyId}`, { key: ADMIN });
		now += 10_000;
		expect([await status(first), await status(second)]).toEqual([200, 401]);
		expect(errorOf(await get(second)).message).toBe(
			"The API key of this session is revoked or expired. Sign in with another.",
		);
		now += 12 * HOUR - 10_001;
		expect(await status(first)).toBe(200);
		now += 1;
		expect(refusalOf(await get(first))).toMatchObject({
			status: 401,
			message: expect.stringMatching(/^This session has ended/),
		});
		const signedOut = await send("DELETE", "/v1/session", own(cookie));
		expect([signedOut.status, cookieOf(signedOut)]).toEqual([204, "__Host-holdfast="]);
		expect(signedOut.headers.get("set-cookie")).toContain("Max-Age=0");
		const withEnded = await sendTo(server, "DELETE", "/v1/session", own(first));
		expect([withEnded.status, cookieOf(withEnded)]).toEqual([204, "__Host-holdfast="]);
		const elsewhere = await send("DELETE", "/v1/session", { headers: { cookie, ...from("same-site") } });
		expect([elsewhere.status, elsewhere.headers.get("set-cookie")]).toEqual([403, null]);

		const expires_at = new Date(runtime.now() + HOUR).toISOString();
		const short = await signIn((await aKey(tenantId, { expires_at })).key);
		expect(short.body).toMatchObject({ expires_at, key: { expires_at } });
	});

	it("is none with a cookie that was altered, or sealed with a key that is gone or leaked, or of another shape", async () => {
		const { services } = theServices();
		const newKey = btoa("0".repeat(32));
		const statusWith = async (cookie: string, config: Partial<Config>) =>
			(await sendTo(theServices({ config }).server, "GET", "/v1/jobs", own(cookie))).status;
		const status = (cookie: string, ...signingKeys: string[]) => statusWith(cookie, { signingKeys });
		const { signingKeys } = services.config;
		expect(await status(cookie, newKey, ...signingKeys)).toBe(200);
		expect(await status(cookie, newKey)).toBe(401);
		const afterLeak = { signingKeys: [newKey, ...signingKeys], acceptsPreviousLinks: false };
		expect(await statusWith(cookie, afterLeak)).toBe(401);
		const older = await seal(runtime, signingKeys[0] ?? "", "session", '{"keyId":"key"}');
		expect(await status(`__Host-holdfast=${older}`, ...signingKeys)).toBe(401);
		const last = cookie.at(-1) === "0" ? "1" : "0";
		for (const altered of [cookie.slice(0, -1) + last, cookie.slice(0, -4), "__Host-holdfast=x", "__Host-holdfast="])
			expect(await status(altered, ...signingKeys)).toBe(401);
	});
});
