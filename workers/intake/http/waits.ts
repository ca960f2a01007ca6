/** Waits in progress in this isolate. Each polls D1 until its job is final, so their number is bounded. */

/** Together they poll D1 about 130 times a second. */
export const WAITS_MAX = 200;

export class Waits {
	readonly #byTenant = new Map<string, number>();
	#total = 0;

	/**
	 * Returns what ends the wait, once. Null: there are too many.
	 * @param ownMax of the tenant, so that others find room, too; null: any number
	 */
	begin(tenantId: string, ownMax: number | null): (() => void) | null {
		const own = this.#byTenant.get(tenantId) ?? 0;
		if ((ownMax !== null && own >= ownMax) || this.#total >= WAITS_MAX) return null;
		this.#add(tenantId, 1);
		let hasEnded = false;
		return () => {
			if (!hasEnded) this.#add(tenantId, -1);
			hasEnded = true;
		};
	}

	#add(tenantId: string, count: number): void {
		this.#total += count;
		const own = (this.#byTenant.get(tenantId) ?? 0) + count;
		if (own === 0) this.#byTenant.delete(tenantId);
		else this.#byTenant.set(tenantId, own);
	}
}
