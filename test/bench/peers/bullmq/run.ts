/**
 * The peer's process: its Redis and the service before it. It ends when Redis does, when it is asked to, and when its stdin
 * does, which is a pipe from the bench: so neither outlives a bench that is killed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { z } from "zod";
import { freePort } from "../../../support/ports.ts";
import { importBullmq } from "./packages.ts";
import { openService } from "./service.ts";

const Environment = z.object({ PORT: z.coerce.number().int(), STATE_DIR: z.string(), MODEL_URL: z.string() });

const HOST = "127.0.0.1";
/** As commonly given to a Redis that jobs are entrusted to: only a machine that fails loses any, and those of one second. */
const DURABILITY = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""];

async function main(): Promise<void> {
	const { PORT, STATE_DIR, MODEL_URL } = Environment.parse(process.env);
	const bullmq = await importBullmq();
	const connection = { host: HOST, port: await freePort() };
	await startRedis(connection.port, STATE_DIR);
	const server = createServer(openService(bullmq, { connection, modelUrl: MODEL_URL }));
	// Node would close a connection that rests for five seconds, at times just when the next call goes out on it.
	server.keepAliveTimeout = 0;
	server.listen(PORT, HOST);
}

async function startRedis(port: number, stateDir: string): Promise<void> {
	const place = ["--bind", HOST, "--port", String(port), "--dir", stateDir];
	const redis = spawn("redis-server", [...place, ...DURABILITY], { stdio: ["ignore", "pipe", "inherit"] });
	redis.on("exit", () => process.exit());
	// Its data go with it, so it need not take its leave of them.
	const end = () => redis.kill("SIGKILL");
	process.on("SIGTERM", end);
	process.stdin.on("end", end).on("error", end).resume();
	await untilReady(redis);
}

/** What Redis says is read on afterwards, or it would some day wait to be heard. */
async function untilReady({ stdout }: ChildProcess): Promise<void> {
	if (stdout === null) throw new Error("Redis has no output");
	const lines = createInterface({ input: stdout });
	await new Promise<void>((resolve) => {
		lines.on("line", (line) => {
			console.log(line);
			if (line.includes("Ready to accept connections")) resolve();
		});
	});
}

await main();
