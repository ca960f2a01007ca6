/**
 * S2, of results: stored once, before the row says so, and never changed while the job is kept. The bytes are an answer
 * that the model gave to this very job. What is erased stays erased, despite late writes.
 */
import type { Simulation } from "../simulate.ts";
import { isFinalRow, numberOf, textOf } from "./rows.ts";

const KEY = /^results\/([^/]+)\/([^/]+)$/;

export function watchResults(simulation: Simulation): () => void {
	const { ledger, world, service } = simulation;
	const { objects } = service.bucket;
	const etags = new Map<string, string>();
	service.bucket.onChange(({ kind, key }, by) => {
		const [, tenantId = "", jobId = ""] = KEY.exec(key) ?? [];
		if (jobId === "") return;
		if (kind === "overwritten") world.violate("S2", `${by.name} overwrote ${key}`);
		if (kind === "put") etags.set(key, objects.get(key)?.etag ?? "");
		if (kind === "deleted" && ledger.job(tenantId, jobId) !== null)
			world.violate("S2", `${by.name} deleted ${key} of a job that is kept`);
	});
	ledger.on("jobs", ({ tenantId, id, before, after }) => {
		if (after?.status !== "succeeded" || isFinalRow(before)) return;
		const stored = objects.get(`results/${tenantId}/${id}`);
		if (stored === undefined) return world.violate("S2", `${id} succeeded and its row points at nothing`);
		if (stored.bytes.byteLength !== numberOf(after, "result_bytes"))
			world.violate("S2", `${id} has another result than its row says`);
		const text = new TextDecoder().decode(stored.bytes);
		const isOwn = service.model.callsOf(id).some(({ answer }) => answer !== null && text.includes(`"${answer}"`));
		if (!isOwn) world.violate("S10", `${id} has a result that its model never gave: ${text}`);
	});
	return () => {
		for (const job of ledger.rows("jobs").values()) {
			const key = `results/${textOf(job, "tenant_id")}/${textOf(job, "id")}`;
			if (job.status === "succeeded" && objects.get(key)?.etag !== etags.get(key))
				world.violate("S2", `the bytes of ${key} changed`);
		}
		checkOrphans(simulation);
	};
}

/** What no row names is named by a tombstone whose time has not come. Inputs are reaped after days: not looked at here. */
function checkOrphans({ ledger, world, service }: Simulation): void {
	const erased = service.database
		.look("SELECT keys FROM tombstones")
		.map((row) => textOf(row, "keys"))
		.join();
	for (const key of service.bucket.objects.keys()) {
		const [, tenantId = "", jobId = ""] = KEY.exec(key) ?? [];
		if (jobId === "" || ledger.job(tenantId, jobId) !== null || erased.includes(jobId)) continue;
		world.violate("E2", `${key} outlived its job`);
	}
}
