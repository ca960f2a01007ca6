/** The npm package as its users have it: packed, installed in an empty folder, and used there against the service. */
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { transformSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { freePort } from "../support/ports.ts";
import { Api } from "./support/api.ts";
import { ROOT } from "./support/temporary-service.ts";

const { url, key } = inject("service");
const folder = mkdtempSync(join(tmpdir(), "holdfast-package-"));
const installed = join(folder, "node_modules/holdfast");
let tarball = "";
const env = { ...process.env, HOLDFAST_URL: url, HOLDFAST_API_KEY: key, KEY: key, XDG_CONFIG_HOME: folder };
/** Whatever fails rejects with what it printed. */
const run = async (file: string, argv: string[], cwd = folder) =>
	(await promisify(execFile)(file, argv, { cwd, env, timeout: 50_000 })).stdout;

const versionOf = (node: string) => execFileSync(node, ["-p", "process.versions.node"], { encoding: "utf8" }).trim();
/** The pinned Node, the one that npm runs on, and those that CI adds: one of each version. */
const { npm_node_execpath = process.execPath, NODES = "" } = process.env;
const paths = [process.execPath, npm_node_execpath, ...NODES.split(":").filter((path) => path !== "")];
const nodes = [...new Map(paths.map((node) => [versionOf(node), node]))];

/** The examples of a page that use the client. */
const examplesOf = (page: string) =>
	[...readFileSync(join(ROOT, page), "utf8").matchAll(/```[jt]s\n(.*?)```/gs)]
		.map(([, code = ""]) => code)
		.filter((code) => code.includes('from "holdfast"'));
const [submission = "", receiver = ""] = examplesOf("README.md");
const [tour = ""] = examplesOf("docs/client.md");
const [first = ""] = examplesOf("client/README.md");

/** Runs an example, which finds its neighbours elsewhere than it says. */
function example(node: string, code: string, port: number, more: object = {}): ChildProcess {
	const moved = code.replaceAll("http://127.0.0.1:8787", url).replaceAll("9000", `${port}`);
	const script = transformSync(moved, { loader: "ts", format: "esm" }).code;
	return spawn(node, ["--input-type=module", "-e", script], { cwd: folder, env: { ...env, ...more } });
}

async function outputOf(child: ChildProcess): Promise<string> {
	let output = "";
	for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += chunk));
	await once(child, "close");
	return output;
}

beforeAll(async () => {
	const packed = await run("npm", ["run", "-s", "client:pack", "--", "--pack-destination", folder], ROOT);
	tarball = join(folder, packed.trim());
	writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }');
	await run("npm", ["install", "--silent", "--no-audit", "--no-fund", tarball]);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.concurrent("the package", () => {
	it("has nothing that publint finds", async () => {
		expect(await run("npx", ["publint", "run", tarball, "--strict"], ROOT)).toContain("All good!");
	});

	it("has types without `any`, of which strict users see those that the examples need", async () => {
		const files = readdirSync(installed, { recursive: true, encoding: "utf8" }).filter((name) =>
			name.endsWith(".d.ts"),
		);
		const text = files.map((name) => readFileSync(join(installed, name), "utf8")).join("\n");
		expect(text).toContain("class Holdfast");
		expect(text.replaceAll(/\/\*.*?\*\//gs, "").match(/^.*\bany\b.*$/gm)).toBeNull();
		for (const [name, code] of Object.entries({ submission, tour, first }))
			writeFileSync(join(folder, `${name}.ts`), code);
		const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
		const types = { types: ["node"], typeRoots: [join(ROOT, "node_modules/@types")], lib: ["es2023"] };
		const compilerOptions = { ...strict, ...types, target: "es2022", module: "nodenext", noEmit: true };
		writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
		expect(await run("npx", ["tsc", "-p", folder], ROOT)).toBe("");
	});

	it("has a command that explains itself and runs a job", async () => {
		const [help, answer] = await Promise.all(
			[["--help"], ["ask", "What holds fast?"]].map((argv) => run("npx", ["holdfast", ...argv])),
		);
		expect(help).toContain("Usage: holdfast");
		expect(answer).toMatch(/^This is a simulated answer/);
	});

	it("has a command that names the Node it needs, to an older one", async () => {
		const older = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"22.11.0"})';
		const argv = ["--import", older, join(installed, "cli/bin.js"), "--help"];
		await expect(run(process.execPath, argv)).rejects.toMatchObject({
			code: 2,
			stderr: "holdfast needs Node 22.12 or later, and this is 22.11.0.\n",
		});
	});
});

describe.each(nodes)("under Node %s", (_, node) => {
	it.concurrent("the README's job reaches the README's receiver", async ({ onTestFinished }) => {
		const port = await freePort();
		const secret = await new Api({ url, key }).signingSecret();
		const receiving = example(node, receiver, port, { HOLDFAST_WEBHOOK_SECRET: secret });
		onTestFinished(() => void receiving.kill());
		// Unsigned requests get 400, once it listens.
		await vi.waitFor(async () => expect((await fetch(`http://127.0.0.1:${port}`)).status).toBe(400), 30_000);
		const received = new Promise((resolve) => receiving.stdout?.once("data", resolve));
		const printed = await outputOf(example(node, submission, port));
		const [, id, text] = /^(job_\w+) succeeded (.+)/s.exec(printed) ?? [];
		expect([id, text], printed).not.toContain(undefined);
		expect(String(await received)).toBe(`job.succeeded ${id} ${text}`);
	});

	it.concurrent("the other pages' examples do what they say", async () => {
		const [toured, answered] = await Promise.all([tour, first].map((code) => outputOf(example(node, code, 0))));
		expect(toured).toMatch(/^This is.+\n(queued|running|succeeded)\n(.*\n)*0 This is.+\n(.*\n)*$/);
		expect(toured).not.toMatch(/Error/);
		expect(answered).toMatch(/^This is a simulated answer.+\n$/);
	});
});
