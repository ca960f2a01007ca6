/** Lets parked jobs go whose cool-down is over, in case whoever should have done so died. */
import { findParkedKeys, pruneBreakers, releaseParked } from "../../shared/db/admission/breakers.ts";
import type { Sweeper } from "./sweeper.ts";

/** Bounds that keep a sweep far below the thousand statements that D1 grants an invocation. */
const KEYS_MAX = 100;
const PAGE = 100;
const RELEASE_MS_MAX = 10_000;

export async function releaseAllParked(sweeper: Sweeper): Promise<{ released: number; breakersPruned: number }> {
	const { db, runtime } = sweeper;
	const stopAt = runtime.now() + RELEASE_MS_MAX;
	let released = 0;
	for (const key of await findParkedKeys(db, KEYS_MAX)) {
		if (runtime.now() >= stopAt) break;
		released += await releaseKey(sweeper, key, stopAt);
	}
	return { released, breakersPruned: await pruneBreakers(db) };
}

/** All of them where nothing keeps them any more; as many as there are slots where the key recovers; else none. */
async function releaseKey({ db, jobQueue, runtime }: Sweeper, key: string, stopAt: number): Promise<number> {
	let released = 0;
	for (;;) {
		const jobs = await releaseParked(db, key, PAGE);
		await jobQueue.enqueue(jobs);
		released += jobs.length;
		if (jobs.length < PAGE || runtime.now() >= stopAt) return released;
	}
}
