/**
 * Starts and stops the local service, for `npm start` and the demo. Everything it starts runs in one process group, which
 * every exit path ends.
 */
import type { ChildProcess } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { callApi, messageOf } from "./call-api.ts";
import { buildDashboard } from "./dashboard.ts";
import { developmentKey } from "./development-key.ts";
import { formatEnvFile, type Values } from "./env-file.ts";
import { outputFilter, reportsCrash } from "./filter-output.ts";
import { localConfig, localSettings, type Settings } from "./local-config.ts";
import { type Ownership, ownState } from "./own-state.ts";
import { endWranglerGroup, findLauncher, findProcess, signalAll, wranglerGroup } from "./processes.ts";
import { applyMigrations, readLines, readProductionConfig, runDev } from "./run-wrangler.ts";
import { tickSweeper } from "./sweeper-tick.ts";
import { PlainError } from "./terminal.ts";

const READY_TIMEOUT_MS = 60_000;
const STOP_PATIENCE_MS = 3_000;
const LAUNCHER_CHECK_MS = 1_000;

export type ServiceOptions = {
	root: string;
	stateDir: string;
	port: number;
	/** The contents of `.dev.vars`, and what overrides them for this run. */
	readSecrets: () => Values;
	environment: Record<string, string | undefined>;
	/** Receives the filtered lines of the service's output. */
	print: (line: string) => void;
	/** Called once, with the reason as a sentence, when the service ends without being stopped. */
	onEnd: (reason: string) => void;
};

export type Service = {
	start(): Promise<{ url: string; key: string; sweepSeconds: number; logLevel: string }>;
	stop(): Promise<void>;
};

export function localService(options: ServiceOptions): Service {
	const { root, stateDir, port } = options;
	const url = `http://127.0.0.1:${port}`;
	const undo: (() => void | Promise<void>)[] = [];
	let isStopping = false;

	const end = (reason: string): void => {
		if (!isStopping) options.onEnd(reason);
	};
	const stop = async (): Promise<void> => {
		isStopping = true;
		for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
	};
	const start = async () => {
		if (stateDir === root) throw new PlainError("STATE_DIR must not be the project directory.");
		makePrivate(stateDir);
		const launcher = findLauncher();
		const ownership = await ownState(stateDir, { pid: process.pid, launcher, port, group: null });
		undo.push(ownership.release);
		if (launcher !== null) undo.push(watchLauncher(launcher, end));

		await assertPortIsFree(port);
		const [production] = await Promise.all([
			readProductionConfig(options),
			applyMigrations(options),
			buildDashboard(root),
		]);
		const settings = localSettings({ production, url, file: options.readSecrets(), environment: options.environment });
		const sweepSeconds = positive("SWEEP_SECONDS", settings.vars.SWEEP_SECONDS);
		for (const name of settings.missingSecrets)
			options.print(`warning: secret ${name} is set neither in the environment nor in .dev.vars`);

		if (isStopping) throw new PlainError("Stopped while starting.");
		const files = writeLocalFiles(stateDir, root, production, settings);
		undo.push(() => rmSync(files.secrets, { force: true }));
		const child = runDev(options, files.config, port);
		undo.push(ender(child, ownership));
		listen(child, options, Object.values(settings.secrets), end);

		await untilReady(url, child);
		const key = await developmentKey(url, settings.secrets.ADMIN_TOKEN ?? "", stateDir);
		undo.push(tickSweeper(url, sweepSeconds, () => end("The service stopped responding.")));
		return { url, key, sweepSeconds, logLevel: settings.vars.LOG_LEVEL ?? "" };
	};
	return { start, stop };
}

/** D1 and R2 hold every prompt and result. Only `state` is changed if it exists: STATE_DIR may be anyone's directory. */
function makePrivate(stateDir: string): void {
	const state = join(stateDir, "state");
	for (const folder of [stateDir, state]) mkdirSync(folder, { recursive: true, mode: 0o700 });
	chmodSync(state, 0o700);
}

function writeLocalFiles(
	stateDir: string,
	root: string,
	production: Parameters<typeof localConfig>[0],
	settings: Settings,
) {
	const files = { config: join(stateDir, "wrangler.json"), secrets: join(stateDir, ".dev.vars") };
	rmSync(files.secrets, { force: true });
	// wrangler reads the `.dev.vars` beside its configuration verbatim, but expands every `$name` in an --env-file.
	writeFileSync(files.secrets, formatEnvFile(settings.secrets), { mode: 0o600 });
	writeFileSync(files.config, JSON.stringify(localConfig(production, root, settings), null, "\t"), {
		mode: 0o600,
	});
	// Bundles that a killed wrangler left behind.
	rmSync(join(stateDir, ".wrangler"), { recursive: true, force: true });
	return files;
}

/** Records the process group, kills it when node exits, and returns how to end it in order. */
function ender(child: ChildProcess, ownership: Ownership): () => Promise<void> {
	const group = child.pid;
	if (group === undefined) throw new PlainError("Starting wrangler failed.");
	ownership.recordGroup(group);
	const endAtOnce = () => signalAll(wranglerGroup(group), "SIGKILL");
	process.on("exit", endAtOnce);
	return async () => {
		await endWranglerGroup(group, STOP_PATIENCE_MS);
		process.off("exit", endAtOnce);
	};
}

function listen(child: ChildProcess, options: ServiceOptions, secrets: string[], end: (reason: string) => void): void {
	const filters = { stdout: outputFilter(options.root, secrets), stderr: outputFilter(options.root, secrets) };
	readLines(child, (line, stream) => {
		const shown = filters[stream](line);
		if (shown !== null) options.print(shown);
		if (reportsCrash(line)) end("The Workers runtime (workerd) crashed.");
	});
	child.on("exit", () => end("wrangler exited."));
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
	const giveUpAt = Date.now() + READY_TIMEOUT_MS;
	while (Date.now() < giveUpAt) {
		if (child.exitCode !== null || child.signalCode !== null)
			throw new PlainError("wrangler exited before the service was ready.");
		const response = await callApi(`${url}/healthz`, { timeoutMs: 10_000 }).catch(() => null);
		if (response?.status === 200) return;
		if (response !== null) throw new PlainError(messageOf(response.body));
		await sleep(50);
	}
	throw new PlainError(`The service was not ready within ${READY_TIMEOUT_MS / 1_000} seconds.`);
}

async function assertPortIsFree(port: number): Promise<void> {
	const server = createServer();
	await new Promise<void>((resolve, reject) => {
		server.once("error", reject).listen(port, "127.0.0.1", resolve);
	}).catch((error: NodeJS.ErrnoException) => {
		const why = error.code === "EADDRINUSE" ? "is already in use" : `cannot be used: ${error.code}`;
		throw new PlainError(`Port ${port} ${why}. Set another one: PORT=${port + 1} npm start`);
	});
	await new Promise((resolve) => server.close(resolve));
}

function watchLauncher(launcher: number, end: (reason: string) => void): () => void {
	const timer = setInterval(() => {
		if (findProcess(launcher) === null) end("The npm process that started it ended.");
	}, LAUNCHER_CHECK_MS);
	return () => clearInterval(timer);
}

function positive(name: string, text: string | undefined): number {
	const value = Number(text);
	if (value > 0 && Number.isFinite(value)) return value;
	throw new PlainError(`${name} must be a number above 0. Got "${text}".`);
}
