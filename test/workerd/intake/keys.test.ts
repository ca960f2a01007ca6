import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { AuditEntryList } from "../../../shared/api/audit.ts";
import { ApiKeyBody, ApiKeyList, NewApiKeyBody } from "../../../shared/api/key.ts";
import { SCOPES } from "../../../shared/core/tenants/api-key.ts";
import { Database } from "../../../shared/db/database.ts";
import { runtime } from "../../../workers/runtime.ts";
import { HOUR } from "../../support/job-of.ts";
import { type Asked, forgetfulD1, interceptedD1, watchedD1 } from "../support/watched-d1.ts";
import { ADMIN, aCaller, aKey, errorOf, refusalOf, send, sendTo } from "./caller.ts";
import { theServices, withCountedD1 } from "./services.ts";

/** A key that may do everything. */
const { tenantId, key, keyId } = await aCaller([...SCOPES]);

const make = (json: object = {}, by = key) => send("POST", "/v1/keys", { key: by, json });
const made = async (json: object = {}, by = key) => {
	const answer = await make(json, by);
	expect(answer.status, answer.text).toBe(201);
	return NewApiKeyBody.parse(answer.body);
};
const listed = async (query: string, by = key) =>
	ApiKeyList.parse((await send("GET", `/v1/keys?${query}`, { key: by })).body).data;

describe("GET /v1/session", () => {
	it("names the tenant and the key, without a row read for it", async () => {
		const { tenantId } = await aCaller();
		const expires_at = new Date(runtime.now() + HOUR).toISOString();
		const { key, keyId } = await aKey(tenantId, { name: "ci", scopes: ["usage:read"], expires_at });
		const { server, trips } = withCountedD1();
		for (let time = 0; time < 2; time++) {
			const { status, body } = await sendTo(server, "GET", "/v1/session", { key });
			expect([status, body]).toEqual([
				200,
				{
					object: "session",
					tenant: { id: tenantId, name: "acme" },
					key: { id: keyId, name: "ci", scopes: ["usage:read"], expires_at },
					expires_at,
				},
			]);
		}
		// The look-up of the key, once.
		expect(trips()).toBe(1);
	});
});

