/**
 * A verification that always passes verifies nothing: each of its checks fails where the service breaks its promise. Check 4,
 * the tenants, fails below the table; check 22, the account, in test/node/deploy/account.test.ts.
 */
import { describe, expect, inject, it } from "vitest";
import { callApi } from "../../scripts/lib/call-api.ts";
import type { Check, Options } from "../../scripts/lib/verify/check.ts";
import { idempotency, largeInputs, oneJob, results } from "../../scripts/lib/verify/check-jobs.ts";
import { defaultModel, longModelCall } from "../../scripts/lib/verify/check-models.ts";
import {
	clock,
	description,
	operatorStatus,
	pages,
	rateLimit,
	sweeper,
	sweeperCheck,
} from "../../scripts/lib/verify/check-service.ts";
import { cancellation, delayed, expiry, longCall, manyAtOnce, retries } from "../../scripts/lib/verify/check-times.ts";
import {
	privateByDns,
	redirectingReceiver,
	refusedReceivers,
	signedWebhooks,
	slowReceiver,
} from "../../scripts/lib/verify/check-webhooks.ts";
import { verify } from "../../scripts/lib/verify/verify.ts";
import { freePort } from "../support/ports.ts";
import { type Body, type Fault, json, openFaultyProxy } from "./support/faulty-proxy.ts";
import { runVerify } from "./support/start-verification.ts";

const { url, adminToken } = inject("service");

const DEFAULTS = { receiver: null, model: false, long: false, account: false, name: null, only: [], isLocal: true };

const WATCHER = { running: () => undefined, waiting: () => undefined, making: () => undefined };

const verified = (checks: Check[], options: Partial<Options> = {}) =>
	verify({ ...DEFAULTS, url, adminToken, ...options }, new AbortController().signal, WATCHER, [checks]);

const submission = /^POST \/v1\/jobs$/;
const aJob = /^GET \/v1\/jobs\/job_\w+\?/;
const result = /^GET \/v1\/jobs\/job_\w+\/result$/;
const deliveries = /^GET \/v1\/jobs\/job_\w+\/deliveries/;
const inDeliveries = (change: (delivery: Body) => void) => json((body) => body.data.forEach(change));
const simulating = (simulate: object) => (job: Body) => {
	job.input.simulate = { ...job.input.simulate, ...simulate };
};
const shorten = (message: Body) => {
	message.content = message.content.slice(0, 4);
};
const unsigned = (delivery: Body) => {
	for (const attempt of delivery.attempts) attempt.response = attempt.response.replace("webhook-signature", "x");
};

const startLate = (job: Body) => {
	job.started_at &&= new Date(Date.parse(job.created_at) + 14_000).toISOString();
};

type Case = [check: Check, breaks: string, fault: Fault, failure: RegExp, options?: Partial<Options>];

