/**
 * G1: nothing is sent to a disabled endpoint. A 410 disables it in the transaction that records the attempt; an invocation
 * that could only find it disabled or deleted sends nothing; only its owner enables it again, with a clean record.
 */
import type { Changed } from "../ledger.ts";
import type { Simulation } from "../simulate.ts";
import { lastAttemptOf, numberOf } from "./rows.ts";

type Changes = (Changed & { table: string })[];

export function watchDisabling(simulation: Simulation): undefined {
	const { ledger, world, service, endpoints } = simulation;
	service.receivers.onSent(({ by, url, webhookId }) => {
		const endpoint = endpoints.at(url);
		if (endpoint === null) return;
		const known = endpoints.since(endpoint.tenantId, endpoint.id, by.startedAt);
		if (!known.some((row) => row?.status === "enabled"))
			world.violate("G1", `${by.name} posts ${webhookId} to ${endpoint.id}, which is disabled or gone`);
	});
	ledger.onTransaction((changes) => {
		const gone = changes.flatMap((change) => repliesOfGone(change));
		for (const endpoint of gone) {
			const { status = "disabled" } = ledger.rows("webhook_endpoints").get(endpoint) ?? {};
			if (status !== "disabled") world.violate("G1", `${endpoint} answered 410 and is ${status}`);
		}
		for (const change of changes) {
			const problem = change.table === "webhook_endpoints" ? problemWith(simulation, change, gone) : null;
			if (problem !== null) world.violate("G1", `${change.by?.name} ${problem} ${change.id}`);
		}
	});
}

/** The endpoint that answered the attempt which this change records. */
function repliesOfGone({ table, tenantId, before, after }: Changes[number]): string[] {
	if (table !== "deliveries" || after === null || after.endpoint_id === null) return [];
	const isAttempt = before !== null && numberOf(after, "attempts_made") > numberOf(before, "attempts_made");
	return isAttempt && lastAttemptOf(after)?.status === 410 ? [`${tenantId}/${after.endpoint_id}`] : [];
}

function problemWith(
	{ ledger, http }: Simulation,
	{ tenantId, id, before, after, by }: Changed,
	gone: string[],
): string | null {
	const path = by === null ? "" : (http.asked.get(by)?.path ?? "");
	const isPaused = ledger.rows("receiver_breakers").has(`/receiver:${tenantId} ${id}`);
	if (after === null || before === null) return isPaused ? "left a pause behind of" : null;
	if (before.status === after.status) return null;
	if (after.status === "disabled") return gone.includes(`${tenantId}/${id}`) ? null : "disabled without a reason";
	if (path !== `/v1/webhook_endpoints/${id}/enable`) return "enabled without a request";
	return isPaused ? "enabled, and keeps back," : null;
}
