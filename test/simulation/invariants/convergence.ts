/**
 * L1: once nothing goes wrong any more, everything comes to its end, and soon: within a minute after each fault a lease that
 * ran out is taken over, a job or delivery that is due is tried, and what waited for a breaker that is half-open is released.
 */
import { ownKeyOf } from "../../../shared/core/upstreams/credentials.ts";
import type { Simulation } from "../simulate.ts";
import type { Row } from "../world/sql-engine.ts";
import { numberOf, textOf } from "./rows.ts";

/** A sweep, and the queue's own delays. */
const NOTICED_MS_MAX = 75_000;

export function watchConvergence({ ledger, service, world }: Simulation): undefined {
	const touchedAt = new Map<string, number>();
	const releasedAt = new Map<string, number>();
	ledger.on("jobs", ({ before, after }) => {
		if (before !== null && before.parked_on !== (after?.parked_on ?? null))
			releasedAt.set(textOf(before, "parked_on"), world.databaseNow);
	});
	ledger.on("receiver_breakers", ({ id, after }) => {
		if (after === null) releasedAt.set(id, world.databaseNow);
	});
	/** Since when the breaker that a job is parked on, and the tenant's own or shared one beside it, have admitted calls, and no job was released. */
	const openSince = ({ id, tenant_id: tenantId, parked_on: key }: Row): number => {
		const shared = String(key).slice(String(key).startsWith("own:") ? String(key).indexOf("|") + 1 : 0);
		const both = [shared, ownKeyOf(String(tenantId), shared)].map(
			(one) => ledger.rows("breakers").get(`/${one}`) ?? null,
		);
		const openUntil = both.map((breaker) => numberOf(breaker, "open_until"));
		return Math.max(touchedAt.get(String(id)) ?? 0, releasedAt.get(String(key)) ?? 0, ...openUntil);
	};
	/** Since when nothing keeps a parked delivery back. */
	const freeSince = (parked: Row): number => {
		const key = textOf(parked, "parked_on");
		const pause = ledger.rows("receiver_breakers").get(`/${key}`);
		return Math.max(
			touchedAt.get(textOf(parked, "id")) ?? 0,
			// While its receiver is only tried, a delivery waits for its own time, too.
			...(pause === undefined
				? [releasedAt.get(key) ?? 0]
				: [numberOf(pause, "open_until"), pause.open_until === null ? 0 : numberOf(parked, "next_attempt_at")]),
		);
	};
	for (const table of ["jobs", "deliveries"]) ledger.on(table, ({ id }) => touchedAt.set(id, world.databaseNow));
	// While there are messages, a job's own may be among them.
	let queuedUntil = 0;
	service.onSwept(() => {
		if (service.jobQueue.backlog > 0) queuedUntil = world.databaseNow;
		const limitMs = NOTICED_MS_MAX + world.jumpedMs;
		if (world.calmMs <= limitMs) return;
		const isLate = (dueAt: number) => world.databaseNow - dueAt > limitMs;
		for (const job of ledger.rows("jobs").values()) {
			if (job.status === "running" && isLate(numberOf(job, "lease_expires_at"))) {
				world.violate("L1", `the sweeper misses that the lease of ${job.id} expired`);
			}
			if (job.status === "queued" && job.parked_on === null && isLate(Math.max(numberOf(job, "run_at"), queuedUntil)))
				world.violate("L1", `the sweeper misses that ${job.id} is due`);
			if (job.status === "queued" && isGated(job) && isLate(openSince(job)))
				world.violate("L1", `${job.parked_on} admits calls, and the sweeper does not release ${job.id}`);
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

/** Parked on a breaker. */
function isGated({ parked_on: key }: Row): boolean {
	return key !== null && !String(key).startsWith("tenant:");
}

export function hasConverged({ ledger }: Simulation): boolean {
	for (const job of ledger.rows("jobs").values()) if (job.finished_at === null) return false;
	for (const delivery of ledger.rows("deliveries").values()) if (delivery.status === "pending") return false;
	return true;
}
