/** Ends of one invocation: those that fall due while others are being written share the next transaction. */
import type { GroupCommit } from "../../shared/core/group-commit.ts";
import type { Database } from "../../shared/db/database.ts";
import { type Finished, finishJobs, type JobEnd } from "../../shared/db/jobs/finish-jobs.ts";

export type Ends = GroupCommit<JobEnd, Finished>;

export function groupEnds(db: Database): Ends {
	return db.grouped(async function writeEnds(ends: JobEnd[]) {
		return await finishJobs(db, ends);
	});
}
