/** Limits how many bytes are held at a time. First come, first served. */
export class ByteBudget {
	readonly #max: number;
	#held = 0;
	readonly #waiting: { bytes: number; enter: () => void }[] = [];

	constructor(bytesMax: number) {
		this.#max = bytesMax;
	}

	/** Runs `work` once `bytes` fit. Work larger than the whole budget runs alone. */
	async hold<T>(bytes: number, work: () => Promise<T>): Promise<T> {
		const share = Math.min(bytes, this.#max);
		if (this.#waiting.length > 0 || this.#held + share > this.#max) {
			await new Promise<void>((enter) => this.#waiting.push({ bytes: share, enter }));
		} else {
			this.#held += share;
		}
		try {
			return await work();
		} finally {
			this.#held -= share;
			this.#admitNext();
		}
	}

	#admitNext(): void {
		for (
			let next = this.#waiting[0];
			next !== undefined && this.#held + next.bytes <= this.#max;
			next = this.#waiting[0]
		) {
			this.#waiting.shift();
			this.#held += next.bytes;
			next.enter();
		}
	}
}
