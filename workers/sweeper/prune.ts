/** What is past its retention goes: rows first, so that nobody finds half a job, then what R2 holds. */
import { newId } from "../../shared/core/ids.ts";
import { pruneAuditLog } from "../../shared/db/audit-log.ts";
import { findJobsToPrune, findTombstones, pruneJobs, removeTombstone } from "../../shared/db/erase-jobs.ts";
import { pruneIdempotencyKeys, pruneOrphanedDeliveries } from "../../shared/db/prune-records.ts";
import { eraseObjects } from "../../shared/results/erase-objects.ts";
import type { Sweeper } from "./sweeper.ts";

const PAGE = 100;
/** A hundred jobs, and as many records, a second: more than one D1 takes in. With less, it would grow for ever. */
const PAGES_MAX = 60;
const RECORDS_MAX = 6_000;

export async function pruneAll(sweeper: Sweeper) {
	return {
		objectsDeletedAgain: await deleteAgain(sweeper),
		pruned: await pruneFinalJobs(sweeper),
		idempotencyKeysPruned: await pruneIdempotencyKeys(sweeper.db, RECORDS_MAX),
		deliveriesPruned: await pruneOrphanedDeliveries(sweeper.db, RECORDS_MAX),
		auditEntriesPruned: await pruneAuditLog(sweeper.db, RECORDS_MAX),
	};
}

async function pruneFinalJobs({ db, objects, runtime }: Sweeper): Promise<number> {
	let pruned = 0;
	for (let page = 0; page < PAGES_MAX; page++) {
		const due = await findJobsToPrune(db, PAGE);
		const gone = await pruneJobs(db, due, newId("tmb", runtime));
		// Dying here is harmless: the tombstone names the same objects.
		await eraseObjects(objects, gone);
		pruned += gone.length;
		if (due.length < PAGE) break;
	}
	return pruned;
}

/** The second deletion, of what a holder without a lease may have written after the first. */
async function deleteAgain({ db, objects }: Sweeper): Promise<number> {
	const tombstones = await findTombstones(db, PAGES_MAX);
	for (const tombstone of tombstones) {
		await eraseObjects(objects, tombstone.jobs);
		await removeTombstone(db, tombstone);
	}
	return tombstones.reduce((sum, { jobs }) => sum + jobs.length, 0);
}
