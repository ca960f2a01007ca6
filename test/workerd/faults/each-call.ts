/**
 * One test for each call of an actor to the outside, by its name: in every story that makes it, every fault it can have is
 * tried, one a run. A call that the catalogue does not list fails each story that makes it; one that no story makes fails
 * its test.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { describeApi, operationAt } from "../../support/api-description.ts";
import { START_AT } from "../../support/fake-runtime.ts";
import { DAY } from "../support/a-job.ts";
import { emptyTables } from "../support/all-rows.ts";
import { type FaultKind, faultsOf } from "../world/faults.ts";
import type { Rule, SeenCall } from "../world/gate.ts";
import { World } from "../world/world.ts";
import { conclude, type Ends } from "./check.ts";
import { CONFIG } from "./config.ts";
import { Story } from "./story.ts";

/** Dozens of stories in one test, on a machine that is busy with other files. */
const TIMEOUT_MS = 120_000;
/**
 * Of the calls of one name, the code knows a first and a repetition: a retry, another page, the next heartbeat. A third takes
 * the way of the second; tests of consumer and dispatcher go to the last one where a count decides.
 */
const NTH_MAX = 2;

export interface Scenario {
	name: string;
	/** Goes wrong in every run: there are calls that only a fault leads to. */
	given?: Rule[];
	/** The calls that it is about, by key: "consumer: d1 lease jobs #1"; all that it makes, unless given. Other scenarios try the others. */
	tries?: RegExp;
	/** Its jobs go side by side: what happens to one must not so much as delay the others. */
	isBatch?: boolean;
	play(story: Story): Promise<unknown>;
}

interface Run {
	problems: string[];
	/** Less those that were given to go wrong. */
	calls: SeenCall[];
	/** What went wrong as planned, and not as given. */
	injected: SeenCall[];
	ends: Ends;
}

/** @param covered calls of the actor, and operations of the API that the scenarios play; two files may share an actor */
export function describeFaults(
	actor: string,
	covered: { calls: readonly string[]; operations?: readonly string[] },
	scenarios: Scenario[],
): void {
	const { calls, operations = [] } = covered;
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

	if (operations.length > 0) {
		it("tries a call of each operation", async () => {
			const description = await describeApi();
			const tried = scenarios.flatMap((scenario) => triedBy(scenario, undisturbed.get(scenario)));
			const played = tried.map(({ invokedFor }) => {
				const [, method = "", path = ""] = invokedFor.split(" ");
				return operationAt(description, method, path)?.id;
			});
			expect(operations.filter((id) => !played.includes(id))).toEqual([]);
		});
	}

	describe("a call that fails, before or after its effect, or hangs costs nothing but time", () => {
		for (const name of calls) {
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

function triedBy({ tries }: Scenario, run: Run | undefined): SeenCall[] {
	return run?.calls.filter(({ key, nth }) => nth <= NTH_MAX && tries?.test(key) !== false) ?? [];
}

/** Each of those calls that the scenario tries, with each fault that it can have. */
function casesOf(scenario: Scenario, run: Run | undefined, isIt: Choice) {
	const calls = triedBy(scenario, run).filter(isIt);
	return calls.flatMap((call) => faultsOf(call).map((fault) => ({ scenario, at: call.key, fault })));
}

/** Days apart, so that no world finds what another left in R2, or in the memory of the isolate. */
let worldsMade = 0;

async function play({ given = [], ...scenario }: Scenario, rules: Rule[]): Promise<Run> {
	await emptyTables();
	const startAt = START_AT + 10 * DAY * worldsMade++;
	const world = new World({ startAt, config: CONFIG, rules: [...given, ...rules], runsByItself: true });
	let ends: Ends = [];
	try {
		const story = await Story.begin(world);
		await scenario.play(story);
		ends = await conclude(story);
	} catch (error) {
		world.problem(`the story breaks off: ${error instanceof Error ? error.stack : String(error)}`);
	}
	const injectedBy = (some: Rule[]) =>
		world.gate.injected.filter(({ rule }) => some.includes(rule)).map(({ call }) => call);
	if (injectedBy(given).length !== given.length) world.problem("what was given did not happen");
	const calls = world.gate.calls.filter((call) => !injectedBy(given).includes(call));
	return { problems: [...new Set(world.problems)], calls, injected: injectedBy(rules), ends };
}

/** How long a write that hangs holds up those who would have shared the next. */
const HELD_UP_MS_MAX = 1_000;

/** Jobs that the call was not about end when they would have ended anyway. */
function neighboursHarmed(scenario: Scenario, undisturbed: Run | undefined, run: Run, fault: FaultKind): string[] {
	const about = run.injected[0]?.about ?? [];
	const hangs = fault.startsWith("hangs");
	if (about.length === 0 || !scenario.isBatch) return [];
	return run.ends.flatMap((job, at) => {
		const usual = undisturbed?.ends[at];
		const isLate = (at: number | null, usually: number | null | undefined) =>
			at !== usually && !(hangs && Number(at) - Number(usually) <= HELD_UP_MS_MAX);
		const isSame = !isLate(job.endedMs, usual?.endedMs) && !isLate(job.webhookMs, usual?.webhookMs);
		if (isSame || job.about.some((one) => about.includes(one))) return [];
		return [`“${job.about[1]}” ends after ${job.endedMs} ms, its webhook comes after ${job.webhookMs}: not as usual`];
	});
}
