import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { Webhook } from "standardwebhooks";
import { afterAll, describe, expect, it } from "vitest";
import { commandsOf, main } from "../../../client/cli/main.ts";
import type { Clock } from "../../../client/http.ts";
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
	clock?: Clock;
	/** Called with each request. */
	onSend?: () => void;
}

/** Runs a command line against a service of replies. */
async function run(argv: string[], given: Run = {}) {
	const { replies = {}, isTTY = false, columns = 200, stdin = "", typed, env, signal, clock, onSend } = given;
	const written = { out: "", err: "" };
	const sent: { url: string; key: string | null; body: unknown; headers: Record<string, string> }[] = [];
	const opened: string[] = [];
	const code = await main(argv, {
		stdout: { isTTY, columns, write: (text) => void Object.assign(written, { out: written.out + text }) },
		stderr: { isTTY, columns, write: (text) => void Object.assign(written, { err: written.err + text }) },
		readStdin: async () => Buffer.from(stdin),
		readLine: typed === undefined ? null : async () => typed.shift() ?? "",
		openBrowser: (url) => void opened.push(url),
		env: { NO_COLOR: "1", XDG_CONFIG_HOME: home, STATE_DIR: home, ...(env ?? { HOLDFAST_API_KEY: "hf_key" }) },
		signal: signal ?? new AbortController().signal,
		...(clock === undefined ? {} : { clock }),
		fetch: async (url, init) => {
			onSend?.();
			init.signal?.throwIfAborted();
			const { pathname } = new URL(url);
			const headersSent = new Headers(init.headers);
			const key = headersSent.get("authorization");
			sent.push({
				url,
				key,
				headers: Object.fromEntries(headersSent),
				body: typeof init.body === "string" ? JSON.parse(init.body) : null,
			});
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
		["a time before all dates", 2, ["jobs", "list", "--since", "999999999d"], {}],
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
		const argv = ["jobs", "wait", "job_0", "job_1", "job_2", "job_3", "--timeout", "1s"];
		const { code, out, err } = await run(argv, { replies });
		expect(err).toMatch(/^job_0: No\.\njob_3: No\.\nNo\. \(input\)/);
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
			"2026-01-02  m         2          1       3",
		],
		[
			"usage --by hour",
			"/v1/usage",
			{ start_at: "then", model: null, jobs: 2, succeeded: 1, total_tokens: 3 },
			"then     2          1       3",
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
		const isUnset = await run(["whoami"], { replies, env: { HOLDFAST_URL: "", HOLDFAST_API_KEY: "" } });
		expect(isUnset.sent).toEqual(own.sent);
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
		const flag = ["whoami", "--profile", "other"];
		const ofEnv = { HOLDFAST_URL: "https://env.test", HOLDFAST_API_KEY: "hf_env" };
		expect((await run(flag, { replies, env: ofEnv })).sent).toMatchObject([
			{ url: "https://other.test/v1/session", key: "Bearer hf_other" },
		]);
		expect((await run(["logout"], { env: named })).code).toBe(0);
		const left = (await run(["profiles"], { env })).out;
		expect(JSON.parse(left)).toEqual({ name: "other", url: "https://other.test", in_use: true });
		await run(["logout"], { env });
	});

	it("are validated when they are read, and keep names such as __proto__ apart", async () => {
		const config = join(home, "holdfast", "config.json");
		for (const text of ["{", "[]", '{"profile":"a","profiles":{"a":{"url":"x"}}}']) {
			writeFileSync(config, text);
			chmodSync(config, 0o644);
			const { code, err } = await run(["whoami"], { replies, env });
			expect([code, err]).toEqual([2, expect.stringContaining(`${config} is not what`)]);
		}
		expect((await run(["whoami"], { replies, env })).err).toContain("chmod 600");
		rmSync(config);
		expect((await run(["whoami", "--profile", "__proto__"], { replies, env })).err).toContain("no profile __proto__");
		await run(["login", "--url", "https://jobs.test"], { replies, env, typed: ["hf_typed"] });
		expect((await run(["whoami"], { replies, env })).sent).toMatchObject([{ key: "Bearer hf_typed" }]);
		await run(["logout"], { env });
	});

	it("are in the home folder where XDG_CONFIG_HOME is empty", async () => {
		const env = { XDG_CONFIG_HOME: "", HOME: home };
		await run(["login", "--url", "https://jobs.test"], { replies, env, stdin: "hf_home" });
		expect(readFileSync(join(home, ".config", "holdfast", "config.json"), "utf8")).toContain("hf_home");
	});

	it("are not needed for what npm start runs here", async () => {
		writeFileSync(join(home, "development-key.json"), JSON.stringify({ tenant: "ten_1", key: "hf_dev" }));
		const { sent } = await run(["whoami"], { replies, env });
		expect(sent).toMatchObject([{ url: "http://127.0.0.1:8787/v1/session", key: "Bearer hf_dev" }]);
	});
});

