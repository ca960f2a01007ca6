/**
 * Plants each known bug in a copy of the source and runs the simulator there: `node test/simulation/run-planted.ts`, or
 * with a part of a bug's name. Ends with 1 where a bug goes unseen, or where a patch does not apply any more.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PLANTED_BUGS, type PlantedBug } from "./planted/bugs.ts";

const SEEDS_MAX = 2_000;
const PROCESSES = 2;
const root = join(import.meta.dirname, "../..");

type Verdict = { bug: PlantedBug; isCaught: boolean; words: string };

/** A copy to plant bugs in, one after the other. */
function copyTree(): string {
	const copy = mkdtempSync(join(tmpdir(), "planted-"));
	for (const part of ["workers", "shared", "migrations", "test/simulation", "package.json"]) {
		cpSync(join(root, part), join(copy, part), { recursive: true });
	}
	symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
	return copy;
}

async function tryBug(copy: string, bug: PlantedBug): Promise<Verdict> {
	const file = join(copy, bug.file);
	const text = readFileSync(file, "utf8");
	const matches = text.split(bug.find).length - 1;
	if (matches !== 1) return { bug, isCaught: false, words: `does not apply: ${matches} matches in ${bug.file}` };
	writeFileSync(
		file,
		text.replace(bug.find, () => bug.replace),
	);
	try {
		const output = await runSeeds(copy);
		const seed = /^seed (\d+),/m.exec(output)?.[1];
		const why = /^VIOLATED (.*)$/m.exec(output)?.[1] ?? output.slice(-300);
		const isCaught = seed !== undefined;
		return { bug, isCaught, words: isCaught ? `seed ${seed}: ${why}` : `NOT SEEN: ${why}` };
	} finally {
		writeFileSync(file, text);
	}
}

function runSeeds(copy: string): Promise<string> {
	return new Promise((resolve) => {
		const args = ["test/simulation/run.ts", "--seeds", String(SEEDS_MAX), "--processes", "1"];
		const child = spawn(process.execPath, args, { cwd: copy, stdio: ["ignore", "pipe", "pipe"] });
		let output = "";
		for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
		child.on("close", () => resolve(output));
	});
}

async function main(part: string): Promise<void> {
	const left = PLANTED_BUGS.filter(({ name }) => name.includes(part));
	const unseen: Verdict[] = [];
	const count = left.length;
	const work = async () => {
		const copy = copyTree();
		for (let bug = left.shift(); bug !== undefined; bug = left.shift()) {
			const verdict = await tryBug(copy, bug);
			if (!verdict.isCaught) unseen.push(verdict);
			console.log(`${verdict.isCaught ? "caught" : "MISSED"}  ${bug.name}: ${verdict.words.slice(0, 160)}`);
		}
		rmSync(copy, { recursive: true });
	};
	await Promise.all(Array.from({ length: PROCESSES }, work));
	console.log(`${count - unseen.length} of ${count} planted bugs were caught`);
	process.exitCode = unseen.length === 0 ? 0 : 1;
}

await main(process.argv[2] ?? "");
