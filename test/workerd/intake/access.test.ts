import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { makeApiKey, SCOPES } from "../../../shared/core/tenants/api-key.ts";
import { unseal } from "../../../shared/crypto/seal.ts";
import { Database } from "../../../shared/db/database.ts";
import { revealWebhookSecret } from "../../../shared/db/tenants/tenants.ts";
import { runtime } from "../../../workers/runtime.ts";
import { HOUR, MINUTE } from "../../support/job-of.ts";
import { aJob, BY } from "../support/a-job.ts";
import { watchedD1 } from "../support/watched-d1.ts";
import { ADMIN, aCaller, aKey, refusalOf, send, sendTo } from "./caller.ts";
import { theServices, withCountedD1 } from "./services.ts";

const admin = (method: string, path: string, json?: unknown) => send(method, `/v1/admin${path}`, { key: ADMIN, json });

const { tenantId, key } = await aCaller();

it("the operator's previous token works too while it is replaced, and no other does", async () => {
	const previous = "the-previous-admin-token-of-this-service";
	const { server } = theServices({ config: { adminTokens: [ADMIN, previous] } });
	const status = async (token: string) => (await sendTo(server, "GET", "/v1/admin/tenants", { key: token })).status;
	expect(await Promise.all([ADMIN, previous, `${previous}x`].map(status))).toEqual([200, 200, 401]);
	expect((await send("GET", "/v1/admin/tenants", { key: previous })).status).toBe(401);
});

describe("an API key", () => {
	it("is shown once, and only its hash is kept", async () => {
		const made = await admin("POST", `/tenants/${tenantId}/keys`, { name: "ci" });
		expect(made.status).toBe(201);
		expect(made.body).toMatchObject({
			id: expect.stringMatching(/^key_[0-9a-z]{26}$/),
			object: "api_key",
			tenant_id: tenantId,
			key: expect.stringMatching(/^hf_[0-9a-z]{26}_[0-9A-Za-z]{38}$/),
			name: "ci",
			scopes: SCOPES.filter((scope) => scope !== "keys:manage"),
			expires_at: null,
			revoked_at: null,
		});
		const secret = z.object({ key: z.string() }).parse(made.body).key;
		const rows = await env.DB.prepare("SELECT * FROM api_keys").all();
		expect(JSON.stringify(rows.results)).not.toContain(secret.slice(30));
		expect((await admin("GET", `/tenants/${tenantId}/keys`)).text).not.toContain(secret.slice(30));
	});

	it("works no longer than ten seconds after it was revoked, in an isolate that knows it, nor does a key that it created", async () => {
		let now = runtime.now();
		const { server } = theServices({ runtime: { ...runtime, now: () => now } });
		const { key, keyId } = await aKey(tenantId, { scopes: [...SCOPES] });
		const made = await sendTo(server, "POST", "/v1/keys", { key, json: {} });
		const child = z.object({ key: z.string() }).parse(made.body).key;
		const call = async () =>
			await Promise.all(
				[key, child].map(async (one) => (await sendTo(server, "GET", "/v1/jobs", { key: one })).status),
			);
		expect(await call()).toEqual([200, 200]);
		expect((await admin("DELETE", `/keys/${keyId}`)).status).toBe(204);
		now += 9_999;
		expect(await call()).toEqual([200, 200]);
		now += 1;
		expect(await call()).toEqual([401, 401]);
		expect((await sendTo(theServices().server, "GET", "/v1/jobs", { key })).status).toBe(401);
	});

	it("costs one look into D1 in ten seconds, good or bad", async () => {
		let now = runtime.now();
		const { server, trips } = withCountedD1({ runtime: { ...runtime, now: () => now } });
		const { key, keyId } = await aKey(tenantId);
		const path = "/v1/jobs/not-an-id";
		for (let call = 0; call < 5; call++) expect((await sendTo(server, "GET", path, { key })).status).toBe(404);
		expect(trips()).toBe(1);
		await admin("DELETE", `/keys/${keyId}`);
		now += 10_000;
		for (let call = 0; call < 5; call++) expect((await sendTo(server, "GET", path, { key })).status).toBe(401);
		expect(trips()).toBe(2);
	});

	it("counts those ten seconds from the question, however long D1 took to answer it", async () => {
		let now = runtime.now();
		const slow = watchedD1(env.DB, (_, asked) => {
			if (asked.some(({ name }) => name === "find api key in force")) now += 5_000;
		});
		const { server } = theServices({ db: new Database(slow, runtime), runtime: { ...runtime, now: () => now } });
		const { key, keyId } = await aKey(tenantId);
		const call = async () => (await sendTo(server, "GET", "/v1/jobs", { key })).status;
		const askedAt = now;
		expect(await call()).toBe(200);
		await admin("DELETE", `/keys/${keyId}`);
		now = askedAt + 9_999;
		expect(await call()).toBe(200);
		now = askedAt + 10_000;
		expect(await call()).toBe(401);
	});

	it("stops when it expires, in an isolate that knows it, too", async () => {
		let now = runtime.now();
		const clock = () => now;
		const { server } = theServices({ db: new Database(env.DB, runtime, clock), runtime: { ...runtime, now: clock } });
		const { key } = await aKey(tenantId, { expires_at: new Date(now + HOUR).toISOString() });
		const call = async () => (await sendTo(server, "GET", "/v1/jobs", { key })).status;
		now = Math.floor(now) + HOUR - 3_000;
		expect(await call()).toBe(200);
		now += 2_999;
		expect(await call()).toBe(200);
		now += 1;
		expect(await call()).toBe(401);
	});

	it("stops when it expires", async () => {
		const expiresAt = runtime.now() + HOUR;
		const { key } = await aKey(tenantId, { expires_at: new Date(expiresAt).toISOString() });
		const at = async (now: number) =>
			(await sendTo(theServices({ db: new Database(env.DB, runtime, () => now) }).server, "GET", "/v1/jobs", { key }))
				.status;
		expect([await at(expiresAt - 1_000), await at(expiresAt)]).toEqual([200, 401]);
	});

	it("that has proved to be valid proves no other with its id", async () => {
		const owner = await aCaller();
		const { server } = theServices();
		const forged = makeApiKey(owner.keyId, runtime.randomBytes);
		const statuses = [];
		for (const one of [forged, owner.key, forged, owner.key, forged])
			statuses.push((await sendTo(server, "GET", "/v1/jobs", { key: one })).status);
		expect(statuses).toEqual([401, 200, 401, 200, 401]);
	});

	it("is refused with another secret and a right checksum, or once its tenant is gone", async () => {
		const foreign = await aCaller();
		await env.DB.prepare("UPDATE api_keys SET key_hash = ?2 WHERE id = ?1").bind(foreign.keyId, "0".repeat(64)).run();
		expect((await sendTo(theServices().server, "GET", "/v1/jobs", { key: foreign.key })).status).toBe(401);
		const gone = await aCaller();
		await env.DB.prepare("DELETE FROM tenants WHERE id = ?1").bind(gone.tenantId).run();
		expect((await sendTo(theServices().server, "GET", "/v1/jobs", { key: gone.key })).status).toBe(401);
	});
});

