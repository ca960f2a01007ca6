import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { EndpointBody, EndpointList, EndpointWithSecretBody } from "../../../shared/api/endpoint.ts";
import { unseal } from "../../../shared/crypto/seal.ts";
import { Database } from "../../../shared/db/database.ts";
import { runtime } from "../../../workers/runtime.ts";
import { HOUR } from "../../support/job-of.ts";
import { OWN_URL, REFUSED_URLS } from "../../support/url-corpus.ts";
import { forgetfulD1 } from "../support/watched-d1.ts";
import { type Answer, aCaller, errorOf, limit, refusalOf, send, sendTo } from "./caller.ts";
import { theServices } from "./services.ts";

const NEW = { name: "crm", url: "https://crm.example.com/hook", event_types: ["job.succeeded", "job.failed"] };
const PATH = "/v1/webhook_endpoints";

const { key, tenantId } = await aCaller();
await limit(tenantId, { webhook_endpoints: null });

const call = (method: string, rest: string, json?: unknown) => send(method, `${PATH}${rest}`, { key, json });
const idOf = (answer: Answer) => EndpointBody.parse(answer.body).id;

async function created(json: object = {}, owner = key) {
	const answer = await send("POST", PATH, { key: owner, json: { ...NEW, ...json } });
	expect(answer.status, answer.text).toBe(201);
	return EndpointWithSecretBody.parse(answer.body);
}

async function rowOf(id: string) {
	const row = await env.DB.prepare("SELECT * FROM webhook_endpoints WHERE id = ?1").bind(id).first();
	return z.record(z.string(), z.unknown()).parse(row);
}

