/**
 * Plants each known bug in a copy of the source and runs the simulator there: `node test/simulation/run-planted.ts`, or
 * with a part of a bug's name. The seed that caught a bug last is tried first. If it does not any more, as happens to any seed
 * when the source changes, those that caught other bugs are, for they are eventful, and then all others; `--record` writes
 * down which one did. Ends with 1 where a bug goes unseen, or where a patch does not apply any more.
 */
import { type ChildProcess, fork } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PLANTED_BUGS, type PlantedBug } from "./planted/bugs.ts";
import { recordSeeds } from "./planted/record-seeds.ts";
import type { Sighting, Trial } from "./planted/try-bugs.ts";

const SEEDS_MAX = 2_000;
const PROCESSES = Math.min(4, availableParallelism());
/** Stacks are not read, and modules are loaded from text. */
const EXEC_ARGV = ["--stack-trace-limit=0", "--disable-warning=ExperimentalWarning"];
const root = join(import.meta.dirname, "../..");

type Finding = Sighting & { bug: PlantedBug };

/** A copy to plant bugs in, one after the other. */
function copyTree(): string {
	const copy = mkdtempSync(join(tmpdir(), "planted-"));
	for (const part of ["workers", "shared", "migrations", "test/simulation", "test/support", "package.json"]) {
		cpSync(join(root, part), join(copy, part), { recursive: true });
	}
	symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
	return copy;
}

/** A process that tries bugs in a copy of its own. */
class Planter {
	#copy = "";
	#child: ChildProcess | null = null;

	async try(bug: PlantedBug): Promise<Finding> {
		const trial: Trial = { bug, seeds: seedsFor(bug) };
		this.#child ??= await this.#start();
		const child = this.#child;
		return await new Promise((resolve) => {
			const end = (sighting: Sighting) => {
				child.removeAllListeners();
				resolve({ bug, ...sighting });
			};
			child.on("message", end);
			child.on("exit", (code) => {
				this.stop();
				end({ seenBy: null, words: `the process ended with ${code}` });
			});
			child.send(trial);
		});
	}

	stop(): void {
		this.#child?.kill();
		this.#child = null;
		rmSync(this.#copy, { recursive: true, force: true });
	}

	async #start(): Promise<ChildProcess> {
		this.#copy = copyTree();
		const child = fork(join(this.#copy, "test/simulation/planted/try-bugs.ts"), {
			cwd: this.#copy,
			execArgv: EXEC_ARGV,
		});
		await new Promise((resolve) => child.once("message", resolve));
		return child;
	}
}

function seedsFor(bug: PlantedBug): number[] {
	const known = PLANTED_BUGS.flatMap(({ seenBy }) => seenBy ?? []);
	const all = Array.from({ length: SEEDS_MAX }, (_, at) => at + 1);
	return [...new Set([...(bug.seenBy === undefined ? [] : [bug.seenBy]), ...known, ...all])];
}

function print({ bug, seenBy, words }: Finding): void {
	const old = bug.seenBy === undefined ? "none was recorded" : `${bug.seenBy} is outdated`;
	const by = typeof seenBy === "number" ? `seed ${seenBy}` : seenBy;
	const found = seenBy === null ? "" : `${by}${isNew({ bug, seenBy }) ? ` (${old})` : ""}: `;
	console.log(`${seenBy === null ? "MISSED" : "caught"}  ${bug.name}: ${found}${words.slice(0, 160)}`);
}

/** A seed that is not recorded yet. */
function isNew({ bug, seenBy }: Pick<Finding, "bug" | "seenBy">): boolean {
	return typeof seenBy === "number" && seenBy !== bug.seenBy;
}

async function tryAll(bugs: readonly PlantedBug[]): Promise<Finding[]> {
	const isSeenBySeeds = ({ scenario }: PlantedBug) => Number(scenario === undefined);
	// Scenarios take longest: they begin first, so that no core is idle while the last of them ends.
	const left = bugs.toSorted((one, other) => isSeenBySeeds(one) - isSeenBySeeds(other));
	const findings: Finding[] = [];
	const work = async () => {
		const planter = new Planter();
		for (let bug = left.shift(); bug !== undefined; bug = left.shift()) {
			const finding = await planter.try(bug);
			findings.push(finding);
			print(finding);
		}
		planter.stop();
	};
	await Promise.all(Array.from({ length: PROCESSES }, work));
	return findings;
}

async function main(): Promise<void> {
	const { values, positionals } = parseArgs({
		options: { record: { type: "boolean", default: false } },
		allowPositionals: true,
	});
	const findings = await tryAll(PLANTED_BUGS.filter(({ name }) => name.includes(positionals[0] ?? "")));
	const caught = findings.filter(({ seenBy }) => seenBy !== null).length;
	const seeds = findings.flatMap(({ bug, seenBy }) =>
		typeof seenBy === "number" ? [[bug.name, seenBy] as const] : [],
	);
	console.log(`${caught} of ${findings.length} planted bugs were caught`);
	if (values.record) recordSeeds(new Map(seeds));
	else if (findings.some(isNew)) console.log("To record the seeds that are new: npm run simulate:planted -- --record");
	process.exitCode = caught === findings.length ? 0 : 1;
}

await main();
