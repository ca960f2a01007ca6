#!/usr/bin/env node
/** Starts the command line with the real process around it. */
import { addAbortSignal } from "node:stream";
import { buffer } from "node:stream/consumers";

const NEEDED = [22, 12] as const;
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
	console.error(`holdfast needs Node ${NEEDED.join(".")} or later, and this is ${process.versions.node}.`);
	process.exit(2);
}

const { main } = await import("./main.ts");
const { openBrowser } = await import("./browser.ts");
const { readLine } = await import("./keyboard.ts");
const interrupted = new AbortController();
process.once("SIGINT", () => {
	interrupted.abort();
	// A second one ends the process at once.
});

process.stdout.on("error", (error) => {
	if (!("code" in error && error.code === "EPIPE")) throw error;
	// The reader of the pipe, such as `head`, has all that it wants.
	process.exit();
});

process.exitCode = await main(process.argv.slice(2), {
	stdout: process.stdout,
	stderr: process.stderr,
	readStdin: () => buffer(addAbortSignal(interrupted.signal, process.stdin)),
	readLine: process.stdin.isTTY ? (isHidden) => readLine(isHidden, interrupted) : null,
	openBrowser,
	env: process.env,
	signal: interrupted.signal,
});
