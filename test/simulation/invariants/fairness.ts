/**
 * F1: what one tenant's calls come to keeps no other tenant waiting. A job of another tenant, whose calls are all answered,
 * starts within a minute of its time.
 */
import type { Simulation } from "../simulate.ts";
import { isFinalRow, numberOf } from "./rows.ts";

const STARTED_MS_MAX = 60_000;
const LOOK_EVERY_MS = 15_000;

export function watchFairness({ world, service, ledger }: Simulation): undefined {
	const { hostile } = world.options;
	if (hostile === null) return;
	// A parked job's `run_at` is when its breaker closes: its own time is the first.
	const dueAt = new Map<unknown, number>();
	ledger.on("jobs", ({ id, before, after }) => {
		if (before === null) dueAt.set(id, numberOf(after, "run_at"));
	});
	const look = () => {
		world.after(LOOK_EVERY_MS, look);
		if (!world.hasFaults) return;
		for (const job of ledger.rows("jobs").values()) {
			if (job.tenant_id === service.model.hostileTenant || isFinalRow(job) || numberOf(job, "fence") > 0) continue;
			const waitedMs = world.databaseNow - (dueAt.get(job.id) ?? 0);
			if (waitedMs > STARTED_MS_MAX)
				world.violate("F1", `${job.id} has waited for ${waitedMs} ms, since others' calls are ${hostile}`);
		}
	};
	look();
}
