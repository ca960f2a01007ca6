/**
 * One invocation of a Worker, as the platform runs it: it reaches the world only by calls and timers, any of which may be
 * the last it ever makes. A dead one never hears again; a paused one hears everything at once when it wakes up.
 */
import type { Runtime } from "../../../shared/core/runtime.ts";
import { sleep } from "../../support/fake-runtime.ts";
import { startDigest } from "../../support/start-digest.ts";
import type { CallFaults } from "./options.ts";
import { instantSubtle } from "./subtle.ts";
import type { World } from "./world.ts";

/** The platform ends an invocation after fifteen minutes. */
const INVOCATION_MS_MAX = 15 * 60_000;
/** From long enough to lose a lease to long enough to outlive a tombstone's wait, nearly. */
const RECEIVER_OPEN_MS_MAX = 12 * 60_000;
/** What the platform grants an invocation. */
const STATEMENTS_MAX = 1_000;
const SUBREQUESTS_MAX = 10_000;
/** What the platform leaves to work that goes on after the answer. */
const BACKGROUND_MS_MAX = 30_000;

type Fate = keyof CallFaults | "done";

export class Invocation {
	readonly name: string;
	readonly startedAt: number;
	readonly runtime: Runtime;
	isDead = false;
	wasKilled = false;
	wasPaused = false;
	/** It was killed or paused, or a call of it went wrong: what it leaves undone is excused. */
	isHarmed = false;
	/** What happens now was asked for by a call on which this invocation has given up: it does not know, and never will. */
	actsUnknown = false;
	readonly #world: World;
	/** How far its isolate's clock is off. */
	skewMs: number;
	readonly #onDeath: (() => void)[] = [];
	#pausedUntil = 0;
	#statements = 0;
	#subrequests = 0;
	#connections = 0;
	readonly #waiting: (() => void)[] = [];

	constructor(world: World, name: string, fetch: Runtime["fetch"]) {
		this.name = name;
		this.#world = world;
		this.startedAt = world.now;
		this.skewMs = world.dice.between(-world.options.skewMs, world.options.skewMs);
		this.runtime = this.#makeRuntime(fetch);
		world.after(INVOCATION_MS_MAX, () => this.die("its time is over"));
	}

	/** Called once, unless the invocation ends by itself. */
	onDeath(react: () => void): void {
		this.#onDeath.push(react);
	}

	/** The invocation is over: nothing of it happens any more. */
	end(): void {
		this.isDead = true;
	}

	/** It has answered, and is over when its background work is. */
	async endAfter(background: Promise<void>[]): Promise<void> {
		this.#world.after(BACKGROUND_MS_MAX, () => this.die("its background work took too long"));
		await Promise.allSettled(background);
		this.end();
	}

