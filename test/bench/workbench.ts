/** What every measurement works with, and what it finds. */
import type { System } from "./systems.ts";
import type { Load } from "./turns.ts";
import type { Upstreams } from "./upstreams.ts";

/** Whatever takes jobs and can be ended. */
export type Started = Pick<System, "name" | "submission" | "stop">;

export interface Workbench {
	load: Load;
	upstreams: Upstreams;
	/** What is started here is stopped when the measurement is over, however it ends. */
	start<S extends Started>(starter: (upstreams: Upstreams, scratch: string) => Promise<S>): Promise<S>;
	/** Says how far it has come. */
	print(line: string): void;
}

export interface Finding {
	json: object;
	lines: string[];
}