describe("POST /v1/webhook_endpoints", () => {
	it("registers an endpoint, and shows its secret this once", async () => {
		const made = await call("POST", "", NEW);
		expect(made.status).toBe(201);
		const { signing_secret: secret, ...endpoint } = EndpointWithSecretBody.parse(made.body);
		expect(endpoint).toEqual({
			id: expect.stringMatching(/^we_[0-9a-z]{26}$/),
			object: "webhook_endpoint",
			...NEW,
			payload: "full",
			status: "enabled",
			disabled_at: null,
			disabled_reason: null,
			paused_until: null,
			signing_secret_hint: `whsec_…${secret.slice(-4)}`,
			created_at: expect.any(Number),
			updated_at: endpoint.created_at,
		});
		expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
		expect(Math.abs(endpoint.created_at - runtime.now() / 1000)).toBeLessThan(60);
		expect(made.headers.get("location")).toBe(`${PATH}/${endpoint.id}`);
		expect((await call("GET", `/${endpoint.id}`)).body).toEqual(endpoint);
		expect((await call("GET", "")).text).not.toContain(secret.slice(6, 40));
	});

	it("stores the secret sealed, for this endpoint and no other", async () => {
		const { id, signing_secret } = await created();
		const other = await created();
		const row = await rowOf(id);
		expect(JSON.stringify(row)).not.toContain(signing_secret.slice(6, 40));
		const open = (owner: string) => unseal(runtime, [env.SIGNING_KEY], owner, String(row.secret));
		expect(await open(`${tenantId}|${id}`)).toBe(signing_secret);
		await expect(open(`${tenantId}|${other.id}`)).rejects.toThrow();
		expect(other.signing_secret).not.toBe(signing_secret);
	});

	it("shows until when nothing is sent to it", async () => {
		const { id } = await created();
		const breaker = env.DB.prepare("INSERT OR REPLACE INTO receiver_breakers VALUES (?1, 3, ?2, ?2, ?3)");
		const openUntil = (at: number) => breaker.bind(`receiver:${tenantId} ${id}`, runtime.now(), at).run();
		const pausedUntil = async () => EndpointBody.parse((await call("GET", `/${id}`)).body).paused_until;
		const at = Math.floor(runtime.now() / 1000) + 3600;
		await openUntil(at * 1000);
		expect(await pausedUntil()).toBe(at);
		expect(EndpointList.parse((await call("GET", "")).body).data[0]).toMatchObject({ id, paused_until: at });
		await openUntil(runtime.now() - HOUR);
		expect(await pausedUntil()).toBeNull();
	});

	it("takes families, a thin payload, and the URL in its normal form", async () => {
		const json = {
			event_types: ["job.*", "endpoint.*"],
			payload: "thin",
			url: "HTTPS://CRM.example.com:443/a/../hook",
		};
		expect(await created(json)).toMatchObject({ ...json, url: "https://crm.example.com/hook" });
		const whole = ["job.started", "job.succeeded", "job.failed", "job.cancelled", "job.expired", "endpoint.disabled"];
		await created({ event_types: [...whole, "job.*", "endpoint.*"], name: "👩‍👩‍👧 \u202e\u0000" });
	});

	it("makes as many as the tenant may have, and says what to do about it", async () => {
		const owner = await aCaller();
		await limit(owner.tenantId, { webhook_endpoints: 2 });
		const answers = await Promise.all([1, 2, 3, 4].map(() => send("POST", PATH, { key: owner.key, json: NEW })));
		expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409]);
		const refused = answers.find(({ status }) => status === 409);
		expect(refused && errorOf(refused)).toMatchObject({ code: "limit_reached", message: /delete one/ });
		const id = answers.flatMap((answer) => (answer.status === 201 ? [idOf(answer)] : []))[0];
		expect((await send("DELETE", `${PATH}/${id}`, { key: owner.key })).status).toBe(200);
		expect((await send("POST", PATH, { key: owner.key, json: NEW })).status).toBe(201);
	});

	it("makes one, and shows its secret, when the database's answer is lost", async () => {
		const owner = await aCaller();
		const db = new Database(forgetfulD1(env.DB), runtime);
		const { server, services } = theServices();
		await sendTo(server, "GET", PATH, { key: owner.key });
		const forgetful = theServices({ db, keys: services.keys }).server;
		const made = EndpointWithSecretBody.parse(
			(await sendTo(forgetful, "POST", PATH, { key: owner.key, json: NEW })).body,
		);
		expect(EndpointList.parse((await send("GET", PATH, { key: owner.key })).body).data.map(({ id }) => id)).toEqual([
			made.id,
		]);
		const { secret } = await rowOf(made.id);
		const owned = `${owner.tenantId}|${made.id}`;
		expect(await unseal(runtime, [env.SIGNING_KEY], owned, String(secret))).toBe(made.signing_secret);
	});

	const types = (count: number) => Array.from({ length: count }, () => "job.failed");
	const refusals: [string, object, string][] = [
		["no name", { name: undefined }, "name"],
		["an empty name", { name: "" }, "name"],
		["a name of 257 characters", { name: "n".repeat(257) }, "name"],
		["a name that is no text", { name: 1 }, "name"],
		["null for a name", { name: null }, "name"],
		["no url", { url: undefined }, "url"],
		["a url that is no text", { url: ["https://crm.example.com"] }, "url"],
		["no event types", { event_types: undefined }, "event_types"],
		["an empty list of event types", { event_types: [] }, "event_types"],
		["event types that are no list", { event_types: "job.failed" }, "event_types"],
		["all event types", { event_types: ["*"] }, "event_types.0"],
		["an unknown event type", { event_types: ["job.*", "job.failed", "job.started", "job.done"] }, "event_types.3"],
		["an event type of another service", { event_types: ["batch.completed"] }, "event_types.0"],
		["an event type in capitals", { event_types: ["Job.failed"] }, "event_types.0"],
		["an event type twice", { event_types: ["job.failed", "job.*", "job.failed"] }, "event_types.2"],
		["200 event types", { event_types: types(200) }, "event_types"],
		["200 unknown event types", { event_types: types(200).map((type, at) => type + at) }, "event_types"],
		["an unknown payload", { payload: "whole" }, "payload"],
		["a secret of its own", { signing_secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }, "signing_secret"],
		["a status", { status: "disabled" }, "status"],
		["another tenant", { tenant_id: "ten_01jq0000000000000000000000" }, "tenant_id"],
	];
	it.each(refusals)("refuses %s", async (_, change, param) => {
		const answer = await call("POST", "", { ...NEW, ...change });
		expect([answer.status, errorOf(answer).code, errorOf(answer).param]).toEqual([400, "invalid_request", param]);
	});
});

