/**
 * T7: what is counted of a tenant with a limit of stored bytes is what the rows of its counted jobs say, after every transaction;
 * of any other tenant nothing is counted; and no job is admitted once the limit is reached.
 */
import type { Changed } from "../ledger.ts";
import type { Simulation } from "../simulate.ts";
import type { Row } from "../world/sql-engine.ts";
import { numberOf, textOf } from "./rows.ts";

/** As `tenants.stored_through` has it. */
const ALL_JOBS = "~";

export function watchStoredBytes(simulation: Simulation): undefined {
	simulation.ledger.onTransaction((changes) => {
		const byTenant = Map.groupBy(changes, ({ table, tenantId, id }) => (table === "tenants" ? id : tenantId));
		for (const [tenantId, own] of byTenant) check(simulation, tenantId, own);
	});
}

function check({ ledger, world }: Simulation, tenantId: string, changes: (Changed & { table: string })[]): void {
	const tenant = ledger.rows("tenants").get(`/${tenantId}`);
	if (tenant === undefined) return;
	const limit = (JSON.parse(textOf(tenant, "limits")) as { stored_bytes?: number | null }).stored_bytes ?? null;
	if ((limit === null) !== (tenant.stored_bytes === null))
		world.violate("T7", `${tenantId} has a limit of ${limit} and ${tenant.stored_bytes} bytes counted`);
	if (limit === null) return;
	const counted = [...ledger.rows("jobs").values()].filter(
		(job) => job.tenant_id === tenantId && textOf(job, "id") <= textOf(tenant, "stored_through"),
	);
	const bytes = counted.reduce((sum, job) => sum + bytesOf(job), 0);
	if (bytes !== tenant.stored_bytes)
		world.violate("T7", `${tenantId} has ${tenant.stored_bytes} bytes counted, its jobs ${bytes}`);
	const added = changes.filter(({ table, before, after }) => table === "jobs" && before === null && after !== null);
	if (added.length === 0 || tenant.stored_through !== ALL_JOBS) return;
	const before = bytes - Math.max(...added.map(({ after }) => bytesOf(after)));
	if (before >= limit) world.violate("T7", `a job of ${tenantId} is admitted beside ${before} bytes of ${limit}`);
}

const bytesOf = (job: Row | null) => numberOf(job, "input_bytes") + numberOf(job, "result_bytes");
