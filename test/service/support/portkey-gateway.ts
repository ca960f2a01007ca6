/** Portkey's AI gateway from the npm registry, as a process of its own. It needs no network, and gets its route by a header. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

const PROGRAM = createRequire(import.meta.url).resolve("@portkey-ai/gateway/build/start-server.js");

/** @returns stops it */
export async function startPortkeyGateway(port: number): Promise<() => Promise<void>> {
	const child = spawn(process.execPath, [PROGRAM, `--port=${port}`, "--headless"], { stdio: "ignore" });
	const ended = once(child, "exit");
	const isUp = () =>
		fetch(`http://127.0.0.1:${port}/`).then(
			() => true,
			() => false,
		);
	while (!(await isUp())) {
		if (child.exitCode !== null) throw new Error(`The gateway ended with ${child.exitCode}.`);
		await sleep(50);
	}
	return async () => {
		child.kill();
		await ended;
	};
}
