import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { main } from "../../../client/cli/main.ts";
import { viewJob } from "../../../shared/api/job.ts";
import type { JobState } from "../../../shared/core/jobs/job-states.ts";
import { jobOf } from "../../support/job-of.ts";

const home = mkdtempSync(join(tmpdir(), "holdfast-cli-"));
afterAll(() => rmSync(home, { recursive: true }));

const job = (status: JobState = "succeeded") => ({ ...viewJob(jobOf({ status }), "https://jobs.test"), id: "job_1" });
const refusal = (status: number) => ({
	status,
	headers: {},
	body: { error: { message: "No.", type: "t", code: "c", param: "input", request_id: "req_1" } },
});

interface Run {
	/** By method and path; any other request is 404. */
	replies?: Record<string, { status?: number; body?: unknown; headers?: Record<string, string> }>;
	isTTY?: boolean;
	columns?: number;
	stdin?: string;
	/** What the user types, line by line. */
	typed?: string[];
	env?: Record<string, string>;
	signal?: AbortSignal;
	/** Called with each request. */
	onSend?: () => void;
}

/** Runs a command line against a service of replies. */
async function run(argv: string[], given: Run = {}) {
	const { replies = {}, isTTY = false, columns = 200, stdin = "", typed, env, signal, onSend } = given;
	const written = { out: "", err: "" };
	const sent: { url: string; key: string | null; body: unknown }[] = [];
	const opened: string[] = [];
	const code = await main(argv, {
		stdout: { isTTY, columns, write: (text) => void Object.assign(written, { out: written.out + text }) },
		stderr: { isTTY, columns, write: (text) => void Object.assign(written, { err: written.err + text }) },
		readStdin: async () => stdin,
		readLine: typed === undefined ? null : async () => typed.shift() ?? "",
		openBrowser: (url) => void opened.push(url),
		env: { NO_COLOR: "1", XDG_CONFIG_HOME: home, STATE_DIR: home, ...(env ?? { HOLDFAST_API_KEY: "hf_key" }) },
		signal: signal ?? new AbortController().signal,
		fetch: async (url, init) => {
			onSend?.();
			init.signal?.throwIfAborted();
			const { pathname } = new URL(url);
			const key = new Headers(init.headers).get("authorization");
			sent.push({ url, key, body: typeof init.body === "string" ? JSON.parse(init.body) : null });
			const { status = 200, body, headers = {} } = replies[`${init.method} ${pathname}`] ?? refusal(404);
			return new Response(status === 204 ? null : JSON.stringify(body), { status, headers });
		},
	});
	return { code, ...written, sent, opened };
}

const ASK = (status: JobState, content = "Rayleigh.") => ({
	"POST /v1/jobs": { status: 202, body: job("queued") },
	"GET /v1/jobs/job_1": { body: job(status) },
	"GET /v1/jobs/job_1/result": { body: { choices: [{ index: 0, message: { role: "assistant", content } }] } },
});

describe("holdfast ask", () => {
	it("prints the answer alone, and submits what was asked", async () => {
		const argv = ["ask", "Why?", "-m", "a,b", "--system", "Be brief."];
		const { code, out, err, sent } = await run(argv, { replies: ASK("succeeded") });
		expect([code, out, err]).toEqual([0, "Rayleigh.\n", ""]);
		const messages = [
			{ role: "system", content: "Be brief." },
			{ role: "user", content: "Why?" },
		];
		expect(sent[0]?.body).toEqual({ input: { messages }, model: ["a", "b"] });
		const piped = await run(["ask", "-", "--json"], { replies: ASK("succeeded"), stdin: "From stdin" });
		expect(piped.sent[0]?.body).toEqual({ input: { messages: [{ role: "user", content: "From stdin" }] } });
		expect(JSON.parse(piped.out)).toMatchObject({ id: "job_1", result: { choices: [{}] } });
	});

	it("lets no answer, name or error command a terminal, and leaves a pipe as it is", async () => {
		const hostile = "\u001b[2J\u009b1m\u202eevil\u2066\u0007\r";
		const replies = ASK("succeeded", hostile);
		expect((await run(["ask", "x"], { replies })).out).toBe(`${hostile}\n`);
		const shown = "\\u001b[2J\\u009b1m\\u202eevil\\u2066\\u0007\\u000d\n";
		expect((await run(["ask", "x"], { replies, isTTY: true })).out).toBe(shown);
		const page = { data: [{ ...job(), model: hostile }], has_more: false, last_id: null, next_after: null };
		const list = { "GET /v1/jobs": { body: page } };
		const error = { "GET /v1/jobs": { status: 400, body: { error: { message: hostile, code: "c" } } } };
		for (const replies of [list, error]) {
			const { out, err } = await run(["jobs", "list"], { replies, isTTY: true });
			expect(out + err).toContain("\\u001b");
			expect(out + err).not.toMatch(/(?![\n\t])[\p{Cc}\p{Bidi_Control}]/u);
		}
	});
});

