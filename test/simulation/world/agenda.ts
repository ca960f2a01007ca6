/** What happens when: events in the order of virtual time, those of one instant in the order in which they were set. */
export interface Appointment {
	at: number;
	order: number;
	run: () => void;
	isOff: boolean;
}

/** A binary heap: thousands of events a seed, most of them timers that are taken back. */
export class Agenda {
	readonly #heap: Appointment[] = [];
	#order = 0;

	add(at: number, run: () => void): Appointment {
		const appointment = { at, order: this.#order++, run, isOff: false };
		this.#heap.push(appointment);
		this.#rise(this.#heap.length - 1);
		return appointment;
	}

	/** When the next event is; null: nothing will ever happen. */
	nextAt(): number | null {
		while (this.#heap[0]?.isOff) this.#removeFirst();
		return this.#heap[0]?.at ?? null;
	}

	take(): Appointment | null {
		return this.nextAt() === null ? null : this.#removeFirst();
	}

	#removeFirst(): Appointment | null {
		const first = this.#heap[0];
		const last = this.#heap.pop();
		if (first === undefined || last === undefined) return null;
		if (this.#heap.length > 0) {
			this.#heap[0] = last;
			this.#sink(0);
		}
		return first;
	}

	#rise(from: number): void {
		for (let at = from; at > 0; ) {
			const parent = (at - 1) >> 1;
			if (!this.#swapIfEarlier(at, parent)) return;
			at = parent;
		}
	}

	#sink(from: number): void {
		for (let at = from; ; ) {
			const [left, right] = [2 * at + 1, 2 * at + 2];
			const child = this.#isEarlier(right, left) ? right : left;
			if (!this.#swapIfEarlier(child, at)) return;
			at = child;
		}
	}

	#isEarlier(one: number, other: number): boolean {
		const [a, b] = [this.#heap[one], this.#heap[other]];
		if (a === undefined || b === undefined) return false;
		return a.at < b.at || (a.at === b.at && a.order < b.order);
	}

	#swapIfEarlier(one: number, other: number): boolean {
		const [a, b] = [this.#heap[one], this.#heap[other]];
		if (a === undefined || b === undefined || !this.#isEarlier(one, other)) return false;
		this.#heap[one] = b;
		this.#heap[other] = a;
		return true;
	}
}
