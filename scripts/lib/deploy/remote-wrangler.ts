/** Runs the installed wrangler against an account. Its output is collected, and it ends when this script does. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { interrupted } from "./interruption.ts";

export type WranglerRun = { ok: boolean; stdout: string; stderr: string };
export type Wrangler = (args: string[], environment?: Record<string, string>) => Promise<WranglerRun>;

/** No prompts, no banner, no telemetry; and no log file, which would hold the token that `auth token` prints. */
const QUIET = {
	WRANGLER_SEND_METRICS: "false",
	WRANGLER_SEND_ERROR_REPORTS: "false",
	WRANGLER_HIDE_BANNER: "true",
	WRANGLER_WRITE_LOGS: "false",
	NO_COLOR: "1",
	FORCE_COLOR: "0",
};

export function remoteWrangler(root: string, signal: AbortSignal): Wrangler {
	const preload = pathToFileURL(join(import.meta.dirname, "../end-with-parent.ts")).href;
	const program = ["--import", preload, join(root, "node_modules/wrangler/bin/wrangler.js")];
	return async (args, environment = {}) => {
		signal.throwIfAborted();
		const child = spawn(process.execPath, [...program, ...args], {
			cwd: root,
			env: { ...process.env, ...QUIET, ...environment },
			stdio: ["pipe", "pipe", "pipe"],
		});
		const end = () => child.stdin.end();
		signal.addEventListener("abort", end);
		const exit = new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
		const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
		signal.removeEventListener("abort", end);
		if (signal.aborted) throw interrupted();
		return { ok: code === 0, stdout, stderr };
	};
}
