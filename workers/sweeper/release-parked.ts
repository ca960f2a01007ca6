/** Releases the parked jobs that may run, in case the consumer that should have released them died. */
import { pruneBreakers } from "../../shared/db/admission/breakers.ts";
import {
	findReleasableKeys,
	RELEASED_MAX,
	type ReleasableKey,
	releaseParked,
} from "../../shared/db/admission/release.ts";
import type { Budget, Sweeper } from "./sweeper.ts";

const KEYS_MAX = 100;
/** For one page of jobs, for the next keys, and for pruning the breakers afterwards. */
const STATEMENTS = 4;

export async function releaseAllParked(sweeper: Sweeper, budget: Budget) {
	const { db } = sweeper;
	let released = 0;
	for (let after: string | undefined = ""; after !== undefined && budget.allows(STATEMENTS); ) {
		const keys = await findReleasableKeys(db, KEYS_MAX, after);
		released += await releaseKeys(sweeper, keys, budget);
		after = keys[KEYS_MAX - 1]?.key;
	}
	return { released, breakersPruned: await pruneBreakers(db) };
}

/** One page of each key, then a second one of each, so that no key keeps the others from their turn. */
async function releaseKeys({ db, jobQueue }: Sweeper, keys: ReleasableKey[], budget: Budget): Promise<number> {
	let released = 0;
	let left = keys;
	while (left.length > 0) {
		const next: ReleasableKey[] = [];
		for (const { key, room } of left) {
			if (!budget.allows(STATEMENTS)) return released;
			const jobs = await releaseParked(db, [key], Math.min(room, RELEASED_MAX));
			await jobQueue.enqueue(jobs);
			released += jobs.length;
			if (jobs.length > 0 && jobs.length < room) next.push({ key, room: room - jobs.length });
		}
		left = next;
	}
	return released;
}
