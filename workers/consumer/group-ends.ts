/** Ends of one invocation: those that fall due while others are being written share the next transaction. */
import type { GroupCommit } from "../../shared/core/group-commit.ts";
import type { Database } from "../../shared/db/database.ts";
import { type Finalization, type Finished, finishJobs } from "../../shared/db/jobs/finish-jobs.ts";

export type Ends = GroupCommit<Finalization, Finished>;

export function groupEnds(db: Database): Ends {
	return db.grouped(async function writeEnds(ends: Finalization[]) {
		return await finishJobs(db, ends);
	});
}
