/** The last look of all: what every caller finds when everything has come to rest. */
import type { Simulation } from "../simulate.ts";
import type { Client } from "./client.ts";

const LOOK_MS_MAX = 600_000;

export async function drain({ world, callers, tenants, history }: Simulation): Promise<void> {
	let open = 0;
	const ask = (client: Client, path: string, facts: Parameters<Client["ask"]>[1], react?: () => void) => {
		open += 1;
		client.ask({ method: "GET", path }, { ...facts, isDrain: true }, () => {
			open -= 1;
			react?.();
		});
	};
	for (const tenant of tenants) {
		const client = callers.client(tenant);
		ask(client, "/v1/jobs?limit=100", { op: "list" });
		const mine = history.filter((event) => event.tenant === tenant.tenantId && event.op === "submit");
		const jobs = new Set(mine.flatMap(({ type, job }) => (type === "ok" && job !== undefined ? [job] : [])));
		for (const job of jobs) {
			ask(client, `/v1/jobs/${job}`, { op: "get", job });
			ask(client, `/v1/jobs/${job}/result`, { op: "result", job });
		}
	}
	await world.run(LOOK_MS_MAX, () => open === 0);
}
