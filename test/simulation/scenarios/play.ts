/** Plays a scenario, with the engine's invariants watching. */
import { INVARIANTS_OF_ENGINE } from "../invariants/all.ts";
import { listenToLogs } from "../logs.ts";
import type { Violation } from "../world/world.ts";
import { type Figure, holds, type Scenario } from "./scenario.ts";
import { type PlayOptions, Stage, StoppedEarly } from "./stage.ts";

export interface Played {
	scenario: Scenario;
	figures: readonly Figure[];
	violations: readonly Violation[];
	holds: boolean;
	lines: readonly string[];
	virtualMs: number;
}

export async function play(scenario: Scenario, options: PlayOptions = {}): Promise<Played> {
	const stage = await Stage.open(scenario, options);
	const { world } = stage;
	const startedAt = world.now;
	const stopListening = listenToLogs(world);
	try {
		for (const watch of INVARIANTS_OF_ENGINE) watch(stage.simulation);
		await scenario.play(stage);
	} catch (error) {
		if (!(error instanceof StoppedEarly)) throw error;
	} finally {
		stopListening();
	}
	const { figures } = stage;
	const { violations } = world;
	const isGood = figures.length > 0 && figures.every(holds) && violations.length === 0;
	return { scenario, figures, violations, holds: isGood, lines: world.trace.lines, virtualMs: world.now - startedAt };
}
