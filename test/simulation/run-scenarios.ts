/** Plays scenarios by name, or all but the long ones, several at a time, and prints what came of each. */
import { type ChildProcess, fork } from "node:child_process";
import { SCENARIOS } from "./scenarios/all.ts";
import { type Played, play } from "./scenarios/play.ts";
import { holds } from "./scenarios/scenario.ts";

/** @returns whether it holds */
export async function playOne(name: string, trace: boolean): Promise<boolean> {
	const scenario = SCENARIOS.find((one) => one.name === name);
	if (scenario === undefined)
		throw new Error(`no scenario is named ${name}: ${SCENARIOS.map((one) => one.name).join(", ")}`);
	const startedAt = performance.now();
	const played = await play(scenario, { trace });
	if (trace) console.log(played.lines.join("\n"));
	print(played, (performance.now() - startedAt) / 1_000);
	return played.holds;
}

/** In processes of their own, for an engine serves one world at a time: each plays one after the other. */
export async function playAll(processes: number): Promise<boolean> {
	const left = SCENARIOS.filter(({ isLong }) => !isLong).map(({ name }) => name);
	let areGood = true;
	const work = async () => {
		const player = fork(`${import.meta.dirname}/run.ts`, ["--player"], { stdio: "inherit" });
		for (let name = left.shift(); name !== undefined; name = left.shift())
			areGood = (await playIn(player, name)) && areGood;
		player.disconnect();
	};
	await Promise.all(Array.from({ length: processes }, work));
	return areGood;
}

function playIn(player: ChildProcess, name: string): Promise<boolean> {
	return new Promise((resolve, reject) => {
		player.removeAllListeners();
		player.once("message", (isGood) => resolve(isGood === true));
		player.once("exit", () => reject(new Error(`the process that plays ${name} broke down`)));
		player.send(name);
	});
}

/** Plays what the parent names, until it names no more. */
export function playNamed(): void {
	process.on("message", async (name: string) => process.send?.(await playOne(name, false)));
}

function print({ scenario, figures, violations, virtualMs, holds: isGood }: Played, seconds: number): void {
	const time = `${seconds.toFixed(1)} s for ${(virtualMs / 60_000).toFixed(0)} min`;
	const rows = figures.map((figure) => `    ${holds(figure) ? "ok    " : "FAILED"} ${figure.what}: ${shown(figure)}`);
	const broken = violations.map(({ invariant, message }) => `VIOLATED ${invariant}: ${message}`);
	console.log(
		[`${isGood ? "holds" : "FAILS"}  ${scenario.name}: ${scenario.promise} (${time})`, ...rows, ...broken].join("\n"),
	);
}

function shown({ value, atLeast, atMost }: Played["figures"][number]): string {
	const bounds = [
		atLeast === undefined ? [] : `at least ${atLeast}`,
		atMost === undefined ? [] : `at most ${atMost}`,
	].flat();
	const number = Number.isInteger(value) ? String(value) : value.toFixed(2);
	return bounds.length === 0 ? number : `${number} (${bounds.join(", ")})`;
}
