/**
 * `holdfast run` against what `npm start` runs, with SIGKILL for one of the two at random times:
 * `node test/chaos/kill-run.ts --lines 10000 --kills 20 --victim cli` (or `service`). A killed process is started again.
 * Then each line must be in the output once, with its own answer, and each must have one job. A line that the model was
 * called for twice must have had a call in flight when the service was killed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Holdfast } from "../../client/index.ts";
import { randomSecrets } from "../../scripts/lib/env-file.ts";
import { answering, completion, slowly } from "../support/answers.ts";
import { freePort, freePortFrom } from "../support/ports.ts";
import { openProvider, type SeenCall } from "../support/provider.ts";
import { SERVICE_SETTINGS } from "./options.ts";
import { ServiceProcess } from "./service-process.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const FIRST_PORT = 18_900;
const ANSWER_MS = 300;
/** How long a process lives before it is killed, at most. */
const LIFE_MS_MAX = 12_000;
/** An answer that the provider has sent is stored within this time, on a slow machine. */
const STORED_WITHIN_MS = 5_000;

const { values } = parseArgs({
	options: {
		lines: { type: "string", default: "300" },
		kills: { type: "string", default: "5" },
		victim: { type: "string", default: "cli" },
	},
});
const [lines, kills, victim] = [Number(values.lines), Number(values.kills), values.victim];
const directory = mkdtempSync(join(tmpdir(), "holdfast-kill-run-"));
const [input, out] = [join(directory, "prompts.jsonl"), join(directory, "answers.jsonl")];
const place = { stateDir: join(directory, "state"), logPath: join(directory, "service.log") };
const lineOf = (call: SeenCall) => Number(/line (\d+)/.exec(call.text)?.[1]);
const provider = await openProvider(await freePort(), (call) =>
	slowly(ANSWER_MS * (0.5 + Math.random()), answering(completion(`answer ${lineOf(call)}`))),
);
const route = { match: "*", provider: "openai-compatible", base_url: `http://127.0.0.1:${provider.port}/v1` };
const environment = {
	...SERVICE_SETTINGS,
	...randomSecrets(),
	MODEL_ROUTES: JSON.stringify([route]),
	LOG_LEVEL: "error",
};
const service = new ServiceProcess({ ...place, port: await freePortFrom(FIRST_PORT), environment });
const startedAt = Date.now();
const killedAt: number[] = [];
let [isOver, processes, peakKb] = [false, 0, 0];

/** Runs until the command ends by itself. */
async function runCli(key: string): Promise<void> {
	for (;;) {
		const child = spawn(process.execPath, [join(ROOT, "client/cli/bin.ts"), "run", input, "--out", out], {
			env: { ...process.env, HOLDFAST_URL: service.url, HOLDFAST_API_KEY: key },
			stdio: ["ignore", "ignore", "inherit"],
		});
		processes += 1;
		if (victim === "cli" && killedAt.length < kills) killLater(child);
		const sampler = setInterval(() => sample(child), 500);
		const code = await new Promise<number | null>((ended) => child.on("close", ended));
		clearInterval(sampler);
		if (code === null) continue;
		if (code !== 0) console.log(`holdfast run ended with ${code}`);
		isOver = code === 0 || processes > 4 * kills;
		if (isOver) return;
	}
}

function killLater(child: ChildProcess): void {
	setTimeout(() => {
		if (child.exitCode !== null || child.signalCode !== null) return;
		killedAt.push(Date.now());
		child.kill("SIGKILL");
	}, Math.random() * LIFE_MS_MAX);
}

function sample({ pid }: ChildProcess): void {
	try {
		const [, kb = 0] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
		peakKb = Math.max(peakKb, Number(kb));
	} catch {
		// It has ended, or this is not Linux.
	}
}

async function killService(): Promise<void> {
	while (!isOver && killedAt.length < kills) {
		await sleep(Math.random() * LIFE_MS_MAX);
		if (isOver) return;
		killedAt.push(Date.now());
		await service.kill();
		await service.start();
	}
}

/** What is wrong. */
async function check(key: string): Promise<string[]> {
	const problems: string[] = [];
	const seen = new Map<number, number>();
	for (const text of readFileSync(out, "utf8").trimEnd().split("\n")) {
		const answer = JSON.parse(text);
		seen.set(answer.line, (seen.get(answer.line) ?? 0) + 1);
		if (answer.text !== `answer ${answer.line}`) problems.push(`line ${answer.line} has ${text.slice(0, 200)}`);
	}
	for (let line = 1; line <= lines; line++)
		if (seen.get(line) !== 1) problems.push(`line ${line} is in the output ${seen.get(line) ?? 0} times`);
	const jobs = new Map<string, number>();
	for await (const { metadata } of new Holdfast({ baseUrl: service.url, apiKey: key }).jobs.list({ limit: 100 }))
		jobs.set(metadata.holdfast_line ?? "", (jobs.get(metadata.holdfast_line ?? "") ?? 0) + 1);
	if (jobs.size !== lines) problems.push(`there are jobs of ${jobs.size} lines`);
	for (const [line, count] of jobs) if (count > 1) problems.push(`line ${line} has ${count} jobs`);
	const calls = Map.groupBy(provider.calls, lineOf);
	for (const [line, all] of calls) {
		const wasInFlight = ({ at, overAt }: SeenCall) =>
			victim === "service" && killedAt.some((kill) => kill >= at && kill <= (overAt ?? kill) + STORED_WITHIN_MS);
		if (!all.slice(0, -1).every(wasInFlight)) problems.push(`line ${line} was called for ${all.length} times`);
	}
	return problems;
}

writeFileSync(input, Array.from({ length: lines }, (_, nth) => `{"prompt":"line ${nth + 1}"}\n`).join(""));
process.on("exit", () => service.signal("SIGKILL"));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));
await service.start();
const { key }: { key: string } = JSON.parse(readFileSync(join(place.stateDir, "development-key.json"), "utf8"));
await Promise.all([runCli(key), victim === "service" ? killService() : null]);
const problems = await check(key);
const seconds = Math.round((Date.now() - startedAt) / 1_000);
const repeated = provider.calls.length - new Set(provider.calls.map(lineOf)).size;
console.log(
	`${lines} lines, ${killedAt.length} times SIGKILL for the ${victim}, ${processes} processes of holdfast run, ${seconds} s, ` +
		`${provider.calls.length} calls, ${repeated} of them repeated, at most ${Math.round(peakKb / 1_024)} MiB in the CLI`,
);
for (const problem of problems.slice(0, 20)) console.log(problem);
console.log(problems.length === 0 ? "OK" : `FAILED with ${problems.length} problems. All is in ${directory}`);
if (problems.length === 0) rmSync(directory, { recursive: true, force: true });
process.exit(problems.length === 0 ? 0 : 1);
