/** Releases the parked jobs that may run, in case the consumer that should have released them died. */
import { pruneBreakers } from "../../shared/db/admission/breakers.ts";
import { findReleasableKeys, RELEASED_MAX, releaseParked } from "../../shared/db/admission/release.ts";
import type { Budget, Sweeper } from "./sweeper.ts";

const KEYS_MAX = 100;
/** For one page, and for pruning the breakers afterwards. */
const STATEMENTS = 2;

export async function releaseAllParked(sweeper: Sweeper, budget: Budget) {
	const { db } = sweeper;
	let released = 0;
	for (const key of await findReleasableKeys(db, KEYS_MAX)) {
		released += await releaseKey(sweeper, key, budget);
	}
	return { released, breakersPruned: await pruneBreakers(db) };
}

/** All jobs parked on `key` if nothing gates them, and as many as there are permits or slots otherwise. */
async function releaseKey({ db, jobQueue }: Sweeper, key: string, budget: Budget): Promise<number> {
	let released = 0;
	while (budget.allows(STATEMENTS)) {
		const jobs = await releaseParked(db, key);
		await jobQueue.enqueue(jobs);
		released += jobs.length;
		if (jobs.length < RELEASED_MAX) break;
	}
	return released;
}
