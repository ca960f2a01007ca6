import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Config } from "../../../shared/core/config.ts";
import type { Runtime } from "../../../shared/core/runtime.ts";
import { Database } from "../../../shared/db/database.ts";
import { runtime } from "../../../workers/runtime.ts";
import {
	DNS_URL,
	type DnsReply,
	fakeDns,
	NAMES,
	never,
	PRIVATE,
	PUBLIC,
	records,
	replyOfNames,
} from "../../support/fake-dns.ts";
import { ALLOWED_URLS, OWN, OWN_URL, REFUSED_URLS } from "../../support/url-corpus.ts";
import { aJob, reload } from "../support/a-job.ts";
import { watchedD1 } from "../support/watched-d1.ts";
import { type Answer, aCaller, errorOf, refusalOf, sendTo } from "./caller.ts";
import { jobIn, jobsOf, LATER } from "./jobs.ts";
import { theServices } from "./services.ts";

const { key, tenantId } = await aCaller();

interface Given {
	config?: Partial<Config>;
	runtime?: Partial<Runtime>;
	db?: Database;
}

/** The API as it is in production, with a resolver that answers as the test says. */
function inProduction(reply: (host: string) => DnsReply, given: Given = {}) {
	const dns = fakeDns(reply);
	const production = { allowInsecureWebhooks: false, webhookDnsUrl: DNS_URL, publicUrl: OWN_URL, ...given.config };
	const { server } = theServices({
		config: production,
		runtime: { ...runtime, fetch: dns.fetch, ...given.runtime },
		...(given.db !== undefined && { db: given.db }),
	});
	const submit = async (url: string, headers: Record<string, string> = {}) =>
		await sendTo(server, "POST", "/v1/jobs", { key, headers, json: { ...LATER, webhook: { url } } });
	return { submit, server, asked: dns.asked };
}

/** The silence of a resolver takes no time. */
const impatient: Partial<Runtime> = {
	timer: (ms, onTime) => runtime.timer(ms === 3_000 ? 0 : ms, onTime),
};

async function rowsOfTenant(): Promise<number> {
	const tables = ["jobs", "deliveries", "idempotency_keys"];
	const counts = await env.DB.batch<{ n: number }>(
		tables.map((table) => env.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE tenant_id = ?1`).bind(tenantId)),
	);
	return counts.reduce((sum, { results }) => sum + (results[0]?.n ?? 0), 0);
}

/** The errors of the caller, and that nothing was stored. */
async function refusals(submit: (url: string) => Promise<Answer>, urls: readonly string[]) {
	const before = await rowsOfTenant();
	const answers: unknown[] = [];
	for (const url of urls) {
		const answer = await submit(url);
		const { param, message: problem } = errorOf(answer);
		answers.push({ url, status: answer.status, param, problem });
	}
	expect(await rowsOfTenant()).toBe(before);
	return answers;
}

const refused = (url: string, problem: unknown) => ({ url, status: 400, param: "webhook.url", problem });

describe("a submission with a webhook", () => {
	it("is refused for every address of the table, and nothing is stored", async () => {
		const { submit, asked } = inProduction(() => PUBLIC);
		const urls = REFUSED_URLS.map(({ url }) => url);
		const recorded = await refusals((url) => submit(url, { "idempotency-key": crypto.randomUUID() }), urls);
		expect(recorded).toEqual(REFUSED_URLS.map(({ url, problem }) => refused(url, problem)));
		expect(asked).toEqual([]);
	});

	it("is taken for every honest one, and the form to call is what is stored", async () => {
		const { submit } = inProduction(() => PUBLIC);
		for (const { url, stored } of ALLOWED_URLS) {
			const answer = await submit(url);
			expect(answer.status, answer.text).toBe(202);
			expect(await reload({ tenantId, jobId: jobIn(answer).id })).toMatchObject({ webhook: { url: stored } });
		}
	});

	it("is refused where DNS says private or nothing, and nothing is stored", async () => {
		const { submit } = inProduction(replyOfNames, { runtime: impatient });
		const names = NAMES.filter(({ found }) => found.kind === "private" || found.kind === "missing");
		const urls = names.map(({ host }) => `https://${host}/hook`);
		const why = names.map(({ found }) => (found.kind === "private" ? found.address : "no address in DNS"));
		const expected = urls.map((url, at) => refused(url, expect.stringContaining(why[at] ?? "")));
		expect(await refusals(submit, urls)).toEqual(expected);
	});

	it("is taken where DNS says public, and where it does not answer: a name to be looked up again is not refused yet", async () => {
		const { submit } = inProduction(replyOfNames, { runtime: impatient });
		for (const { host, what, found } of NAMES) {
			if (found.kind === "private" || found.kind === "missing") continue;
			expect((await submit(`https://${host}/hook`)).status, what).toBe(202);
		}
	});

	it("is refused for every name of the service: PUBLIC_URL's, and the one by which the caller reached it", async () => {
		const { server } = inProduction(() => PUBLIC, { config: { publicUrl: "https://jobs.acme.com" } });
		const reached = (request: Request) => server(new Request(request.url.replace("jobs.test", "acme.net"), request));
		for (const host of ["jobs.acme.com", "acme.net", "a.acme.net"]) {
			const json = { ...LATER, webhook: { url: `https://${host}/v1/jobs` } };
			expect(errorOf(await sendTo(reached, "POST", "/v1/jobs", { key, json })).message).toBe(OWN);
		}
	});

	it("is run again only while its receiver is allowed", async () => {
		const webhook = { url: "https://run-again.example.com/", events: null, payload: "full" as const };
		const { jobId } = await aJob({ tenantId, status: "cancelled", webhook });
		const again = (reply: DnsReply) =>
			sendTo(inProduction(() => reply).server, "POST", `/v1/jobs/${jobId}/retry`, {
				key,
				json: { delay_seconds: 3_600 },
			});
		expect(refusalOf(await again(PRIVATE))).toMatchObject({ status: 400, param: "webhook.url" });
		expect((await again(PUBLIC)).status).toBe(202);
	});
});

