/** All systems side by side. */
import { execFileSync } from "node:child_process";
import { reportOf, tableOf } from "./report.ts";
import { type System, startHoldfast, startStraightforward, startWorkflows, type WorkerSystem } from "./systems.ts";
import { takeTurns } from "./turns.ts";
import type { Finding, Workbench } from "./workbench.ts";

export async function compare({ load, upstreams, start, tell }: Workbench): Promise<Finding> {
	const systems: [WorkerSystem, ...System[]] = [
		await start(startHoldfast),
		await start(startStraightforward),
		await start(startWorkflows),
	];
	const report = reportOf(await takeTurns(systems, upstreams, load, tell), load, notes());
	return { json: report, lines: tableOf(report) };
}

function notes(): string[] {
	const what = hasRedis() ? "there is no peer for it yet" : "this machine has no redis-server";
	return [`bullmq: not measured, for ${what}.`];
}

function hasRedis(): boolean {
	try {
		execFileSync("redis-server", ["--version"], { stdio: "ignore" });
		return true;
	} catch {
		return false;
	}
}
