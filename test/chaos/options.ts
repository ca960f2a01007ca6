/** The options of `npm run chaos`, and the service's settings under it. */
import { parseArgs } from "node:util";

export interface Options {
	seed: number;
	/** How many times the service is killed, paused or stopped. */
	kills: number;
	jobs: number;
	/** Whether the state, the history and the log are kept when all is well, too. */
	keep: boolean;
}

/** Short, so that what a kill left behind is found within the run. */
export const LEASE_SECONDS = 6;
export const SERVICE_SETTINGS = {
	LEASE_SECONDS: String(LEASE_SECONDS),
	HEARTBEAT_SECONDS: "2",
	SWEEP_SECONDS: "1",
	DELIVERY_SCHEDULE_SECONDS: "0,1,1,2,2",
};

export function readOptions(args: string[]): Options {
	const { values } = parseArgs({
		args,
		options: {
			seed: { type: "string", default: "1" },
			kills: { type: "string", default: "4" },
			jobs: { type: "string", default: "200" },
			keep: { type: "boolean", default: false },
		},
	});
	const { seed, kills, jobs, keep } = values;
	return { seed: count("seed", seed), kills: count("kills", kills), jobs: count("jobs", jobs), keep };
}

function count(name: string, text: string): number {
	const value = Number(text);
	if (Number.isSafeInteger(value) && value >= 0) return value;
	throw new Error(`--${name} must be a whole number from 0 on, and is "${text}"`);
}
