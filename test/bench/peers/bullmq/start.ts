/** BullMQ on Redis, beside the Workers for scale: measured where it is installed, for the project depends on neither. */
import { execFileSync, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endProcesses, listProcesses, type Process, signalAll } from "../../../../scripts/lib/processes.ts";
import { freePort } from "../../../support/ports.ts";
import { getJson, untilAnswered } from "../../engine.ts";
import { cpuMsOf } from "../../process-usage.ts";
import { type System, submissionTo } from "../../systems.ts";
import type { Upstreams } from "../../upstreams.ts";
import { installedVersion, PACKAGES } from "./packages.ts";

const END_PATIENCE_MS = 3_000;
const REST_MS_MAX = 30_000;
const REST_POLL_MS = 20;

/** What has to be installed before it can be measured, and how. Null: nothing. */
export function missingForBullmq(): string | null {
	const packages = PACKAGES.filter((name) => installedVersion(name) === null);
	const missing: string[] = [];
	if (redisVersion() === null) missing.push("this machine has no redis-server (apt-get install redis-server)");
	if (packages.length > 0)
		missing.push(`node_modules has no ${packages.join(" and no ")} (npm install --no-save ${PACKAGES.join(" ")})`);
	return missing.length > 0 ? missing.join(", and ") : null;
}

/** What its figures can be held against, and what they leave out. */
export function aboutBullmq(): string[] {
	const packages = PACKAGES.map((name) => `${name} ${installedVersion(name)}`).join(", ");
	return [
		`bullmq: for scale only: ${packages} and Redis ${redisVersion()}, another engine and no Cloudflare.`,
		"bullmq: a server and a Redis of one's own cost as much while idle; nothing is billed by the count, so there are no counts.",
		"bullmq: Redis syncs its log once a second (appendfsync everysec): a machine that fails loses up to a second of accepted jobs.",
		"bullmq: cpu_ms_per_job is that of its Node process and redis-server together; that of the others is the one workerd's that runs the Worker and its storage.",
		"bullmq: leaves out signatures, keys, validation, idempotent submission, history, lists, cancellation, limits for each tenant, and webhooks for jobs that fail.",
	];
}

export async function startBullmq(upstreams: Upstreams, scratch: string): Promise<System> {
	const stateDir = join(scratch, "bullmq");
	const logPath = join(stateDir, "service.log");
	const port = await freePort();
	const url = `http://127.0.0.1:${port}`;
	mkdirSync(stateDir, { recursive: true });
	const environment = { PORT: String(port), STATE_DIR: stateDir, MODEL_URL: upstreams.modelUrl };
	const { child, group } = spawnLogged(logPath, environment);
	const members = () => membersOf(group);
	const endAtOnce = () => signalAll(members(), "SIGKILL");
	process.on("exit", endAtOnce);
	try {
		await untilAnswered(`${url}/unfinished`, () => child.exitCode === null);
	} catch (error) {
		throw new Error(readFileSync(logPath, "utf8").slice(-2_000), { cause: error });
	}

	const pids = members().map(({ pid }) => pid);
	return {
		name: "bullmq",
		submission: submissionTo(`${url}/jobs`, upstreams),
		atRest: () => whenFinished(url),
		cpuMs: () => pids.reduce((sum, pid) => sum + cpuMsOf(pid), 0),
		async stop() {
			await endProcesses(members, END_PATIENCE_MS);
			process.off("exit", endAtOnce);
			rmSync(stateDir, { recursive: true, force: true });
		},
	};
}

/** A group of its own, so that Ctrl-C reaches the bench alone, which then ends it in order. */
function spawnLogged(logPath: string, environment: Record<string, string>) {
	const log = openSync(logPath, "a");
	const child = spawn(process.execPath, [join(import.meta.dirname, "run.ts")], {
		env: { ...process.env, ...environment },
		stdio: ["pipe", log, log],
		detached: true,
	});
	closeSync(log);
	if (child.pid === undefined) throw new Error("Node could not be started");
	return { child, group: child.pid };
}

/** The commands are checked, since numbers are used again. */
function membersOf(group: number): Process[] {
	return listProcesses().filter(
		(found) => found.group === group && /redis-server|\/bullmq\/run\.ts/.test(found.command),
	);
}

/** Also of what is to be tried again later. */
async function whenFinished(url: string): Promise<null> {
	const giveUpAt = Date.now() + REST_MS_MAX;
	for (;;) {
		const { unfinished } = await getJson<{ unfinished: number }>(`${url}/unfinished`);
		if (unfinished === 0) return null;
		if (Date.now() > giveUpAt) throw new Error(`${unfinished} jobs of BullMQ are not finished`);
		await sleep(REST_POLL_MS);
	}
}

/** Null: there is none on the PATH. */
function redisVersion(): string | null {
	try {
		const said = execFileSync("redis-server", ["--version"], { encoding: "utf8" });
		return /\bv=(\S+)/.exec(said)?.[1] ?? said.trim();
	} catch {
		return null;
	}
}
