/**
 * One test for each call of an actor to the outside, by its name: in every story that makes it, every fault it can have is
 * tried, one a run. A call that the catalogue does not list fails each story that makes it; one that no story makes fails
 * its test.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { emptyTables } from "../support/all-rows.ts";
import { type FaultKind, faultsOf } from "../support/fault.ts";
import { conclude, type Ends } from "./check.ts";
import type { Planned, SeenCall } from "./fault-gate.ts";
import { Story } from "./story.ts";
import { World } from "./world.ts";

/** Dozens of stories in one test, on a machine that is busy with other files. */
const TIMEOUT_MS = 120_000;
/** Of the calls of one name, those that follow are made in the same circumstances. */
const NTH_MAX = 2;

export interface Scenario {
	name: string;
	/** Goes wrong in every run: there are calls that only a fault leads to. */
	given?: Planned[];
	/** The calls that it is about, by door and name; all that it makes, unless given. Other scenarios try the others. */
	tries?: RegExp;
	/** Its jobs go side by side: what happens to one must not so much as delay the others. */
	isBatch?: boolean;
	play(story: Story): Promise<void>;
}

interface Run {
	problems: string[];
	/** Less those that were given to go wrong. */
	calls: SeenCall[];
	/** What went wrong as planned, and not as given. */
	injected: SeenCall[];
	ends: Ends;
}

/** @param names of the actor's calls: two files may share them */
export function describeFaults(actor: string, names: readonly string[], scenarios: Scenario[]): void {
	const undisturbed = new Map<Scenario, Run>();

	beforeAll(async () => {
		for (const scenario of scenarios) undisturbed.set(scenario, await play(scenario, []));
	}, TIMEOUT_MS);

	// No `it.each`, which cuts long names short.
	describe("undisturbed", () => {
		for (const scenario of scenarios) {
			it(`${scenario.name}: ends well`, () => {
				expect(undisturbed.get(scenario)?.problems.join("\n")).toBe("");
			});
		}
	});

	describe("a call that fails, before or after its effect, or hangs costs nothing but time", () => {
		for (const name of names) {
			it(name, () => tryAll((call) => call.actor === actor && call.name === name, scenarios, undisturbed), TIMEOUT_MS);
		}
	});
}

type Choice = (call: SeenCall) => boolean;

async function tryAll(isIt: Choice, scenarios: Scenario[], undisturbed: Map<Scenario, Run>): Promise<void> {
	const cases = scenarios.flatMap((scenario) => casesOf(scenario, undisturbed.get(scenario), isIt));
	expect(cases.length, "faults that some scenario tries").toBeGreaterThan(0);
	const problems: string[] = [];
	for (const [turn, { scenario, at, fault }] of cases.entries()) {
		const run = await play(scenario, [{ at, fault, turn }]);
		const found = [...run.problems, ...neighboursHarmed(scenario, undisturbed.get(scenario), run, fault)];
		if (run.injected.length === 0) found.push("the call was never made");
		problems.push(...found.map((problem) => `${scenario.name}, ${fault}: ${problem}`));
	}
	expect(problems.join("\n")).toBe("");
}

/** Each of those calls that the scenario tries, with each fault that it can have. */
function casesOf(scenario: Scenario, run: Run | undefined, isIt: Choice) {
	const isTried = ({ door, name, nth }: SeenCall) =>
		nth <= NTH_MAX && scenario.tries?.test(`${door}: ${name}`) !== false;
	const calls = run?.calls.filter((call) => isIt(call) && isTried(call)) ?? [];
	return calls.flatMap((call) => faultsOf(call).map((fault) => ({ scenario, at: call.key, fault })));
}

async function play(scenario: Scenario, plan: Planned[]): Promise<Run> {
	await emptyTables();
	const world = new World([...(scenario.given ?? []), ...plan]);
	let ends: Ends = [];
	try {
		const story = await Story.begin(world);
		await scenario.play(story);
		ends = await conclude(story);
	} catch (error) {
		world.problem(`the story breaks off: ${error instanceof Error ? error.stack : String(error)}`);
	}
	const injectedAt = (planned: Planned[]) =>
		world.gate.injected.filter(({ at }) => planned.some((one) => one.at === at)).map(({ call }) => call);
	const given = injectedAt(scenario.given ?? []);
	if (given.length !== (scenario.given?.length ?? 0)) world.problem("what was given did not happen");
	const calls = world.gate.calls.filter((call) => !given.includes(call));
	return { problems: [...new Set(world.problems)], calls, injected: injectedAt(plan), ends };
}

/** How long a write that hangs holds up those who would have shared the next. */
const HELD_UP_MS_MAX = 1_000;

/** Jobs that the call was not about end when they would have ended anyway. */
function neighboursHarmed(scenario: Scenario, undisturbed: Run | undefined, run: Run, fault: FaultKind): string[] {
	const about = run.injected[0]?.about ?? [];
	const hangs = fault.includes("never answers");
	if (about.length === 0 || !scenario.isBatch) return [];
	return run.ends.flatMap((job, at) => {
		const usual = undisturbed?.ends[at];
		const isLate = (at: number | null, usually: number | null | undefined) =>
			at !== usually && !(hangs && Number(at) - Number(usually) <= HELD_UP_MS_MAX);
		const isSame = !isLate(job.endedMs, usual?.endedMs) && !isLate(job.toldMs, usual?.toldMs);
		if (isSame || job.about.some((one) => about.includes(one))) return [];
		return [`“${job.about[1]}” ends after ${job.endedMs} ms and is told after ${job.toldMs}, as it usually is not`];
	});
}
