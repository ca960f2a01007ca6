/**
 * Q1: no invocation acks the message of a job that it still runs, unless it has sent another. Q2: a message that arrives early keeps waiting, as long as
 * its job or delivery does and a queue may keep it: acking it would cost every early message a minute.
 */
import type { Simulation } from "../simulate.ts";
import type { Invocation } from "../world/invocation.ts";
import type { Row } from "../world/sql-engine.ts";
import { numberOf } from "./rows.ts";

/** Longer waits are the sweeper's. */
const QUEUE_WAIT_MS_MAX = 15 * 60_000;
/** For the time between reading a row and deciding on it. */
const SLACK_MS = 60_000;

export function watchAcks({ ledger, service, claims, world }: Simulation): undefined {
	const touchedAt = new Map<string, number>();
	for (const table of ["jobs", "deliveries"]) ledger.on(table, ({ id }) => touchedAt.set(id, world.now));
	const sentAt = new Map<string, number>();
	const sentBy = new WeakMap<Invocation, Set<string>>();
	service.jobQueue.onAccepted((body, _delay, by) => {
		const { jobId } = body as { jobId: string };
		sentAt.set(jobId, world.now);
		if (by !== null) sentBy.set(by, (sentBy.get(by) ?? new Set()).add(jobId));
	});

	service.onSaid((queue, body, said, by) => {
		const { tenantId, jobId, deliveryId } = body as { tenantId: string; jobId?: string; deliveryId?: string };
		const id = jobId ?? deliveryId ?? "";
		const row = ledger.rows(queue).get(`${tenantId}/${id}`) ?? null;
		if (said !== "ack" || row === null) return;
		const claim = claims.last(id);
		const isMine = row.status === "running" && claim?.by === by && !claim.isUnknown;
		if (isMine && !sentBy.get(by)?.has(id)) world.violate("Q1", `${by.name} acks ${id} and has not settled it`);
		const isUntouched = (touchedAt.get(id) ?? 0) < by.startedAt;
		const isReplaced = (sentAt.get(id) ?? 0) >= by.startedAt;
		if (isUntouched && !isReplaced && isEarly(row, world.databaseNow) && world.options.jumps === 0) {
			world.violate("Q2", `${by.name} acks the early message of ${id}`);
		}
	});
}

/** Waits for nothing but a time that is near. */
function isEarly(row: Row, now: number): boolean {
	const isWaiting = row.status === "pending" || (row.status === "queued" && row.slot !== null);
	const waitMs = numberOf(row, row.status === "pending" ? "next_attempt_at" : "run_at") - now;
	return isWaiting && waitMs > 0 && waitMs < QUEUE_WAIT_MS_MAX - SLACK_MS;
}
