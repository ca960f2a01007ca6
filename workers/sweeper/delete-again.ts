/**
 * Deletes the objects of erased jobs once more, when their tombstone's time has come: a holder that lost its lease, or a
 * submission in flight, may have written after the first deletion.
 */
import { findTombstones, removeTombstones, type Tombstone } from "../../shared/db/upkeep/erase-jobs.ts";
import { eraseCopies } from "../../shared/jobs/erase.ts";
import { eraseObjects } from "../../shared/storage/erase-objects.ts";
import { isInputKey } from "../../shared/storage/keys.ts";
import type { Budget, Sweeper } from "./sweeper.ts";

/** A tombstone may have a thousand keys: one call to R2. */
const PAGE = 20;
/** Per page: the tombstones, and two days of copies for each. */
const STATEMENTS = 2 + 2 * PAGE;
const CALLS = PAGE + 4 * PAGE;

export async function deleteAgain(sweeper: Sweeper, budget: Budget): Promise<{ objectsDeletedAgain: number }> {
	const { db, objects } = sweeper;
	let objectsDeletedAgain = 0;
	while (budget.allows(STATEMENTS, CALLS)) {
		const tombstones = await findTombstones(db, PAGE);
		const keys = tombstones.flatMap((tombstone) => tombstone.keys);
		await eraseObjects(objects, keys);
		for (const key of tombstones.flatMap(inputsErasedByOwner)) await eraseCopies(sweeper, key);
		await removeTombstones(db, tombstones);
		objectsDeletedAgain += keys.length;
		if (tombstones.length < PAGE) break;
	}
	return { objectsDeletedAgain };
}

function inputsErasedByOwner({ erasedJob, keys }: Tombstone): string[] {
	return erasedJob === null ? [] : keys.filter(isInputKey);
}
