/**
 * Plants each known bug in a copy of the source and runs the simulator there: `node test/simulation/run-planted.ts`, or
 * with a part of a bug's name. The seed that caught a bug last is tried first, and if it does not any more, as happens to
 * any seed when the source changes, all others are; `--record` writes down which one did. Ends with 1 where a bug goes
 * unseen, or where a patch does not apply any more.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PLANTED_BUGS, type PlantedBug } from "./planted/bugs.ts";
import { recordSeeds } from "./planted/record-seeds.ts";

const SEEDS_MAX = 2_000;
const PROCESSES = 2;
const root = join(import.meta.dirname, "../..");

/** `seenBy`: the seed or the scenario that saw the bug; null: none did. */
type Finding = { bug: PlantedBug; seenBy: number | string | null; words: string };

/** A copy to plant bugs in, one after the other. */
function copyTree(): string {
	const copy = mkdtempSync(join(tmpdir(), "planted-"));
	for (const part of ["workers", "shared", "migrations", "test/simulation", "test/support", "package.json"]) {
		cpSync(join(root, part), join(copy, part), { recursive: true });
	}
	symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
	return copy;
}

async function tryBug(copy: string, bug: PlantedBug): Promise<Finding> {
	const file = join(copy, bug.file);
	const text = readFileSync(file, "utf8");
	const matches = text.split(bug.find).length - 1;
	if (matches !== 1) return { bug, seenBy: null, words: `does not apply: ${matches} matches in ${bug.file}` };
	writeFileSync(
		file,
		text.replace(bug.find, () => bug.replace),
	);
	try {
		if (bug.scenario !== undefined) return await playScenario(copy, bug, bug.scenario);
		const known = bug.seenBy === undefined ? null : await runSeeds(copy, bug, { first: bug.seenBy, count: 1 });
		return known?.seenBy ? known : await runSeeds(copy, bug, { first: 1, count: SEEDS_MAX });
	} finally {
		writeFileSync(file, text);
	}
}

/** A scenario that fails saw the bug. */
async function playScenario(copy: string, bug: PlantedBug, scenario: string): Promise<Finding> {
	const output = await outputOf(["test/simulation/run.ts", "--scenario", scenario], copy);
	const why = /^(?:VIOLATED| +FAILED) (.*)$/m.exec(output)?.[1] ?? null;
	return { bug, seenBy: why === null ? null : scenario, words: why ?? output.slice(-300) };
}

async function runSeeds(copy: string, bug: PlantedBug, range: { first: number; count: number }): Promise<Finding> {
	const args = ["test/simulation/run.ts", "--seed", String(range.first), "--seeds", String(range.count)];
	const output = await outputOf([...args, "--processes", "1"], copy);
	const seed = /^seed (\d+),/m.exec(output)?.[1];
	const why = /^VIOLATED (.*)$/m.exec(output)?.[1] ?? output.slice(-300);
	return { bug, seenBy: seed === undefined ? null : Number(seed), words: why };
}

function outputOf(args: string[], cwd: string): Promise<string> {
	return new Promise((resolve) => {
		// All but one file are the same for each bug: compiling them costs more than the run.
		const env = { ...process.env, NODE_COMPILE_CACHE: join(cwd, "compile-cache") };
		const child = spawn(process.execPath, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
		let output = "";
		for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
		child.on("close", () => resolve(output));
	});
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
	const left = [...bugs];
	const findings: Finding[] = [];
	const work = async () => {
		const copy = copyTree();
		for (let bug = left.shift(); bug !== undefined; bug = left.shift()) {
			const finding = await tryBug(copy, bug);
			findings.push(finding);
			print(finding);
		}
		rmSync(copy, { recursive: true });
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
