/** What happened, in lines. Only a hash is kept unless the lines are to be read: two runs of a seed must hash alike. */
export class Trace {
	readonly #lines: string[] | null;
	#low = 0x811c9dc5;
	#high = 0x9e3779b9;
	#startAt: number;

	constructor(options: { isKept: boolean; startAt: number }) {
		this.#lines = options.isKept ? [] : null;
		this.#startAt = options.startAt;
	}

	/** @param at virtual time; shown as seconds since the seed began */
	note(at: number, who: string, what: string): void {
		const line = `${((at - this.#startAt) / 1000).toFixed(3).padStart(10)}  ${who.padEnd(14)} ${what}`;
		for (let index = 0; index < line.length; index++) {
			this.#low = Math.imul(this.#low ^ line.charCodeAt(index), 0x01000193);
			this.#high = Math.imul(this.#high + line.charCodeAt(index), 0x85ebca6b) ^ (this.#high >>> 13);
		}
		this.#lines?.push(line);
	}

	get hash(): string {
		return [this.#low, this.#high].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
	}

	get lines(): readonly string[] {
		return this.#lines ?? [];
	}
}
