/** Writes the history down, by one clock: what the callers, the receiver, the provider and the supervisor did and saw. */
import type { HistoryEvent } from "../simulation/history.ts";

/** All jobs are the development tenant's. */
const TENANT = "development";

type Facts = Partial<HistoryEvent> & Pick<HistoryEvent, "op">;

export class Recorder {
	readonly events: HistoryEvent[] = [];
	readonly #beganAt = performance.now();
	#requests = 0;

	/** Milliseconds since the run began. */
	get now(): number {
		return Math.round((performance.now() - this.#beganAt) * 100) / 100;
	}

	/** Something begins. Returns how to say what came of it. */
	begin(client: string, facts: Facts): (end: Partial<HistoryEvent> & { type: "ok" | "fail" | "info" }) => void {
		this.#requests += 1;
		const base = { client, tenant: TENANT, request: this.#requests, ...facts };
		this.events.push({ at: this.now, type: "invoke", ...base });
		return (end) => void this.events.push({ at: this.now, ...base, ...end });
	}

	/** Something that has no length. */
	note(client: string, type: "ok" | "fail" | "info", facts: Facts): void {
		this.#requests += 1;
		this.events.push({ at: this.now, client, tenant: TENANT, request: this.#requests, type, ...facts });
	}
}
