/** Checks what callers and receivers recorded, with the checker that also checks real runs. */
import { checkHistory } from "../check-history.ts";
import type { Simulation } from "../simulate.ts";
import { textOf } from "./rows.ts";

export function watchHistory({ history, service, ledger, world, endpoints }: Simulation): () => void {
	service.receivers.onPost(({ at, url, webhookId, body }) => {
		const event = JSON.parse(body) as { type: string; data: { id: string } };
		if (event.type === "endpoint.disabled") return;
		const receiver = endpoints.at(url)?.id;
		history.push({
			at,
			client: "receiver",
			type: "ok",
			op: "webhook",
			request: history.length,
			tenant: url.split("/").at(-1) ?? "",
			job: event.data.id,
			webhookId,
			eventType: event.type,
			...(receiver === undefined ? {} : { receiver }),
		});
	});
	return () => {
		for (const row of ledger.rows("deliveries").values()) {
			if (row.status !== "exhausted" || row.endpoint_id !== null) continue;
			const [tenant, job, eventType] = [textOf(row, "tenant_id"), textOf(row, "job_id"), textOf(row, "event_type")];
			const base = { client: "service", op: "webhook", request: history.length } as const;
			history.push({ at: world.now, type: "fail", ...base, tenant, job, eventType });
		}
		for (const { invariant, message } of checkHistory(history)) world.violate(invariant, `by the history, ${message}`);
	};
}
