/**
 * The service as `npm start` runs it: scripts/start.ts in a process group of its own, under it wrangler in another, and
 * two workerd, the proxy and the one behind it. Knows how to start it, how to hurt it, and to leave nothing behind.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findProcess, listProcesses, type Process, signalAll } from "../../scripts/lib/processes.ts";
import { readLines } from "../../scripts/lib/run-wrangler.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** The script gives up by itself before. */
const READY_MS_MAX = 180_000;
/** How long the script may take to stop, or to notice that its runtime is dead. */
const END_MS_MAX = 20_000;

export interface ServiceOptions {
	stateDir: string;
	logPath: string;
	port: number;
	environment: Record<string, string>;
}

export class ServiceProcess {
	readonly url: string;
	readonly #options: ServiceOptions;
	#child: ChildProcess | null = null;

	constructor(options: ServiceOptions) {
		this.#options = options;
		this.url = `http://127.0.0.1:${options.port}`;
	}

	/** True while the script runs. */
	get isUp(): boolean {
		return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
	}

	/** Resolves when the service says that it is ready. */
	async start(): Promise<void> {
		const { stateDir, port, environment } = this.#options;
		const child = spawn(process.execPath, [join(ROOT, "scripts/start.ts")], {
			cwd: ROOT,
			env: { ...process.env, ...environment, STATE_DIR: stateDir, PORT: String(port) },
			stdio: ["ignore", "pipe", "pipe"],
			detached: true,
		});
		this.#child = child;
		this.#log("--- started ---");
		let isReady = false;
		readLines(child, (line) => {
			this.#log(line);
			if (line.startsWith("Ready on ")) isReady = true;
		});
		const giveUpAt = Date.now() + READY_MS_MAX;
		while (!isReady) {
			if (!this.isUp) throw new Error("the service ended before it was ready");
			if (Date.now() > giveUpAt) throw new Error("the service did not become ready");
			await sleep(25);
		}
	}

	/** The script first, then wrangler, then what wrangler started. */
	processes(): Process[] {
		const all = listProcesses();
		const found = all.filter(({ pid }) => pid === this.#child?.pid);
		for (const parent of found) found.push(...all.filter((process) => process.parent === parent.pid));
		return found;
	}

	/** The proxy listens on the service's port; the other runs the Worker. */
	runtime(which: "front" | "worker"): Process[] {
		const isFront = ({ command }: Process) => command.includes(`:${this.#options.port}`);
		return this.processes().filter(
			(process) => /\/workerd serve /.test(process.command) && isFront(process) === (which === "front"),
		);
	}

	signal(signal: NodeJS.Signals): void {
		signalAll(this.processes(), signal);
	}

	/** SIGKILL to everything at once. Resolves when nothing is left. */
	async kill(): Promise<void> {
		const victims = this.processes();
		signalAll(victims, "SIGKILL");
		while (this.isUp || victims.some(({ pid }) => findProcess(pid) !== null)) await sleep(5);
		this.#log("--- killed ---");
	}

	/** SIGTERM to the script, as Ctrl-C does. */
	async stop(): Promise<void> {
		this.#child?.kill("SIGTERM");
		await this.ended();
	}

	/** Resolves when the script has ended by itself and taken everything along. */
	async ended(): Promise<void> {
		const others = this.processes();
		const giveUpAt = Date.now() + END_MS_MAX;
		while (this.isUp || others.some(({ pid }) => findProcess(pid) !== null)) {
			if (Date.now() > giveUpAt) throw new Error(`the service did not end within ${END_MS_MAX / 1_000} s`);
			await sleep(25);
		}
		this.#log(`--- ended with ${this.#child?.exitCode ?? this.#child?.signalCode} ---`);
	}

	#log(line: string): void {
		appendFileSync(this.#options.logPath, `${new Date().toISOString().slice(11, 23)} ${line}\n`);
	}
}
