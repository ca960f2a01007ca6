/** Erases what is past its retention: rows first, so that no reader finds half a job, then R2 objects. */
import { newId } from "../../shared/core/ids.ts";
import type { JobKey } from "../../shared/core/jobs/job.ts";
import { isFull } from "../../shared/db/database.ts";
import { pruneAuditLog } from "../../shared/db/tenants/audit-log.ts";
import { type ErasedJob, findJobsToPrune, pruneJobs } from "../../shared/db/upkeep/erase-jobs.ts";
import { pruneIdempotencyKeys, pruneOrphanedDeliveries, pruneUsage } from "../../shared/db/upkeep/prune-records.ts";
import { pruneBacklog } from "../../shared/db/upkeep/sample-backlog.ts";
import { eraseObjects } from "../../shared/storage/erase-objects.ts";
import { keysOfJob } from "../../shared/storage/keys.ts";
import { logError } from "../log.ts";
import type { Budget, Sweeper } from "./sweeper.ts";

/** One R2 call deletes a page's objects: up to a thousand keys, a result and an input per job. */
const PAGE = 500;
/** A hundred jobs a second. If fewer were pruned than are submitted, the table would grow without end. */
const PAGES_MAX = 12;
/** Per page. */
const STATEMENTS = 5;
/** Rows per statement, during which no other statement runs; and statements per sweep. */
const RECORDS = 1_000;
const RECORD_PAGES_MAX = 6;

export async function pruneAll(sweeper: Sweeper, budget: Budget) {
	const { db } = sweeper;
	return {
		// First, because they need no room: a database that is full has some for tombstones afterwards.
		idempotencyKeysPruned: await pruneRecords(() => pruneIdempotencyKeys(db, RECORDS)),
		deliveriesPruned: await pruneRecords(() => pruneOrphanedDeliveries(db, RECORDS)),
		auditEntriesPruned: await pruneRecords(() => pruneAuditLog(db, RECORDS)),
		usagePruned: await pruneRecords(() => pruneUsage(db, RECORDS)),
		backlogPruned: await pruneRecords(() => pruneBacklog(db, RECORDS)),
		pruned: await pruneFinalJobs(sweeper, budget),
	};
}

/** @param prunePage deletes at most `RECORDS`, and returns how many */
async function pruneRecords(prunePage: () => Promise<number>): Promise<number> {
	let pruned = 0;
	for (let page = 0; page < RECORD_PAGES_MAX; page++) {
		const gone = await prunePage();
		pruned += gone;
		if (gone < RECORDS) break;
	}
	return pruned;
}

/** A full database refuses the tombstone: then the jobs go without one, and a holder that writes later leaves an object behind. */
async function prunePage({ db, runtime }: Sweeper, due: JobKey[]): Promise<ErasedJob[]> {
	try {
		return await pruneJobs(db, due, newId("tmb", runtime));
	} catch (error) {
		if (!isFull(error)) throw error;
		logError("database.filled", { jobs: due.length }, error);
		return await pruneJobs(db, due, null);
	}
}

async function pruneFinalJobs(sweeper: Sweeper, budget: Budget): Promise<number> {
	const { db, objects } = sweeper;
	let pruned = 0;
	for (let page = 0; page < PAGES_MAX && budget.allows(STATEMENTS); page++) {
		const due = await findJobsToPrune(db, PAGE);
		const gone = await prunePage(sweeper, due);
		// A crash here is harmless: the tombstone names the same objects.
		await eraseObjects(objects, gone.flatMap(keysOfJob));
		pruned += gone.length;
		if (due.length < PAGE) break;
	}
	return pruned;
}
