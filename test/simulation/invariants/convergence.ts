/**
 * L1: once nothing goes wrong any more, everything comes to its end, and soon: a lease that ran out is noticed within
 * two sweeps, as is a delivery that is due.
 */
import type { Simulation } from "../simulate.ts";
import type { Row } from "../world/sql-engine.ts";
import { numberOf, textOf } from "./rows.ts";

/** Two sweeps, and the fifteen minutes after which the platform ends what hangs; then the queue's own delays. */
const NOTICED_MS_MAX = 3 * 60_000;

export function watchConvergence({ ledger, service, world }: Simulation): undefined {
	let calmSince: number | null = null;
	const touchedAt = new Map<string, number>();
	const releasedAt = new Map<string, number>();
	ledger.on("receiver_breakers", ({ id, after }) => {
		if (after === null) releasedAt.set(id, world.databaseNow);
	});
	/** Since when nothing keeps a parked delivery back. */
	const freeSince = (parked: Row): number => {
		const key = textOf(parked, "parked_on");
		const pause = ledger.rows("receiver_breakers").get(`/${key}`);
		return Math.max(
			touchedAt.get(textOf(parked, "id")) ?? 0,
			pause === undefined ? (releasedAt.get(key) ?? 0) : numberOf(pause, "open_until"),
		);
	};
	for (const table of ["jobs", "deliveries"]) ledger.on(table, ({ id }) => touchedAt.set(id, world.databaseNow));
	service.onSwept(() => {
		if (world.hasFaults) return;
		calmSince ??= world.now;
		const limitMs = NOTICED_MS_MAX + world.jumpedMs;
		const isLate = (dueAt: number) => world.databaseNow - dueAt > limitMs && world.now - (calmSince ?? 0) > limitMs;
		for (const job of ledger.rows("jobs").values()) {
			if (job.status === "running" && isLate(numberOf(job, "lease_expires_at"))) {
				world.violate("L1", `the sweeper misses that the lease of ${job.id} expired`);
			}
			if (
				job.status === "queued" &&
				isLate(Math.max(numberOf(job, "deadline_at"), touchedAt.get(textOf(job, "id")) ?? 0))
			) {
				world.violate("L1", `the sweeper misses that the deadline of ${job.id} passed`);
			}
		}
		for (const delivery of ledger.rows("deliveries").values()) {
			if (delivery.status !== "pending") continue;
			if (delivery.parked_on === null && isLate(numberOf(delivery, "sweep_at")))
				world.violate("L1", `the sweeper misses that ${delivery.id} is due`);
			if (delivery.parked_on !== null && isLate(freeSince(delivery)))
				world.violate("L1", `the sweeper does not release ${delivery.id}`);
		}
	});
}

export function hasConverged({ ledger }: Simulation): boolean {
	for (const job of ledger.rows("jobs").values()) if (job.finished_at === null) return false;
	for (const delivery of ledger.rows("deliveries").values()) if (delivery.status === "pending") return false;
	return true;
}
