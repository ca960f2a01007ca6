/** The service as such: configuration, D1, secrets, cron, rate limits, clocks. */
import { randomBytes } from "node:crypto";
import { z } from "zod";
import { JobResponse } from "../../../shared/api/job.ts";
import { StatusBody } from "../../../shared/api/status.ts";
import { UNAUTHENTICATED_RATE } from "../../../shared/core/tenants/rate-limits.ts";
import type { ApiResponse } from "../call-api.ts";
import { Caller, parsed } from "./caller.ts";
import { type Check, MODEL, type Outcome, prompt, type Run, seconds, skipped } from "./check.ts";
import { CheckFailed, expectRefused, expectStatus, expectThat, until } from "./expect.ts";

export const description: Check = {
	number: 1,
	name: "API description",
	async run({ keyless }) {
		const Description = z.object({ info: z.object({ version: z.string() }), paths: z.record(z.string(), z.unknown()) });
		const { info, paths } = await keyless.read("/openapi.json", Description);
		return `version ${info.version}, ${Object.keys(paths).length} paths`;
	},
};

export const pages: Check = {
	number: 1,
	name: "Dashboard and docs",
	async run({ keyless }) {
		for (const path of ["/dashboard", "/docs"]) {
			const page = await readAs(keyless, path, "text/html");
			const isGuarded = page.headers
				.get("content-security-policy")
				?.startsWith("default-src 'none'; script-src 'self'");
			expectThat(isGuarded === true, `GET ${path}: no Content-Security-Policy`);
			const [, script] = /<script [^>]*src="([^"]+)"/.exec(page.text) ?? [];
			if (script === undefined) throw new CheckFailed(`GET ${path}: no script`);
			const file = await readAs(keyless, script, "javascript");
			// Its name has a hash.
			if (path !== "/dashboard") continue;
			const isCached = file.headers.get("cache-control")?.includes("immutable");
			expectThat(isCached === true, `GET ${script}: Cache-Control is ${file.headers.get("cache-control")}`);
		}
		return "two pages with their policies, and their scripts";
	},
};

async function readAs(caller: Caller, path: string, type: string): Promise<ApiResponse> {
	const response = await caller.call(path);
	expectStatus(response, 200, `GET ${path}`);
	const actual = response.headers.get("content-type");
	expectThat(actual?.includes(type) === true, `GET ${path}: ${actual} instead of ${type}`);
	return response;
}

export const operatorStatus: Check = {
	number: 2,
	name: "Operator's status",
	async run({ operator, options, signal }) {
		const status = await operator.read("/v1/admin/status", StatusBody);
		const impostor = new Caller(options.url, randomBytes(32).toString("base64url"), signal);
		expectRefused(await impostor.call("/v1/admin/status"), "a wrong admin token");
		const { under_previous_signing_key: old, undecryptable } = status.secrets;
		const secrets =
			old + undecryptable === 0 ? "" : `, ${undecryptable} secrets undecryptable, ${old} under the old key`;
		return `${status.open_jobs} open jobs, ${status.pending_deliveries} pending deliveries${secrets}; a wrong token is refused`;
	},
};

/** Two sweeps, each up to a minute away, and some time for the second to end. */
const SWEEPS_WITHIN_MS = 150_000;
const CRON_MS = 60_000;
/** Cron is late by seconds, and a sweep with much to do takes seconds longer. */
const CRON_MS_OFF = 15_000;
const NEVER_SWEPT =
	"the sweeper has never run; after the first deployment, cron takes up to 15 minutes to begin (then: --only 3). No sweep";

export const sweeper = sweeperCheck(SWEEPS_WITHIN_MS);

export function sweeperCheck(withinMs: number): Check {
	return { number: 3, name: "Sweeper", run: (run) => checkSweeper(run, withinMs) };
}

async function checkSweeper({ operator, options, signal }: Run, withinMs: number): Promise<string> {
	const lastSweep = async () => (await operator.read("/v1/admin/status", StatusBody)).last_sweep.at;
	const sweptAfter = (previous: string | null) => {
		const look = async () => {
			const at = await lastSweep();
			return at === previous ? null : at;
		};
		return until(signal, withinMs, previous === null ? NEVER_SWEPT : "the sweeper did not run", look, 2_000);
	};
	const first = await sweptAfter(await lastSweep());
	const second = await sweptAfter(first);
	const everyMs = Date.parse(second) - Date.parse(first);
	if (options.isLocal) return `every ${seconds(everyMs)} (by npm start, instead of cron)`;
	expectThat(Math.abs(everyMs - CRON_MS) <= CRON_MS_OFF, `two sweeps are ${seconds(everyMs)} apart`);
	return `every ${seconds(everyMs)}`;
}

/** More than one window allows, also where the window changes in the middle. */
const RATE_REQUESTS = Math.ceil(UNAUTHENTICATED_RATE.quota * 2.1);
const RATE_AT_ONCE = 15;

export const rateLimit: Check = {
	number: 18,
	name: "Rate limit without a key",
	async run({ keyless }): Promise<string | Outcome> {
		for (let sent = RATE_AT_ONCE; sent <= RATE_REQUESTS; sent += RATE_AT_ONCE) {
			const requests = Array.from({ length: RATE_AT_ONCE }, () => keyless.call("/v1/jobs"));
			for (const response of await Promise.all(requests)) {
				if (response.status === 401) continue;
				expectStatus(response, 429, "a request without a key");
				const retryAfter = response.headers.get("retry-after");
				expectThat(retryAfter !== null, "the 429 has no Retry-After");
				return `429 after at most ${sent} requests, Retry-After ${retryAfter}`;
			}
		}
		return skipped(`no 429 in ${RATE_REQUESTS} requests: Cloudflare counts approximately, and by location`);
	},
};

const CLOCK_MS_OFF = 2_000;
const CLOCK_SUBMISSIONS = 5;

export const clock: Check = {
	number: 19,
	name: "D1's clock",
	async run({ tenant }) {
		// The quickest of several: each is as uncertain as it was slow.
		let quickest = { tookMs: Number.POSITIVE_INFINITY, offMs: 0 };
		for (let nth = 0; nth < CLOCK_SUBMISSIONS; nth++) {
			const job = { model: MODEL, input: { messages: prompt() }, delay_seconds: 86_400 };
			const sentAt = Date.now();
			const response = await tenant.submission(job);
			const tookMs = Date.now() - sentAt;
			const createdAt = Date.parse(parsed(response, JobResponse, "POST /v1/jobs").created_at);
			const date = response.headers.get("date");
			// `Date` has whole seconds. Without it, the service is on this machine, and has its clock.
			const [from, to] =
				date === null ? [sentAt, sentAt + tookMs] : [Date.parse(date) - tookMs, Date.parse(date) + 1_000];
			const offMs = createdAt < from ? createdAt - from : Math.max(0, createdAt - to);
			if (tookMs < quickest.tookMs) quickest = { tookMs, offMs };
		}
		const { offMs, tookMs } = quickest;
		expectThat(Math.abs(offMs) < CLOCK_MS_OFF, `created_at is ${seconds(offMs)} off the Date header`);
		return `within ${seconds(Math.abs(offMs) + tookMs)} of the Date header`;
	},
};
