import { createHash } from "node:crypto";
import { Dice } from "../simulation/world/dice.ts";

/**
 * Dice for one thing, such as the second call of a job. Real processes take turns as they like; with one pair of dice
 * for all, each run of a seed would be another.
 */
export function diceFor(seed: number, thing: string): Dice {
	return new Dice(createHash("sha256").update(`${seed} ${thing}`).digest().readInt32LE());
}
