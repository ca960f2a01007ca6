/** What is done to the service, and what is asked of it meanwhile: all of it from the seed. */
import type { Dice } from "../simulation/world/dice.ts";
import { diceFor } from "./dice-for.ts";
import { LEASE_SECONDS, type Options } from "./options.ts";
import { type PlannedJob, planJob } from "./planned-job.ts";

/**
 * `kill`: SIGKILL to everything. `kill_runtime`: to one workerd alone. `stop`: SIGTERM to the script, as Ctrl-C does.
 * `pause`, `pause_runtime`: SIGSTOP for longer than a lease, then SIGCONT.
 */
export type Kind = "kill" | "kill_runtime" | "stop" | "pause" | "pause_runtime";

export interface Action {
	kind: Kind;
	/** How long the service runs undisturbed before it. */
	gapMs: number;
	pauseMs: number;
	/** Which of the two runtimes, where one alone is meant: the proxy, or the one behind it that runs the Worker. */
	runtime: "front" | "worker";
}

interface Plan {
	actions: Action[];
	jobs: PlannedJob[];
}

/** Roughly what it takes until the service is there again: only spreads the submissions. */
const RESTART_MS = 9_000;

export function makePlan({ seed, kills, jobs }: Options, webhookUrl: string): Plan {
	const dice = diceFor(seed, "plan");
	const actions = planActions(dice, kills);
	const lastingMs = actions.reduce((sum, action) => sum + action.gapMs + downMs(action), 2_000);
	return {
		actions,
		jobs: Array.from({ length: jobs }, (_, index) => {
			const tag = `s${index + 1}`;
			return planJob(diceFor(seed, tag), tag, { spreadMs: lastingMs * 0.9, webhookUrl });
		}),
	};
}

/**
 * One of each kind, in rounds. In the last round those come first that lose the queues' messages: a lost webhook is redispatched
 * for again a minute later, and that minute passes while the others happen.
 */
function planActions(dice: Dice, kills: number): Action[] {
	const kinds: Kind[] = [];
	while (kinds.length < kills) {
		const isLast = kills - kinds.length <= 4;
		const runtime: Kind = dice.chance(0.5) ? "kill_runtime" : "pause_runtime";
		const round = shuffled(dice, ["kill", "stop", "pause", runtime] satisfies Kind[]);
		kinds.push(...(isLast ? round.toSorted((a, b) => Number(isPause(a)) - Number(isPause(b))) : round));
	}
	return kinds.slice(0, kills).map((kind) => ({
		kind,
		gapMs: dice.between(1_500, 4_500),
		pauseMs: LEASE_SECONDS * 1_000 + dice.between(500, 2_500),
		runtime: dice.chance(0.7) ? "worker" : "front",
	}));
}

function isPause(kind: Kind): boolean {
	return kind === "pause" || kind === "pause_runtime";
}

function downMs({ kind, pauseMs }: Action): number {
	return isPause(kind) ? pauseMs : RESTART_MS;
}

function shuffled<T>(dice: Dice, list: readonly T[]): T[] {
	return list
		.map((item) => ({ item, place: dice.next() }))
		.sort((a, b) => a.place - b.place)
		.map(({ item }) => item);
}
