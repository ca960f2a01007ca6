import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Door } from "../../../shared/core/jobs/job.ts";
import { SCOPES } from "../../../shared/core/tenants/api-key.ts";
import { Database } from "../../../shared/db/database.ts";
import { resultKey } from "../../../shared/storage/keys.ts";
import { runtime } from "../../../workers/runtime.ts";
import { kindNamedIn } from "../../support/api-description.ts";
import { aDelivery, aJob } from "../support/a-job.ts";
import { allRows } from "../support/all-rows.ts";
import { anEndpoint } from "../support/an-endpoint.ts";
import { meteredD1 } from "../support/watched-d1.ts";
import { ADMIN, type Answer, aCaller, aKey, type Call, limit, send, sendTo } from "./caller.ts";
import { description, leastCall } from "./least-call.ts";
import { theServices } from "./services.ts";

interface Owner {
	tenantId: string;
	key: string;
	/** In all that this tenant ever said. */
	canary: string;
}

/** By what a path's id names: how a tenant comes to have one, how it goes, and ids that do not exist. */
interface Kind {
	make(owner: Owner): Promise<string>;
	/** Null: what is gone may still be named. */
	remove: ((id: string, owner: Owner) => Promise<unknown>) | null;
	nobodys: string[];
}

const NOBODYS = "01jq0000000000000000000000";
/** Malformed, and worse. */
const GARBAGE = ["x", "%25", "*", "_", "%00", "..%2f..%2fadmin", "'%20OR%201=1--", "%F0%9F%91%A9", "x".repeat(500)];

const KINDS: Record<string, Kind> = {
	jobs: {
		make: async (owner) => (await toldJob(owner)).jobId,
		remove: (id, { key }) => send("DELETE", `/v1/jobs/${id}`, { key }),
		nobodys: [`job_${NOBODYS}`, `we_${NOBODYS}`, `job_${NOBODYS}0`, `JOB_${NOBODYS}`],
	},
	webhook_endpoints: {
		make: async ({ tenantId, canary }) => {
			const made = await anEndpoint(tenantId, { name: canary, url: `http://127.0.0.1:9/${canary}` });
			return made.endpointId;
		},
		remove: (id, { key }) => send("DELETE", `/v1/webhook_endpoints/${id}`, { key }),
		nobodys: [`we_${NOBODYS}`, `job_${NOBODYS}`],
	},
	deliveries: {
		make: async (owner) => (await toldJob(owner)).deliveryId,
		remove: (id) => env.DB.prepare("DELETE FROM deliveries WHERE id = ?1").bind(id).run(),
		nobodys: [`dlv_${NOBODYS}_failed_webhook`, `dlv_${NOBODYS}`],
	},
	keys: {
		make: async ({ tenantId, canary }) => (await aKey(tenantId, { name: canary })).keyId,
		remove: null,
		nobodys: [`key_${NOBODYS}`, `ten_${NOBODYS}`],
	},
	completions: {
		make: async (owner) => (await toldJob(owner, "chat")).jobId.replace("job_", "chatcmpl-"),
		remove: (id, { key }) => send("DELETE", `/v1/chat/completions/${id}`, { key }),
		nobodys: [`chatcmpl-${NOBODYS}`, `job_${NOBODYS}`, `chatcmpl-${NOBODYS}0`],
	},
	models: { make: async () => "simulated%2Fecho", remove: null, nobodys: [] },
};

/** A succeeded job with a delivery, with the owner's canary in all its texts. */
async function toldJob({ tenantId, canary }: Owner, door: Door | null = null) {
	const choices = [{ index: 0, message: { role: "assistant", content: canary }, finish_reason: "stop" }];
	const result = JSON.stringify({ id: "chatcmpl-1", object: "chat.completion", created: 1, model: "m", choices });
	const input = `{"messages":[{"role":"user","content":"${canary}"}]}`;
	const given = {
		door,
		store: door === null ? null : true,
		metadata: { note: canary },
		input,
		resultBytes: result.length,
	};
	const job = await aJob({ tenantId, status: "succeeded", ...given });
	await env.RESULTS.put(resultKey(job), result);
	const { deliveryId } = await aDelivery(job, { url: `https://${canary}.example.com/`, status: "delivered" });
	return { ...job, deliveryId };
}

