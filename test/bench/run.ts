/**
 * `npm run bench`: the service beside others that do the same work on the same engine, this machine.
 *
 * - `npm run bench`              all systems in turns: counts, cost, speed; a table, and JSON in `bench.json`
 * - `npm run bench -- --json`    the same, and prints the JSON alone
 * - `npm run bench -- growth`    the same questions to a thousand jobs and to a million
 * - `npm run bench -- backlog`   twenty thousand queued jobs drain
 * - `npm run bench -- profile`   where the service's CPU goes under load
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readOptions } from "./options.ts";
import { reportOf, tableOf } from "./report.ts";
import { type System, startHoldfast, startStraightforward, startWorkflows } from "./systems.ts";
import { takeTurns } from "./turns.ts";
import { openUpstreams, type Upstreams } from "./upstreams.ts";

const options = readOptions(process.argv.slice(2));
const scratch = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
const tell = (line: string) => console.error(line);

async function compare(upstreams: Upstreams, started: System[]): Promise<void> {
	const start = async (starter: typeof startHoldfast) => {
		const system = await starter(upstreams, scratch);
		started.push(system);
		tell(`${system.name} is up`);
		return system;
	};
	const systems: [System, ...System[]] = [
		await start(startHoldfast),
		await start(startStraightforward),
		await start(startWorkflows),
	];
	const report = reportOf(await takeTurns(systems, upstreams, options.load, tell), options.load, notes());
	const json = JSON.stringify(report, null, "\t");
	if (options.json) return console.log(json);
	writeFileSync("bench.json", `${json}\n`);
	console.log(tableOf(report));
}

function notes(): string[] {
	return hasRedis() ? [] : ["bullmq: not measured, for this machine has no redis-server."];
}

function hasRedis(): boolean {
	try {
		execFileSync("redis-server", ["--version"], { stdio: "ignore" });
		return true;
	} catch {
		return false;
	}
}

const upstreams = await openUpstreams();
const started: System[] = [];
try {
	await compare(upstreams, started);
} finally {
	await Promise.all(started.map((system) => system.stop()));
	upstreams.close();
	rmSync(scratch, { recursive: true, force: true });
}
