/** What a consumer works with, and what it keeps of each leased job. */
import type { Config } from "../../shared/core/config.ts";
import type { GroupCommit } from "../../shared/core/group-commit.ts";
import { newHolder } from "../../shared/core/ids.ts";
import type { Job } from "../../shared/core/jobs/job.ts";
import type { MemoryBudget } from "../../shared/core/memory-budget.ts";
import type { Runtime } from "../../shared/core/runtime.ts";
import { firstWaitMs } from "../../shared/core/webhooks/delivery-schedule.ts";
import type { GateReason } from "../../shared/db/admission/may-run.ts";
import type { DatabaseClock } from "../../shared/db/database-clock.ts";
import { type Finalization, type Finished, finishJobs } from "../../shared/db/jobs/finish-jobs.ts";
import type { CallModel } from "../../shared/model/port.ts";
import type { StorageHealth } from "../../shared/storage/canary.ts";
import type { FreshResults } from "../../shared/storage/fresh-results.ts";
import type { Bindings } from "../bindings.ts";

export interface Consumer extends Bindings {
	callModel: CallModel;
	config: Config;
	runtime: Runtime;
	freshResults: FreshResults;
	/** Of this isolate. */
	storageHealth: StorageHealth;
	/** Of this isolate. */
	databaseClock: DatabaseClock;
	/** Of this isolate. */
	memory: MemoryBudget;
	/** Random per invocation: names our leases. */
	holder: string;
	/** `finishJobs`, grouped: jobs that become final while others are being written share the next transaction. */
	finalizations: GroupCommit<Finalization, Finished>;
}

/** A leased job, and what its holder needs to know about time. */
export interface Lease {
	job: Job;
	/** This machine's clock when the invocation began. */
	startedAt: number;
	/** The database's clock as estimated here: the time of the lease plus what has passed on this machine since. */
	now(): number;
	/** Aborts when the lease is no longer ours. */
	lost: AbortSignal;
	/** Records that the call begins, before it does where an earlier one may have killed its holder. False: not recorded. */
	beginCall(): Promise<boolean>;
	/** The lease has expired without a heartbeat, as after a pause of this machine: its next holder calls. */
	hasLapsed(): boolean;
	/** Why the job may make no call: it is gated, and moves on or was taken over from a holder that died. Null: it may. */
	gatedBy: GateReason | null;
	/** The job, which is gated, moves on to its next model. */
	movesOn: boolean;
	/** The half-open breakers that admitted this call: its outcome is reported to them. */
	probedBreakers: string[];
	/** The last success that these breakers know of. Null: of none. */
	succeededAt: number | null;
}

/**
 * The platform ends an invocation after 15 minutes of wall time. Within them a call must be over, its result stored, which is
 * tried until `STORE_END_MS_MAX`, and its job settled: one put takes 30 s at most, and so does a settlement.
 */
export const CALL_END_MS_MAX = 800_000;
export const STORE_END_MS_MAX = 830_000;

/** One consumer serves one invocation. */
export function newConsumer(parts: Omit<Consumer, "holder" | "finalizations">): Consumer {
	const { db, runtime, config } = parts;
	return {
		...parts,
		holder: newHolder(runtime),
		finalizations: db.grouped(async function writeFinalizations(finalizations: Finalization[]) {
			return await finishJobs(db, finalizations, firstWaitMs(config.deliveryScheduleMs));
		}),
	};
}
