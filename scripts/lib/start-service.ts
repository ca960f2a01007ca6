/**
 * The local service from nothing to ready, and back: used by `npm start` and by the demo.
 * What it starts runs in one process group, which every way out of here ends.
 */
import type { ChildProcess } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { callApi, messageOf } from "./call-api.ts";
import { developmentKey } from "./development-key.ts";
import { formatEnvFile, type Values } from "./env-file.ts";
import { outputFilter, tellsOfCrash } from "./filter-output.ts";
import { localConfig, localSettings, type Settings } from "./local-config.ts";
import { type Ownership, ownState } from "./own-state.ts";
import { endWranglerGroup, findLauncher, findProcess, signalAll, wranglerGroup } from "./processes.ts";
import { applyMigrations, readLines, readProductionConfig, runDev } from "./run-wrangler.ts";
import { tickSweeper } from "./sweeper-tick.ts";
import { PlainError } from "./terminal.ts";

const READY_TIMEOUT_MS = 60_000;
const STOP_PATIENCE_MS = 3_000;
const LAUNCHER_LOOK_MS = 1_000;

export type ServiceOptions = {
	root: string;
	stateDir: string;
	port: number;
	/** The contents of `.dev.vars`, and what overrides them for this run. */
	readSecrets: () => Values;
	environment: Record<string, string | undefined>;
	/** Hears what is worth reading of the service's output. */
	print: (line: string) => void;
	/** Called once when the service has ended without being stopped, with the reason as a sentence. */
	onEnd: (reason: string) => void;
};

export type Service = {
	start(): Promise<{ url: string; key: string; sweepSeconds: number }>;
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
		if (stateDir === root) throw new PlainError("STATE_DIR must be a directory of its own, not the project's.");
		mkdirSync(stateDir, { recursive: true });
		const launcher = findLauncher();
		const ownership = await ownState(stateDir, { pid: process.pid, launcher, port, group: null });
		undo.push(ownership.release);
		if (launcher !== null) undo.push(watchLauncher(launcher, end));

		await assertPortIsFree(port);
		const [production] = await Promise.all([readProductionConfig(options), applyMigrations(options)]);
		const settings = localSettings({ production, url, file: options.readSecrets(), environment: options.environment });
		const sweepSeconds = positive("SWEEP_SECONDS", settings.vars.SWEEP_SECONDS);
		for (const name of settings.missingSecrets)
			options.print(`warning: the secret ${name} is set neither in the environment nor in .dev.vars`);

		if (isStopping) throw new PlainError("Stopped while starting.");
		const files = writeLocalFiles(stateDir, root, production, settings);
		undo.push(() => rmSync(files.secrets, { force: true }));
		const child = runDev(options, files.config, port);
		undo.push(ender(child, ownership));
		listen(child, options, Object.values(settings.secrets), end);

		await untilReady(url, child);
		const key = await developmentKey(url, settings.secrets.ADMIN_TOKEN ?? "", stateDir);
		undo.push(tickSweeper(url, sweepSeconds, () => end("The service no longer answers.")));
		return { url, key, sweepSeconds };
	};
	return { start, stop };
}

function writeLocalFiles(
	stateDir: string,
	root: string,
	production: Parameters<typeof localConfig>[0],
	settings: Settings,
) {
	const files = { config: join(stateDir, "wrangler.json"), secrets: join(stateDir, ".dev.vars") };
	rmSync(files.secrets, { force: true });
	// wrangler reads the `.dev.vars` beside its configuration, as it stands; a file given by --env-file would have every `$name` in it expanded.
	writeFileSync(files.secrets, formatEnvFile(settings.secrets), { mode: 0o600 });
	writeFileSync(files.config, JSON.stringify(localConfig(production, root, settings.vars), null, "\t"), {
		mode: 0o600,
	});
	// What a killed wrangler left of its bundles.
	rmSync(join(stateDir, ".wrangler"), { recursive: true, force: true });
	return files;
}

/** Records the group before anything can go wrong with it, and says how to end it: in order, or at once when node exits. */
function ender(child: ChildProcess, ownership: Ownership): () => Promise<void> {
	const group = child.pid;
	if (group === undefined) throw new PlainError("wrangler could not be started.");
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
		if (tellsOfCrash(line)) end("The Workers runtime (workerd) died.");
	});
	child.on("exit", () => end("wrangler ended."));
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
	const giveUpAt = Date.now() + READY_TIMEOUT_MS;
	while (Date.now() < giveUpAt) {
		if (child.exitCode !== null || child.signalCode !== null)
			throw new PlainError("wrangler ended before the service was ready.");
		const answer = await callApi(`${url}/healthz`, { timeoutMs: 10_000 }).catch(() => null);
		if (answer?.status === 200) return;
		if (answer !== null) throw new PlainError(messageOf(answer.body));
		await sleep(50);
	}
	throw new PlainError(`The service was not ready within ${READY_TIMEOUT_MS / 1_000} seconds.`);
}

/** Listening for a moment is the only sure way to know. */
async function assertPortIsFree(port: number): Promise<void> {
	const server = createServer();
	await new Promise<void>((resolve, reject) => {
		server.once("error", reject).listen(port, "127.0.0.1", resolve);
	}).catch((error: NodeJS.ErrnoException) => {
		const why = error.code === "EADDRINUSE" ? "is in use by another program" : `cannot be used (${error.code})`;
		throw new PlainError(`Port ${port} ${why}. Set PORT to another one: PORT=${port + 1} npm start`);
	});
	await new Promise((resolve) => server.close(resolve));
}

function watchLauncher(launcher: number, end: (reason: string) => void): () => void {
	const timer = setInterval(() => {
		if (findProcess(launcher) === null) end("npm is gone.");
	}, LAUNCHER_LOOK_MS);
	return () => clearInterval(timer);
}

function positive(name: string, text: string | undefined): number {
	const value = Number(text);
	if (value > 0 && Number.isFinite(value)) return value;
	throw new PlainError(`${name} must be a number above 0, and is "${text}".`);
}
