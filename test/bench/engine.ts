/** One system under the local engine, `wrangler dev`: started, watched from outside, and ended without leaving anything. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endWranglerGroup, type Process, signalAll, wranglerGroup } from "../../scripts/lib/processes.ts";
import { readLines, runDev } from "../../scripts/lib/run-wrangler.ts";
import { freePort } from "../support/ports.ts";
import type { Ledger, Spent } from "./ledger.ts";
import { cpuMsOf, residentBytesOf } from "./process-usage.ts";

export const ROOT = resolve(import.meta.dirname, "../..");
const READY_MS_MAX = 120_000;
const END_PATIENCE_MS = 3_000;
const QUIET_MS_MAX = 30_000;

export interface Engine {
	url: string;
	stateDir: string;
	inspectorPort: number;
	ledger(): Promise<Ledger>;
	/** When every message written has been deleted, the ledger has the whole cost. */
	quietLedger(): Promise<Ledger>;
	sql<Row>(sql: string, ...params: (string | number | null)[]): Promise<{ results: Row[]; bytes: number }>;
	/** CPU spent so far, and memory held, by the workerd that runs the Worker, D1, R2 and the queues. */
	cpuMs(): number;
	residentBytes(): number;
	stop(): Promise<void>;
}

interface EngineOptions {
	stateDir: string;
	/** For `wrangler dev`; main and migrations as absolute paths. */
	config: object;
	/** The contents of `.dev.vars`. */
	secrets?: string;
	port?: number;
	/** Called once requests can be sent. */
	healthPath?: string;
}

export async function startEngine({ stateDir, config, secrets = "", ...given }: EngineOptions): Promise<Engine> {
	mkdirSync(stateDir, { recursive: true });
	const port = given.port ?? (await freePort());
	const inspectorPort = await freePort();
	const url = `http://127.0.0.1:${port}`;
	const logPath = join(stateDir, "service.log");
	const configPath = join(stateDir, "wrangler.json");
	writeFileSync(configPath, JSON.stringify(config, null, "\t"), { mode: 0o600 });
	writeFileSync(join(stateDir, ".dev.vars"), secrets, { mode: 0o600 });
	const child = runDev({ root: ROOT, stateDir }, configPath, port, inspectorPort);
	const group = child.pid;
	if (group === undefined) throw new Error("wrangler could not be started");
	const endAtOnce = () => signalAll(wranglerGroup(group), "SIGKILL");
	process.on("exit", endAtOnce);
	readLines(child, (line) => appendFileSync(logPath, `${line}\n`));
	try {
		await untilAnswered(`${url}${given.healthPath ?? "/bench/ledger"}`, () => child.exitCode === null);
	} catch (error) {
		throw new Error(readFileSync(logPath, "utf8").slice(-2_000), { cause: error });
	}

	const worker = workerd(group, port);
	const ledger = async () => await getJson<Ledger>(`${url}/bench/ledger`);
	return {
		url,
		stateDir,
		inspectorPort,
		ledger,
		quietLedger: () => whenQuiet(ledger),
		async sql<Row>(sql: string, ...params: (string | number | null)[]) {
			const init = { method: "POST", body: JSON.stringify({ sql, params }) };
			const { results, meta } = await getJson<SqlAnswer<Row>>(`${url}/bench/sql`, init);
			return { results, bytes: meta.size_after };
		},
		cpuMs: () => cpuMsOf(worker.pid),
		residentBytes: () => residentBytesOf(worker.pid),
		async stop() {
			await endWranglerGroup(group, END_PATIENCE_MS);
			process.off("exit", endAtOnce);
		},
	};
}

interface SqlAnswer<Row> {
	results: Row[];
	meta: { size_after: number };
}

/** The proxy listens on the port; the other one runs the Worker. */
function workerd(group: number, port: number): Process {
	const runtimes = wranglerGroup(group).filter(({ command }) => /\/workerd serve /.test(command));
	const worker = runtimes.find(({ command }) => !command.includes(`:${port}`)) ?? runtimes[0];
	if (worker === undefined) throw new Error("wrangler runs no workerd");
	return worker;
}

/** Resolves once `url` answers well. Throws when it answers otherwise, and when nothing does in time or ever will. */
export async function untilAnswered(url: string, isUp: () => boolean): Promise<void> {
	const giveUpAt = Date.now() + READY_MS_MAX;
	for (;;) {
		const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) }).catch(() => null);
		if (answer !== null) {
			const text = await answer.text();
			if (answer.ok) return;
			throw new Error(`${url} answered ${answer.status}: ${text.slice(0, 500)}`);
		}
		if (!isUp() || Date.now() > giveUpAt) throw new Error(`nothing answers at ${url}`);
		await sleep(50);
	}
}

export async function getJson<T>(url: string, init: RequestInit = {}): Promise<T> {
	const answer = await fetch(url, init);
	const text = await answer.text();
	if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${text.slice(0, 500)}`);
	const parsed: T = JSON.parse(text);
	return parsed;
}

async function whenQuiet(read: () => Promise<Ledger>): Promise<Ledger> {
	const giveUpAt = Date.now() + QUIET_MS_MAX;
	for (let seen = ""; ; ) {
		const ledger = await read();
		const [writes, deletes] = [sum(ledger, "queueWrites"), sum(ledger, "queueDeletes")];
		const now = JSON.stringify(ledger);
		// Twice the same: what ends without a queue has ended, too.
		if (writes === deletes && now === seen) return ledger;
		if (Date.now() > giveUpAt) throw new Error(`${writes} messages were written and ${deletes} deleted`);
		seen = now;
		await sleep(100);
	}
}

function sum(ledger: Ledger, name: keyof Spent): number {
	return Object.values(ledger).reduce((total, { spent }) => total + spent[name], 0);
}