describe("the operator", () => {
	it("creates, reads, lists and changes tenants", async () => {
		const made = await admin("POST", "/tenants", { name: "globex", limits: { open_jobs: 5 } });
		const tenant = z.object({ id: z.string() }).loose().parse(made.body);
		const limits = { open_jobs: 5, running_jobs: null, tokens_per_day: null, webhook_endpoints: 20 };
		expect(made.status).toBe(201);
		expect(made.body).toMatchObject({ id: expect.stringMatching(/^ten_/), object: "tenant", name: "globex", limits });
		const use = { open_jobs: 0, tokens_today: null, stored_bytes: null };
		expect((await admin("GET", `/tenants/${tenant.id}`)).body).toEqual({ ...tenant, use });
		expect((await admin("GET", "/tenants?limit=1")).body).toMatchObject({
			data: [tenant],
			has_more: true,
			first_id: tenant.id,
		});
		const next = await admin("GET", `/tenants?limit=100&after=${tenant.id}`);
		expect(next.text).not.toContain(tenant.id);
		const changed = await admin("PATCH", `/tenants/${tenant.id}`, {
			limits: { running_jobs: 0, webhook_endpoints: null },
		});
		expect(changed.body).toMatchObject({
			name: "globex",
			limits: { ...limits, running_jobs: 0, webhook_endpoints: null },
		});
		expect((await admin("PATCH", `/tenants/${tenant.id}`, { name: "initech" })).body).toMatchObject({
			name: "initech",
			limits: { running_jobs: 0 },
		});
	});

	it("loses none of two changes of a tenant's limits that are made at once", async () => {
		const path = `/tenants/${(await aCaller()).tenantId}`;
		const changes = [{ open_jobs: 5 }, { running_jobs: 0 }, { tokens_per_day: 7 }, { webhook_endpoints: null }];
		await Promise.all(changes.map((limits) => admin("PATCH", path, { limits })));
		expect((await admin("GET", path)).body).toMatchObject({ limits: Object.assign({}, ...changes) });
	});

	it("lists and revokes a tenant's keys", async () => {
		const { tenantId, keyId } = await aCaller();
		const second = await aKey(tenantId);
		const list = await admin("GET", `/tenants/${tenantId}/keys?limit=1`);
		expect(list.body).toMatchObject({ data: [{ id: second.keyId }], has_more: true, last_id: second.keyId });
		expect((await admin("GET", `/tenants/${tenantId}/keys?after=${second.keyId}`)).body).toMatchObject({
			data: [{ id: keyId }],
		});
		for (let time = 0; time < 2; time++) expect((await admin("DELETE", `/keys/${keyId}`)).status).toBe(204);
		expect((await admin("GET", `/tenants/${tenantId}/keys`)).body).toMatchObject({
			data: [{ revoked_at: null }, { id: keyId, revoked_at: expect.any(String) }],
		});
	});

	it.each([
		["POST", "/tenants", {}, "name"],
		["POST", "/tenants", { name: "" }, "name"],
		["POST", "/tenants", { name: "a", id: "ten_1" }, "id"],
		["POST", "/tenants", { name: "a", limits: { open_jobs: -1 } }, "limits.open_jobs"],
		["POST", "/tenants", { name: "a", limits: { open_jobs: "5" } }, "limits.open_jobs"],
		["POST", "/tenants", { name: "a", limits: { jobs: 5 } }, "limits.jobs"],
		["PATCH", "/tenants/ten_x", { name: null }, "name"],
		["POST", "/tenants/ten_x/keys", { scopes: [] }, "scopes"],
		["POST", "/tenants/ten_x/keys", { scopes: ["admin"] }, "scopes.0"],
		["POST", "/tenants/ten_x/keys", { expires_at: "soon" }, "expires_at"],
		["POST", "/tenants/ten_x/keys", { expires_at: "2020-01-01T00:00:00Z" }, "expires_at"],
		["POST", "/tenants/ten_x/keys", { key: "hf_mine" }, "key"],
		["GET", "/tenants?after=x", undefined, "after"],
		["GET", "/tenants?limit=101", undefined, "limit"],
		["GET", "/tenants/ten_x/keys?after=ten_01jq0000000000000000000000", undefined, "after"],
	])("gets an error that names what is wrong: %s %s %j", async (method, path, json, param) => {
		expect(refusalOf(await admin(method, path, json))).toMatchObject({ status: 400, param });
	});

	it.each([
		["GET", "/tenants/ten_x", undefined],
		["PATCH", "/tenants/ten_x", { name: "a" }],
		["POST", "/tenants/ten_x/keys", {}],
		["DELETE", "/keys/key_x", undefined],
		["GET", "/tenants/ten_x/keys", undefined],
	])("gets 404 for what is not there: %s %s", async (method, path, json) => {
		expect((await admin(method, path, json)).status).toBe(404);
	});

	it("sees how the service is doing", async () => {
		const createdAt = Math.floor(runtime.now()) - 10 * MINUTE;
		const runAt = createdAt + 24 * HOUR;
		await aJob({ tenantId, createdAt, runAt, parkedOn: "model:simulated/x" });
		const { status, body } = await admin("GET", "/status");
		expect(status).toBe(200);
		expect(body).toMatchObject({
			object: "status",
			parked: [{ key: "model:simulated/x", jobs: 1 }],
			last_sweep: { at: null, counts: {} },
		});
		expect(z.object({ oldest_open_job_at: z.string() }).loose().parse(body).oldest_open_job_at).toBe(
			new Date(createdAt).toISOString(),
		);
	});
});

