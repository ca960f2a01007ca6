/** The options of `npm run bench`. */
import { parseArgs } from "node:util";
import type { Load } from "./turns.ts";

const MODES = ["compare", "start", "growth", "backlog", "profile"] as const;
export type Mode = (typeof MODES)[number];

export interface Options {
	mode: Mode;
	/** Prints JSON and nothing else. */
	json: boolean;
	load: Load;
}

export function readOptions(args: string[]): Options {
	const { values, positionals } = parseArgs({
		args,
		allowPositionals: true,
		options: {
			json: { type: "boolean", default: false },
			rounds: { type: "string", default: "5" },
			jobs: { type: "string", default: "300" },
			"at-once": { type: "string", default: "32" },
			"idle-jobs": { type: "string", default: "10" },
		},
	});
	const mode = MODES.find((name) => name === (positionals[0] ?? "compare"));
	if (mode === undefined) throw new Error(`give one of ${MODES.join(", ")}`);
	const load = {
		rounds: count("rounds", values.rounds),
		jobs: count("jobs", values.jobs),
		atOnce: count("at-once", values["at-once"]),
		idleJobs: count("idle-jobs", values["idle-jobs"]),
	};
	return { mode, json: values.json, load };
}

function count(name: string, text: string): number {
	const value = Number(text);
	if (Number.isSafeInteger(value) && value > 0) return value;
	throw new Error(`--${name} must be a whole number from 1 on, and is "${text}"`);
}