	die(why: string): void {
		if (this.isDead) return;
		this.isDead = true;
		this.wasKilled = true;
		this.isHarmed = true;
		this.#world.note(this.name, `dies: ${why}`);
		for (const react of this.#onDeath) react();
	}

	/** Runs `go` as soon as this invocation can hear: now, after its pause, or never. */
	hear(go: () => void): void {
		if (this.isDead) return;
		if (this.#pausedUntil > this.#world.now) {
			this.#world.after(this.#pausedUntil - this.#world.now, () => this.hear(go));
			return;
		}
		go();
	}

	/** Throws once the platform would grant no more. */
	useStatements(count: number): void {
		this.#statements += count;
		if (this.#statements > STATEMENTS_MAX)
			throw new Error("D1_ERROR: Too many API requests by single Worker invocation.");
	}

	/** Resolves as soon as one of its connections is free: at once, as a rule. Counts a subrequest. */
	connect(go: () => void): void {
		this.#subrequests += 1;
		if (this.#subrequests > SUBREQUESTS_MAX) throw new Error("Too many subrequests by single Worker invocation.");
		const { connections } = this.#world.current;
		if (connections !== null && this.#connections >= connections) {
			this.#waiting.push(go);
			return;
		}
		this.#connections += 1;
		go();
	}

	/** The response to a call has begun: its connection is free. */
	disconnect(): void {
		this.#connections -= 1;
		const next = this.#waiting.shift();
		if (next === undefined) return;
		this.#connections += 1;
		next();
	}

	/**
	 * A call to a binding.
	 * @param act what the far side does with it
	 * @param serve milliseconds from the call's arrival until then, or why it is refused
	 */
	call<T>(
		site: string,
		faults: CallFaults,
		faultText: string,
		act: () => T,
		serve: () => number | string = () => 0,
	): Promise<T> {
		return new Promise<T>((resolve, reject) => {
			const call = { act, serve, resolve, reject };
			this.connect(() => this.#send(site, faults, faultText, call));
		}).finally(() => this.disconnect());
	}

	#send<T>(site: string, faults: CallFaults, faultText: string, call: Call<T>): void {
		if (this.isDead) return;
		const { dice, current } = this.#world;
		const dying = dice.chance(current.deaths) ? dice.pick(["before", "after"] as const) : null;
		if (dice.chance(current.pauses)) this.#pause();
		const fate = this.#fateOf(faults);
		if (fate !== "done") this.isHarmed = true;
		const arriveMs = dice.skewed(0, 60);
		if (dying === "before") {
			this.#world.after(0, () => this.die(`before ${site}`));
			return;
		}
		this.#world.after(arriveMs, () => {
			this.#world.note(this.name, fate === "done" ? site : `${site} [${fate}]`);
			const served = call.serve();
			if (typeof served === "string") {
				this.isHarmed = true;
				return this.hear(() => call.reject(new Error(served)));
			}
			const arrived = () => {
				const isDone = fate === "done" || fate === "after" || (fate === "hang" && dice.chance(0.5));
				const outcome = isDone ? attempt(call.act) : null;
				if (dying === "after") return this.die(`after ${site}`);
				this.#answer(fate, outcome, faultText, call);
			};
			if (served === 0) arrived();
			else this.#world.after(served, arrived);
		});
	}

	#answer<T>(fate: Fate, outcome: Outcome<T> | null, faultText: string, { act, resolve, reject }: Call<T>): void {
		const { dice } = this.#world;
		const replyMs = fate === "hang" ? dice.pick([15_000, 60_000, 600_000, 3_600_000]) : dice.skewed(0, 60);
		if (fate === "late") this.#world.after(dice.skewed(0, 8_000), () => this.#actUnknown(act));
		this.#world.after(replyMs, () =>
			this.hear(() => {
				if (outcome?.ok === false) reject(outcome.error);
				else if (fate === "done" && outcome !== null) resolve(outcome.value);
				else reject(new Error(faultText));
			}),
		);
	}

	#actUnknown(act: () => unknown): void {
		this.actsUnknown = true;
		attempt(act);
		this.actsUnknown = false;
	}

	#fateOf(faults: CallFaults): Fate {
		let throwLeft = this.#world.dice.next();
		for (const fate of ["before", "after", "late", "hang"] as const) {
			throwLeft -= faults[fate];
			if (throwLeft < 0) return fate;
		}
		return "done";
	}

	#pause(): void {
		const ms = this.#world.dice.skewed(1_000, RECEIVER_OPEN_MS_MAX);
		this.#pausedUntil = this.#world.now + ms;
		this.#world.disturb(ms);
		this.wasPaused = true;
		this.isHarmed = true;
		this.#world.note(this.name, `is paused for ${ms} ms`);
	}

	#makeRuntime(fetch: Runtime["fetch"]): Runtime {
		const { dice } = this.#world;
		const timer = (ms: number, onTime: () => void) => this.#world.after(ms, () => this.hear(onTime));
		return {
			now: () => this.#world.now + this.skewMs,
			random: () => dice.next(),
			randomBytes: (length) => dice.bytes(length),
			timer,
			sleep: (ms, signal) => sleep(timer, ms, signal),
			fetch,
			subtle: instantSubtle(),
			startDigest,
		};
	}
}

interface Call<T> {
	act: () => T;
	serve: () => number | string;
	resolve: (value: T) => void;
	reject: (error: unknown) => void;
}

type Outcome<T> = { ok: true; value: T } | { ok: false; error: unknown };

function attempt<T>(act: () => T): Outcome<T> {
	try {
		return { ok: true, value: act() };
	} catch (error) {
		return { ok: false, error };
	}
}

export function once(act: () => void): () => void {
	let isDone = false;
	return () => {
		if (!isDone) act();
		isDone = true;
	};
}
