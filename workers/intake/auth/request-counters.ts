/** How often each key has asked in this isolate since the shield last counted it: the platform is asked for tens. */

/** They are small, and to forget them lets nine requests more of each key through. */
const KEYS_MAX = 10_000;

export interface Tally {
	/** Requests that the shield has not counted yet. */
	uncounted: number;
	/** What it said last: while it says no, each request is asked for. */
	isOver: boolean;
}

export class RequestCounters {
	readonly #byKey = new Map<string, Tally>();

	of(keyId: string): Tally {
		const known = this.#byKey.get(keyId);
		if (known !== undefined) return known;
		if (this.#byKey.size >= KEYS_MAX) this.#byKey.clear();
		const tally = { uncounted: 0, isOver: false };
		this.#byKey.set(keyId, tally);
		return tally;
	}
}
