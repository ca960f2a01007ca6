/** R1: a recovery that says it left nothing behind has left nothing behind of what an endpoint had missed when it was asked. */
import type { Simulation } from "../simulate.ts";
import { textOf } from "./rows.ts";

export function watchRedeliveries({ ledger, owners, world }: Simulation): undefined {
	const touchedAt = new Map<string, number>();
	ledger.on("deliveries", ({ id }) => touchedAt.set(id, world.now));
	owners.onRecovered(({ tenantId, endpointId, askedAt }) => {
		for (const row of ledger.rows("deliveries").values()) {
			const [id, status] = [textOf(row, "id"), textOf(row, "status")];
			const isMissed = row.endpoint_id === endpointId && (status === "exhausted" || status === "skipped");
			const hasEvent = row.event !== null || ledger.job(tenantId, textOf(row, "job_id")) !== null;
			if (isMissed && hasEvent && (touchedAt.get(id) ?? 0) < askedAt)
				world.violate("R1", `${id} is ${status}, and the recovery of ${endpointId} says that nothing is`);
		}
	});
}