const CASES: Case[] = [
	[description, "no description", { on: /openapi/, instead: { status: 500, body: {} } }, /500 instead of 200/],
	[pages, "a dashboard that is not uploaded", { on: /dashboard$/, instead: { status: 404, body: {} } }, /404 instead/],
	[
		pages,
		"a page without a policy",
		{ on: /docs$/, response: ({ headers }) => headers.delete("content-security-policy") },
		/GET \/docs: no Content-Security-Policy/,
	],
	[
		pages,
		"a page in place of a script",
		{ on: /\.js$/, response: ({ headers }) => headers.set("content-type", "text/html") },
		/text\/html instead of javascript/,
	],
	[
		pages,
		"files that are asked for again",
		{ on: /assets/, response: ({ headers }) => headers.set("cache-control", "no-store") },
		/Cache-Control is no-store/,
	],
	[
		operatorStatus,
		"any token is the operator's",
		{ on: /\/v1\/admin/, headers: (headers) => headers.set("authorization", `Bearer ${adminToken}`) },
		/a wrong admin token: 200 instead of 401/,
	],
	[sweeper, "another interval", { on: /^$/ }, /two sweeps are .* apart/, { isLocal: false }],
	[
		sweeperCheck(0),
		"no sweep",
		{ on: /admin\/status/, response: json((body) => Object.assign(body.last_sweep, { at: null })) },
		/never run; after the first deployment, cron takes up to 15 minutes/,
	],
	[oneJob, "a job that fails", { on: submission, body: simulating({ fail: 400 }) }, /is failed/],
	[
		oneJob,
		"a call too many",
		{ on: aJob, response: json((job) => job.attempts.push(...job.attempts)) },
		/took 2 calls/,
	],
	[results, "no ranges", { on: result, headers: (headers) => headers.delete("range") }, /Range: 200 instead of 206/],
	[
		results,
		"another range",
		{ on: result, response: (passing) => Object.assign(passing, { text: passing.text.slice(1) }) },
		/Range bytes=2-21 returned other bytes/,
	],
	[
		results,
		"other bytes by key than by link",
		{ on: result, response: (passing) => Object.assign(passing, { text: passing.text.toUpperCase() }) },
		/the signed link returned other bytes/,
	],
	[
		results,
		"results of other tenants",
		{ on: result, response: (passing) => passing.status === 404 && Object.assign(passing, { status: 200 }) },
		/another tenant's key: 200 instead of 404/,
	],
	[
		largeInputs,
		"inputs of any size",
		{ on: submission, body: ({ input: { messages } }) => Object.assign(messages[0], { content: "x" }) },
		/17 MiB: 202 instead of 413/,
	],
	[
		largeInputs,
		"a truncated input",
		{ on: submission, body: ({ input: { messages } }) => messages[0].content.length < 16e6 && shorten(messages[0]) },
		/of 3 MiB, the provider got 4 bytes/,
	],
	[manyAtOnce, "a job that fails", { on: submission, body: simulating({ fail: 400 }) }, /is failed/],
	[
		longCall,
		"a call that is cut short",
		{ on: submission, body: simulating({ latency_ms: 10 }) },
		/instead of 120\.0 s/,
	],
	[retries, "retries too early", { on: submission, body: simulating({ retry_after: 0 }) }, /began after .*, before/],
	[
		delayed,
		"a delay that gets lost",
		{ on: aJob, response: json(startLate) },
		/it started after 14\.0 s instead of 10\.0 s/,
		{ isLocal: false },
	],
	[delayed, "no delay", { on: submission, body: (job) => delete job.delay_seconds }, /it started after .*, before/],
	[
		idempotency,
		"duplicates",
		{ on: submission, headers: (headers) => headers.delete("idempotency-key") },
		/made 10 jobs/,
	],
	[cancellation, "no cancellation", { on: /cancel$/, instead: { status: 500, body: {} } }, /cancellation: 500/],
	[
		expiry,
		"more jobs than slots",
		{
			on: /^POST/,
			body(body) {
				if (body.limits) body.limits = {};
				if (body.input) simulating({ latency_ms: 500 })(body);
			},
		},
		/beyond its deadline is succeeded/,
	],
	[signedWebhooks, "no signature", { on: deliveries, response: inDeliveries(unsigned) }, /has no signature/],
	[
		signedWebhooks,
		"another secret",
		{
			on: /signing_secret/,
			response: json((body) => Object.assign(body, { secret: `whsec_${btoa("x".repeat(32))}` })),
		},
		/the signature of job.* is invalid/,
	],
	[
		slowReceiver,
		"repeated webhooks",
		{ on: deliveries, response: inDeliveries(({ attempts }) => attempts.push(...attempts)) },
		/took 2 attempts/,
	],
	[
		redirectingReceiver,
		"redirects that are followed",
		{ on: deliveries, response: inDeliveries((delivery) => Object.assign(delivery, { status: "delivered" })) },
		/a redirect counts as delivered/,
	],
	[refusedReceivers, "receivers anywhere", { on: submission, body: (job) => delete job.webhook }, /not refused: 202/],
	[
		refusedReceivers,
		"another refusal",
		{ on: submission, body: (job) => job.webhook && Object.assign(job, { model: "" }) },
		/was refused for model/,
	],
	[
		privateByDns,
		"refusals whatever DNS says",
		{ on: submission, body: (job) => job.webhook && Object.assign(job.webhook, { url: "https://10.0.0.1/hook" }) },
		/not for its private address: .*must be a name/,
		{ isLocal: false },
	],
	[
		rateLimit,
		"no Retry-After",
		// The service shares its limit with every test of this address, so none of these requests may reach it.
		{ on: /^GET \/v1\/jobs$/, instead: { status: 429, body: {} } },
		/no Retry-After/,
	],
	[
		clock,
		"another time",
		{ on: submission, response: json((job) => Object.assign(job, { created_at: "2026-01-01T00:00:00.000Z" })) },
		/off the Date header/,
	],
	[
		defaultModel,
		"a model that refuses",
		{ on: submission, body: (job) => simulating({ fail: 400 })(Object.assign(job, { model: "simulated/v" })) },
		/400, .*The gateway may refuse/,
		{ model: true },
	],
	[
		longModelCall,
		"a call that is given up",
		{ on: submission, body: (job) => simulating({ fail: 524 })(Object.assign(job, { model: "simulated/v" })) },
		/524, .*longer than the gateway waits/,
		{ model: true, long: true },
	],
];

