/**
 * S1: what was answered 202 exists. S4: no job without a submission. S5: one job for one idempotency key, and the key
 * is committed with its job. E1: only jobs that are final, have no pending delivery and are past their retention are pruned.
 */
import type { Changed } from "../ledger.ts";
import type { Simulation } from "../simulate.ts";
import { isFinalRow, numberOf, textOf } from "./rows.ts";

export function watchSubmissions(simulation: Simulation): () => void {
	const { ledger, world, history, callers, prompts } = simulation;
	const jobOfTag = new Map<string, string>();
	const inserted = new Set<string>();
	ledger.on("jobs", (change) => {
		const { id, before, after, by } = change;
		if (after === null) return checkErasure(simulation, change);
		if (before !== null) return;
		inserted.add(id);
		const { tag = "" } = JSON.parse(textOf(after, "metadata")) as { tag?: string };
		prompts.set(id, prompts.get(textOf(after, "retry_of")) ?? tag);
		const isAsked = history.some((event) => event.op === "submit" && event.type === "invoke" && event.tag === tag);
		if (!isAsked || !by?.name.startsWith("intake")) world.violate("S4", `no caller submitted ${id} (${tag})`);
		const twin = jobOfTag.get(tag);
		if (twin !== undefined) world.violate("S5", `${tag} was submitted once and became ${twin} and ${id}`);
		jobOfTag.set(tag, id);
	});
	ledger.onTransaction((changes) => {
		for (const { table, tenantId, id, before, after } of changes) {
			const isNewKey = table === "idempotency_keys" && after !== null && after.job_id !== before?.job_id;
			if (isNewKey && ledger.job(tenantId, textOf(after, "job_id")) === null)
				world.violate("S5", `the key ${id} was committed without its job`);
			if (table !== "jobs" || before !== null || after === null) continue;
			const key = callers.submissions.get([...jobOfTag].find(([, job]) => job === id)?.[0] ?? "")?.key ?? null;
			const row = key === null ? null : ledger.rows("idempotency_keys").get(`${tenantId}/${key}`);
			if (key !== null && row?.job_id !== id) world.violate("S5", `${id} was committed apart from its key ${key}`);
		}
	});
	ledger.on("idempotency_keys", ({ id, before, after }) => {
		if (before === null || numberOf(before, "expires_at") <= world.databaseNow) return;
		if (after?.job_id !== before.job_id) world.violate("S5", `the key ${id} lost its job within its day`);
	});
	return () => {
		for (const { op, type, job } of history) {
			if (op === "submit" && type === "ok" && !inserted.has(job ?? ""))
				world.violate("S1", `${job} was answered 202 and never existed`);
		}
	};
}

function checkErasure({ ledger, world }: Simulation, { tenantId, id, before, by }: Changed): void {
	if (before === null) return;
	const who = by?.name ?? "";
	const isPending = [...ledger.rows("deliveries").values()].some(
		(row) => row.tenant_id === tenantId && row.job_id === id && row.status === "pending",
	);
	if (!isFinalRow(before)) world.violate("E1", `${who} erased ${id}, which was ${before.status}`);
	if (isPending) world.violate("E1", `${who} erased ${id}, which has a pending delivery`);
	if (who.startsWith("intake")) return;
	const keptUntil = numberOf(before, "finished_at") + numberOf(before, "retain_ms");
	if (keptUntil > world.databaseNow) world.violate("E1", `${who} pruned ${id} before its time`);
}