describe("a tenant's keys", () => {
	it("are made by a key of the same tenant, shown once, and work at once", async () => {
		const answer = await make({ name: "ci", scopes: ["jobs:read"], expires_at: "2040-01-02T03:04:05+01:00" });
		const { key: secret, ...shown } = NewApiKeyBody.parse(answer.body);
		expect([answer.status, answer.headers.get("location")]).toEqual([201, `/v1/keys/${shown.id}`]);
		expect(shown).toMatchObject({
			object: "api_key",
			tenant_id: tenantId,
			name: "ci",
			scopes: ["jobs:read"],
			last_used_at: null,
			expires_at: "2040-01-02T02:04:05.000Z",
			revoked_at: null,
		});
		expect((await send("GET", `/v1/keys/${shown.id}`, { key })).body).toEqual(shown);
		expect((await send("GET", "/v1/jobs", { key: secret })).status).toBe(200);
		const { results } = await env.DB.prepare("SELECT * FROM api_keys").all();
		const everywhere = JSON.stringify(results) + (await send("GET", "/v1/keys?limit=100", { key })).text;
		expect(everywhere).not.toContain(secret.slice(30));
		expect(everywhere).not.toMatch(/"key":|"hash"/);
	});

	it("can do all but manage keys unless it is asked for, and no more than the key that asks", async () => {
		expect((await made()).scopes).toEqual(SCOPES.filter((scope) => scope !== "keys:manage"));
		expect((await made({ scopes: ["keys:manage", "keys:manage"] })).scopes).toEqual(["keys:manage"]);
		const { key: narrow } = await aKey(tenantId, { scopes: ["jobs:read", "keys:manage"] });
		expect((await made({}, narrow)).scopes).toEqual(["jobs:read"]);
		const refused = await make({ scopes: ["jobs:read", "jobs:write"] }, narrow);
		expect([refused.status, errorOf(refused).code]).toEqual([403, "forbidden"]);
		expect(errorOf(refused).message).toContain("jobs:write");
		const { key: managing } = await aKey(tenantId, { scopes: ["keys:manage"] });
		expect((await make({}, managing)).status).toBe(403);
		expect((await made({ scopes: ["keys:manage"] }, managing)).scopes).toEqual(["keys:manage"]);
	});

	it("are not made by a key that has been revoked, though this isolate still knows it", async () => {
		const maker = await aKey(tenantId, { scopes: [...SCOPES] });
		const { server } = theServices();
		const call = (method: string, json?: object) => sendTo(server, method, "/v1/keys", { key: maker.key, json });
		expect((await call("POST", {})).status).toBe(201);
		expect((await send("DELETE", `/v1/keys/${maker.keyId}`, { key })).status).toBe(204);
		expect((await call("GET")).status).toBe(200);
		expect((await call("POST", {})).status).toBe(401);
	});

	it("end with the key that created them: no later than it expires, and at once where it is revoked", async () => {
		const expires_at = new Date(Math.floor(runtime.now()) + HOUR).toISOString();
		const manager = await aCaller([...SCOPES]);
		const first = await made({ scopes: [...SCOPES], expires_at }, manager.key);
		const second = await made({ scopes: [...SCOPES] }, first.key);
		const third = await made({ expires_at: "2040-01-02T03:04:05Z" }, second.key);
		const sooner = await made({ expires_at: new Date(runtime.now() + HOUR / 2).toISOString() }, second.key);
		expect([second, third].map((one) => [one.created_by, one.expires_at])).toEqual([
			[first.id, expires_at],
			[second.id, expires_at],
		]);
		expect(Date.parse(sooner.expires_at ?? "")).toBeLessThan(Date.parse(expires_at));
		const sibling = await made({}, manager.key);
		const all = [first, second, third, sooner, sibling, manager];
		const { server } = theServices();
		const statuses = async () => {
			const answers = all.map(({ key }) => sendTo(server, "GET", "/v1/jobs", { key }));
			return (await Promise.all(answers)).map(({ status }) => status);
		};
		expect(await statuses()).toEqual([200, 200, 200, 200, 200, 200]);
		const revoke = () => sendTo(server, "DELETE", `/v1/keys/${first.id}`, { key: manager.key });
		expect([(await revoke()).status, await statuses()]).toEqual([204, [401, 401, 401, 401, 200, 200]]);
		expect((await revoke()).status).toBe(204);
		const log = await send("GET", "/v1/audit_log?limit=4&order=asc", { key: manager.key });
		const entries = AuditEntryList.parse(log.body).data.map(({ action, target_id }) => [action, target_id]);
		expect(entries).toEqual([first, second, third, sooner].map(({ id }) => ["key.revoked", id]));
		const shown = (await listed("limit=100", manager.key)).filter(({ revoked_at }) => revoked_at !== null);
		expect(new Set(shown.map(({ revoked_at }) => revoked_at)).size).toBe(1);
	});

	it("that were revoked are not known again from a look-up that began before", async () => {
		const maker = await aKey(tenantId, { scopes: [...SCOPES] });
		let looked: Promise<unknown> | null = null;
		const { services } = theServices();
		const revoker = theServices({ keys: services.keys }).server;
		const d1 = interceptedD1(env.DB, {
			async call(asked, run) {
				const found = await run();
				if (looked === null && asked.some(({ name }) => name === "find api key in force")) {
					looked = sendTo(revoker, "DELETE", `/v1/admin/keys/${maker.keyId}`, { key: ADMIN });
					await looked;
				}
				return found;
			},
		});
		const { server } = theServices({ keys: services.keys, db: new Database(d1, runtime) });
		const statuses = [];
		for (let call = 0; call < 2; call++)
			statuses.push((await sendTo(server, "GET", "/v1/keys", { key: maker.key })).status);
		expect(statuses).toEqual([401, 401]);
	});

	it("do nothing that lasts once they are revoked, though this isolate still knows them", async () => {
		const caller = await aCaller([...SCOPES]);
		const json = { name: "crm", url: "https://crm.example.com/hook", event_types: ["job.*"] };
		const endpoint = await send("POST", "/v1/webhook_endpoints", { key: caller.key, json });
		const path = `/v1/webhook_endpoints/${z.object({ id: z.string() }).parse(endpoint.body).id}`;
		const { server } = theServices();
		expect((await sendTo(server, "GET", "/v1/jobs", { key: caller.key })).status).toBe(200);
		await send("DELETE", `/v1/admin/keys/${caller.keyId}`, { key: ADMIN });
		const rows = async () => {
			const tables = ["webhook_endpoints", "tenants", "api_keys"].map((table) =>
				env.DB.prepare(`SELECT * FROM ${table} WHERE ?1 IN (${table === "tenants" ? "id" : "tenant_id"})`),
			);
			const log = env.DB.prepare("SELECT * FROM audit_log WHERE tenant_id = ?1");
			return (await env.DB.batch([...tables, log].map((one) => one.bind(caller.tenantId)))).map(
				({ results }) => results,
			);
		};
		const before = await rows();
		for (const [method, route, body] of [
			["POST", "/v1/webhook_endpoints", json],
			["POST", path, { url: "https://elsewhere.example.com/" }],
			["POST", `${path}/rotate_secret`, {}],
			["POST", "/v1/webhook_signing_secret/rotate", {}],
			["GET", "/v1/webhook_signing_secret", undefined],
			["POST", "/v1/keys", {}],
		] as const) {
			const answer = await sendTo(server, method, route, { key: caller.key, json: body });
			expect([answer.status, errorOf(answer).code], route).toEqual([401, "unauthorized"]);
		}
		expect(await rows()).toEqual(before);
	});

	it.each([
		[{ name: "" }, "name"],
		[{ name: "n".repeat(201) }, "name"],
		[{ scopes: [] }, "scopes"],
		[{ scopes: ["admin"] }, "scopes.0"],
		[{ scopes: "jobs:read" }, "scopes"],
		[{ expires_at: "soon" }, "expires_at"],
		[{ expires_at: "2020-01-01T00:00:00Z" }, "expires_at"],
		[{ expires_at: null }, "expires_at"],
	])("are not made of %j", async (json, param) => {
		expect(refusalOf(await make(json))).toMatchObject({ status: 400, param });
	});

	it("are made once where D1 loses the answer", async () => {
		const caller = await aCaller([...SCOPES]);
		const { services } = theServices();
		await sendTo(theServices({ keys: services.keys }).server, "GET", "/v1/keys", { key: caller.key });
		const db = new Database(forgetfulD1(env.DB), runtime);
		const { server } = theServices({ keys: services.keys, db });
		const answer = await sendTo(server, "POST", "/v1/keys", { key: caller.key, json: {} });
		expect((await send("GET", "/v1/jobs", { key: NewApiKeyBody.parse(answer.body).key })).status).toBe(200);
		expect(await listed("limit=100", caller.key)).toHaveLength(2);
	});

	it("are listed newest first or oldest first, page by page, each tenant's own alone", async () => {
		const caller = await aCaller([...SCOPES]);
		const ids = [(await made({}, caller.key)).id, (await made({}, caller.key)).id];
		const idsOf = async (query: string) => (await listed(query, caller.key)).map(({ id }) => id);
		const newestFirst = [ids[1], ids[0], caller.keyId];
		expect(await idsOf("")).toEqual(newestFirst);
		expect(await idsOf("limit=2&order=asc")).toEqual(newestFirst.toReversed().slice(0, 2));
		expect(await idsOf(`after=${ids[1]}`)).toEqual(newestFirst.slice(1));
		expect(await idsOf(`after=${ids[0]}&order=asc`)).toEqual([ids[1]]);
		for (const after of ["x", "job_01jq0000000000000000000000"]) {
			const answer = await send("GET", `/v1/keys?after=${after}`, { key });
			expect([answer.status, errorOf(answer).param]).toEqual([400, "after"]);
		}
	});

	it("are revoked for good; again is the same, and the last one there is may go", async () => {
		const caller = await aCaller(["keys:manage"]);
		const { id } = await made({ scopes: ["keys:manage"] }, caller.key);
		const revokedAt = async (keyId: string) => (await send("GET", `/v1/keys/${keyId}`, { key: caller.key })).body;
		expect((await send("DELETE", `/v1/keys/${id}`, { key: caller.key })).status).toBe(204);
		const first = await revokedAt(id);
		expect(first).toMatchObject({ revoked_at: expect.any(String) });
		const again = await send("DELETE", `/v1/keys/${id}`, { key: caller.key });
		expect([again.status, again.text]).toEqual([204, ""]);
		expect(await revokedAt(id)).toEqual(first);
		expect((await send("DELETE", `/v1/keys/${caller.keyId}`, { key: caller.key })).status).toBe(204);
		expect((await sendTo(theServices().server, "GET", "/v1/keys", { key: caller.key })).status).toBe(401);
		expect((await aKey(caller.tenantId)).key).toMatch(/^hf_/);
	});

	it("say in which hour they were last used, to their tenant and to the operator", async () => {
		const { key: used, id } = await made();
		const { server, background } = theServices();
		expect((await sendTo(server, "GET", "/v1/jobs", { key: used })).status).toBe(200);
		await Promise.all(background);
		const found = ApiKeyBody.parse((await send("GET", `/v1/keys/${id}`, { key })).body);
		const usedAt = Date.parse(found.last_used_at ?? "");
		expect(usedAt).toBeLessThanOrEqual(runtime.now());
		expect(usedAt).toBeGreaterThan(runtime.now() - HOUR);
		expect(await listed("limit=1")).toEqual([found]);
		const byAdmin = await send("GET", `/v1/admin/tenants/${tenantId}/keys?limit=1`, { key: ADMIN });
		expect(byAdmin.body).toMatchObject({ data: [found] });
	});
});

