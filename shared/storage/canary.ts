/** A small put that shows whether R2 stores anything at present. */
import { canaryKey } from "./keys.ts";
import type { ObjectStore } from "./object-store.ts";

/** R2 takes one write a second to a key, so that many consumers at once need many. */
const CANARIES = 1_000;

/** What isolates know of R2 from their last put. */
export interface StorageHealth {
	/** False: it failed. */
	mayPut: boolean;
}

/** Rejects if R2 does not store it. @param dice in [0, 1) */
export async function putCanary(objects: ObjectStore, dice: number): Promise<void> {
	await objects.put(canaryKey(Math.floor(dice * CANARIES)), "{}");
}
