/** The gate through which all calls of a world pass: most go through, and those that are planned to go wrong do. */
import type { Gate } from "../support/bindings.ts";
import { type Call, errorOf, type FaultKind } from "../support/fault.ts";

/** The call whose key is `at`, or the first of an actor: "consumer d1 lease jobs". */
export interface Planned {
	at: string;
	fault: FaultKind;
	/** Which wording an error gets. */
	turn?: number;
}

/** More than lie between an answer and the next call that follows from it; a turn of the event loop costs far more. */
const MICROTASKS = 300;

export interface SeenCall extends Call {
	actor: string;
	/** The actor, and what it was invoked for: "intake GET /v1/jobs". */
	door: string;
	/** Of the calls of this name by this door, the first is 1. */
	nth: number;
	/** Tells it apart from all others of a story. */
	key: string;
}

export class FaultGate {
	readonly calls: SeenCall[] = [];
	/** What went wrong as planned. */
	readonly injected: (Planned & { call: SeenCall })[] = [];
	readonly now: () => number;
	readonly #left: Planned[];
	readonly #inFlight = new Set<Promise<unknown>>();

	constructor(plan: readonly Planned[], now: () => number) {
		this.#left = [...plan];
		this.now = now;
	}

	/** For what an actor calls while it is invoked by `door`. */
	at(door: string): Gate {
		return {
			pass: (call, run, broken) => this.#pass(this.#seen(door, call), run, broken),
			counted: (run) => this.counted(run),
			now: this.now,
		};
	}

	/** The call itself, for what it changes shows only in its answer. */
	#seen(door: string, call: Call): SeenCall {
		const nth = 1 + this.calls.filter((other) => other.door === door && other.name === call.name).length;
		const [actor = ""] = door.split(" ");
		return Object.assign(call, { door, actor, nth, key: `${door}: ${call.name} #${nth}` });
	}

	async #pass<T>(call: SeenCall, run: () => Promise<T>, broken?: (fault: FaultKind, whole: T) => T): Promise<T> {
		this.calls.push(call);
		const planned = this.#left.find(({ at }) => at === call.key || at === `${call.actor} ${call.name}`);
		if (planned === undefined) return await run();
		this.#left.splice(this.#left.indexOf(planned), 1);
		this.injected.push({ ...planned, call });
		const { fault, turn = 0 } = planned;
		if (fault === "never answers and takes no effect") return await never();
		if (fault === "fails before it takes effect") throw errorOf(call.outside, turn);
		const answer = await run();
		if (fault === "takes effect and fails") throw errorOf(call.outside, turn);
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
