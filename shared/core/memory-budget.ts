/**
 * How much of an isolate's memory bodies, inputs and answers may take together. An isolate has 128 MB for everything that it does
 * at a time. If it needs more, it ends, and with it the calls of all tenants in it.
 *
 * What a holder keeps while others run counts in full. What it needs beyond that while it parses or serializes counts once, for
 * the holder that needs most: that is synchronous, and there is one thread.
 */

export interface Need {
	/** Bytes that are kept. */
	held: number;
	/** Bytes beside them, for as long as a synchronous step takes. */
	peak: number;
}

/** Of 110 MB, the code and all that is too small to be counted take 10. */
const MEMORY_BYTES_MAX = 96 * 1024 * 1024;

/** Bodies, inputs and answers up to this size are not counted: what many of them take is little beside a large one. */
export const FREE_BYTES = 64 * 1024;

interface Waiting {
	need: Need;
	/** Null: it does not wait to begin, but to grow. */
	growing: Share | null;
	enter(share: Share): void;
}

/** What one holder has of the budget. */
export interface Share {
	need: Need;
}

export class MemoryBudget {
	readonly #max: number;
	readonly #shares = new Set<Share>();
	/** First come, first served, but shares that grow come before those that begin. */
	#waiting: Waiting[] = [];
	/** The one share that may grow beyond the budget: it ends, and makes room for the others. */
	#overdrawn: Share | null = null;

	constructor(bytesMax = MEMORY_BYTES_MAX) {
		this.#max = bytesMax;
	}

	/** Null: it does not fit now, or others wait for the same. */
	tryTake(need: Need): Share | null {
		return isNothing(need) || (this.#waiting.length === 0 && this.#fits(need)) ? this.#give(need) : null;
	}

	/** Takes `need` once it fits. Null: `giveUp` aborted before. */
	async take(need: Need, giveUp: AbortSignal): Promise<Share | null> {
		return this.tryTake(need) ?? (await this.#wait(need, null, giveUp));
	}

	/** False: it does not fit, and the share stays as it is. */
	tryGrow(share: Share, need: Need): boolean {
		const mayGrow = this.#fits(need, share);
		if (mayGrow) share.need = need;
		return mayGrow;
	}

	/**
	 * Grows the share of what cannot be given up, such as an answer that was paid for. It waits while it does not fit and another one
	 * has grown beyond the budget, but no longer than until `goOn` aborts: then it grows nevertheless. So no two wait for each other.
	 */
	async grow(share: Share, need: Need, goOn: AbortSignal): Promise<void> {
		if (!this.#mayGrow(share, need)) await this.#wait(need, share, goOn);
		share.need = need;
	}

	release(share: Share): void {
		this.#shares.delete(share);
		if (this.#overdrawn === share) this.#overdrawn = null;
		this.#waiting = this.#waiting.filter(({ growing }) => growing !== share);
		this.#admit();
	}

	#wait(need: Need, growing: Share | null, until: AbortSignal): Promise<Share | null> {
		return new Promise((resolve) => {
			if (until.aborted) return resolve(null);
			const waiting: Waiting = { need, growing, enter: resolve };
			this.#waiting.push(waiting);
			until.addEventListener("abort", () => {
				this.#waiting = this.#waiting.filter((one) => one !== waiting);
				resolve(null);
				this.#admit();
			});
		});
	}

	#mayGrow(share: Share, need: Need): boolean {
		if (this.#fits(need, share)) return true;
		this.#overdrawn ??= share;
		return this.#overdrawn === share;
	}

	/** Whether `need` fits beside all others. What is larger than the budget fits where nothing else is held. */
	#fits(need: Need, own: Share | null = null): boolean {
		const others = [...this.#shares].filter((share) => share !== own && !isNothing(share.need));
		const held = others.reduce((sum, share) => sum + share.need.held, need.held);
		const peak = others.reduce((most, share) => Math.max(most, share.need.peak), need.peak);
		return others.length === 0 || held + peak <= this.#max;
	}

	#give(need: Need): Share {
		const share = { need };
		this.#shares.add(share);
		return share;
	}

	#admit(): void {
		for (const waiting of this.#waiting.filter(({ growing }) => growing !== null)) {
			const { growing, need, enter } = waiting;
			if (growing === null || !this.#mayGrow(growing, need)) continue;
			this.#waiting = this.#waiting.filter((one) => one !== waiting);
			growing.need = need;
			enter(growing);
		}
		for (let [next] = this.#waiting; next?.growing === null && this.#fits(next.need); [next] = this.#waiting) {
			this.#waiting = this.#waiting.slice(1);
			next.enter(this.#give(next.need));
		}
	}
}

function isNothing({ held, peak }: Need): boolean {
	return held + peak === 0;
}
