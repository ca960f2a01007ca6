/** T8: the hours of a tenant's usage add up to its jobs that became final, each once, by state, model, tokens and times. */
import type { Simulation } from "../simulate.ts";
import type { Row } from "../world/sql-engine.ts";
import { isFinalRow, numberOf, textOf } from "./rows.ts";

const HOUR_MS = 3_600_000;

export function watchUsage({ ledger, service, world }: Simulation): () => void {
	const ended = new Map<string, number>();
	ledger.on("jobs", ({ tenantId, before, after }) => {
		if (after === null || isFinalRow(before) || !isFinalRow(after)) return;
		const hour = Math.floor(numberOf(after, "finished_at") / HOUR_MS);
		const add = (what: string, count: number) => {
			const key = `${tenantId} ${hour} ${after.model} ${what}`;
			if (count > 0) ended.set(key, count + (ended.get(key) ?? 0));
		};
		add(textOf(after, "status"), 1);
		add("total_tokens", tokensOf(after));
		if (after.started_at !== null) for (const what of ["waited", "ran"]) add(what, 1);
	});
	return () => {
		const counted = new Map<string, number>();
		for (const row of service.database.look("SELECT * FROM usage_hours")) {
			const sum = (prefix: string) =>
				Object.keys(row).reduce((all, name) => all + (name.startsWith(prefix) ? numberOf(row, name) : 0), 0);
			const { succeeded, failed, cancelled, expired, total_tokens } = row;
			const counts = { succeeded, failed, cancelled, expired, total_tokens, waited: sum("wait_"), ran: sum("run_") };
			for (const [what, count] of Object.entries(counts))
				if (count !== 0) counted.set(`${row.tenant_id} ${row.hour} ${row.model} ${what}`, Number(count));
		}
		for (const key of new Set([...ended.keys(), ...counted.keys()]))
			if (ended.get(key) !== counted.get(key))
				world.violate("T8", `usage has ${key}: ${counted.get(key)}, and the jobs ${ended.get(key)}`);
	};
}

function tokensOf(job: Row): number {
	return (JSON.parse(textOf(job, "usage") || "{}") as { totalTokens?: number }).totalTokens ?? 0;
}
