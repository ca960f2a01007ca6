/**
 * Postpones deliveries that cannot be sent now for a reason that is not their receiver's. It uses no attempt of their schedule.
 *
 * Those over the limit of their host get turns: the row of the host in `receiver_breakers` has the time of the last turn given,
 * so that turns of all isolates are in line, one after the other.
 */
import { keyText } from "../../core/ids.ts";
import { ENQUEUE_GRACE_MS, QUEUE_WAIT_MS_MAX } from "../../core/jobs/wakeups.ts";
import type { DeliveryKey } from "../../core/webhooks/delivery.ts";
import { type Database, NOW } from "../database.ts";

export interface Postponement extends DeliveryKey {
	/** Attempts made so far: the fence. */
	attemptsMade: number;
	/** How long it waits, or the key of the host whose next turn it gets. */
	until: { waitMs: number } | { turnAt: string };
}

/**
 * Returns how long each waits. Null: it was attempted or settled meanwhile.
 * @param turnMs from one turn of a host to the next
 */
export async function postponeDeliveries(
	db: Database,
	postponements: readonly Postponement[],
	turnMs: number,
): Promise<(number | null)[]> {
	const given = new Map<string, number>();
	const rows = postponements.map(({ tenantId, deliveryId, attemptsMade, until }) => {
		if ("waitMs" in until) return [tenantId, deliveryId, attemptsMade, null, Math.ceil(until.waitMs)];
		const turns = (given.get(until.turnAt) ?? 0) + 1;
		given.set(until.turnAt, turns);
		return [tenantId, deliveryId, attemptsMade, `receiver:${until.turnAt}`, turns * turnMs];
	});
	const hosts = [...given].map(([key, turns]) => [`receiver:${key}`, turns * turnMs]);
	const [, postponed = []] = await db.transact<{ tenant_id: string; id: string; wait: number }>("postpone deliveries", [
		{
			sql: `INSERT INTO receiver_breakers (key, failures, failing_since, failed_at, open_until)
			SELECT value ->> 0, 0, ${NOW}, ${NOW}, ${NOW} + (value ->> 1) FROM json_each(?2) WHERE TRUE
			ON CONFLICT (key) DO UPDATE
			   SET failed_at = ${NOW}, open_until = max(open_until, ${NOW}) + excluded.open_until - ${NOW}`,
			params: [db.clock(), JSON.stringify(hosts)],
		},
		{
			sql: `UPDATE deliveries
			   SET next_attempt_at = due_at, sweep_at = due_at + iif(due_at - ${NOW} > ${QUEUE_WAIT_MS_MAX}, 0, ${ENQUEUE_GRACE_MS})
			  FROM (SELECT value ->> 0 AS owner, value ->> 1 AS name, value ->> 2 AS made, (value ->> 4) + coalesce(
			               (SELECT open_until FROM receiver_breakers WHERE key = value ->> 3) - (
			                SELECT hosts.value ->> 1 FROM json_each(?3) AS hosts WHERE hosts.value ->> 0 = listed.value ->> 3),
			               ${NOW}) AS due_at
			          FROM json_each(?2) AS listed) AS postponed
			 WHERE tenant_id = owner AND id = name AND attempts_made = made AND status = 'pending'
			RETURNING tenant_id, id, next_attempt_at - ${NOW} AS wait`,
			params: [db.clock(), JSON.stringify(rows), JSON.stringify(hosts)],
		},
	]);
	const waits = new Map(postponed.map((row) => [keyText(row.tenant_id, row.id), row.wait]));
	return postponements.map(({ tenantId, deliveryId }) => waits.get(keyText(tenantId, deliveryId)) ?? null);
}
