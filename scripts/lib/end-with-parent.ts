/**
 * Loaded into wrangler before its own code (node --import): wrangler's stdin is a pipe from the script that started it,
 * and the pipe ends when that script does, even by `kill -9`. Then wrangler ends in order and takes its runtime along,
 * instead of serving on without a sweeper.
 */
import { isMainThread } from "node:worker_threads";

if (isMainThread) {
	process.stdin.on("end", () => process.kill(process.pid, "SIGTERM")).resume();
	process.stdin.on("error", () => process.kill(process.pid, "SIGTERM"));
}