describe("the secret that signs one-off webhooks", () => {
	const secretOf = async (method = "GET", path = "", json?: object) => {
		const answer = await send(method, `/v1/webhook_signing_secret${path}`, { key, json });
		expect(answer.status, answer.text).toBe(200);
		expect(answer.body).toMatchObject({ object: "webhook_signing_secret" });
		return z.object({ secret: z.string().regex(/^whsec_[A-Za-z0-9+/]{43}=$/) }).parse(answer.body).secret;
	};
	const row = async () =>
		await env.DB.prepare("SELECT * FROM tenants WHERE id = ?1").bind(tenantId).first<Record<string, unknown>>();

	it("is the tenant's own, the same until it is rotated, and never stored in the clear", async () => {
		const secret = await secretOf();
		expect(await secretOf()).toBe(secret);
		const other = await send("GET", "/v1/webhook_signing_secret", { key: (await aCaller()).key });
		expect(other.text).not.toContain(secret);
		expect(JSON.stringify(await row())).not.toContain(secret.slice(6, 20));
	});

	it("dies when it is rotated, unless it is kept for 24 hours", async () => {
		const first = await secretOf();
		const second = await secretOf("POST", "/rotate");
		expect(second).not.toBe(first);
		expect(await secretOf()).toBe(second);
		expect(await row()).toMatchObject({ previous_webhook_secret: null, previous_webhook_secret_until: null });
		const third = await secretOf("POST", "/rotate", { keep_old_secret_active_for_24_hours: true });
		const kept = await row();
		expect(await unseal(runtime, [env.SIGNING_KEY], tenantId, String(kept?.previous_webhook_secret))).toBe(second);
		expect(Number(kept?.previous_webhook_secret_until) - runtime.now()).toBeCloseTo(24 * HOUR, -5);
		const sealed = await revealWebhookSecret(new Database(env.DB, runtime), tenantId, BY);
		expect(await unseal(runtime, [env.SIGNING_KEY], tenantId, sealed ?? "")).toBe(third);
		await secretOf("POST", "/rotate", {});
		expect(await row()).toMatchObject({ previous_webhook_secret: null });
	});

	it.each([
		{ keep_old_secret_active_for_24_hours: "yes" },
		{ keep_old_secret_active_for_24_hours: null },
		{ keep: true },
		[],
	])("is not rotated by %j", async (json) => {
		const before = await secretOf();
		expect((await send("POST", "/v1/webhook_signing_secret/rotate", { key, json })).status).toBe(400);
		expect(await secretOf()).toBe(before);
	});
});