describe.concurrent("a check fails", () => {
	it.each(CASES.map((each) => ({ name: each[0].name, breaks: each[1], each })))("$name: $breaks", async ({ each }) => {
		const [check, , fault, failure, options] = each;
		const proxy = await openFaultyProxy(url, fault);
		try {
			const { rows, left } = await verified([check], { url: proxy.url, ...options });
			expect(
				rows.filter(({ status }) => status !== "ok"),
				JSON.stringify(rows),
			).toMatchObject([{ number: check.number, status: "failed", seen: expect.stringMatching(failure) }]);
			expect(left).toBeNull();
		} finally {
			proxy.close();
		}
	});

	it("not, but is skipped, where a receiver elsewhere does not reply", async () => {
		const receiver = `http://127.0.0.1:${await freePort()}/post`;
		const { rows } = await verified([signedWebhooks, slowReceiver, redirectingReceiver], { receiver });
		const skipped = { status: "skipped", seen: expect.stringMatching(/did not reply \(Could not connect/) };
		expect(rows.slice(1)).toMatchObject([skipped, skipped, skipped]);
	});

	it("not for a 503 that says when to try again", async () => {
		let responses = 0;
		const proxy = await openFaultyProxy(url, {
			on: submission,
			response(passing) {
				if (responses++ > 0) return;
				passing.status = 503;
				passing.headers.set("retry-after", "1");
			},
		});
		const { rows } = await verified([idempotency], { url: proxy.url });
		proxy.close();
		expect(rows, String(responses)).toMatchObject([{ status: "ok" }, { status: "ok" }]);
	});

	it("in one case at least, whatever its number, but for 4 and 22", () => {
		const tried = new Set(CASES.map(([{ number }]) => number));
		expect(Array.from({ length: 22 }, (_, nth) => nth + 1).filter((number) => !tried.has(number))).toEqual([4, 22]);
	});

	it("by crashing, and no other with it", async () => {
		const crashing = { number: 3, name: "Crash", run: () => Promise.reject(new TypeError("no such thing")) };
		const { rows } = await verified([crashing, description]);
		expect(rows.map(({ status }) => status)).toEqual(["ok", "failed", "ok"]);
	});

	it("with how to remove what could not be removed", async () => {
		const proxy = await openFaultyProxy(url, { on: /^DELETE/, instead: { status: 204, body: "" } });
		const { rows, left } = await verified([], { url: proxy.url });
		proxy.close();
		expect(rows).toMatchObject([
			{ number: 4, status: "failed", seen: expect.stringMatching(/the deleted tenant \w+: 200 instead of 404/) },
		]);
		const ids = [...(left ?? "").matchAll(/npm run holdfast -- admin tenants delete (ten_\w+) --yes/g)].map(
			([, id]) => id,
		);
		expect(ids).toHaveLength(2);
		const token = adminToken;
		for (const id of ids) await callApi(`${url}/v1/admin/tenants/${id}`, { method: "DELETE", token });
	});
});

describe.concurrent("npm run verify", () => {
	it("removes what it made when it is interrupted", async () => {
		const made: string[] = [];
		const interrupt = new AbortController();
		const proxy = await openFaultyProxy(url, {
			on: /^POST/,
			response({ text }) {
				const { id, object } = JSON.parse(text);
				if (object === "tenant") made.push(id);
				if (object === "job") interrupt.abort();
			},
		});
		const { code, output } = await runVerify([proxy.url, "--only", "8"], adminToken, interrupt.signal);
		proxy.close();
		expect(output).toContain("Interrupted. What it made is removed.");
		expect(code).toBe(130);
		expect(made).toHaveLength(2);
		for (const id of made)
			expect(await callApi(`${url}/v1/admin/tenants/${id}`, { token: adminToken })).toMatchObject({ status: 404 });
	});

	it("leaves behind what it made when it is interrupted again, and names it", async () => {
		let deletions = 0;
		const [first, second] = [new AbortController(), new AbortController()];
		const proxy = await openFaultyProxy(url, {
			on: /^(POST|DELETE)/,
			response(passing) {
				const { object } = JSON.parse(passing.text || "{}");
				if (object === "job") first.abort();
				if (object !== undefined) return;
				// Of a deletion, which is repeated seconds later.
				passing.status = 500;
				if (deletions++ > 0) second.abort();
			},
		});
		const { code, output } = await runVerify([proxy.url], adminToken, first.signal, second.signal);
		proxy.close();
		expect(output).toMatch(/Left behind.*\n.*tenants delete ten_/);
		expect({ code, deletions }).toEqual({ code: 130, deletions: 2 });
	});

	it("stops after one job if that is not simulated, and says how to switch it on", async () => {
		const submitted: string[] = [];
		const proxy = await openFaultyProxy(url, {
			on: submission,
			body(job) {
				submitted.push(job.model);
				job.model = "scripted/none";
			},
		});
		const { obstacle, rows } = await verified([oneJob, results], { url: proxy.url });
		proxy.close();
		expect(obstacle).toMatch(
			/simulated\/v goes to the provider openai-compatible.*ALLOW_SIMULATED to true.*deploy -- --simulated/,
		);
		expect({ rows: rows.length, submitted }).toEqual({ rows: 1, submitted: ["simulated/v"] });
	});

	it("says what is wrong with an address, a token or the settings, and does nothing then", async () => {
		const nowhere = `http://127.0.0.1:${await freePort()}`;
		await expect(verified([], { url: nowhere })).rejects.toThrow(/^Cannot reach http:.*ECONNREFUSED/);
		const wrong = verified([], { adminToken: "an-admin-token-of-another" });
		await expect(wrong).rejects.toThrow("ADMIN_TOKEN is not the admin token of");
		const health = async (status: number, body: object) => {
			const proxy = await openFaultyProxy(url, { on: /healthz/, instead: { status, body } });
			return await verified([], { url: proxy.url }).finally(proxy.close);
		};
		const missing = { error: { message: "SIGNING_KEY is not set." } };
		await expect(health(503, missing)).rejects.toThrow("is not ready: SIGNING_KEY is not set.");
		await expect(health(200, { ok: true })).rejects.toThrow("is not a Holdfast service");
	});
});