describe("exit codes", () => {
	const get = ["jobs", "get", "job_1"];
	const reply = (status: number) => ({ "GET /v1/jobs/job_1": refusal(status) });
	it.each<[string, number, string[], Run]>([
		["a failed job", 3, ["ask", "x"], { replies: ASK("failed") }],
		["an expired job that is waited for", 3, ["jobs", "wait", "job_1"], { replies: ASK("expired") }],
		["a refused request", 2, get, { replies: reply(400) }],
		["a key that is none", 4, get, { replies: reply(401) }],
		["a key without the scope", 4, get, { replies: reply(403) }],
		["no such job", 6, get, {}],
		["a limit", 5, get, { replies: { "GET /v1/jobs/job_1": { ...refusal(429), headers: { "retry-after": "99" } } } }],
		[
			"a job that goes on",
			124,
			["jobs", "wait", "job_1", "--timeout", "0s"],
			{
				replies: { "GET /v1/jobs/job_1": { body: job("running"), headers: { "retry-after": "2" } } },
			},
		],
		["an unknown command", 2, ["jbos"], {}],
		["an unknown flag", 2, ["jobs", "list", "--stat", "x"], {}],
		["a malformed time", 2, ["jobs", "list", "--since", "yesterday"], {}],
		["no key", 2, get, { env: {} }],
		["help", 0, ["jobs", "list", "--help"], {}],
		["an interruption", 130, get, { signal: AbortSignal.abort() }],
	])("%s: %i", async (_, expected, argv, given) => {
		const { code, out, err } = await run(argv, given);
		expect([code, expected === 0 || expected === 3 ? out + err : err]).toEqual([
			expected,
			expect.stringMatching(expected === 130 ? /^$/ : /\w/),
		]);
		if (expected !== 0 && expected !== 3) expect(out).toBe("");
	});
});

describe("an interruption", () => {
	it.each([[["keys", "revoke", "a", "b", "c"]], [["jobs", "cancel", "a", "b", "c"]], [["jobs", "list"]]])(
		"ends `holdfast %s` at its second request",
		async (argv) => {
			const gone = new AbortController();
			let requests = 0;
			const page = { data: [job()], has_more: true, last_id: "job_1", next_after: "job_1" };
			const replies = Object.fromEntries([
				["GET /v1/jobs", { body: page }],
				...["a", "b", "c"].map((id) => [`DELETE /v1/keys/${id}`, { status: 204 }]),
				...["a", "b", "c"].map((id) => [`POST /v1/jobs/${id}/cancel`, { body: job() }]),
			]);
			const onSend = () => void (++requests === 2 && gone.abort());
			const { code } = await run(argv, { replies, signal: gone.signal, onSend });
			expect([code, requests]).toEqual([130, 2]);
		},
	);
});

