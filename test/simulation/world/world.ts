/**
 * A world of its own time, made of one seed. Nothing in it happens but by an appointment, and between two appointments
 * every promise that can go on does: the order of all things is the seed's alone.
 */
import { START_AT } from "../../support/fake-runtime.ts";
import { Agenda } from "./agenda.ts";
import { Dice } from "./dice.ts";
import {
	type Options,
	OUT,
	OUTAGE,
	type Span,
	throwEndpoints,
	throwLimits,
	throwOptions,
	withoutFaults,
} from "./options.ts";
import { throwPressure } from "./pressure.ts";
import { Trace } from "./trace.ts";
import { inTurns } from "./turns.ts";

/** The first midnight after START_AT. */
const MIDNIGHT = Date.UTC(2026, 0, 3);
/** Dice of their own: a world without limits is what it was before there were any, and so are seeds that saw a bug. */
const LIMITS_SALT = 190;
const PRESSURE_SALT = 1_500;

/** What must hold did not. */
export interface Violation {
	/** The invariant's name, such as `S2`. */
	invariant: string;
	message: string;
}

export class World {
	/** True time, Unix milliseconds: the service sees it only through clocks that may be off. */
	now = START_AT;
	readonly dice: Dice;
	/** As thrown for this seed, with what a test wants otherwise. */
	readonly options: Options;
	/** What is in force now: faults end. */
	current: Options;
	hasFaults = true;
	readonly trace: Trace;
	readonly violations: Violation[] = [];
	readonly #agenda = new Agenda();
	#databaseOffsetMs = 0;
	/** How far the database's clock has jumped in all: what was to come soon by it may take so much longer. */
	jumpedMs = 0;
	/** Since when nothing goes wrong; null: something does. */
	#calmSince: number | null = null;
	/** When the last effect of a fault is over: an invocation that is paused wakes up, a late message arrives. */
	#disturbedUntil = 0;

	constructor(seed: number, { overrides = {}, trace = false }: { overrides?: Partial<Options>; trace?: boolean } = {}) {
		this.dice = new Dice(seed);
		this.options = {
			...throwOptions(this.dice),
			...throwEndpoints(new Dice(~seed)),
			...throwLimits(new Dice(seed ^ LIMITS_SALT)),
			...throwPressure(new Dice(seed ^ PRESSURE_SALT)),
			...overrides,
		};
		const { beforeMidnightMs } = this.options;
		if (beforeMidnightMs !== null) this.now = MIDNIGHT - beforeMidnightMs;
		this.current = this.options;
		this.trace = new Trace({ isKept: trace, startAt: START_AT });
		for (let outage = 0; outage < this.options.outages; outage++) {
			this.after(this.dice.next() * this.options.faultsMs, () =>
				this.#beginOutage(this.dice.pick(["database", "storage"])),
			);
		}
		const { refusedPuts, singleFault } = this.options;
		if (refusedPuts !== null) this.#during(refusedPuts, { storageWrites: OUT });
		if (singleFault === null) return;
		this.#calmSince = this.now;
		this.#during(singleFault, singleFault.faults);
	}

	/** Milliseconds for which nothing has gone wrong, and no earlier fault has had an effect. */
	get calmMs(): number {
		return this.#calmSince === null ? 0 : Math.max(0, this.now - Math.max(this.#calmSince, this.#disturbedUntil));
	}

	/** A fault has an effect for so long. */
	disturb(ms: number): void {
		this.#disturbedUntil = Math.max(this.#disturbedUntil, this.now + ms);
	}

	#during({ fromMs, forMs }: Span, faults: Partial<Options>): void {
		this.after(fromMs, () => {
			if (!this.hasFaults) return;
			this.note("world", `begins: ${Object.keys(faults)}`);
			this.#calmSince = null;
			this.current = { ...this.current, ...faults };
			this.after(forMs, () => {
				if (!this.hasFaults) return;
				this.note("world", "is as before");
				const before = Object.keys(faults).map((name) => [name, Reflect.get(this.options, name)]);
				this.current = { ...this.current, ...Object.fromEntries(before) };
				if (this.options.singleFault !== null) this.#calmSince = this.now;
			});
		});
	}

	/** The database's own clock. */
	get databaseNow(): number {
		return this.now + this.#databaseOffsetMs;
	}

	jumpDatabaseClock(ms: number): void {
		this.#databaseOffsetMs += ms;
		this.jumpedMs += Math.abs(ms);
		this.note("clock", `the database's clock jumps by ${ms} ms`);
	}

	#beginOutage(what: "database" | "storage"): void {
		if (!this.hasFaults) return;
		this.note("world", `${what} is out`);
		this.current = { ...this.current, [what]: OUTAGE };
		this.after(this.options.outageMs, () => {
			if (this.hasFaults) this.current = { ...this.current, [what]: this.options[what] };
		});
	}

	/** Nothing goes wrong from now on; what went wrong before stays so. */
	endFaults(): void {
		this.hasFaults = false;
		this.#calmSince ??= this.now;
		this.current = withoutFaults(this.options);
		this.note("world", "faults end");
	}

	note(who: string, what: string): void {
		this.trace.note(this.now, who, what);
	}

	/** @returns takes the appointment back */
	after(ms: number, run: () => void): () => void {
		const appointment = this.#agenda.add(this.now + Math.max(0, Math.ceil(ms)), run);
		return () => this.#agenda.takeBack(appointment);
	}

	violate(invariant: string, message: string): void {
		this.violations.push({ invariant, message });
		this.note("!", `${invariant}: ${message}`);
	}

	/** Lets time pass until `isOver`, or for `ms`, or until something is violated. True: `isOver` came true. */
	run(ms: number, isOver: () => boolean = () => false): Promise<boolean> {
		const stopAt = this.now + ms;
		return inTurns(() => {
			if (isOver()) return true;
			if (this.violations.length > 0) return false;
			const nextAt = this.#agenda.nextAt();
			if (nextAt === null || nextAt > stopAt) {
				this.now = stopAt;
				return isOver();
			}
			const appointment = this.#agenda.take();
			this.now = Math.max(this.now, nextAt);
			appointment?.run();
			return null;
		});
	}
}
