/**
 * Watches one call for its time limit, for silence, and for an abort from outside. The first of these gives the call up and
 * is its reason: the awaited promise rejects, and the caller stops the watch, which closes the connection to the provider.
 */
import type { Runtime } from "../core/runtime.ts";

/** `timed_out`: the whole call took too long. `stalled`: the provider went silent. `aborted`: from outside. */
export type GivenUp = "timed_out" | "stalled" | "aborted";

/** The rejection of the awaited promise when the call is given up. */
export class CallGivenUp extends Error {
	override name = "CallGivenUp";
}

/**
 * The abort reason of a call that is no longer awaited. Shared, because creating an error records its stack, which costs
 * more than ending the call.
 */
export const OVER = new CallGivenUp("over");

export class CallWatch {
	/** Why the call was given up; null while it was not. */
	why: GivenUp | null = null;
	readonly #controller = new AbortController();
	readonly #runtime: Pick<Runtime, "now" | "timer">;
	readonly #outer: AbortSignal;
	readonly #stopTimer: () => void;
	readonly #onOuterAbort = () => this.#giveUp("aborted");
	#reject: ((reason: CallGivenUp) => void) | null = null;
	#silence: { limitMs: number; since: number; stop: () => void } | null = null;

	constructor(runtime: Pick<Runtime, "now" | "timer">, outer: AbortSignal, timeoutMs: number) {
		this.#runtime = runtime;
		this.#outer = outer;
		this.#stopTimer = runtime.timer(timeoutMs, () => this.#giveUp("timed_out"));
		outer.addEventListener("abort", this.#onOuterAbort);
		if (outer.aborted) this.#giveUp("aborted");
	}

	/** Aborts when the call is over: the provider must stop generating what is no longer read. */
	get signal(): AbortSignal {
		return this.#controller.signal;
	}

	/**
	 * Waits for one promise at a time; rejects with `CallGivenUp` once the call is given up. Unlike `Promise.race` it leaves
	 * nothing behind on a promise that lives as long as the call, which may wait for 100,000 chunks.
	 */
	wait<T>(promise: Promise<T>): Promise<T> {
		return new Promise((resolve, reject) => {
			this.#reject = reject;
			promise.then(resolve, reject);
			if (this.why !== null) reject(new CallGivenUp(this.why));
		});
	}

	/** From now on, `limitMs` of silence give the call up. Call this again whenever the provider has sent something. */
	expectWithin(limitMs: number): void {
		const since = this.#runtime.now();
		if (this.#silence?.limitMs === limitMs) {
			// The running timer reads `since` when it fires: a new timer per chunk would cost more than the chunk.
			this.#silence.since = since;
			return;
		}
		this.#silence?.stop();
		this.#silence = { limitMs, since, stop: this.#timer(limitMs) };
	}

	/** Ends what `expectWithin` began. */
	allowSilence(): void {
		this.#silence?.stop();
		this.#silence = null;
	}

	/** Ends the watch, and closes the connection if it is still open. */
	stop(): void {
		this.#stopTimer();
		this.#silence?.stop();
		this.#outer.removeEventListener("abort", this.#onOuterAbort);
		this.#controller.abort(OVER);
	}

	#timer(afterMs: number): () => void {
		return this.#runtime.timer(afterMs, () => this.#checkSilence());
	}

	#checkSilence(): void {
		if (this.#silence === null) return;
		const leftMs = this.#silence.since + this.#silence.limitMs - this.#runtime.now();
		if (leftMs > 0) this.#silence.stop = this.#timer(leftMs);
		else this.#giveUp("stalled");
	}

	#giveUp(why: GivenUp): void {
		if (this.why !== null) return;
		this.why = why;
		this.#reject?.(new CallGivenUp(why));
	}
}