describe("an endpoint's URL", () => {
	it("is refused for every address of the table, when it is created and when it is changed", async () => {
		const { id, url: stored } = await created();
		const config = { allowInsecureWebhooks: false, webhookDnsUrl: null, publicUrl: OWN_URL };
		const { server } = theServices({ config });
		for (const { url, problem } of REFUSED_URLS) {
			for (const [path, json] of [
				[PATH, { ...NEW, url }],
				[`${PATH}/${id}`, { url }],
			] as const) {
				const answer = await sendTo(server, "POST", path, { key, json });
				expect([answer.status, errorOf(answer)], url).toMatchObject([400, { param: "url", message: problem }]);
				if (url.length > 20) expect(answer.text).not.toContain(url);
			}
		}
		expect((await call("GET", `/${id}`)).body).toMatchObject({ url: stored });
	});

	it("is not looked at where the endpoint is another tenant's", async () => {
		const { id } = await created();
		const call = { key: (await aCaller()).key, json: { url: "https://10.0.0.1/" } };
		expect((await send("POST", `${PATH}/${id}`, call)).status).toBe(404);
	});

	it("is not this service's own", async () => {
		const { server } = theServices({ config: { publicUrl: "https://holdfast.example.com" } });
		for (const url of ["https://holdfast.example.com/v1/jobs", "https://api.holdfast.example.com/"]) {
			const answer = await sendTo(server, "POST", PATH, { key, json: { ...NEW, url } });
			expect([answer.status, errorOf(answer).param]).toEqual([400, "url"]);
		}
	});
});

describe("GET /v1/webhook_endpoints", () => {
	it("gives pages, newest first or oldest, of the tenant's own", async () => {
		const owner = (await aCaller()).key;
		const get = async (query: string) =>
			EndpointList.parse((await send("GET", `${PATH}?${query}`, { key: owner })).body);
		expect(await get("")).toMatchObject({ data: [], has_more: false, first_id: null, last_id: null });
		const made: string[] = [];
		for (let count = 0; count < 3; count++) made.push((await created({}, owner)).id);
		// Ids made within one millisecond have no order.
		const ids = [...made].sort().reverse();
		expect((await get("")).data.map(({ id }) => id)).toEqual(ids);
		const first = await get("limit=2");
		expect(first).toMatchObject({ has_more: true, first_id: ids[0], last_id: ids[1] });
		const second = await get(`limit=2&after=${first.last_id}`);
		expect(second).toMatchObject({ has_more: false, first_id: ids[2], last_id: ids[2] });
		expect((await get("order=asc&limit=1")).data.map(({ id }) => id)).toEqual([ids[2]]);
		expect((await get("after=")).data).toHaveLength(3);
		const foreign = await send("GET", `${PATH}?order=asc&after=${ids[2]}`, { key: (await aCaller()).key });
		expect(EndpointList.parse(foreign.body).data).toEqual([]);
	});

	it.each([
		["limit=0", "limit"],
		["limit=101", "limit"],
		["after=garbage", "after"],
		["after=job_01jq0000000000000000000000", "after"],
		["order=newest", "order"],
		["status=enabled", "status"],
	])("refuses ?%s", async (query, param) => {
		expect(refusalOf(await call("GET", `?${query}`))).toMatchObject({ status: 400, param });
	});
});

describe("POST /v1/webhook_endpoints/{id}", () => {
	/** As if it had been made an hour ago. */
	async function aged(id: string): Promise<number> {
		const at = runtime.now() - HOUR;
		await env.DB.prepare("UPDATE webhook_endpoints SET created_at = ?2, updated_at = ?2 WHERE id = ?1")
			.bind(id, at)
			.run();
		return Math.floor(at / 1000);
	}

	it("changes what it is given, and replaces the whole list of types", async () => {
		const { id } = await created();
		const at = await aged(id);
		const change = { name: "new", url: "https://b.example.com/", event_types: ["job.expired"], payload: "thin" };
		const changed = await call("POST", `/${id}`, change);
		expect(changed.status).toBe(200);
		expect(changed.body).toMatchObject({ id, ...change, created_at: at });
		expect(EndpointBody.parse(changed.body).updated_at).toBeGreaterThan(at);
		expect((await call("GET", `/${id}`)).body).toEqual(changed.body);
		expect(changed.text).not.toContain('signing_secret"');
	});

	it("does not move updated_at when there is nothing to change", async () => {
		const { id } = await created();
		const at = await aged(id);
		for (const json of [undefined, {}, NEW]) {
			const answer = await call("POST", `/${id}`, json);
			expect([answer.status, EndpointBody.parse(answer.body).updated_at]).toEqual([200, at]);
		}
	});

	it.each<[object, string]>([
		[{ name: "" }, "name"],
		[{ name: null }, "name"],
		[{ event_types: [] }, "event_types"],
		[{ event_types: ["job.failed", "job.failed"] }, "event_types.1"],
		[{ url: "https://10.0.0.1/" }, "url"],
		[{ signing_secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }, "signing_secret"],
		[{ status: "enabled" }, "status"],
		[{ created_at: 1 }, "created_at"],
	])("refuses %j, and changes nothing", async (json, param) => {
		const { id, signing_secret: _, ...before } = await created();
		expect(refusalOf(await call("POST", `/${id}`, { name: "new", ...json }))).toMatchObject({ status: 400, param });
		expect((await call("GET", `/${id}`)).body).toMatchObject({ ...before, name: "crm" });
	});
});