const routes = description.operations.map((operation) => ({
	...operation,
	kind: kindNamedIn(operation.path),
	call: leastCall(operation),
	at: (id: string) => operation.path.replace(/\{\w+\}/, id),
}));
const guarded = routes.filter(({ access }) => access !== null && access !== "admin");
/** A model belongs to no tenant. */
const named = guarded.filter(({ kind }) => kind !== null && kind !== "models");

const meter = meteredD1(env.DB);
const queue = new Proxy(env.JOB_QUEUE, { get: () => async () => undefined });
/** Nothing that a test asks for goes on in the background, or leaves the machine. */
const { server } = theServices(
	{
		db: new Database(meter.d1, runtime),
		runtime: { ...runtime, fetch: async () => new Response("taken") },
	},
	{ JOB_QUEUE: queue, DELIVERY_QUEUE: queue },
);
/** No job runs, so the caller of a door hangs up at once. */
const hangsUp = (path: string) => (/^\/v1\/(chat|responses)/.test(path) ? { signal: AbortSignal.abort() } : {});
const ask = (method: string, path: string, call: Call) => sendTo(server, method, path, { ...hangsUp(path), ...call });
/** All that the caller sees. Its request ids are all the same. */
const asSeen = ({ status, headers, text }: Answer) => JSON.stringify([status, ...headers, text]);

async function anOwner(canary: string): Promise<Owner> {
	const { tenantId } = await aCaller();
	await limit(tenantId, { webhook_endpoints: null });
	return { tenantId, canary, key: (await aKey(tenantId, { name: canary, scopes: [...SCOPES] })).key };
}

function kindOf(name: string | null): Kind {
	const kind = KINDS[name ?? ""];
	if (kind === undefined) throw new Error(`say in KINDS how a tenant comes to have one of the ${name}`);
	return kind;
}

const [mine, theirs] = [await anOwner("canary-of-mine"), await anOwner("canary-of-theirs")];
const oneOfEach = (owner: Owner) => Promise.all(Object.values(KINDS).map((kind) => kind.make(owner)));
/** Ids that a list may be asked to continue from, and must not show. */
const made = { mine: await oneOfEach(mine), theirs: await oneOfEach(theirs) };

describe("the id of another tenant", () => {
	it.each(named)("is as unknown as one that never was, byte for byte: $name", async ({ method, at, kind, call }) => {
		const { make, remove, nobodys } = kindOf(kind);
		const [foreign, gone] = [await make(theirs), await make(mine)];
		await remove?.(gone, mine);
		const before = await allRows();
		const seen = new Map<string, string[]>();
		for (const id of [foreign, ...(remove === null ? [] : [gone]), ...nobodys, ...GARBAGE]) {
			const answer = await ask(method, at(id), { key: mine.key, ...call });
			expect(answer.status, id).toBe(404);
			seen.set(asSeen(answer), [...(seen.get(asSeen(answer)) ?? []), id]);
		}
		expect([...seen].length, JSON.stringify([...seen])).toBe(1);
		expect(await allRows()).toEqual(before);
	});

	it.each(named)("costs what an unknown one costs: $name", async ({ method, at, kind, call }) => {
		const { make, nobodys } = kindOf(kind);
		const foreign = await make(theirs);
		await ask(method, at("x"), { key: mine.key, ...call });
		const costs: unknown[] = [];
		for (const id of [nobodys[0] ?? "", foreign]) {
			meter.read();
			await ask(method, at(id), { key: mine.key, ...call });
			const { statements, rowsWritten } = meter.read();
			costs.push([statements.map(({ sql }) => sql), rowsWritten]);
		}
		expect(costs[1]).toEqual(costs[0]);
	});

	it.each(named)(
		"is not distinguished by a key without the scope: $name",
		async ({ method, at, kind, call, access }) => {
			const { make, nobodys } = kindOf(kind);
			const scopes = SCOPES.filter((scope) => scope !== access);
			const { key } = await aKey(mine.tenantId, { scopes });
			const seen = new Set<string>();
			for (const id of [await make(mine), await make(theirs), nobodys[0] ?? "", "x"]) {
				const answer = await ask(method, at(id), { key, ...call });
				expect(answer.status).toBe(403);
				seen.add(asSeen(answer));
			}
			expect(seen.size).toBe(1);
		},
	);
});

