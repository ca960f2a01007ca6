/** What happens when: events in the order of virtual time, those of one instant in the order in which they were set. */
export interface Appointment {
	at: number;
	order: number;
	run: () => void;
	isOff: boolean;
}

/** Fewer that are off are not worth a pass through all. */
const OFF_MIN = 64;

/** A binary heap: thousands of events a seed, most of them timers that are taken back. These go when they are most of it. */
export class Agenda {
	#heap: Appointment[] = [];
	#order = 0;
	#off = 0;

	add(at: number, run: () => void): Appointment {
		const appointment = { at, order: this.#order++, run, isOff: false };
		this.#heap.push(appointment);
		this.#rise(this.#heap.length - 1);
		return appointment;
	}

	takeBack(appointment: Appointment): void {
		if (appointment.isOff) return;
		appointment.isOff = true;
		this.#off += 1;
		if (this.#off < OFF_MIN || 2 * this.#off < this.#heap.length) return;
		// What is in order is a heap.
		this.#heap = this.#heap.filter(({ isOff }) => !isOff).sort((a, b) => a.at - b.at || a.order - b.order);
		this.#off = 0;
	}

	/** When the next event is; null: nothing will ever happen. */
	nextAt(): number | null {
		while (this.#heap[0]?.isOff) {
			this.#removeFirst();
			this.#off -= 1;
		}
		return this.#heap[0]?.at ?? null;
	}

	take(): Appointment | null {
		const taken = this.nextAt() === null ? null : this.#removeFirst();
		if (taken !== null) taken.isOff = true;
		return taken;
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
