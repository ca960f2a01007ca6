/** Defects to plant: each is one place of the source and what to write there instead. The simulator must see every one. */
import { BREAKER_BUGS } from "./breaker-bugs.ts";
import { CONSUMER_BUGS } from "./consumer-bugs.ts";
import { DATABASE_BUGS } from "./database-bugs.ts";
import { DELIVERY_BUGS } from "./delivery-bugs.ts";
import { INTAKE_BUGS } from "./intake-bugs.ts";
import { LIMIT_BUGS } from "./limit-bugs.ts";
import { PRESSURE_BUGS } from "./pressure-bugs.ts";
import { SWEEPER_BUGS } from "./sweeper-bugs.ts";

export interface PlantedBug {
	/** What is wrong, in a phrase. */
	name: string;
	/** The seed that saw it last: the first to try. */
	seenBy?: number;
	/** The scenario that sees it, where no seed has to. */
	scenario?: string;
	file: string;
	/** Must stand in the file exactly once. */
	find: string;
	replace: string;
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
	...DATABASE_BUGS,
	...BREAKER_BUGS,
	...LIMIT_BUGS,
	...CONSUMER_BUGS,
	...DELIVERY_BUGS,
	...INTAKE_BUGS,
	...SWEEPER_BUGS,
	...PRESSURE_BUGS,
];
