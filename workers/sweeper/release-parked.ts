/** Releases the parked jobs that may go, in case the consumer that should have released them died. */
import { pruneBreakers } from "../../shared/db/admission/breakers.ts";
import { findReleasableKeys, RELEASED_MAX, releaseParked } from "../../shared/db/admission/release.ts";
import type { Sweeper } from "./sweeper.ts";

/** Bounds that keep a sweep far below the thousand statements that D1 grants an invocation. */
const KEYS_MAX = 100;
const RELEASE_MS_MAX = 10_000;

export async function releaseAllParked(sweeper: Sweeper): Promise<{ released: number; breakersPruned: number }> {
	const { db, runtime } = sweeper;
	const stopAt = runtime.now() + RELEASE_MS_MAX;
	let released = 0;
	for (const key of await findReleasableKeys(db, KEYS_MAX)) {
		if (runtime.now() >= stopAt) break;
		released += await releaseKey(sweeper, key, stopAt);
	}
	return { released, breakersPruned: await pruneBreakers(db) };
}

/** All jobs parked on `key` if nothing gates them, and as many as there are permits or slots otherwise. */
async function releaseKey({ db, jobQueue, runtime }: Sweeper, key: string, stopAt: number): Promise<number> {
	let released = 0;
	for (;;) {
		const jobs = await releaseParked(db, key);
		await jobQueue.enqueue(jobs);
		released += jobs.length;
		if (jobs.length < RELEASED_MAX || runtime.now() >= stopAt) return released;
	}
}
