import { seededRandom } from "../../support/fake-runtime.ts";

/** Dice from one seed: the same throws on every machine, so that a failing seed fails again. */
export class Dice {
	/** Uniform in [0, 1). */
	readonly next: () => number;

	constructor(seed: number) {
		// Neighbouring seeds must not throw alike.
		this.next = seededRandom(Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b));
		for (let warm = 0; warm < 4; warm++) this.next();
	}

	chance(probability: number): boolean {
		return this.next() < probability;
	}

	/** A whole number, both ends included. */
	between(low: number, high: number): number {
		return low + Math.floor(this.next() * (high - low + 1));
	}

	/** Mostly small, seldom large: what latencies look like. */
	skewed(low: number, high: number): number {
		return Math.round(low + (high - low) * this.next() ** 4);
	}

	pick<T>(list: readonly T[]): T {
		const found = list[Math.floor(this.next() * list.length)];
		if (found === undefined) throw new Error("nothing to pick from");
		return found;
	}

	/** One of the keys, as often as its weight says. */
	weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
		const entries = Object.entries(weights) as [T, number][];
		let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
		for (const [key, weight] of entries) {
			left -= weight;
			if (left < 0) return key;
		}
		throw new Error("no weight is positive");
	}

	bytes(length: number): Uint8Array<ArrayBuffer> {
		return Uint8Array.from({ length }, () => Math.floor(this.next() * 256));
	}
}