describe("DELETE /v1/webhook_endpoints/{id}", () => {
	it("deletes it, once", async () => {
		const { id } = await created();
		const answer = await call("DELETE", `/${id}`);
		expect([answer.status, answer.body]).toEqual([200, { id, object: "webhook_endpoint.deleted", deleted: true }]);
		for (const method of ["GET", "DELETE", "POST"]) expect((await call(method, `/${id}`)).status).toBe(404);
	});
});

describe("POST /v1/webhook_endpoints/{id}/rotate_secret", () => {
	const rotate = async (id: string, json?: object) =>
		EndpointWithSecretBody.parse((await call("POST", `/${id}/rotate_secret`, json)).body);
	const previous = async (id: string) => {
		const { previous_secret: sealed, previous_secret_until: until } = await rowOf(id);
		if (sealed === null) return null;
		return {
			secret: await unseal(runtime, [env.SIGNING_KEY], `${tenantId}|${id}`, String(sealed)),
			leftMs: Number(until) - runtime.now(),
		};
	};

	it("gives a new secret, whose predecessor dies at once", async () => {
		const { id, signing_secret: old } = await created();
		for (const json of [undefined, {}, { keep_old_secret_active_for_24_hours: false }]) {
			const rotated = await rotate(id, json);
			expect(rotated.signing_secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
			expect(rotated.signing_secret).not.toBe(old);
			expect(rotated.signing_secret_hint).toBe(`whsec_…${rotated.signing_secret.slice(-4)}`);
			expect(await previous(id)).toBeNull();
		}
	});

	it("keeps the old one for 24 hours where that is asked for", async () => {
		const { id, signing_secret: old } = await created();
		await rotate(id, { keep_old_secret_active_for_24_hours: true });
		const kept = await previous(id);
		expect(kept?.secret).toBe(old);
		expect(kept?.leftMs).toBeCloseTo(24 * HOUR, -5);
	});

	it("keeps the one that the receiver knows, when the database's answer is lost", async () => {
		const { id, signing_secret: old } = await created();
		const { server, services } = theServices();
		await sendTo(server, "GET", PATH, { key });
		const db = new Database(forgetfulD1(env.DB), runtime);
		const forgetful = theServices({ db, keys: services.keys }).server;
		const json = { keep_old_secret_active_for_24_hours: true };
		const answer = await sendTo(forgetful, "POST", `${PATH}/${id}/rotate_secret`, { key, json });
		expect([answer.status, (await previous(id))?.secret]).toEqual([200, old]);
		const { secret } = await rowOf(id);
		const shown = EndpointWithSecretBody.parse(answer.body).signing_secret;
		expect(await unseal(runtime, [env.SIGNING_KEY], `${tenantId}|${id}`, String(secret))).toBe(shown);
	});

	it.each([
		{ keep_old_secret_active_for_24_hours: "yes" },
		{ keep_old_secret_active_for_24_hours: null },
		{ keep: true },
	])("refuses %j, and rotates nothing", async (json) => {
		const { id } = await created();
		const before = await rowOf(id);
		expect((await call("POST", `/${id}/rotate_secret`, json)).status).toBe(400);
		expect(await rowOf(id)).toEqual(before);
	});
});

describe("GET /v1/webhook_event_types", () => {
	it("lists types that can be registered, each", async () => {
		const answer = await send("GET", "/v1/webhook_event_types", { key });
		const { data } = z.object({ object: z.literal("list"), data: z.array(z.string()) }).parse(answer.body);
		expect(data).toEqual([
			"job.started",
			"job.succeeded",
			"job.failed",
			"job.cancelled",
			"job.expired",
			"endpoint.disabled",
		]);
		expect(await created({ event_types: data })).toMatchObject({ event_types: data });
	});
});
