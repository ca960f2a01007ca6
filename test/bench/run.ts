/**
 * `npm run bench`: the service beside others that do the same work on this machine, most of them on the same engine.
 *
 * - `npm run bench`              all systems in turns: counts, cost, speed; then as `-- start`
 * - `npm run bench -- start`     what `npm start` runs beside what `wrangler dev` makes of the peers, with default logs
 * - `npm run bench -- growth`    the same questions to a thousand jobs and to a million
 * - `npm run bench -- backlog`   twenty thousand queued jobs drain
 * - `npm run bench -- profile`   where the service's CPU goes under load; leaves `bench.cpuprofile` for developer tools
 *
 * Each prints a table and leaves the same as JSON in `bench.json`; with `--json`, it prints the JSON and nothing else.
 *
 * All state is in the temporary directory. Where its file system is ext4 and many files were deleted in the last five
 * minutes, as by a bench just before, each new file costs up to a millisecond: give it some rest, or another TMPDIR.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { start } from "./as-started.ts";
import { backlog } from "./backlog.ts";
import { compare } from "./compare.ts";
import { growth } from "./growth.ts";
import { type Mode, readOptions } from "./options.ts";
import { profile } from "./profile.ts";
import { openUpstreams } from "./upstreams.ts";
import type { Finding, Started, Workbench } from "./workbench.ts";

const MEASURES: Record<Mode, (workbench: Workbench) => Promise<Finding>> = { compare, start, growth, backlog, profile };

async function main(): Promise<void> {
	const { mode, json, load } = readOptions(process.argv.slice(2));
	const scratch = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
	process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
	// Whatever runs is ended on the way out of this process, however it comes to that.
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));
	const upstreams = await openUpstreams();
	const started: Started[] = [];
	const print = (line: string) => console.error(line);
	const startSystem: Workbench["start"] = async (starter) => {
		const system = await starter(upstreams, scratch);
		started.push(system);
		print(`${system.name} is up`);
		return system;
	};
	try {
		const finding = await MEASURES[mode]({ load, upstreams, start: startSystem, print });
		const text = JSON.stringify(finding.json, null, "\t");
		writeFileSync("bench.json", `${text}\n`);
		console.log(json ? text : finding.lines.join("\n"));
	} finally {
		await Promise.all(started.map((system) => system.stop()));
		upstreams.close();
	}
}

await main();
