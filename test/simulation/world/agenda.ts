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
		if (this.#heap.length > 0) this.#sink(last);
		return first;
	}

	/** From the end towards the root: those that are later move down, until there is the place of what stands at `from`. */
	#rise(from: number): void {
		const heap = this.#heap;
		const risen = heap[from];
		if (risen === undefined) return;
		let at = from;
		while (at > 0) {
			const parent = heap[(at - 1) >> 1];
			if (parent === undefined || !isEarlier(risen, parent)) break;
			heap[at] = parent;
			at = (at - 1) >> 1;
		}
		heap[at] = risen;
	}

	/** From the root, which is free: the earlier ones move up, until there is the place of `sunk`. */
	#sink(sunk: Appointment): void {
		const heap = this.#heap;
		let at = 0;
		for (;;) {
			let child = 2 * at + 1;
			let earliest = heap[child];
			if (earliest === undefined) break;
			const right = heap[child + 1];
			if (right !== undefined && isEarlier(right, earliest)) {
				earliest = right;
				child += 1;
			}
			if (!isEarlier(earliest, sunk)) break;
			heap[at] = earliest;
			at = child;
		}
		heap[at] = sunk;
	}
}

function isEarlier(a: Appointment, b: Appointment): boolean {
	return a.at < b.at || (a.at === b.at && a.order < b.order);
}
