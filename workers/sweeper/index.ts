/**
 * Takes:  the cron tick, once a minute.
 * Writes: jobs (queued → expired; erased after their retention; time of the next check), R2 objects of erased jobs, rows of
 *         deleted tenants, secrets that the previous SIGNING_KEY sealed.
 * Sends:  JOB_QUEUE and DELIVERY_QUEUE, for whatever a queue lost or a crash left behind.
 *
 * It never calls a model or a receiver: it enqueues, and consumer and dispatcher decide.
 */
import type { ParsedConfig } from "../../shared/core/config.ts";
import type { Runtime } from "../../shared/core/runtime.ts";
import type { Database } from "../../shared/db/database.ts";
import { writeNote } from "../../shared/db/upkeep/sweeper-notes.ts";
import { bind } from "../bindings.ts";
import { log, logError, logWarning } from "../log.ts";
import { enqueueDueDeliveries } from "./enqueue-deliveries.ts";
import { eraseTenants } from "./erase-tenants.ts";
import { pruneAll } from "./prune.ts";
import { reapInputs } from "./reap-inputs.ts";
import { releaseAllDeliveries } from "./release-deliveries.ts";
import { releaseAllParked } from "./release-parked.ts";
import { resealSecrets } from "./reseal-secrets.ts";
import { sweepJobs } from "./sweep-jobs.ts";
import { type Budget, budgetOf, type Sweeper } from "./sweeper.ts";

export async function sweep(env: Env, parsed: ParsedConfig, runtime: Runtime): Promise<void> {
	const config = parsed.ok ? parsed.config : { deliveryScheduleMs: [], signingKeys: [] };
	await sweepAll({ ...bind(env, runtime), runtime, config, signingKeys: config.signingKeys });
}

interface Step {
	name: string;
	run: (sweeper: Sweeper, budget: Budget) => Promise<Record<string, number>>;
	msMax: number;
	/** Statements that earlier steps leave for this one, so that a backlog of one kind does not starve the others. */
	statements: number;
}

const STEPS: readonly Step[] = [
	{ name: "sweepJobs", run: sweepJobs, msMax: 20_000, statements: 0 },
	{ name: "releaseAllParked", run: releaseAllParked, msMax: 10_000, statements: 120 },
	{ name: "releaseAllDeliveries", run: releaseAllDeliveries, msMax: 10_000, statements: 120 },
	{ name: "enqueueDueDeliveries", run: enqueueDueDeliveries, msMax: 10_000, statements: 40 },
	{ name: "eraseTenants", run: eraseTenants, msMax: 15_000, statements: 190 },
	{ name: "pruneAll", run: pruneAll, msMax: 15_000, statements: 90 },
	{ name: "reapInputs", run: reapInputs, msMax: 15_000, statements: 20 },
	{ name: "resealSecrets", run: resealSecrets, msMax: 15_000, statements: 10 },
];

/** For the note of the last sweep. */
const LAST_STATEMENTS = 1;

export async function sweepAll(sweeper: Sweeper): Promise<void> {
	const counts: Record<string, number> = {};
	let reserved = STEPS.reduce((sum, { statements }) => sum + statements, LAST_STATEMENTS);
	for (const { name, run, msMax, statements } of STEPS) {
		reserved -= statements;
		try {
			Object.assign(counts, await run(sweeper, budgetOf(sweeper, { msMax, reserved })));
		} catch (error) {
			// A step that fails must not stop the others.
			logError("sweep.step_failed", { step: name }, error);
		}
	}
	await noteLastSweep(sweeper.db, counts);
	const done = Object.entries(counts).filter(([, count]) => count > 0);
	if (done.length > 0) log("sweep.finished", Object.fromEntries(done));
}

async function noteLastSweep(db: Database, counts: Record<string, number>): Promise<void> {
	try {
		await writeNote(db, "last_sweep", JSON.stringify(counts));
	} catch (error) {
		logWarning("sweep.note_failed", {}, error);
	}
}
