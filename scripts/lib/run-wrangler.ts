/** Runs the installed wrangler: without network look-ups, and writing only to the state directory. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { outputFilter } from "./filter-output.ts";
import type { WranglerConfig } from "./local-config.ts";
import { PlainError } from "./terminal.ts";

const run = promisify(execFile);

export type Place = { root: string; stateDir: string };

/** Node's arguments for wrangler. */
const wrangler = (root: string): string[] => [
	"--import",
	pathToFileURL(join(import.meta.dirname, "end-with-parent.ts")).href,
	join(root, "node_modules/wrangler/bin/wrangler.js"),
];

/** `wrangler.toml`, read by wrangler's own parser. A child process, because loading it takes a second and 150 MB. */
export async function readProductionConfig({ root }: Pick<Place, "root">): Promise<WranglerConfig> {
	const script =
		'JSON.stringify(require("wrangler").experimental_readRawConfig({ config: "wrangler.toml" }).rawConfig)';
	const { stdout } = await run(process.execPath, ["--no-warnings", "-p", script], { cwd: root });
	return JSON.parse(stdout) as WranglerConfig;
}

export async function applyMigrations(place: Place): Promise<void> {
	// Explicit, because wrangler would prefer a wrangler.json in any parent folder.
	const which = ["--config", join(place.root, "wrangler.toml"), "--persist-to", join(place.stateDir, "state")];
	const args = [...wrangler(place.root), "d1", "migrations", "apply", "DB", "--local", ...which];
	try {
		await run(process.execPath, args, { cwd: place.root, env: quietEnvironment(place) });
	} catch (error) {
		const output = (error as { stderr?: string }).stderr || String(error);
		const lines = output.split("\n").map(outputFilter(place.root, []));
		throw new PlainError(["Applying the migrations failed.", ...lines.filter((line) => line !== null)].join("\n"));
	}
}

/**
 * Runs `wrangler dev` in its own process group, so that Ctrl-C reaches only the script, which shuts wrangler down in order,
 * and so that the next start can find what a kill left over. With `inspectorPort` 0 the inspector takes any free port.
 */
export function runDev(place: Place, config: string, port: number, inspectorPort = 0): ChildProcess {
	const args = ["dev", "--local", "--config", config, "--persist-to", join(place.stateDir, "state")];
	const listen = ["--ip", "127.0.0.1", "--port", String(port), "--inspector-port", String(inspectorPort)];
	return spawn(
		process.execPath,
		[...wrangler(place.root), ...args, ...listen, "--show-interactive-dev-session=false"],
		{
			cwd: place.root,
			env: quietEnvironment(place),
			stdio: ["pipe", "pipe", "pipe"],
			detached: true,
		},
	);
}

/** Calls `onLine` for each line of either stream. */
export function readLines(child: ChildProcess, onLine: (line: string, stream: "stdout" | "stderr") => void): void {
	for (const stream of ["stdout", "stderr"] as const) {
		const input = child[stream];
		if (input) createInterface({ input }).on("line", (line) => onLine(line, stream));
	}
}

/** The environment that wrangler runs in. A variable that is set for the script takes precedence. */
function quietEnvironment({ stateDir }: Place): NodeJS.ProcessEnv {
	return {
		CLOUDFLARE_CF_FETCH_ENABLED: "false",
		WRANGLER_SEND_METRICS: "false",
		WRANGLER_SEND_ERROR_REPORTS: "false",
		WRANGLER_HIDE_BANNER: "true",
		WRANGLER_WRITE_LOGS: "false",
		// The generated configuration changes only between runs.
		WRANGLER_CI_DISABLE_CONFIG_WATCHING: "true",
		// Local tracing halves the throughput.
		X_LOCAL_OBSERVABILITY: "false",
		// It would serve SQL and R2 objects to anyone on this machine, without a key.
		X_LOCAL_EXPLORER: "false",
		// Two services on one machine use the same queue names, and would mix them up in a shared registry.
		WRANGLER_REGISTRY_PATH: join(stateDir, "registry"),
		// Many containers have a read-only home directory, in which wrangler would fail to start.
		XDG_CONFIG_HOME: join(stateDir, "config"),
		...process.env,
	};
}
