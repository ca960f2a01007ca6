/**
 * Loaded into wrangler before its own code (node --import). Files of D1 and R2 are made for this user only. Wrangler's stdin is
 * a pipe from the script that started it; the pipe closes when that script ends, even by `kill -9`. Wrangler then shuts down
 * together with its runtime, and does not keep serving without a sweeper.
 */
import { isMainThread } from "node:worker_threads";

if (isMainThread) {
	process.umask(0o077);
	const end = () => process.kill(process.pid, "SIGTERM");
	const { stdin } = process;
	stdin.on("end", end).on("error", end).resume();
	// This must not keep a finished wrangler alive.
	(stdin as typeof stdin & { unref?(): void }).unref?.();
}
