/** The gate that all calls of a world pass: most go through, and those that a rule names go wrong. */
import { type Call, errorOf, FAULTS, type Fault, type FaultKind } from "./faults.ts";

export interface Rule {
	/** The key of one call; or actor and name, "consumer d1 lease jobs"; or what name and detail match. */
	at: string | RegExp;
	fault: FaultKind | Fault;
	/** How many calls it meets: one, unless given. */
	times?: number;
	/** Which wording an error gets. */
	turn?: number;
	/** Only calls of this process. */
	process?: Caller;
}

/** Makes calls, until it is dead. */
export interface Caller {
	/** An actor, and what it was invoked for: "intake GET /v1/jobs". */
	readonly invokedFor: string;
	isDead: boolean;
}

export interface SeenCall extends Call {
	actor: string;
	invokedFor: string;
	/** Of the calls of this name by such invocations, the first is 1. */
	nth: number;
	/** Distinguishes it from all others of a story. */
	key: string;
}

type BodyEnding = "breaks off" | "never ends";

/** The gate for one process. */
export interface ProcessGate {
	/** @param broken `whole` with another body */
	pass<T>(call: Call, run: () => Promise<T>, broken?: (ending: BodyEnding, whole: T) => T): Promise<T>;
	/** Real I/O, during which the world's clock stands still. */
	counted<T>(run: () => Promise<T>): Promise<T>;
	now(): number;
}

/** More than lie between a reply and the next call that follows from it; a turn of the event loop costs far more. */
const MICROTASKS = 300;

export class Gate {
	readonly calls: SeenCall[] = [];
	/** What went wrong, by which rule. */
	readonly injected: { rule: Rule; call: SeenCall }[] = [];
	readonly #now: () => number;
	readonly #rules: { rule: Rule; left: number }[] = [];
	readonly #made = new Map<string, number>();
	readonly #inFlight = new Set<Promise<unknown>>();

	constructor(now: () => number) {
		this.#now = now;
	}

	add(rule: Rule): void {
		this.#rules.push({ rule, left: rule.times ?? 1 });
	}

	of(process: Caller): ProcessGate {
		return {
			pass: (call, run, broken) => this.#pass(process, call, run, broken),
			counted: (run) => this.counted(run),
			now: this.#now,
		};
	}

	async #pass<T>(
		process: Caller,
		unseen: Call,
		run: () => Promise<T>,
		broken?: (ending: BodyEnding, whole: T) => T,
	): Promise<T> {
		if (process.isDead) return await never();
		const call = this.#see(process, unseen);
		const replies: T[] = [];
		const go = async () => {
			replies.push(await run());
		};
		const found = this.#rules.find(({ rule, left }) => left > 0 && covers(rule, call, process));
		if (found === undefined) await go();
		else {
			found.left -= 1;
			this.injected.push({ rule: found.rule, call });
			const { fault, turn = 0 } = found.rule;
			await (typeof fault === "string" ? FAULTS[fault] : fault)(go, {
				error: () => errorOf(call.outside, turn),
				kill: () => {
					process.isDead = true;
				},
				breakBody: (ending) => replies.push(...replies.splice(0).map((whole) => broken?.(ending, whole) ?? whole)),
			});
		}
		for (const reply of process.isDead ? [] : replies) return reply;
		return await never();
	}

	/** The call itself, for what it changes shows only in its reply. */
	#see({ invokedFor }: Caller, call: Call): SeenCall {
		const nameHere = `${invokedFor}: ${call.name}`;
		const nth = 1 + (this.#made.get(nameHere) ?? 0);
		this.#made.set(nameHere, nth);
		const [actor = ""] = invokedFor.split(" ");
		const seen = Object.assign(call, { invokedFor, actor, nth, key: `${nameHere} #${nth}` });
		this.calls.push(seen);
		return seen;
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

	/** Resolves when no I/O is in flight, and none begins. */
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

function covers({ at, process }: Rule, { key, actor, name, detail = "" }: SeenCall, caller: Caller): boolean {
	if (process !== undefined && process !== caller) return false;
	return typeof at === "string" ? at === key || at === `${actor} ${name}` : at.test(name + detail);
}

export function turn(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}

function never(): Promise<never> {
	return new Promise(() => undefined);
}
