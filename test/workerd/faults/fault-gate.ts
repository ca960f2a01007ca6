/** The gate through which all calls of a world pass: most go through, and those that are planned to go wrong do. */
import type { Gate } from "./bindings.ts";
import { type Called, errorOf, type Fault } from "./fault.ts";
import { type Place, placeOfCall } from "./place.ts";

/** The first call from a place whose key, or site, is `at`. */
export interface Planned {
	at: string;
	fault: Fault;
	/** Which wording an error gets. */
	turn?: number;
}

/** More than lie between an answer and the next call that follows from it; a turn of the event loop costs far more. */
const MICROTASKS = 300;

export type Call = Called & Place;

export class FaultGate implements Gate {
	readonly calls: Call[] = [];
	/** What went wrong as planned. */
	readonly injected: (Planned & { call: Call })[] = [];
	readonly now: () => number;
	readonly #left: Planned[];
	readonly #inFlight = new Set<Promise<unknown>>();

	constructor(plan: readonly Planned[], now: () => number) {
		this.#left = [...plan];
		this.now = now;
	}

	async pass<T>(called: Called, run: () => Promise<T>, broken?: (fault: Fault, whole: T) => T): Promise<T> {
		const call = { ...called, ...placeOfCall() };
		this.calls.push(call);
		const planned = this.#left.find(({ at }) => at === call.key || at === call.site);
		if (planned === undefined) return await run();
		this.#left.splice(this.#left.indexOf(planned), 1);
		this.injected.push({ ...planned, call });
		const { fault, turn = 0 } = planned;
		if (fault === "never answers and takes no effect") return await never();
		if (fault === "fails before it takes effect") throw errorOf(called.outside, turn);
		const answer = await run();
		if (fault === "takes effect and fails") throw errorOf(called.outside, turn);
		if (fault === "takes effect and never answers") return await never();
		return broken === undefined ? answer : broken(fault, answer);
	}

	/** Real I/O, during which the world's clock stands still. */
	async counted<T>(run: () => Promise<T>): Promise<T> {
		const running = run();
		this.#inFlight.add(running);
		try {
			return await running;
		} finally {
			this.#inFlight.delete(running);
		}
	}

	/** Resolves when no I/O is under way, and none begins. */
	async quiet(): Promise<void> {
		do {
			for (let idle = 0; idle < MICROTASKS; idle = this.#inFlight.size > 0 ? 0 : idle + 1) {
				await (this.#inFlight.size > 0 ? Promise.allSettled(this.#inFlight) : undefined);
			}
			// For what is no call to the outside and takes a turn all the same.
			await turn();
		} while (this.#inFlight.size > 0);
	}
}

export function turn(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}

function never(): Promise<never> {
	return new Promise(() => undefined);
}