describe("holdfast jobs", () => {
	const page = { data: [job(), job("failed")], has_more: true, last_id: "job_1", next_after: "job_1" };
	const replies = { "GET /v1/jobs": { body: page } };

	it("list prints one object a line in a pipe, and a table on a terminal, no more than asked for", async () => {
		const argv = ["jobs", "list", "--status", "succeeded,failed", "--meta", "user=42", "--limit", "3"];
		const piped = await run(argv, { replies });
		expect(
			piped.out
				.trimEnd()
				.split("\n")
				.map((line) => JSON.parse(line).status),
		).toEqual(["succeeded", "failed", "succeeded"]);
		expect(piped.sent[0]?.url).toContain("status=succeeded%2Cfailed&limit=3&metadata%5Buser%5D=42");
		const table = await run(argv, { replies, isTTY: true });
		expect(table.out.split("\n")[0]).toMatch(/^ID +STATUS +MODEL +ATTEMPT +CREATED +ERROR$/);
		expect((await run([...argv, "--json"], { replies, isTTY: true })).out).toBe(piped.out);
	});

	it("list keeps each job on one line of a table, whatever is in it", async () => {
		const data = [{ ...job(), model: "a\nb\tc" }];
		const replies = { "GET /v1/jobs": { body: { data, has_more: false, last_id: null } } };
		const { out } = await run(["jobs", "list"], { replies, isTTY: true });
		expect(out.trimEnd().split("\n")).toEqual([expect.any(String), expect.stringContaining("a\\nb\\tc")]);
	});

	it("wait waits for all jobs at the same time, and prints those that end, beside one that is missing", async () => {
		let isAsked = false;
		const held = { "preference-applied": "wait=1" };
		const replies = {
			get "GET /v1/jobs/job_1"() {
				return { body: job(isAsked ? "succeeded" : "running"), headers: held };
			},
			get "GET /v1/jobs/job_2"() {
				isAsked = true;
				return { body: { ...job(), id: "job_2" } };
			},
		};
		const { code, out } = await run(["jobs", "wait", "job_0", "job_1", "job_2", "--timeout", "1s"], { replies });
		const ids = out
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line).id);
		expect([code, ids.sort()]).toEqual([6, ["job_1", "job_2"]]);
	});

	it("retry replaces what is set, and delete says what it erased", async () => {
		const submitted = { "POST /v1/jobs/job_1/retry": { status: 202, body: job("queued") } };
		const retried = await run(["jobs", "retry", "job_1", "--set", "max_attempts=9", "--set", "model=a/b"], {
			replies: submitted,
		});
		expect(retried.sent[0]?.body).toEqual({ max_attempts: 9, model: "a/b" });
		const erased = await run(["jobs", "delete", "job_1"], { replies: { "DELETE /v1/jobs/job_1": { status: 204 } } });
		expect(JSON.parse(erased.out)).toEqual({ id: "job_1", deleted: true });
	});
});

describe("usage, audit and keys", () => {
	it.each([
		[
			"usage",
			"/v1/usage",
			{ date: "2026-01-02", model: "m", jobs: 2, succeeded: 1, total_tokens: 3 },
			"2026-01-02  m      2     1          3",
		],
		[
			"audit",
			"/v1/audit_log",
			{ created_at: "now", actor: "key_1", action: "key.revoked", target_id: "key_2" },
			"now  key_1  key.revoked  key_2",
		],
		["keys list", "/v1/keys", { id: "key_1", name: "ci", scopes: ["a", "b"], last_used_at: null }, "key_1  ci    a,b"],
	])("%s prints a table on a terminal, and one object a line in a pipe", async (command, path, row, line) => {
		const replies = { [`GET ${path}`]: { body: { data: [row, row], has_more: false, last_id: null } } };
		const table = await run(command.split(" "), { replies, isTTY: true });
		expect(table.out.split("\n").slice(1, 2)).toEqual([line]);
		const piped = await run([...command.split(" "), "--limit", "1"], { replies });
		expect(JSON.parse(piped.out)).toEqual(row);
	});
});

describe("a pipe whose reader has gone", () => {
	it("ends the command quietly", () => {
		const bin = join(import.meta.dirname, "../../../client/cli/bin.ts");
		const script = 'set -o pipefail; "$0" "$1" --help | true';
		const { status, stderr } = spawnSync("bash", ["-c", script, process.execPath, bin], { encoding: "utf8" });
		expect([status, stderr]).toEqual([0, ""]);
	});
});

