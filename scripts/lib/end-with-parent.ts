/**
 * Loaded into wrangler before its own code (node --import): wrangler's stdin is a pipe from the script that started it,
 * and the pipe ends when that script does, even by `kill -9`. Then wrangler ends in order and takes its runtime along,
 * instead of serving on without a sweeper or migrating for nobody.
 */
import { isMainThread } from "node:worker_threads";

if (isMainThread) {
	const end = () => process.kill(process.pid, "SIGTERM");
	const { stdin } = process;
	stdin.on("end", end).on("error", end).resume();
	// A wrangler that is done with its work must not be kept by this.
	(stdin as typeof stdin & { unref?(): void }).unref?.();
}
