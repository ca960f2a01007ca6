import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { newId } from "../../../shared/core/ids.ts";
import { makeApiKey } from "../../../shared/core/tenants/api-key.ts";
import { TENANT_RATE, UNAUTHENTICATED_RATE } from "../../../shared/core/tenants/rate-limits.ts";
import { Database } from "../../../shared/db/database.ts";
import { KeyCache } from "../../../workers/intake/auth/key-cache.ts";
import { bindRateLimiters } from "../../../workers/intake/auth/rate-limiters.ts";
import { runtime } from "../../../workers/runtime.ts";
import { type FakeRuntime, fakeRuntime } from "../../support/fake-runtime.ts";
import { interceptedD1 } from "../support/watched-d1.ts";
import { aCaller, aKey, errorOf, limit, send, sendTo } from "./caller.ts";
import { theServices, withCountedD1 } from "./services.ts";

const { tenantId, key, keyId } = await aCaller();

afterEach(() => {
	vi.restoreAllMocks();
});

/** The platform's limiter as it is, less its window: `left` requests of each key, and who was counted. */
function limiterOf(left: number) {
	const counted = new Map<string, number>();
	const binding: RateLimit = {
		async limit({ key }) {
			counted.set(key, (counted.get(key) ?? 0) + 1);
			return { success: (counted.get(key) ?? 0) <= left };
		},
	};
	return { binding, counted };
}

const get = (server: ReturnType<typeof theServices>["server"], who: string, address?: string, headers = {}) =>
	sendTo(server, "GET", "/v1/jobs", {
		key: who,
		headers: { ...(address === undefined ? {} : { "cf-connecting-ip": address }), ...headers },
	});

const inventedKey = () => makeApiKey(newId("key", runtime), runtime.randomBytes);
const NO_ROWS = { results: [], success: true as const, meta: {} as D1Result["meta"] };

/** Ten units. */
const list = get;

describe("the rate limit of a tenant", () => {
	it("refuses that tenant alone, whatever keys it has, and says when to retry", async () => {
		const { binding, counted } = limiterOf(2);
		const { server } = theServices({}, { TENANT_RATE: binding });
		const [second, other] = [await aKey(tenantId), await aCaller()];
		for (let call = 0; call < 7; call++) {
			for (const own of [key, second.key]) expect((await list(server, own)).status).toBe(200);
		}
		const refused = await get(server, second.key);
		expect([refused.status, errorOf(refused).code]).toEqual([429, "rate_limited"]);
		expect(refused.headers.get("ratelimit-policy")).toBe('"requests";q=2500;w=10');
		expect(refused.headers.get("retry-after")).toBe("10");
		expect(refused.headers.get("x-should-retry")).toBeNull();
		for (let call = 0; call < 5; call++) expect((await list(server, other.key)).status).toBe(200);
		expect([...counted]).toEqual([
			[tenantId, 3],
			[other.tenantId, 1],
		]);
	});

	it("asks for each request while the answer is no, and for every fifth list again once it is yes", async () => {
		let isOver = true;
		let asked = 0;
		const limit = async () => {
			asked += 1;
			return { success: !isOver };
		};
		const { server } = theServices({}, { TENANT_RATE: { limit } });
		const statuses = async (calls: number) => {
			const answers = [];
			for (let call = 0; call < calls; call++) answers.push((await get(server, key)).status);
			return answers;
		};
		await statuses(4);
		expect(await statuses(3)).toEqual([429, 429, 429]);
		expect(asked).toBe(3);
		isOver = false;
		expect(new Set(await statuses(6))).toEqual(new Set([200]));
		expect(asked).toBe(5);
	});

	it("counts a hundred lists that come at once twenty times", async () => {
		const { binding, counted } = limiterOf(100);
		const { server } = theServices({}, { TENANT_RATE: binding });
		await Promise.all(Array.from({ length: 100 }, () => get(server, key)));
		expect(counted.get(tenantId)).toBe(20);
	});

	it("refuses all that come at once while the answer is no", async () => {
		const { binding } = limiterOf(0);
		const { server } = theServices({}, { TENANT_RATE: binding });
		for (let call = 0; call < 5; call++) await list(server, key);
		const answers = await Promise.all(Array.from({ length: 100 }, () => get(server, key)));
		expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([429]));
	});

	it.each([
		["poll", "GET", "/v1/jobs/job_01jq0000000000000000000000", {}, 1],
		["list", "GET", "/v1/jobs?limit=1&order=asc", {}, 10],
		["filtered list", "GET", "/v1/jobs?status=failed", {}, 50],
		["count of jobs", "GET", "/v1/stats", {}, 50],
		["day of samples", "GET", "/v1/backlog", {}, 50],
		["list of models", "GET", "/v1/models", {}, 50],
		["model", "GET", "/v1/models/sim", {}, 50],
		["cancellation", "POST", "/v1/jobs/job_01jq0000000000000000000000/cancel", {}, 10],
		["wait", "GET", "/v1/jobs/job_01jq0000000000000000000000", { prefer: "wait=0" }, 41],
	])("counts a %s for what it costs", async (_, method, path, headers, units) => {
		const { binding, counted } = limiterOf(1_000);
		const { server } = theServices({}, { TENANT_RATE: binding });
		for (let call = 0; call < 100; call++) await sendTo(server, method, path, { key, headers });
		expect(counted.get(tenantId)).toBe(2 * units);
	});

	it("is as low as the tenant's own, within each isolate", async () => {
		const caller = await aCaller();
		await limit(caller.tenantId, { requests: 30 });
		const { binding, counted } = limiterOf(1_000);
		const { server } = theServices({}, { TENANT_RATE: binding });
		const answers = [];
		for (let call = 0; call < 5; call++) answers.push(await list(server, caller.key));
		expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429]);
		const headers = Object.fromEntries(answers.at(-1)?.headers ?? []);
		expect(headers).toMatchObject({ "ratelimit-policy": '"requests";q=30;w=10' });
		expect([9, 10]).toContain(Number(headers["retry-after"]));
		expect(counted.size).toBe(0);
		expect((await list(server, key)).status).toBe(200);
		expect((await limit(caller.tenantId, { requests: 2_501 })).status).toBe(400);
	});

	it("does not count a caller who only knows the id of a key", async () => {
		const { binding, counted } = limiterOf(0);
		const { server } = theServices({}, { TENANT_RATE: binding });
		const guessed = await aKey(tenantId);
		await env.DB.prepare("UPDATE api_keys SET key_hash = ?2 WHERE id = ?1").bind(guessed.keyId, "0".repeat(64)).run();
		for (let call = 0; call < 5; call++) expect((await get(server, guessed.key)).status).toBe(401);
		expect(counted.size).toBe(0);
	});
});

