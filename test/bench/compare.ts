/** All systems side by side. */
import { linesOf, measureAsStarted } from "./as-started.ts";
import { aboutBullmq, missingForBullmq, startBullmq } from "./peers/bullmq/start.ts";
import { reportOf, tableOf } from "./report.ts";
import { type System, startHoldfast, startStraightforward, startWorkflows, type WorkerSystem } from "./systems.ts";
import { takeTurns } from "./turns.ts";
import type { Finding, Workbench } from "./workbench.ts";

export async function compare(workbench: Workbench): Promise<Finding> {
	const { load, upstreams, start, print } = workbench;
	const systems: [WorkerSystem, ...System[]] = [
		await start(startHoldfast),
		await start(startStraightforward),
		await start(startWorkflows),
	];
	const missing = missingForBullmq();
	if (missing === null) systems.push(await start(startBullmq));
	const notes = [...ABOUT_HOLDFAST, ...(missing === null ? aboutBullmq() : [`bullmq: not measured, for ${missing}.`])];
	const report = reportOf(await takeTurns(systems, upstreams, load, print), load, notes);
	const asStarted = await measureAsStarted(workbench);
	return { json: { ...report, as_started: asStarted }, lines: [...tableOf(report), "", ...linesOf(asStarted)] };
}

/** What the local engine makes cheaper, and dearer, than it is on Cloudflare. */
const ABOUT_HOLDFAST = [
	"holdfast: here its consumer and dispatcher share an isolate; where they do not, each webhook reads R2 once, $0.36 a million.",
	"holdfast: here each question to the rate limiter is a row on disk; on Cloudflare it is answered from memory.",
];