describe("noting that a key is used", () => {
	/** An API whose writes to `api_keys` are counted, or fail. */
	function watched(now: () => number, onNote: () => void = () => undefined) {
		const isNote = (asked: Asked[]) => asked.some(({ name }) => name === "note api key use");
		const d1 = watchedD1(env.DB, (_, asked) => {
			if (isNote(asked)) onNote();
		});
		return theServices({ db: new Database(d1, runtime, now), runtime: { ...runtime, now } });
	}

	it("is one write an hour, whatever the number of requests and of isolates", async () => {
		let [now, notes] = [Math.floor(runtime.now() / HOUR) * HOUR + HOUR, 0];
		const isolates = [1, 2].map(() =>
			watched(
				() => now,
				() => void notes++,
			),
		);
		const { key } = await aKey(tenantId);
		const everyTenSeconds = async () => {
			for (let look = 0; look < 3; look++, now += 10_000) {
				for (const { server, background } of isolates) {
					for (let call = 0; call < 3; call++) {
						expect((await sendTo(server, "GET", "/v1/jobs/x", { key })).status).toBe(404);
						await Promise.all(background);
					}
				}
			}
		};
		await everyTenSeconds();
		expect(notes).toBe(1);
		now += HOUR;
		await everyTenSeconds();
		expect(notes).toBe(2);
	});

	it("is left for the next look into D1 where it fails, and no request fails with it", async () => {
		let [now, notes] = [runtime.now(), 0];
		const { server, background } = watched(
			() => now,
			() => {
				if (notes++ === 0) throw new Error("D1_ERROR: Network connection lost.");
			},
		);
		for (let call = 0; call < 2; call++, now += 10_000) {
			expect((await sendTo(server, "GET", "/v1/keys", { key })).status).toBe(200);
			await Promise.all(background);
		}
		expect(notes).toBeLessThanOrEqual(2);
		expect(ApiKeyBody.parse((await send("GET", `/v1/keys/${keyId}`, { key })).body).last_used_at).not.toBeNull();
	});

	it("is nothing that a guess at the secret brings about", async () => {
		const guessed = await aKey(tenantId);
		await env.DB.prepare("UPDATE api_keys SET key_hash = ?2 WHERE id = ?1").bind(guessed.keyId, "0".repeat(64)).run();
		const { server, background } = theServices();
		expect((await sendTo(server, "GET", "/v1/jobs", { key: guessed.key })).status).toBe(401);
		await Promise.all(background);
		expect(ApiKeyBody.parse((await send("GET", `/v1/keys/${guessed.keyId}`, { key })).body).last_used_at).toBeNull();
	});
});