describe("the rate limit of unauthenticated addresses", () => {
	const wrongKeys = ["", "hf_", "Bearer x", "hf_01jq0000000000000000000000_0000000000000000000000000000000000000"];

	it("answers 429 to a thousand of them, and 200 to the valid key beside them", async () => {
		const { binding, counted } = limiterOf(UNAUTHENTICATED_RATE.quota);
		const { server } = theServices({}, { UNAUTHENTICATED_RATE: binding });
		const statuses = new Map<number, number>();
		await get(server, key);
		for (let call = 0; call < 1_000; call++) {
			const { status } = await get(server, wrongKeys[call % wrongKeys.length] ?? "", "203.0.113.7");
			statuses.set(status, (statuses.get(status) ?? 0) + 1);
			if (call % 100 === 0) expect((await get(server, key, "203.0.113.7")).status).toBe(200);
		}
		expect(statuses).toEqual(
			new Map([
				[401, UNAUTHENTICATED_RATE.quota],
				[429, 1_000 - UNAUTHENTICATED_RATE.quota],
			]),
		);
		expect(counted).toEqual(new Map([["203.0.113.7", 1_000]]));
		const refused = await get(server, "hf_", "203.0.113.7");
		expect(refused.headers.get("ratelimit-policy")).toBe('"address";q=300;w=60');
		expect(refused.headers.get("retry-after")).toBe("60");
		expect((await get(server, "hf_", "203.0.113.8")).status).toBe(401);
	});

	it("is asked before D1 about a key that is not known", async () => {
		const { binding, counted } = limiterOf(10);
		const bindings = bindRateLimiters({ TENANT_RATE: env.TENANT_RATE, UNAUTHENTICATED_RATE: binding }, runtime);
		const { server, trips } = withCountedD1(bindings);
		const statuses = [];
		for (let call = 0; call < 13; call++) statuses.push((await get(server, inventedKey(), "203.0.113.7")).status);
		expect(statuses).toEqual([...Array(10).fill(401), 429, 429, 429]);
		expect([trips(), counted]).toEqual([10, new Map([["203.0.113.7", 13]])]);
	});

	it("forgets no key because of others that were invented", async () => {
		let lookUps = 0;
		const d1 = interceptedD1(env.DB, {
			call: async ([asked], run) => {
				lookUps++;
				return asked?.params.includes(keyId) ? await run() : [NO_ROWS];
			},
		});
		const [cache, db, now] = [new KeyCache(), new Database(d1, runtime), runtime.now()];
		const find = (id: string) => cache.find(db, { ...runtime, now: () => now }, id, async () => undefined);
		expect(await find(keyId)).toMatchObject({ tenantId });
		for (let invented = 0; invented < 10_000; invented++) expect(await find(`key_${invented}`)).toBeNull();
		expect(await find(keyId)).toMatchObject({ tenantId });
		expect(lookUps).toBe(10_001);
	});

	it("goes by the address that the platform saw, whatever the request says of itself", async () => {
		const { binding, counted } = limiterOf(2);
		const { server } = theServices({}, { UNAUTHENTICATED_RATE: binding });
		const statuses = [];
		for (let call = 0; call < 4; call++) {
			const spoofed = {
				"x-forwarded-for": `198.51.100.${call}`,
				"x-real-ip": `198.51.100.${call}`,
				forwarded: `for=${call}`,
			};
			statuses.push((await get(server, "hf_", "203.0.113.7", spoofed)).status);
		}
		expect(statuses).toEqual([401, 401, 429, 429]);
		expect([...counted.keys()]).toEqual(["203.0.113.7"]);
	});

	it("takes all of one customer's IPv6 addresses for one", async () => {
		const { binding, counted } = limiterOf(9);
		const { server } = theServices({}, { UNAUTHENTICATED_RATE: binding });
		for (const address of ["2001:db8:1:2::1", "2001:db8:1:2:ffff::", "2001:db8:1:3::1"])
			await get(server, "hf_", address);
		expect(counted).toEqual(
			new Map([
				["2001:db8:1:2::/64", 2],
				["2001:db8:1:3::/64", 1],
			]),
		);
	});

	it("stands before guesses at ADMIN_TOKEN and at result links, too", async () => {
		const { binding } = limiterOf(0);
		const { server } = theServices({}, { UNAUTHENTICATED_RATE: binding });
		const headers = { "cf-connecting-ip": "203.0.113.7" };
		for (const path of ["/v1/admin/tenants", "/v1/jobs/job_01jq0000000000000000000000/result?expires=1&signature=x"]) {
			const answer = await sendTo(server, "GET", path, { key: "guess", headers });
			expect([answer.status, errorOf(answer).code], path).toEqual([429, "rate_limited"]);
		}
	});

	it.each([
		[
			"a garbage cookie",
			"GET",
			"/v1/jobs",
			{ headers: { cookie: "__Host-holdfast=x", "sec-fetch-site": "same-origin" } },
		],
		["a wrong key", "POST", "/v1/session", { json: { key: "hf_none" } }],
		["no JSON", "POST", "/v1/session", { raw: "x", headers: { "content-type": "text/plain" } }],
		["a large body", "POST", "/v1/session", { raw: "x".repeat(2_000) }],
		["another page", "POST", "/v1/session", { json: {}, headers: { "sec-fetch-site": "cross-site" } }],
		["an unknown parameter", "POST", "/v1/session?x=1", { json: {} }],
	])("stands before sessions too, and counts once: %s", async (_, method, path, call) => {
		const { binding, counted } = limiterOf(1);
		const { server } = theServices({}, { UNAUTHENTICATED_RATE: binding });
		const headers = { "cf-connecting-ip": "203.0.113.7", ...("headers" in call ? call.headers : {}) };
		const status = async () => (await sendTo(server, method, path, { ...call, headers })).status;
		expect([await status(), await status(), [...counted.values()]]).toEqual([expect.any(Number), 429, [2]]);
	});

	it("does not count a request that did not come from outside", async () => {
		const { binding, counted } = limiterOf(0);
		const { server } = theServices({}, { UNAUTHENTICATED_RATE: binding });
		expect([(await get(server, "hf_")).status, counted.size]).toEqual([401, 0]);
	});
});