const list = (...data: unknown[]) => ({ body: { data, has_more: false, last_id: null } });

describe("a change of all jobs of a filter", () => {
	const jobs = ["job_1", "job_2", "job_3"].map((id) => ({ ...job("failed"), id }));
	const retried = (id: string) => ({ [`POST /v1/jobs/${id}/retry`]: { status: 202, body: { ...job("queued"), id } } });
	const replies = {
		"GET /v1/jobs": list(...jobs),
		...retried("job_1"),
		...retried("job_3"),
		"POST /v1/jobs/job_2/retry": { ...refusal(409), headers: { "x-should-retry": "false" } },
	};
	const argv = ["jobs", "retry", "--since", "24h", "--meta", "a=b", "--set", "max_attempts=9"];

	it("says the count and asks first, and changes nothing without a yes", async () => {
		for (const [more, given, words] of [
			[[], { typed: ["no"] }, /^3 jobs match the filter: retry all of them\? Type yes to go on: Nothing was/],
			[[], {}, /3 jobs match .* Pass --yes/],
			[["--dry-run"], { typed: ["yes"] }, /3 jobs match. Nothing was changed/],
		] as [string[], Run, RegExp][]) {
			const { sent, err } = await run([...argv, ...more], { replies, ...given });
			expect(sent).toHaveLength(1);
			expect(sent[0]?.url).toMatch(/status=failed%2Cexpired&created_after=2.*&limit=100&metadata%5Ba%5D=b$/);
			expect(err).toMatch(words);
		}
	});

	it("goes on after a refusal, and says what was refused", async () => {
		const { code, out, err, sent } = await run(argv, { replies, typed: ["yes"] });
		const printed = out.trimEnd().split("\n");
		expect(printed.map((line) => JSON.parse(line).error?.code ?? "")).toEqual(["", "c", ""]);
		expect(err).toMatch(/Retried 2 of 3 jobs.\n1 were refused, the first because: No./);
		expect([code, sent.length, sent[1]?.body]).toEqual([2, 4, { max_attempts: 9 }]);
	});

	it.each<[string[], RegExp]>([
		[["cancel"], /Name ids, or a filter/],
		[["delete", "job_1", "--status", "failed"], /not by both/],
		[["cancel", "--status", "failed"], /queued or running/],
	])("jobs %s is refused", async (words, message) => {
		const { code, err, sent } = await run(["jobs", ...words], { replies });
		expect([code, sent]).toEqual([2, []]);
		expect(err).toMatch(message);
	});

	it("ends at the first failure that the next job would meet too, and shows what was changed beside it", async () => {
		const missing = { ...replies, "POST /v1/jobs/job_2/retry": refusal(403) };
		for (const isTTY of [false, true]) {
			const { code, out, err } = await run([...argv, "--yes"], { replies: missing, isTTY });
			expect([code, out.match(/job_\d(?=[ "])/g)]).toEqual([4, ["job_1", "job_3"]]);
			expect(err).toContain("Retried 2 of 3 jobs.");
		}
	});
});

describe("a table", () => {
	it.each([
		[200, /^job_1 {2}failed {2}漢字\\n漢字 {2}1\/5 {6}2026-01-01T00:00:00Z {2}a_long_code_of_an_error$/m],
		[40, /^job_1 {2}failed {2}漢字\\n… {3}1\/5 {2}\d+d {2}a_long_…$/m],
	])("fits %i columns, whatever takes two of them", async (columns, line) => {
		const error = { code: "a_long_code_of_an_error" };
		const row = { ...job("failed"), model: "漢字\n漢字", attempt: 1, error, created_at: "2026-01-01T00:00:00.000Z" };
		const { out } = await run(["jobs", "list"], { replies: { "GET /v1/jobs": list(row) }, isTTY: true, columns });
		expect(out).toMatch(line);
	});
});

describe("holdfast completion", () => {
	it.each([
		["jobs li", "list"],
		["--json admin tenants cr", "create"],
		["jobs list --me", "--meta"],
	])("completes %s in bash", async (line, word) => {
		const { out } = await run(["completion", "bash"], {});
		const script = `${out}COMP_WORDS=(holdfast ${line}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _holdfast; echo "\${COMPREPLY[@]}"`;
		expect(spawnSync("bash", ["-c", script], { encoding: "utf8" }).stdout).toBe(`${word}\n`);
	});
});

describe("holdfast webhooks", () => {
	const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
	const body = '{"type":"job.succeeded"}';
	const at = new Date();
	const head = `webhook-id: evt_1\nwebhook-timestamp: ${Math.floor(at.getTime() / 1_000)}`;
	const raw = (text = body) =>
		`POST /hook HTTP/1.1\r\n${head}\nWebhook-Signature: ${new Webhook(secret).sign("evt_1", at, body)}\r\n\r\n${text}`;

	it("verify prints the event of a signed request, and refuses another", async () => {
		const env = { HOLDFAST_WEBHOOK_SECRET: secret };
		expect((await run(["webhooks", "verify"], { stdin: raw(), env })).out).toBe(`${body}\n`);
		const other = ["webhooks", "verify", "--secret", ` whsec_AAAA, ${secret}`];
		expect((await run(other, { stdin: raw(), env: {} })).code).toBe(0);
		expect((await run(["webhooks", "verify"], { stdin: raw("{}"), env })).code).toBe(2);
		expect((await run(["webhooks", "verify"], { stdin: "", env })).err).toContain("an empty line");
		for (const command of ["verify", "listen http://localhost:9/hook"]) {
			const malformed = { HOLDFAST_API_KEY: "hf_key", HOLDFAST_WEBHOOK_SECRET: "whsec_s3cret?" };
			const { code, err } = await run(["webhooks", ...command.split(" ")], { stdin: raw(), env: malformed });
			expect([code, err]).toEqual([2, expect.stringMatching(/^A signing secret is whsec_(?!s3cret)/)]);
		}
	});

	it("listen sends each end of a job once, signed, with its result", async () => {
		const gone = new AbortController();
		const result = { choices: [{ index: 0, message: { role: "assistant", content: "hi" } }] };
		const ended = { ...job(), finished_at: new Date().toISOString() };
		const replies = {
			"GET /v1/jobs": list(ended, ended, { ...job("running"), id: "job_2" }),
			"GET /v1/jobs/job_1/result": { body: result },
			"POST /hook": { body: {}, status: 500 },
		};
		const argv = ["webhooks", "listen", "http://localhost:9/hook", "--since", "5m"];
		const env = { HOLDFAST_API_KEY: "hf_key", HOLDFAST_WEBHOOK_SECRET: secret };
		let requests = 0;
		const onSend = () => void (++requests === 3 && setTimeout(() => gone.abort(), 20));
		const { code, out, sent } = await run(argv, { replies, env, signal: gone.signal, onSend });
		expect(code).toBe(130);
		expect(JSON.parse(out)).toMatchObject({ type: "job.succeeded", job_id: "job_1", status: 500 });
		const hook = sent[2];
		expect(hook).toMatchObject({ url: "http://localhost:9/hook", key: null, body: { data: { id: "job_1", result } } });
		expect(new Webhook(secret).verify(JSON.stringify(hook?.body), hook?.headers ?? {})).toMatchObject({ id: "evt_1" });
	});

	/** Listens until the address gets something, or for a hundred requests. No pause takes time. */
	async function listenOnce(argv: string[], replies: Run["replies"] & object) {
		const gone = new AbortController();
		const slept: number[] = [];
		const sleep = async (ms: number) => {
			slept.push(ms);
			await new Promise((resolve) => setImmediate(resolve));
			gone.signal.throwIfAborted();
		};
		let requests = 0;
		const hook = { get: () => gone.abort() ?? { body: {} } };
		const onSend = () => void (++requests === 100 && gone.abort());
		const clock = { now: Date.now, random: () => 0, sleep };
		const given = { replies: Object.defineProperty(replies, "POST /hook", hook), signal: gone.signal, onSend, clock };
		const { code, err, sent } = await run(["webhooks", "listen", "http://localhost:9/hook", ...argv], given);
		return { code, err, slept, hooks: sent.filter(({ url }) => url.endsWith("/hook")).map(({ body }) => body) };
	}

	it("listen sends an event after failures and limits, without a result that was erased", async () => {
		const failures = [
			...Array.from({ length: 5 }, () => refusal(503)),
			{ ...refusal(429), headers: { "retry-after": "99" } },
		];
		const { code, slept, hooks } = await listenOnce(["--since", "5m"], {
			"GET /v1/jobs": list({ ...job(), finished_at: new Date().toISOString() }),
			get "GET /v1/jobs/job_1/result"() {
				return failures.shift() ?? refusal(404);
			},
		});
		expect([code, slept.includes(99_000), hooks]).toMatchObject([130, true, [{ data: { id: "job_1", result: null } }]]);
	});

	it("listen sends nothing that ended before its first look, and shows its secret in any case", async () => {
		const ended = (id: string) => ({ ...job("failed"), id, finished_at: new Date().toISOString() });
		const looks = [...Array.from({ length: 5 }, () => refusal(503)), list(ended("job_1"))];
		const { err, hooks } = await listenOnce(["--quiet"], {
			get "GET /v1/jobs"() {
				return looks.shift() ?? list(ended("job_1"), ended("job_2"));
			},
		});
		expect(hooks).toMatchObject([{ data: { id: "job_2" } }]);
		expect(err).toMatch(/^Signing secret {2}whsec_\S+\n$/);
	});
});

describe("every command", () => {
	const hostile = "\u001b[2J\u009b1m\u202eevil\u2066\u0007\r\u200e";
	const leaves = (command: Command, path: string[] = []): { path: string[]; args: string[] }[] =>
		command.commands.length > 0
			? command.commands.flatMap((one) => leaves(one, [...path, one.name()]))
			: [{ path, args: command.registeredArguments.filter(({ required }) => required).map(() => "http://x.test/1") }];
	const MORE: Record<string, string[]> = {
		"webhooks recover": ["--since", "1d"],
		"webhooks verify": ["--secret", "whsec_AAAA"],
		"admin tenants update": ["--name", "a"],
		"admin tenants delete": ["--yes"],
		"jobs cancel": ["--since", "1d", "--yes"],
		"jobs retry": ["--since", "1d", "--yes"],
		"jobs delete": ["--since", "1d", "--yes"],
		"jobs submit": ["{}"],
	};
	const commands = leaves(commandsOf(() => expect.fail())).filter(({ path }) => path[0] !== "run");

	/** An object of the API whose every text is hostile. */
	const row = {
		...{ ...job(), status: hostile, model: hostile, error: { code: hostile, message: hostile } },
		...{ id: hostile, name: hostile, url: hostile, tenant: { name: hostile }, key: hostile, scopes: [hostile] },
		...{ event_types: [hostile], event_type: hostile, actor: hostile, action: hostile, target_id: hostile },
		...{ attempts: [{ status: null, error: hostile }], date: hostile, owned_by: hostile, state: hostile, limits: {} },
		...{ parked_jobs: { value: 0, or_more: false }, disabled_reason: hostile, created_at: hostile, until: hostile },
		choices: [{ message: { content: hostile } }],
	};
	const success = { body: { ...row, status: "succeeded", data: [row, hostile], has_more: false, last_id: null } };
	const failure = { ...refusal(409), body: { error: { message: hostile, code: hostile, param: hostile } } };
	const always = (reply: object) => new Proxy({}, { get: () => reply });

	it.each(commands.map(({ path, args }) => ({ line: path.join(" "), path, args })))(
		"holdfast $line lets no text of others command the terminal",
		async ({ line, path, args }) => {
			const gone = new AbortController();
			for (const reply of [success, failure]) {
				const argv = [...path, ...(line === "jobs submit" ? [] : args), ...(MORE[line] ?? []), "--debug"];
				let requests = 0;
				const onSend = () => void (++requests === 9 && gone.abort());
				const env = { HOLDFAST_API_KEY: "hf_key", ADMIN_TOKEN: "operator" };
				const given = { replies: always(reply), isTTY: true, env, signal: gone.signal, onSend, stdin: hostile };
				const { out, err } = await run(argv, given);
				const written = (out + err).replaceAll("\r\u001b[K", "");
				expect(written).not.toMatch(/(?![\n\t])[\p{Cc}\p{Bidi_Control}]/u);
			}
		},
	);

	it("writes through the one terminal that escapes", () => {
		const folder = join(import.meta.dirname, "../../../client/cli");
		const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
		const writes = names.filter((name) =>
			/process\.std(out|err)|console\.|#stream\.write/.test(readFileSync(join(folder, name), "utf8")),
		);
		expect(writes.sort()).toEqual(["bin.ts", "terminal.ts"]);
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
		["tenants delete ten_1 --yes", /no profile typo/, { env: { ...env, HOLDFAST_PROFILE: "typo" } }],
		["status --url https://jobs.test", /ADMIN_TOKEN is not set.*jobs.test/, { env: {} }],
	])("%s is refused, with what to do", async (line, words, given = {}) => {
		const { code, err, sent } = await run(["admin", ...line.split(" ")], { env, ...given });
		expect([code, sent]).toEqual([2, []]);
		expect(err).toMatch(words);
	});
});