describe("a repeated submission", () => {
	it("gets its first answer, though its receiver's name has become private or vanished since", async () => {
		const header = { "idempotency-key": "flip" };
		const first = await inProduction(() => PUBLIC).submit("https://flip.example.com/", header);
		for (const reply of [PRIVATE, records({ code: 3 })]) {
			const repeated = await inProduction(() => reply).submit("https://flip.example.com/", header);
			expect([repeated.status, repeated.headers.get("idempotent-replayed")]).toEqual([202, "true"]);
			expect(jobIn(repeated).id).toBe(jobIn(first).id);
		}
		const other = await inProduction(() => PRIVATE).submit("https://flip.example.com/other", header);
		expect([other.status, errorOf(other).code]).toEqual([422, "idempotency_key_reused"]);
		const fresh = await inProduction(() => PRIVATE).submit("https://flip.example.com/", { "idempotency-key": "new" });
		expect([fresh.status, errorOf(fresh).param]).toEqual([400, "webhook.url"]);
	});

	it("does not borrow another tenant's key", async () => {
		const { key: otherKey } = await aCaller();
		await inProduction(() => PUBLIC).submit("https://borrow.example.com/", { "idempotency-key": "borrowed" });
		const { server } = inProduction(() => PRIVATE);
		const json = { ...LATER, webhook: { url: "https://borrow.example.com/" } };
		const call = { key: otherKey, json, headers: { "idempotency-key": "borrowed" } };
		expect((await sendTo(server, "POST", "/v1/jobs", call)).status).toBe(400);
		expect(await jobsOf(otherKey)).toEqual([]);
	});

	it("costs one look at D1 more where DNS refuses, and none where it does not", async () => {
		const roundTrips = async (reply: DnsReply) => {
			const asked: string[] = [];
			const d1 = watchedD1(env.DB, (_results, statements) => asked.push(statements[0]?.sql ?? ""));
			const { submit } = inProduction(() => reply, { db: new Database(d1, runtime) });
			await submit("https://cost.example.com/", { "idempotency-key": crypto.randomUUID() });
			return asked.map((sql) => /api_keys|INSERT/.exec(sql)?.[0] ?? "SELECT");
		};
		expect(await roundTrips(PUBLIC)).toEqual(["api_keys", "INSERT"]);
		expect(await roundTrips(PRIVATE)).toEqual(["api_keys", "SELECT"]);
	});
});

describe("a name that was looked up", () => {
	it("is not looked up again for a minute when it let a webhook in; then it is", async () => {
		let now = runtime.now();
		let reply = PUBLIC;
		const { submit, asked } = inProduction(() => reply, { runtime: { now: () => now } });
		const url = "https://cached.example.com/";
		expect((await submit(url)).status).toBe(202);
		reply = PRIVATE;
		now += 59_999;
		expect([(await submit(url)).status, asked.length]).toEqual([202, 2]);
		now += 1;
		expect([(await submit(url)).status, asked.length]).toEqual([400, 4]);
		reply = PUBLIC;
		expect([(await submit(url)).status, asked.length]).toEqual([202, 6]);
	});

	it("does not hold every caller up while the resolver is down", async () => {
		const { submit, asked } = inProduction(() => never, { runtime: impatient });
		for (let time = 0; time < 3; time++) expect((await submit("https://down.example.com/")).status).toBe(202);
		expect(asked).toHaveLength(2);
	});
});
