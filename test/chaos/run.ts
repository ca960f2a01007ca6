/**
 * Chaos on the real thing: `npm run chaos -- --kills 20 --jobs 2000 --seed 7`. Starts what `npm start` starts, submits
 * jobs, and kills, pauses and stops it again and again on the same state, between a provider and a receiver that have
 * troubles of their own. Then it waits for rest and checks the history of all that was seen. The plan comes from the seed;
 * what exactly a kill hits is up to the machine.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkHistory, type Problem } from "../simulation/check-history.ts";
import { toJsonLines } from "../simulation/history.ts";
import { campaign } from "./campaign.ts";
import { type Options, readOptions } from "./options.ts";
import { Recorder } from "./recorder.ts";
import { autopsy, summary } from "./report.ts";

async function main(options: Options): Promise<void> {
	const { seed, kills, jobs } = options;
	console.log(`seed ${seed}: ${jobs} jobs, ${kills} times harm`);
	const directory = mkdtempSync(join(tmpdir(), "holdfast-chaos-"));
	const place = { stateDir: join(directory, "state"), logPath: join(directory, "service.log") };
	const recorder = new Recorder();
	const problems: Problem[] = [];
	let restMs = 0;
	try {
		const run = await campaign(options, place, recorder);
		restMs = run.restMs;
		problems.push(...run.problems);
	} catch (error) {
		problems.push({ invariant: "B1", message: String(error instanceof Error ? error.stack : error) });
	}
	const history = recorder.events;
	// A list and a look at the job itself may find the same.
	for (const found of checkHistory(history))
		if (!problems.some(({ message }) => message === found.message)) problems.push(found);
	const words = summary(options, history, problems, { restMs, totalMs: recorder.now });
	const historyPath = join(directory, "history.jsonl");
	const kept = `State: ${place.stateDir}, history: ${historyPath}, log: ${place.logPath}`;
	if (problems.length > 0 || options.keep) writeFileSync(historyPath, toJsonLines(history));
	else rmSync(directory, { recursive: true, force: true });
	if (problems.length === 0) return console.log(options.keep ? `${words}\n${kept}` : words);
	console.log(autopsy(history, problems, place.logPath));
	console.log(`\n${words}\nFAILED with ${problems.length} violations. ${kept}`);
	console.log(`Again: npm run chaos -- --seed ${seed} --kills ${kills} --jobs ${jobs}`);
	process.exitCode = 1;
}

// By way of `exit`, where whatever still runs is ended.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));
await main(readOptions(process.argv.slice(2)));
process.exit();
