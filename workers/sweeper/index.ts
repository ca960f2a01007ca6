/**
 * Takes:  the cron tick, once a minute.
 * Writes: jobs (queued → expired; erased after their retention), what R2 holds of erased jobs; when to look next; whatever
 *         a deleted tenant owned; secrets that the previous SIGNING_KEY sealed.
 * Sends:  JOB_QUEUE and DELIVERY_QUEUE, for whatever a queue lost or a crash left behind.
 *
 * It never calls a model or a receiver: it redispatches, and consumer and dispatcher decide.
 */
import type { ParsedConfig } from "../../shared/core/config.ts";
import type { Runtime } from "../../shared/core/runtime.ts";
import type { Database } from "../../shared/db/database.ts";
import { writeNote } from "../../shared/db/upkeep/sweeper-notes.ts";
import { bind } from "../bindings.ts";
import { log, logError } from "../log.ts";
import { enqueueDueDeliveries } from "./enqueue-deliveries.ts";
import { eraseTenants } from "./erase-tenants.ts";
import { pruneAll } from "./prune.ts";
import { reapInputs } from "./reap-inputs.ts";
import { releaseAllDeliveries } from "./release-deliveries.ts";
import { releaseAllParked } from "./release-parked.ts";
import { resealSecrets } from "./reseal-secrets.ts";
import { sweepJobs } from "./sweep-jobs.ts";
import type { Sweeper } from "./sweeper.ts";

export async function sweep(env: Env, parsed: ParsedConfig, runtime: Runtime): Promise<void> {
	await sweepAll({ ...bind(env, runtime), runtime, signingKeys: parsed.ok ? parsed.config.signingKeys : [] });
}

export async function sweepAll(sweeper: Sweeper): Promise<void> {
	const steps = {
		sweepJobs,
		releaseAllParked,
		releaseAllDeliveries,
		enqueueDueDeliveries,
		eraseTenants,
		pruneAll,
		reapInputs,
		resealSecrets,
	};
	const counts: Record<string, number> = {};
	for (const [name, step] of Object.entries(steps)) {
		try {
			Object.assign(counts, await step(sweeper));
		} catch (error) {
			// One step that cannot do its work must not keep the others from theirs.
			logError("sweep.step_failed", { step: name }, error);
		}
	}
	await noteLastSweep(sweeper.db, counts);
	const done = Object.entries(counts).filter(([, count]) => count > 0);
	if (done.length > 0) log("sweep.done", Object.fromEntries(done));
}

async function noteLastSweep(db: Database, counts: Record<string, number>): Promise<void> {
	try {
		await writeNote(db, "last_sweep", JSON.stringify(counts));
	} catch (error) {
		logError("sweep.note_failed", {}, error);
	}
}
