/**
 * The process that tries planted bugs, one after the other, in the copy of the tree that it is part of. It gets a `Trial` as a
 * message and answers with a `Sighting`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PlantedBug } from "./bugs.ts";
import { reload } from "./reload-modules.ts";

const root = join(import.meta.dirname, "../../..");

export interface Trial {
	bug: PlantedBug;
	/** To be tried in this order, where the bug names no scenario. */
	seeds: readonly number[];
}

/** `seenBy`: the seed or the scenario that saw the bug; null: none did. */
export interface Sighting {
	seenBy: number | string | null;
	words: string;
}

async function tryBug({ bug, seeds }: Trial): Promise<Sighting> {
	const file = join(root, bug.file);
	const text = readFileSync(file, "utf8");
	const matches = text.split(bug.find).length - 1;
	if (matches !== 1) return { seenBy: null, words: `does not apply: ${matches} matches in ${bug.file}` };
	writeFileSync(
		file,
		text.replace(bug.find, () => bug.replace),
	);
	reload(bug.file);
	try {
		return bug.scenario === undefined ? await playSeeds(seeds) : await playScenario(bug.scenario);
	} finally {
		writeFileSync(file, text);
		reload(bug.file);
	}
}

/** The first seed with a violation saw the bug. */
async function playSeeds(seeds: readonly number[]): Promise<Sighting> {
	const { simulate } = await loadSimulation();
	for (const seed of seeds) {
		const [violation] = (await simulate(seed)).violations;
		if (violation !== undefined) return { seenBy: seed, words: `${violation.invariant}: ${violation.message}` };
	}
	return { seenBy: null, words: `${seeds.length} seeds hold` };
}

/** A scenario that fails saw the bug. */
async function playScenario(name: string): Promise<Sighting> {
	const { SCENARIOS, play, holds } = await loadScenarios();
	const scenario = SCENARIOS.find((one) => one.name === name);
	if (scenario === undefined) return { seenBy: null, words: `no scenario is named ${name}` };
	const { violations, figures } = await play(scenario, { stopsEarly: true });
	const why = [
		...violations.map(({ invariant, message }) => `${invariant}: ${message}`),
		...figures.filter((figure) => !holds(figure)).map(({ what, value }) => `${what}: ${value}`),
	];
	return { seenBy: why.length > 0 ? name : null, words: why[0] ?? "the scenario holds" };
}

// Imported by a computed name: a constant one would be loaded once.
const load = (path: string) => import(join(root, "test/simulation", path));

async function loadSimulation(): Promise<typeof import("../simulate.ts")> {
	return await load("simulate.ts");
}

async function loadScenarios() {
	const { SCENARIOS }: typeof import("../scenarios/all.ts") = await load("scenarios/all.ts");
	const { play }: typeof import("../scenarios/play.ts") = await load("scenarios/play.ts");
	const { holds }: typeof import("../scenarios/scenario.ts") = await load("scenarios/scenario.ts");
	return { SCENARIOS, play, holds };
}

// So that it is known who imports what.
await loadScenarios();

process.on("message", (trial: Trial) => {
	tryBug(trial)
		.catch((error: unknown): Sighting => ({ seenBy: null, words: String(error) }))
		.then((sighting) => process.send?.(sighting));
});
process.send?.("ready");
