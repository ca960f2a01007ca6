/**
 * The database's clock as this isolate knows it. Clocks of two machines are never compared as they are: how far they are apart is
 * learned from what the database says its time is.
 */
export class DatabaseClock {
	/** Too much rather than too little: the database may have read its clock long after the request was sent. */
	#aheadMs: number | null = null;

	/** @param sentAt by this machine's clock, when the request was sent in which the database read its own */
	learn(databaseNow: number, sentAt: number): void {
		this.#aheadMs = databaseNow - sentAt;
	}

	/** A time of this machine, on the database's clock. Null: unknown, as long as no response came. */
	at(time: number): number | null {
		return this.#aheadMs === null ? null : time + this.#aheadMs;
	}
}