describe("profiles", () => {
	const me = { object: "session", tenant: { id: "ten_1", name: "acme" }, key: {}, expires_at: null };
	const replies = { "GET /v1/session": { body: me } };
	const env = {};

	it("store a key for its own service alone, and show no key", async () => {
		const config = join(home, "holdfast", "config.json");
		const login = ["login", "--url", "https://jobs.test", "--profile", "work"];
		expect((await run(login, { replies, env, stdin: "hf_work\n" })).err).toContain("acme");
		expect(statSync(config).mode & 0o777).toBe(0o600);
		const own = await run(["whoami"], { replies, env });
		expect(own.sent).toMatchObject([{ url: "https://jobs.test/v1/session", key: "Bearer hf_work" }]);
		const other = await run(["whoami", "--url", "https://other.test"], { replies, env });
		expect([other.code, other.sent]).toEqual([2, []]);
		const wins = await run(["whoami"], {
			replies,
			env: { HOLDFAST_URL: "https://env.test", HOLDFAST_API_KEY: "hf_env" },
		});
		expect(wins.sent).toMatchObject([{ url: "https://env.test/v1/session", key: "Bearer hf_env" }]);
		const listed = await run(["profiles"], { env });
		expect([JSON.parse(listed.out), listed.out.includes("hf_")]).toEqual([
			{ name: "work", url: "https://jobs.test", in_use: true },
			false,
		]);
		expect((await run(["profiles", "use", "none"], { env })).code).toBe(2);
		expect((await run(["logout"], { env })).code).toBe(0);
		expect((await run(["whoami"], { replies, env })).code).toBe(2);
	});

	it("are chosen by flag, environment or use, by each command, whatever slash ends the address", async () => {
		const login = { replies, env: { HOLDFAST_URL: "https://env.test/", HOLDFAST_PROFILE: "env" }, stdin: "hf_env" };
		expect((await run(["login"], login)).sent).toMatchObject([{ url: "https://env.test/v1/session" }]);
		const again = await run(["login"], { replies, env, stdin: "hf_again" });
		expect(again.sent).toMatchObject([{ url: "https://env.test/v1/session", key: "Bearer hf_again" }]);
		await run(["login", "--url", "https://other.test", "--profile", "other"], { replies, env, stdin: "hf_other" });
		const named = { HOLDFAST_PROFILE: "env", HOLDFAST_URL: "https://env.test//" };
		expect((await run(["whoami"], { replies, env: named })).sent).toMatchObject([{ key: "Bearer hf_again" }]);
		expect((await run(["logout"], { env: named })).code).toBe(0);
		const left = (await run(["profiles"], { env })).out;
		expect(JSON.parse(left)).toEqual({ name: "other", url: "https://other.test", in_use: true });
		await run(["logout"], { env });
	});

	it("are not needed for what npm start runs here", async () => {
		writeFileSync(join(home, "development-key.json"), JSON.stringify({ tenant: "ten_1", key: "hf_dev" }));
		const { sent } = await run(["whoami"], { replies, env });
		expect(sent).toMatchObject([{ url: "http://127.0.0.1:8787/v1/session", key: "Bearer hf_dev" }]);
	});
});

describe("holdfast admin", () => {
	const env = { ADMIN_TOKEN: "operator", HOLDFAST_API_KEY: "hf_key" };
	it.each<[line: string, request: string, body: unknown]>([
		["tenants list", "GET /v1/admin/tenants", null],
		["tenants create acme", "POST /v1/admin/tenants", { name: "acme" }],
		[
			"tenants create a --limit open_jobs=5 --limit running_jobs=none",
			"POST /v1/admin/tenants",
			{ name: "a", limits: { open_jobs: 5, running_jobs: null } },
		],
		["tenants show ../status?x", "GET /v1/admin/tenants/..%2Fstatus%3Fx", null],
		["tenants update ten_1 --name b", "PATCH /v1/admin/tenants/ten_1", { name: "b" }],
		["tenants delete ten_1 --yes", "DELETE /v1/admin/tenants/ten_1", null],
		["tenants audit-log ten_1", "GET /v1/admin/tenants/ten_1/audit_log", null],
		["keys list ten_1", "GET /v1/admin/tenants/ten_1/keys", null],
		["keys create ten_1", "POST /v1/admin/tenants/ten_1/keys", { name: "unnamed" }],
		[
			"keys create ten_1 ci --scopes jobs:read,jobs:write --expires 2030-01-02T03:04:05Z",
			"POST /v1/admin/tenants/ten_1/keys",
			{ name: "ci", scopes: ["jobs:read", "jobs:write"], expires_at: "2030-01-02T03:04:05Z" },
		],
		["keys revoke key_1", "DELETE /v1/admin/keys/key_1", null],
		["status", "GET /v1/admin/status", null],
	])("%s is one request, with the operator's token", async (line, request, body) => {
		const replies = { [request]: { body: { data: [], has_more: false, last_id: null } } };
		const { code, sent } = await run(["admin", ...line.split(" ")], { replies, env });
		expect(code).toBe(0);
		expect(sent).toMatchObject([{ key: "Bearer operator", body }]);
	});

	it.each<[line: string, words: RegExp, given?: Run]>([
		["tenants drop", /unknown command/],
		["tenants create", /missing required argument 'name'/],
		["tenants create My team", /too many arguments/],
		["tenants update ten_1", /Nothing to update/],
		["tenants delete ten_1", /erases everything of ten_1. Pass --yes/],
		["tenants delete ten_1", /Nothing was changed/, { typed: ["no"] }],
		["tenants create a --limit open_jobs=many", /open_jobs=5 or open_jobs=none/],
		["status --url http://jobs.test", /https:\/\/.*unencrypted/],
		["status --url https://jobs.test", /ADMIN_TOKEN is not set.*jobs.test/, { env: {} }],
	])("%s is refused, with what to do", async (line, words, given = {}) => {
		const { code, err, sent } = await run(["admin", ...line.split(" ")], { env, ...given });
		expect([code, sent]).toEqual([2, []]);
		expect(err).toMatch(words);
	});
});
