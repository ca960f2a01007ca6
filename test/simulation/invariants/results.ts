/**
 * S2, of results: stored once, before the row says so, and never changed while the job is kept. The bytes are an answer
 * that the model gave to this very job. What is erased stays erased, despite late writes. E3: no copy of the input of a job
 * that its owner erased is left.
 */
import type { Simulation } from "../simulate.ts";
import type { Row } from "../world/sql-engine.ts";
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
	const erased: Row[] = [];
	ledger.on("jobs", ({ before, after, by }) => {
		if (before?.input_key && after === null && by?.name.startsWith("intake")) erased.push(before);
	});
	return () => {
		for (const job of ledger.rows("jobs").values()) {
			const key = `results/${textOf(job, "tenant_id")}/${textOf(job, "id")}`;
			if (job.status === "succeeded" && objects.get(key)?.etag !== etags.get(key))
				world.violate("S2", `the bytes of ${key} changed`);
		}
		checkOrphans(simulation);
		for (const job of erased) checkCopies(simulation, job);
	};
}

/** Copies that repeats of the request put. Of a submission without a key, and of a retry, copies are reaped after a day. */
function checkCopies({ service, callers, world }: Simulation, job: Row): void {
	const { tag = "" } = JSON.parse(textOf(job, "metadata")) as { tag?: string };
	const submission = callers.submissions.get(tag);
	const isRetried = [...callers.submissions.values()].some((one) => one.tag !== tag && one.body === submission?.body);
	const hasTombstone =
		service.database.look("SELECT 1 FROM tombstones WHERE erased_job = ?1", textOf(job, "id")).length > 0;
	if (submission === undefined || submission.key === null || isRetried || hasTombstone) return;
	for (const { key, bytes } of service.bucket.objects.values()) {
		if (key.startsWith("inputs/") && new TextDecoder().decode(bytes).includes(`"content":"${tag} `))
			world.violate("E3", `${key} is a copy of the input of ${textOf(job, "id")}, which was erased`);
	}
}

/** What no row names is named by a tombstone whose time has not come. Inputs are reaped after a day: not looked at here. */
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
