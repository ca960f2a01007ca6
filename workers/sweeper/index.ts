/**
 * Takes:  the cron tick, once a minute.
 * Writes: jobs (queued → expired; running → expired or succeeded, long after the deadline; lined up when due; erased
 *         after their retention; time of the next check), R2 objects of erased jobs, rows of
 *         deleted tenants, secrets that the previous SIGNING_KEY sealed, backlog.
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
import { deleteAgain } from "./delete-again.ts";
import { enqueueDueDeliveries } from "./enqueue-deliveries.ts";
import { eraseTenants } from "./erase-tenants.ts";
import { pruneAll } from "./prune.ts";
import { reapInputs } from "./reap-inputs.ts";
import { releaseAllDeliveries } from "./release-deliveries.ts";
import { releaseAllParked } from "./release-parked.ts";
import { resealSecrets } from "./reseal-secrets.ts";
import { sampleBacklog } from "./sample-backlog.ts";
import { rescueJobs, sweepJobs } from "./sweep-jobs.ts";
import { type Budget, type Share, type Sweeper, startBudget } from "./sweeper.ts";

export async function sweep(env: Env, parsed: ParsedConfig, runtime: Runtime): Promise<void> {
	const config = parsed.ok ? parsed.config : { deliveryScheduleMs: [], signingKeys: [] };
	await sweepAll({ ...bind(env, runtime), runtime, config, signingKeys: config.signingKeys });
}

interface Step {
	name: string;
	run: (sweeper: Sweeper, budget: Budget) => Promise<Record<string, number>>;
	/** What earlier steps leave for this one, so that a backlog of one kind does not starve the others. */
	share: Share;
}

const share = (statements: number, calls: number, seconds: number): Share => ({
	statements,
	calls,
	ms: 1_000 * seconds,
});

/** Always first: calls that are lost with their holders are the worst to wait for. */
const RESCUE: Step = { name: "rescueJobs", run: rescueJobs, share: share(60, 300, 10) };

/** Each sweep begins with another one, so that what is left over serves them all in turn. */
const STEPS: readonly Step[] = [
	{ name: "sweepJobs", run: sweepJobs, share: share(340, 3_000, 15) },
	{ name: "releaseAllParked", run: releaseAllParked, share: share(120, 600, 10) },
	{ name: "releaseAllDeliveries", run: releaseAllDeliveries, share: share(120, 600, 10) },
	{ name: "enqueueDueDeliveries", run: enqueueDueDeliveries, share: share(40, 400, 10) },
	{ name: "eraseTenants", run: eraseTenants, share: share(100, 100, 15) },
	{ name: "pruneAll", run: pruneAll, share: share(45, 400, 10) },
	{ name: "deleteAgain", run: deleteAgain, share: share(45, 200, 5) },
	{ name: "reapInputs", run: reapInputs, share: share(20, 40, 10) },
	{ name: "sampleBacklog", run: sampleBacklog, share: share(5, 0, 5) },
	{ name: "resealSecrets", run: resealSecrets, share: share(5, 0, 10) },
];

const MINUTE_MS = 60_000;

export async function sweepAll(sweeper: Sweeper): Promise<void> {
	const counts: Record<string, number> = {};
	const budgetFor = startBudget(sweeper);
	const turn = Math.floor(sweeper.runtime.now() / MINUTE_MS) % STEPS.length;
	const steps = [RESCUE, ...STEPS.slice(turn), ...STEPS.slice(0, turn)];
	for (const [at, { name, run }] of steps.entries()) {
		try {
			Object.assign(counts, await run(sweeper, budgetFor(sharesOf(steps.slice(at + 1)))));
		} catch (error) {
			// A step that fails must not stop the others.
			logError("sweep.step_failed", { step: name }, error);
		}
	}
	await noteLastSweep(sweeper.db, counts);
	const done = Object.entries(counts).filter(([, count]) => count > 0);
	if (done.length > 0) log("sweep.finished", Object.fromEntries(done));
}

function sharesOf(steps: readonly Step[]): Share {
	const sum = (part: keyof Share) => steps.reduce((total, { share }) => total + share[part], 0);
	return { statements: sum("statements"), calls: sum("calls"), ms: sum("ms") };
}

async function noteLastSweep(db: Database, counts: Record<string, number>): Promise<void> {
	try {
		await writeNote(db, "last_sweep", JSON.stringify(counts));
	} catch (error) {
		logWarning("sweep.note_failed", {}, error);
	}
}
