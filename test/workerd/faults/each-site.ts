/**
 * One test for each call site of an actor: in every story that comes past it, every fault it can have is tried, one a
 * run. The sites come from the source, so a new one has a test at once, and fails it until a story comes past.
 */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import type { CallSite } from "../../support/call-sites.ts";
import { emptyTables } from "../support/a-world.ts";
import { conclude, type Ends } from "./check.ts";
import { type Fault, faultsOf } from "./fault.ts";
import type { Call, Planned } from "./fault-gate.ts";
import { Story } from "./story.ts";
import { World } from "./world.ts";

/** Dozens of stories in one test, on a machine that is busy with other files. */
const TIMEOUT_MS = 120_000;

export interface Scenario {
	name: string;
	/** Goes wrong in every run: there are calls that only a fault leads to. */
	given?: Planned[];
	/** The sites that it is about; all that it comes past, unless given. Other scenarios try the others. */
	tries?: RegExp;
	/** Its jobs go side by side: what happens to one must not so much as delay the others. */
	isBatch?: boolean;
	play(story: Story): Promise<void>;
}

interface Run {
	problems: string[];
	/** Less those that were given to go wrong. */
	calls: Call[];
	/** What went wrong as planned, and not as given. */
	injected: Call[];
	ends: Ends;
}

/** @param covers which of the actor's sites: two files may share them */
export function describeFaults(actor: string, scenarios: Scenario[], covers = (_name: string) => true): void {
	const sites = env.TEST_CALL_SITES.filter((site) => site.actor === actor && covers(site.name));
	const undisturbed = new Map<Scenario, Run>();

	beforeAll(async () => {
		for (const scenario of scenarios) undisturbed.set(scenario, await play(scenario, []));
	}, TIMEOUT_MS);

	// No `it.each`, which cuts long names short.
	describe("undisturbed", () => {
		for (const scenario of scenarios) {
			it(`${scenario.name}: ends well`, () => {
				expect(undisturbed.get(scenario)?.problems).toEqual([]);
			});
		}
	});

	describe("a call that fails, before or after its effect, or hangs costs nothing but time", () => {
		for (const site of sites) it(site.name, () => tryAll(site, scenarios, undisturbed), TIMEOUT_MS);
	});
}

async function tryAll({ name, places }: CallSite, scenarios: Scenario[], undisturbed: Map<Scenario, Run>) {
	const cases = scenarios.flatMap((scenario) => casesOf(scenario, undisturbed.get(scenario), name));
	expect(new Set(cases.map(({ at }) => at)).size, "places of this site that some scenario comes past").toBe(places);
	const problems: string[] = [];
	for (const [turn, { scenario, at, fault }] of cases.entries()) {
		const run = await play(scenario, [{ at, fault, turn }]);
		const found = [...run.problems, ...neighboursHarmed(scenario, undisturbed.get(scenario), run, fault)];
		if (run.injected.length === 0) found.push("the call was never made");
		problems.push(...found.map((problem) => `${scenario.name}, ${fault}: ${problem}`));
	}
	expect(problems).toEqual([]);
}

/** Each place of the site that the scenario comes past, with each fault that it can have. */
function casesOf(scenario: Scenario, run: Run | undefined, site: string) {
	const calls = run?.calls.filter((call) => call.site === site && scenario.tries?.test(site) !== false) ?? [];
	const places = new Map(calls.map((call) => [call.key, call]));
	return [...places].flatMap(([at, call]) => faultsOf(call).map((fault: Fault) => ({ scenario, at, fault })));
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
	return { problems: world.problems, calls, injected: injectedAt(plan), ends };
}

/** How long a write that hangs holds up those who would have shared the next. */
const HELD_UP_MS_MAX = 1_000;

/** Jobs that the call was not about end when they would have ended anyway. */
function neighboursHarmed(scenario: Scenario, undisturbed: Run | undefined, run: Run, fault: Fault): string[] {
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