describe("a tenant's own id", () => {
	it.each(named)("is known, so that the tests above are not about nothing: $name", async (route) => {
		const { method, at, kind, call, responses } = route;
		const answer = await ask(method, at(await kindOf(kind).make(mine)), { key: mine.key, ...call });
		expect([200, 202, 204, 409], answer.text).toContain(answer.status);
		expect(Object.keys(responses)).toContain(String(answer.status));
	});
});

describe("HEAD", () => {
	it.each(routes.filter(({ method }) => method === "GET"))("is GET without the body: $name", async (route) => {
		const { at, kind, access } = route;
		const path = at(kind === null ? "" : kind === "tenants" ? mine.tenantId : await kindOf(kind).make(mine));
		const key = access === "admin" ? ADMIN : mine.key;
		const [get, head] = [await ask("GET", path, { key }), await ask("HEAD", path, { key })];
		expect([get.status, get.text === ""]).toEqual([200, false]);
		expect([head.status, head.text, [...head.headers]]).toEqual([200, "", [...get.headers]]);
		const keyless = await ask("HEAD", path, {});
		expect([keyless.status, keyless.text]).toEqual([access === null ? 200 : 401, ""]);
	});
});

describe("no answer", () => {
	it.each(guarded)("shows a tenant data of another: $name", async ({ method, at, kind, call, query }) => {
		const ids = kind === null ? [""] : [await kindOf(kind).make(mine), await kindOf(kind).make(theirs)];
		const afters = query.some(({ name }) => name === "after")
			? ["", ...made.mine, ...made.theirs].map((id) => (id === "" ? "" : `?after=${id}`))
			: [""];
		for (const path of ids.flatMap((id) => afters.map((after) => at(id) + after))) {
			const { text, headers } = await ask(method, path, { key: mine.key, ...call });
			const all = text + JSON.stringify([...headers]);
			for (const word of [theirs.canary, theirs.tenantId, ...made.theirs]) expect(all, path).not.toContain(word);
		}
	});
});

describe("an id that only the operator may name", () => {
	const operators = routes.filter(({ access, kind }) => access === "admin" && kind !== null);

	it.each(operators)("is refused to a tenant, known or not: $name", async ({ method, at, kind, call }) => {
		const own = kind === "tenants" ? mine.tenantId : await kindOf(kind).make(mine);
		const seen = new Set<string>();
		for (const id of [own, `ten_${NOBODYS}`, ...GARBAGE]) {
			const answer = await ask(method, at(id), { key: mine.key, ...call });
			expect(answer.status).toBe(401);
			seen.add(asSeen(answer));
		}
		expect(seen.size).toBe(1);
	});

	it.each(operators)("is unknown in one way, and then nothing changes: $name", async ({ method, at, call }) => {
		const before = await allRows();
		const seen = new Set<string>();
		for (const id of [`ten_${NOBODYS}`, `key_${NOBODYS}`, ...GARBAGE]) {
			const answer = await ask(method, at(id), { key: ADMIN, ...call });
			expect(answer.status, id).toBe(404);
			seen.add(asSeen(answer));
		}
		expect(seen.size).toBe(1);
		expect(await allRows()).toEqual(before);
	});
});
