/**
 * Runs seeds: `node test/simulation/run.ts --seed 7 --seeds 5000`. A seed that fails prints itself, its options and the
 * end of its trace, and ends the run with 1; `--seed 7 --trace` alone prints all of a seed's trace.
 *
 * Plays scenarios: `--scenario NAME`, or `--scenarios` for all of them; `--trace` prints the trace of one.
 */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { playAll, playNamed, playOne } from "./run-scenarios.ts";
import { type Report, simulate } from "./simulate.ts";

const TRACE_LINES_SHOWN = 80;
/** Faults are errors by the hundred, and their stacks are not read: the failing seed runs again here, with stacks. */
const NO_STACKS = ["--stack-trace-limit=0"];

const { values } = parseArgs({
	options: {
		seed: { type: "string", default: "1" },
		seeds: { type: "string", default: "1" },
		trace: { type: "boolean", default: false },
		processes: { type: "string", default: String(Math.min(4, availableParallelism())) },
		scenario: { type: "string" },
		scenarios: { type: "boolean", default: false },
		/** Which of the seeds, of how many processes: set by the parent. */
		share: { type: "string" },
		/** It plays the scenarios that its parent names. */
		player: { type: "boolean", default: false },
	},
});

const first = Number(values.seed);
const count = Number(values.seeds);

/** One process's share of the seeds. Reports the first failure to the parent and stops. */
async function runShare(own: number, of: number): Promise<void> {
	for (let index = own; index < count; index += of) {
		const report = await simulate(first + index);
		if (report.violations.length === 0) continue;
		process.send?.({ failed: report.seed });
		break;
	}
	process.disconnect?.();
}

/** The first failing seed that any process found, or null. */
async function runAll(processes: number): Promise<number | null> {
	const failed: number[] = [];
	const children = Array.from({ length: processes }, (_, own) => {
		const share = ["--seed", String(first), "--seeds", String(count), "--share", `${own}/${processes}`];
		const child = fork(import.meta.filename, share, { stdio: "inherit", execArgv: NO_STACKS });
		child.on("message", (message: { failed: number }) => {
			failed.push(message.failed);
			for (const other of children) other.kill();
		});
		return child;
	});
	const codes = await Promise.all(
		children.map((child) => new Promise<number | null>((resolve) => child.on("exit", (code) => resolve(code)))),
	);
	if (failed.length === 0 && codes.some((code) => code !== 0))
		throw new Error("a process of the simulation broke down");
	return failed.length === 0 ? null : Math.min(...failed);
}

function print({ seed, options, violations, lines, hash }: Report, shown: readonly string[]): void {
	console.log(shown.join("\n"));
	if (shown.length < lines.length) console.log(`(the last ${shown.length} of ${lines.length} lines)`);
	console.log(`\nseed ${seed}, trace ${hash}, options ${JSON.stringify(options)}`);
	for (const { invariant, message } of violations) console.log(`VIOLATED ${invariant}: ${message}`);
}

async function main(): Promise<void> {
	if (values.share !== undefined) {
		const [own = 0, of = 1] = values.share.split("/").map(Number);
		return await runShare(own, of);
	}
	if (values.player) return playNamed();
	if (values.scenario !== undefined) {
		process.exitCode = (await playOne(values.scenario, values.trace)) ? 0 : 1;
		return;
	}
	if (values.scenarios) {
		process.exitCode = (await playAll(Number(values.processes))) ? 0 : 1;
		return;
	}
	const startedAt = performance.now();
	// One seed alone is played here: to start a process for it takes longer than to play it.
	const failed = count === 1 ? first : await runAll(Number(values.processes));
	const report = failed === null ? null : await simulate(failed, { trace: true });
	if (report !== null && report.violations.length > 0) process.exitCode = 1;
	if (report !== null && values.trace) return print(report, report.lines);
	const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
	if (report === null || report.violations.length === 0)
		return console.log(`${count} seeds from ${first} hold, in ${seconds} s`);
	print(report, report.lines.slice(-TRACE_LINES_SHOWN));
	console.log(`\nAll of it: node test/simulation/run.ts --seed ${failed} --trace`);
}

await main();
