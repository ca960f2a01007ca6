/**
 * Deletes the objects of erased jobs once more, when their tombstone's time has come: a holder that lost its lease, or a
 * submission in flight, may have written after the first deletion.
 */
import { findTombstones, removeTombstones, type Tombstone } from "../../shared/db/upkeep/erase-jobs.ts";
import { eraseCopies } from "../../shared/jobs/erase.ts";
import { eraseObjects } from "../../shared/storage/erase-objects.ts";
import { isInputKey } from "../../shared/storage/keys.ts";
import type { Budget, Sweeper } from "./sweeper.ts";

/** Of tombstones. One may have a thousand keys: a call to R2. */
const PAGE = 100;
/** Per page: two statements, and the keys. */
const STATEMENTS = 2;
/** Per input that an owner erased: two days of its copies. */
const COPIES = { statements: 2, calls: 4 };

export async function deleteAgain(sweeper: Sweeper, budget: Budget): Promise<{ objectsDeletedAgain: number }> {
	const { db, objects } = sweeper;
	let objectsDeletedAgain = 0;
	while (budget.allows(STATEMENTS, PAGE)) {
		const found = await findTombstones(db, PAGE);
		const tombstones = affordable(found, budget);
		const keys = tombstones.flatMap((tombstone) => tombstone.keys);
		await eraseObjects(objects, keys);
		for (const key of tombstones.flatMap(inputsErasedByOwner)) await eraseCopies(sweeper, key);
		await removeTombstones(db, tombstones);
		objectsDeletedAgain += keys.length;
		if (tombstones.length < PAGE) break;
	}
	return { objectsDeletedAgain };
}

/** The oldest of them. The next sweep follows up the others. */
function affordable(found: readonly Tombstone[], budget: Budget): Tombstone[] {
	let inputs = 0;
	const beyond = found.findIndex((tombstone) => {
		inputs += inputsErasedByOwner(tombstone).length;
		return inputs > 0 && !budget.allows(STATEMENTS + COPIES.statements * inputs, PAGE + COPIES.calls * inputs);
	});
	return found.slice(0, beyond < 0 ? PAGE : beyond);
}

function inputsErasedByOwner({ erasedJob, keys }: Tombstone): string[] {
	return erasedJob === null ? [] : keys.filter(isInputKey);
}