describe("a rate limiter that does not work", () => {
	const broken: [string, RateLimit | undefined][] = [
		["fails", { limit: () => Promise.reject(new Error("limiter is down")) }],
		[
			"breaks",
			{
				limit() {
					throw new Error("no such limiter");
				},
			},
		],
		["is not bound", undefined],
	];

	it.each(broken)("lets every request through and says so where it %s", async (_, binding) => {
		const log = vi.spyOn(console, "warn").mockImplementation(() => undefined);
		const bindings = Object.assign({}, { TENANT_RATE: binding, UNAUTHENTICATED_RATE: binding }) as Partial<Env>;
		const { server } = theServices({}, bindings);
		for (let call = 0; call < 5; call++) expect((await get(server, key, "203.0.113.7")).status).toBe(200);
		expect((await get(server, "hf_", "203.0.113.7")).status).toBe(401);
		const logged = log.mock.calls.flat().join("\n");
		expect(logged.match(/"rate\.count_failed"/g)).toHaveLength(3);
		expect(logged).not.toContain(key);
	});

	it("is waited for a quarter of a second where it hangs", async () => {
		vi.spyOn(console, "warn").mockImplementation(() => undefined);
		const clock: FakeRuntime = fakeRuntime({});
		const hangs: RateLimit = { limit: () => new Promise<never>(() => undefined) };
		const limiters = bindRateLimiters({ TENANT_RATE: hangs, UNAUTHENTICATED_RATE: hangs }, clock);
		const { server } = theServices(limiters);
		for (let call = 0; call < 4; call++) expect((await get(server, key)).status).toBe(200);
		const answer = get(server, key);
		await vi.waitFor(() => expect(clock.nextTimerAt()).not.toBeNull());
		expect((clock.nextTimerAt() ?? 0) - clock.now()).toBe(250);
		await clock.advance(250);
		expect((await answer).status).toBe(200);
	});
});

it("the platform's limiter has the documented numbers, and lets an ordinary program pass", async () => {
	for (const [binding, { quota }] of [
		[env.TENANT_RATE, TENANT_RATE],
		[env.UNAUTHENTICATED_RATE, UNAUTHENTICATED_RATE],
	] as const) {
		expect(quota).toBeGreaterThan(0);
		expect(await binding.limit({ key: "a-key" })).toEqual({ success: true });
	}
	expect((await send("GET", "/v1/jobs", { key })).status).toBe(200);
});
