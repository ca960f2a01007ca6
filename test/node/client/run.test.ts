import { execFile, execFileSync } from "node:child_process";
import {
	appendFileSync,
	chmodSync,
	existsSync,
	lstatSync,
	mkdtempSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { AppendFile } from "../../../client/cli/run/append-file.ts";
import { linesIn, process, RunService } from "./run-service.ts";

const home = mkdtempSync(join(tmpdir(), "holdfast-run-"));
afterAll(() => rmSync(home, { recursive: true }));

let runs = 0;

/** A file of prompts, and an output of its own. */
function files(lines: unknown[]) {
	const input = join(home, `${++runs}.jsonl`);
	const out = join(home, `${runs}.out`);
	writeFileSync(input, lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join(""));
	return { input, out, argv: ["run", input, "--out", out, "--concurrency", "2"] };
}

const prompts = (count: number) => Array.from({ length: count }, (_, nth) => ({ prompt: `p${nth + 1}` }));
const numbers = (out: string) => linesIn(out).map(({ line }) => line);
const texts = (out: string) => linesIn(out).map(({ text }) => text);
const ascending = (one: unknown, other: unknown) => Number(one) - Number(other);

describe("a run that is killed", () => {
	const LINES = 5;
	const expected = Array.from({ length: LINES }, (_, nth) => [nth + 1, `answer to p${nth + 1}`]);
	const finished = (out: string) =>
		linesIn(out)
			.map(({ line, text }) => [line, text])
			.sort(([one], [other]) => ascending(one, other));

	it("at any of its steps, or at two of them, goes on with each line once and no job twice", async () => {
		const whole = files(prompts(LINES));
		const { steps, code } = await process(new RunService(), whole.argv);
		expect([code, finished(whole.out)]).toEqual([0, expected]);
		for (let killAt = 1; killAt <= steps; killAt++) {
			const service = new RunService();
			const { argv, out } = files(prompts(LINES));
			await process(service, argv, { killAt });
			await process(service, argv, { killAt: 1 + ((killAt * 7) % steps) });
			const { code } = await process(service, argv);
			expect([killAt, code, finished(out), service.jobs.length]).toEqual([killAt, 0, expected, LINES]);
		}
	});

	it("while it forgets failed lines, runs each of them again once", async () => {
		const begin = async (service: RunService) => {
			const { argv, out } = files(prompts(3));
			service.fails = (prompt) => prompt !== "p2";
			expect((await process(service, argv)).code).toBe(3);
			service.fails = () => false;
			return { argv: [...argv, "--retry-failed"], out };
		};
		const first = new RunService();
		const { steps } = await process(first, (await begin(first)).argv);
		for (let killAt = 1; killAt <= steps; killAt++) {
			const service = new RunService();
			const { argv, out } = await begin(service);
			await process(service, argv, { killAt });
			expect((await process(service, argv)).code).toBe(0);
			expect([killAt, finished(out), service.jobs.length]).toEqual([killAt, expected.slice(0, 3), 5]);
		}
	});

	it("is looked up by its metadata once the service has forgotten its keys", async () => {
		const { argv, out } = files(prompts(LINES));
		const { steps } = await process(new RunService(), files(prompts(LINES)).argv);
		for (let killAt = 1; killAt <= steps; killAt++) {
			const service = new RunService();
			rmSync(out, { force: true });
			rmSync(`${out}.run`, { force: true });
			await process(service, argv, { killAt });
			service.passDay();
			await process(service, argv);
			expect([killAt, finished(out), service.jobs.length]).toEqual([killAt, expected, LINES]);
		}
	});
});

describe("the input", () => {
	it("may be a text, a prompt, messages, a submission or a line of an OpenAI batch", async () => {
		const messages = [{ role: "user", content: "c" }];
		const system = { role: "system", content: "own" };
		const { argv, out } = files([
			'"a \u2028 b"',
			"",
			{ prompt: "b", temperature: 0.5, metadata: { user: "7" }, custom_id: "two" },
			{ messages: [system, ...messages], model: "m1" },
			{ input: { messages }, max_attempts: 2, model: ["m1", "m2"] },
			{ custom_id: "five", method: "POST", url: "/v1/chat/completions", body: { model: "m1", messages, n: 2 } },
		]);
		const service = new RunService();
		expect((await process(service, [...argv, "--system", "Be brief.", "--ordered"])).code).toBe(0);
		const run = service.jobs[0]?.body.metadata.holdfast_run;
		const added = { role: "system", content: "Be brief." };
		const user = (content: string) => ({ role: "user", content });
		const metadata = (line: string) => ({ holdfast_run: run, holdfast_line: line });
		expect(service.jobs.map(({ body }) => body)).toEqual([
			{ input: { messages: [added, user("a \u2028 b")] }, metadata: metadata("1") },
			{ input: { temperature: 0.5, messages: [added, user("b")] }, metadata: { user: "7", ...metadata("3") } },
			{ input: { messages: [system, user("c")] }, model: "m1", metadata: metadata("4") },
			{ input: { messages: [added, user("c")] }, max_attempts: 2, model: ["m1", "m2"], metadata: metadata("5") },
			{ input: { n: 2, messages: [added, user("c")] }, model: "m1", metadata: metadata("6") },
		]);
		expect(linesIn(out).map(({ line, custom_id }) => [line, custom_id])).toEqual([
			[1, null],
			[3, "two"],
			[4, null],
			[5, null],
			[6, "five"],
		]);
	});

	it("may be any object with a template, and stdin", async () => {
		const { out } = files([]);
		const argv = ["run", "-", "--out", out, "--prompt", "{{Say}} {text}: {n} {list}", "-m", "m1,m2"];
		const service = new RunService();
		await process(service, argv, { stdin: '{"text":"x","n":1,"list":[1],"model":"other"}' });
		expect(service.jobs[0]?.body).toMatchObject({
			input: { messages: [{ role: "user", content: "{Say} x: 1 [1]" }] },
			model: ["m1", "m2"],
		});
		expect(JSON.parse(readFileSync(out, "utf8"))).toEqual({
			line: 1,
			custom_id: null,
			job_id: service.jobs[0]?.id,
			status: "succeeded",
			text: "answer to {Say} x: 1 [1]",
			output: { choices: [{ message: { content: "answer to {Say} x: 1 [1]" } }] },
			usage: { prompt_tokens: 4, completion_tokens: 6, total_tokens: 10 },
			error: null,
			model: "m",
		});
	});

	it.each<[unknown, string, string[]?]>([
		["{", "it is not JSON"],
		["7", "it is a number"],
		[{ text: "x" }, "none of `prompt`, `messages`"],
		[{ prompt: 7 }, "`prompt` must be a text"],
		[{ prompt: "x", messages: [] }, "leave one out"],
		[{ messages: [] }, "`messages` must be a list"],
		[{ input: {} }, "`input.messages` must be a list"],
		[{ body: { prompt: "x" }, url: "/v1/embeddings" }, "/v1/chat/completions"],
		[{ body: { prompt: "x" }, metadata: {} }, "`metadata` stands beside `body`"],
		[{ prompt: "x", metadata: { holdfast_run: "1" } }, "a run keeps for itself"],
		[{ prompt: "x", metadata: Object.fromEntries(Array.from({ length: 15 }, (_, nth) => [nth, ""])) }, "15 pairs"],
		[{ prompt: "x", metadata: { a: 1 } }, "an object of texts"],
		[{ text: "x" }, "no field `name`", ["--prompt", "{name}"]],
	])("%j is refused before anything is sent", async (line, reason, flags = []) => {
		const { argv, out } = files([flags.length > 0 ? { name: "x" } : { prompt: "fine" }, line]);
		const service = new RunService();
		const { code, err } = await process(service, [...argv, ...flags]);
		expect([code, err, service.paths, existsSync(out)]).toEqual([2, expect.stringContaining("Line 2: "), [], false]);
		expect(err).toContain(reason);
	});

	it("may be a pipe, and is refused when it grows between its two reads", async () => {
		const { input, out } = files(prompts(2));
		execFileSync("mkfifo", [`${input}.pipe`]);
		execFile("sh", ["-c", `cat ${input} > ${input}.pipe`]);
		const service = new RunService();
		expect((await process(service, ["run", `${input}.pipe`, "--out", out])).code).toBe(0);
		expect(service.posts).toEqual(["p1", "p2"]);
		const other = new RunService();
		// More than a stream reads ahead.
		const long = files(["first", ..."abc"].map((text) => JSON.stringify(text.repeat(text.length > 1 ? 1 : 100_000))));
		other.refuse = (prompt) => {
			if (prompt === "first") appendFileSync(long.input, '"more"\n');
			return null;
		};
		const grown = await process(other, [...long.argv, "--concurrency", "1"]);
		expect([grown.code, grown.err, other.posts.length]).toEqual([2, expect.stringContaining("changed"), 4]);
	});

	it("is refused before anything is sent if stdin is not UTF-8", async () => {
		const service = new RunService();
		const stdin = Buffer.from('"a"\n"\xff"\n', "latin1");
		const { code, err } = await process(service, ["run", "--out", files([]).out], { stdin });
		expect([code, err, service.paths]).toEqual([2, expect.stringContaining("Line 2: it is not UTF-8"), []]);
	});

	it("is only checked by --dry-run", async () => {
		const { argv, out } = files(prompts(3));
		const service = new RunService();
		const result = await process(service, [...argv, "--dry-run", "--limit", "2"]);
		const first = { input: { messages: [{ role: "user", content: "p1" }] } };
		expect([result.code, JSON.parse(result.out)]).toEqual([0, { lines: 2, first }]);
		expect([service.paths, existsSync(`${out}.run`)]).toEqual([[], false]);
	});
});

describe("holdfast run", () => {
	it("keeps no more jobs open than allowed, and goes on where a smaller --limit ended", async () => {
		const { argv, out } = files(prompts(7));
		const service = new RunService();
		service.looks = 4;
		await process(service, [...argv, "--limit", "3"]);
		expect(numbers(out).sort(ascending)).toEqual([1, 2, 3]);
		await process(service, [...argv, "--concurrency", "3"]);
		expect([numbers(out).sort(ascending), service.jobs.length, service.most]).toEqual([[1, 2, 3, 4, 5, 6, 7], 7, 3]);
		expect(service.paths.filter((path) => /^GET .*job_[^/]*$/.test(path))).toEqual([]);
	});

	it("writes refused and failed lines, names the commonest error escaped, and runs them again with --retry-failed", async () => {
		const { argv, out } = files(prompts(4));
		const service = new RunService();
		service.message = "\u001b[2J\u202eevil\r";
		service.refuse = (prompt) => (prompt === "p1" ? { status: 400, code: "invalid_request" } : null);
		service.fails = (prompt) => prompt === "p3" || prompt === "p4";
		for (const isTTY of [true, false]) {
			const { code, err } = await process(service, argv, { isTTY });
			expect([code, err.replaceAll("\r\u001b[K", "")]).toEqual([3, expect.stringContaining("4/4  3 failed")]);
			expect(err).toContain("2 × model_error: \\u001b[2J\\u202eevil");
			expect(err.replaceAll("\r\u001b[K", "")).not.toMatch(/(?![\n\t])[\p{Cc}\p{Bidi_Control}]/u);
		}
		expect(linesIn(out).find(({ line }) => line === 1)).toMatchObject({
			job_id: null,
			status: "failed",
			error: { code: "invalid_request" },
		});
		expect((await process(service, [...argv, "--allow-failures"])).code).toBe(0);
		service.refuse = service.fails = () => null as never;
		expect((await process(service, [...argv, "--retry-failed", "--ordered"])).code).toBe(0);
		expect(texts(out)).toEqual(["answer to p1", "answer to p2", "answer to p3", "answer to p4"]);
		expect(service.jobs.map(({ line }) => line).sort()).toEqual(["1.1", "2", "3", "3.1", "4", "4.1"]);
	});

	it.each<[string, string[], object, string[]]>([
		["other input", [], {}, ["the input"]],
		[
			"other flags",
			["-m", "m2", "--prompt", "{prompt}", "--system", "x"],
			{},
			["--model (none, now m2)", "--prompt", "--system"],
		],
		["another service", [], { url: "https://other.test" }, ["the service (https://jobs.test, now https://other.test)"]],
	])("refuses to go on with %s", async (_, flags, given, changes) => {
		const { argv, input } = files(prompts(1));
		const service = new RunService();
		await process(service, argv);
		if (flags.length === 0 && Object.keys(given).length === 0) appendFileSync(input, '"more"\n');
		const { code, err } = await process(service, [...argv, ...flags], given);
		expect([code, service.jobs.length]).toEqual([2, 1]);
		for (const change of changes) expect(err).toContain(change);
	});

	it("refuses an output of something else, and a run that another process works on", async () => {
		const { argv, out } = files(prompts(1));
		writeFileSync(out, "mine\n");
		const service = new RunService();
		for (const wrong of [
			["run", home, "--out", out],
			[...argv, "--out", `${home}/none/out`],
		])
			expect(await process(service, wrong)).toMatchObject({ code: 2, err: expect.stringMatching(/^There is no f/) });
		const foreign = await process(service, argv);
		expect([foreign.code, foreign.err, readFileSync(out, "utf8")]).toEqual([
			2,
			expect.stringContaining("no journal"),
			"mine\n",
		]);
		rmSync(out);
		const lock = `${out}.run.lock`;
		writeFileSync(lock, JSON.stringify({ pid: globalThis.process.ppid, host: (await import("node:os")).hostname() }));
		const locked = await process(service, argv);
		expect([locked.code, locked.err, service.jobs.length]).toEqual([2, expect.stringContaining(lock), 0]);
		writeFileSync(lock, JSON.stringify({ pid: 2 ** 22 + 1, host: (await import("node:os")).hostname() }));
		expect([(await process(service, argv)).code, existsSync(lock)]).toEqual([0, false]);
	});

	it.each(["-", "/dev/null"])("refuses --out %s", async (out) => {
		const service = new RunService();
		const { code, err } = await process(service, ["run", files(prompts(1)).input, "--out", out]);
		expect([code, err, service.paths]).toEqual([2, expect.stringContaining("regular file"), []]);
	});

	it("refuses a key that may not submit before the first submission", async () => {
		const service = new RunService();
		service.scopes = ["jobs:read"];
		const { code, err } = await process(service, files(prompts(1)).argv);
		expect([code, err, service.paths]).toEqual([4, expect.stringContaining("lacks jobs:write."), ["GET /v1/session"]]);
	});

	it("goes on after a line that always gets internal_error, and resumes it with its key", async () => {
		const { argv, out } = files(prompts(60));
		const service = new RunService();
		service.refuse = (prompt) => (prompt === "p2" ? { status: 500, code: "internal_error" } : null);
		const { code, err } = await process(service, argv);
		expect([code, err, numbers(out).length]).toEqual([1, expect.stringContaining("Line 2 was not taken"), 59]);
		service.refuse = () => null;
		expect([(await process(service, argv)).code, numbers(out).length, service.jobs.length]).toEqual([0, 60, 60]);
	});

	it("finds the jobs of a day ago whose lines the journal has lost", async () => {
		const { argv, out } = files(prompts(3));
		const service = new RunService();
		await process(service, argv);
		const [header = ""] = readFileSync(`${out}.run`, "utf8").split("\n");
		writeFileSync(`${out}.run`, `${header}\n`);
		rmSync(out);
		service.passDay();
		expect([(await process(service, argv)).code, service.jobs.length]).toEqual([0, 3]);
	});

	it("replaces failed lines behind a symlink, with the mode of the file, and leaves other files alone", async () => {
		const { argv, out } = files(prompts(2));
		const service = new RunService();
		service.fails = (prompt) => prompt === "p1";
		await process(service, argv);
		renameSync(out, `${out}.real`);
		symlinkSync(`${out}.real`, out);
		chmodSync(out, 0o644);
		writeFileSync(`${out}.tmp`, "mine");
		service.fails = () => false;
		expect((await process(service, [...argv, "--retry-failed"])).code).toBe(0);
		expect([lstatSync(out).isSymbolicLink(), statSync(out).mode & 0o777]).toEqual([true, 0o644]);
		expect([numbers(out).sort(), readFileSync(`${out}.tmp`, "utf8")]).toEqual([[1, 2], "mine"]);
	});

	it("appends nothing after a torn line", () => {
		const path = join(home, "torn");
		let isFull = true;
		const file = new AppendFile(path, (to, bytes) => {
			if (!isFull) return writeSync(to, bytes);
			writeSync(to, bytes.subarray(0, 3));
			throw new Error("The disk is full.");
		});
		expect(() => file.append({ line: 1 })).toThrow("full");
		isFull = false;
		expect(() => file.append({ line: 2 })).toThrow("full");
		file.close();
		expect(readFileSync(path, "utf8")).toBe('{"l');
	});

	it("submits nothing after an interruption that meets it waiting for a limit", async () => {
		const service = new RunService();
		service.retryAfter = "10";
		service.refuse = (_, nth) => (nth < 8 ? { status: 429, code: "open_jobs_limit" } : null);
		const { code } = await process(service, files(prompts(4)).argv, { interruptAt: 4 });
		expect([code, service.jobs]).toEqual([130, []]);
	});

	it("waits for as long as a limit says, and stops at a limit that lasts", async () => {
		const { argv, out } = files(prompts(3));
		const service = new RunService();
		service.refuse = (_, nth) => (nth < 4 ? { status: 429, code: "open_jobs_limit" } : null);
		expect([(await process(service, argv)).code, numbers(out).sort()]).toEqual([0, [1, 2, 3]]);
		for (const code of ["budget_spent", "stored_bytes_limit"]) {
			const spent = new RunService();
			spent.refuse = (prompt) => (prompt === "p2" ? { status: 429, code } : null);
			const ended = await process(spent, files(prompts(3)).argv);
			expect([ended.code, ended.err]).toEqual([5, expect.stringContaining("Resume with: holdfast run ")]);
		}
	});

	it("stops at --max-total-tokens and at --timeout, and resumes", async () => {
		const { argv, out } = files(prompts(9));
		const service = new RunService();
		const spent = await process(service, [...argv, "--max-total-tokens", "20"]);
		expect([spent.code, numbers(out).length]).toEqual([
			5,
			expect.toSatisfy((count: number) => count >= 2 && count <= 4),
		]);
		const { length } = service.jobs;
		expect([(await process(service, [...argv, "--max-total-tokens", "20"])).code, service.jobs.length]).toEqual([
			5,
			length,
		]);
		const late = await process(service, [...argv, "--timeout", "1s"]);
		expect([late.code, late.err]).toEqual([124, expect.stringContaining("Resume with: ")]);
		expect([(await process(service, argv)).code, numbers(out).sort(), service.jobs.length]).toEqual([
			0,
			[1, 2, 3, 4, 5, 6, 7, 8, 9],
			9,
		]);
	});

	it("writes the answers of open jobs after an interruption, or cancels them", async () => {
		const open = files(prompts(6));
		const service = new RunService();
		const { code, err } = await process(service, open.argv, { interruptAt: 4 });
		expect([code, err]).toEqual([
			130,
			expect.stringContaining(`Resume with: holdfast run ${open.input} --out ${open.out}`),
		]);
		expect([numbers(open.out).length, service.jobs.length]).toEqual([2, 2]);
		const cancelled = files(prompts(6));
		const other = new RunService();
		other.looks = 9;
		const given = [...cancelled.argv, "--cancel-on-interrupt"];
		expect((await process(other, given, { interruptAt: 4 })).err).toContain("--retry-failed");
		expect(linesIn(cancelled.out).map(({ status }) => status)).toEqual(["cancelled", "cancelled"]);
		other.looks = 1;
		expect((await process(other, [...given, "--retry-failed"])).code).toBe(0);
		expect(numbers(cancelled.out).sort()).toEqual([1, 2, 3, 4, 5, 6]);
	});

	it("repairs a torn line, reads the answers of a lost output from the jobs it knows, and refuses lines of others", async () => {
		const { argv, out } = files(prompts(2));
		const service = new RunService();
		await process(service, argv);
		appendFileSync(out, '{"line":2,"custom');
		appendFileSync(`${out}.run`, '{"line":');
		expect([(await process(service, argv)).code, numbers(out).sort()]).toEqual([0, [1, 2]]);
		rmSync(out);
		expect([(await process(service, argv)).code, numbers(out).sort(), service.posts.length]).toEqual([0, [1, 2], 2]);
		appendFileSync(out, "mine\n");
		expect(await process(service, argv)).toMatchObject({ code: 2, err: expect.stringContaining("Line 3 of") });
	});
});
