/**
 * D1 as a server: one thread that serves transactions in their order, each for a time. A request that would wait too long is
 * refused at once, as D1 does when it is overloaded. What its caller has given up on is served all the same.
 */
export interface ServiceTimes {
	statementMs: number;
	transactionMs: number;
	/** The longest wait for its turn that a request is accepted with. */
	waitMsMax: number;
}

export const OVERLOADED = "D1_ERROR: D1 DB is overloaded. Requests queued for too long.";

export class D1Server {
	readonly #times: ServiceTimes;
	readonly #now: () => number;
	#freeAt = 0;
	/** Milliseconds of service so far. */
	busyMs = 0;

	constructor(times: ServiceTimes, now: () => number) {
		this.#times = times;
		this.#now = now;
	}

	/** Milliseconds until a transaction that arrives now is done; null: refused. */
	serve(statements: number): number | null {
		const now = this.#now();
		const waitMs = Math.max(0, this.#freeAt - now);
		if (waitMs > this.#times.waitMsMax) return null;
		const serviceMs = this.#times.transactionMs + statements * this.#times.statementMs;
		this.#freeAt = now + waitMs + serviceMs;
		this.busyMs += serviceMs;
		return waitMs + serviceMs;
	}

	/** Serves nothing for so long: what arrives meanwhile waits. */
	stall(ms: number): void {
		this.#freeAt = Math.max(this.#freeAt, this.#now()) + ms;
	}
}
