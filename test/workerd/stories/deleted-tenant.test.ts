/** What is deleted leaves nothing behind: a job, and a tenant, for which nothing is done any more, with all that it owns. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { OPERATOR } from "../../../shared/core/tenants/audit.ts";
import { findPendingDeliveries } from "../../../shared/db/deliveries/find-deliveries.ts";
import { findJobWithHistory } from "../../../shared/db/jobs/find-job.ts";
import { finishJobs } from "../../../shared/db/jobs/finish-jobs.ts";
import { leaseJobs } from "../../../shared/db/jobs/lease-jobs.ts";
import { createApiKey, findKeyInForce } from "../../../shared/db/tenants/api-keys.ts";
import { findTenant, listTenants } from "../../../shared/db/tenants/tenants.ts";
import { deleteTenant, OWNED } from "../../../shared/db/upkeep/delete-tenant.ts";
import { ACK } from "../../../shared/queues/dispositions.ts";
import { inputKey, resultKey } from "../../../shared/storage/keys.ts";
import { CONFIG } from "../faults/config.ts";
import { Story } from "../faults/story.ts";
import {
	aDelivery,
	aJob,
	aNewJob,
	anId,
	aTenant,
	BY,
	DAY,
	databaseAt,
	finalizationOf,
	insertRow,
	LEASE_MS,
	MINUTE,
	NOW,
	SECOND,
} from "../support/a-job.ts";
import { emptyTables } from "../support/all-rows.ts";
import { aDeliveryTo, anEndpoint } from "../support/an-endpoint.ts";
import { dumpAll, placesOf } from "../support/dump.ts";
import { submitJob } from "../support/submit-job.ts";
import { FAULTS } from "../world/faults.ts";
import { aModel, answered, slowly } from "../world/model.ts";
import type { Process } from "../world/process.ts";
import { RECEIVER, type Reply } from "../world/upstreams.ts";
import { World } from "../world/world.ts";

let world: World;
beforeEach(async () => {
	await emptyAll();
	world = new World();
});

async function emptyAll(): Promise<void> {
	await emptyTables();
	await env.RESULTS.delete((await env.RESULTS.list()).objects.map(({ key }) => key));
}

const operator = () => ({ actor: OPERATOR, requestId: anId("req") });
const CANARY = "canary-of-the-deleted";

/** Of everything that a tenant can own, some. */
async function aFullTenant(canary: string) {
	const { tenantId } = await aTenant({ name: canary });
	const metadata = { canary };
	const queued = await aJob({ tenantId, metadata });
	const large = inputKey({ tenantId, jobId: anId("job") }, NOW);
	await env.RESULTS.put(large, canary);
	const done = await aJob({ tenantId, metadata, inputKey: large, status: "succeeded" });
	await env.RESULTS.put(resultKey(done), canary);
	const endpoint = await anEndpoint(tenantId, { name: canary });
	const delivery = await aDelivery(done, { url: `https://hooks.acme-receiver.com/${canary}` });
	await aDeliveryTo(endpoint, done, { status: "exhausted" });
	const keyId = anId("key");
	const row = { name: canary, key_hash: "a".repeat(64), scopes: "[]", created_at: NOW };
	await insertRow("api_keys", { id: keyId, tenant_id: tenantId, ...row });
	const idempotency = { key: canary, fingerprint: "f", job_id: done.jobId, expires_at: NOW + DAY };
	await insertRow("idempotency_keys", { tenant_id: tenantId, ...idempotency });
	const used = { jobs: 1, succeeded: 1, prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
	await insertRow("usage", { tenant_id: tenantId, day: Math.floor(NOW / DAY), model: canary, ...used });
	const sample = { open_jobs: 1, parked_jobs: 0, later_jobs: 0, oldest_ms: 1, pending_deliveries: 1, is_cut: 0 };
	const models = JSON.stringify({ [canary]: 1 });
	await insertRow("backlog", { tenant_id: tenantId, minutes: 60, start_at: NOW, sampled_at: NOW, ...sample, models });
	const pause = env.DB.prepare("INSERT INTO receiver_breakers VALUES (?1, 1, ?2, ?2, NULL)");
	await pause.bind(`receiver:${tenantId} ${endpoint.endpointId}`, NOW).run();
	const running = await aJob({ tenantId, status: "running" });
	await finishJobs(databaseAt(NOW), [finalizationOf(running)]);
	return { tenantId, queued, done, endpoint, delivery, keyId };
}

/** Sweeps now, when the tombstones' time has come, and when the tenant's row may go. */
async function sweepToTheEnd(world: World): Promise<void> {
	for (const waitMs of [MINUTE, 21 * MINUTE, 40 * MINUTE]) await world.sweep(waitMs);
}

/** Says the canary in each way in which a receiver can say something: as an error, in a reply that fails, and in one that does not. */
const PARROT: readonly Reply[] = [
	() => Promise.reject(new TypeError(`no route to ${CANARY}`)),
	() => new Response(CANARY, { status: 500 }),
	() => new Response(CANARY),
];

let worlds = 0;

/** Two jobs of one tenant, with the canary in all that they hold, and the deliveries of each: settled, and still pending. */
async function parroted() {
	// A day of its own, because an isolate remembers API keys, which follow from the time.
	const startAt = NOW + ++worlds * DAY;
	const world = new World({ startAt, config: CONFIG, replies: [...PARROT], runsByItself: true });
	const story = await Story.begin(world);
	const json = { metadata: { note: CANARY }, webhook: { url: `${RECEIVER}/${CANARY}?token=${CANARY}` } };
	const quoted = { error: { message: `I do not like "${CANARY}".`, code: CANARY } };
	const steps = [{ status: 500, says: quoted }, { says: { page: CANARY } }, {}];
	const jobs = [];
	for (const isLarge of [false, true])
		jobs.push(await story.submit({ prompt: `${CANARY} ${isLarge}`, idempotencyKey: null, isLarge, json, steps }));
	const endpoint = { name: "mine", url: RECEIVER, event_types: ["job.*"] };
	await story.send("POST", "/v1/webhook_endpoints", { json: endpoint });
	for (const job of jobs) await story.untilOver(job);
	await story.pass(2 * MINUTE);
	world.upstreams.replies = PARROT.slice(0, 2);
	await story.send("POST", `/v1/jobs/${jobs[0]?.jobId}/redeliver`);
	await story.pass(10 * SECOND);
	return { story, jobs };
}

const RECORD = `SELECT id, job_id, event_id, event_type, endpoint_id, payload, attempts_made, created_at, json_array_length(attempts),
	(SELECT group_concat((value ->> 'at') || ' ' || (value ->> 'durationMs') || ' ' || (value ->> 'status')) FROM json_each(attempts)) AS made
	FROM deliveries WHERE tenant_id = ?1 ORDER BY id`;

describe("an erased job", () => {
	it("leaves nothing of what its caller, its model and its receivers said, and of its deliveries ids, times and statuses", async () => {
		const { story, jobs } = await parroted();
		expect((await placesOf(CANARY)).toSorted()).toEqual(["R2", "deliveries", "jobs"]);
		const record = async () => (await env.DB.prepare(RECORD).bind(story.tenantId).all()).results;
		const before = await record();
		expect(before.length).toBeGreaterThan(3);
		for (const { jobId } of jobs) {
			const { data } = (await story.send("GET", `/v1/jobs/${jobId}/attempts`)).body as { data: object[] };
			expect(data).toMatchObject([
				{ code: "server_error", provider_code: null, message: 'I do not like "[input]".', excerpt: null },
				{ code: "answer_empty", provider_code: null, excerpt: `{"page":"${CANARY}"}` },
				{ code: null, excerpt: null },
			]);
		}

		for (const { jobId } of jobs) await story.send("DELETE", `/v1/jobs/${jobId}`);

		expect(await placesOf(CANARY)).toEqual([]);
		expect(await record()).toEqual(before);
		expect(await placesOf(`${new URL(RECEIVER).origin}/"`)).toEqual(["deliveries"]);
		// Attempts that went on meanwhile, and the sweeper, bring nothing back.
		await story.pass(30 * MINUTE);
		expect([await placesOf(CANARY), await record()]).toEqual([[], before]);
		expect(story.world.problems).toEqual([]);
	});

	it("leaves nothing with its tenant either", async () => {
		const { story } = await parroted();
		expect(await deleteTenant(databaseAt(story.world.runtime.now()), story.tenantId, operator())).toBe(true);
		await story.pass(90 * MINUTE);
		expect([await placesOf(CANARY), await placesOf(story.tenantId)]).toEqual([[], ["audit_log"]]);
	});
});

describe("a deleted tenant", () => {
	it("leaves nothing behind, in any table or in R2, but its audit log; and others lose nothing", async () => {
		const [gone, other] = [await aFullTenant(CANARY), await aFullTenant("of-another")];
		const inEach = await placesOf(gone.tenantId);
		const owned = OWNED.map(([table]) => table);
		expect(inEach.toSorted()).toEqual([...owned, "jobs", "tenants", "receiver_breakers", "audit_log", "R2"].toSorted());
		const others = async () => {
			// Each sweep adds a sample of what is open.
			const { backlog: _, ...kept } = await dumpAll();
			return Object.values(kept).join().split(other.tenantId).length;
		};
		const before = await others();
		// Of a submission whose response from D1 was lost.
		await env.RESULTS.put(inputKey({ tenantId: gone.tenantId, jobId: anId("job") }, NOW, "request"), CANARY);

		expect(await deleteTenant(databaseAt(world.runtime.now()), gone.tenantId, operator())).toBe(true);
		await sweepToTheEnd(world);

		expect([await placesOf(gone.tenantId), await placesOf(CANARY)]).toEqual([["audit_log"], []]);
		for (const one of [gone.queued.jobId, gone.done.jobId, gone.keyId]) expect(await placesOf(one)).toEqual([]);
		expect(await others()).toBe(before);
		expect(await findTenant(databaseAt(NOW), other.tenantId)).toMatchObject({ name: "of-another" });
	});

	it("owns rows in the tables that are erased, and in no other", async () => {
		const tables = await env.DB.prepare(
			"SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%tenant_id TEXT%'",
		).all<{ name: string }>();
		const names = tables.results.map(({ name }) => name).toSorted();
		expect(names).toEqual([...OWNED.map(([table]) => table), "jobs", "audit_log"].toSorted());
	});

	it("is unknown from the response on: to submissions, leases, webhooks and polls", async () => {
		const db = databaseAt(NOW);
		const { tenantId, queued, done, delivery, keyId } = await aFullTenant(CANARY);
		const running = await aJob({ tenantId, status: "running", leaseExpiresAt: NOW });
		expect(await deleteTenant(db, tenantId, operator())).toBe(true);

		for (const idempotency of [null, { key: "new", fingerprint: "f".repeat(64) }]) {
			expect(await submitJob(db, aNewJob({ tenantId, idempotency }))).toEqual({ outcome: "deleted" });
		}
		for (const isRepeated of [false, true]) {
			const request = { keys: [queued, running], holder: "h", leaseMs: LEASE_MS, isRepeated };
			expect((await leaseJobs(db, request)).jobs).toEqual([]);
		}
		expect(await findPendingDeliveries(db, [delivery])).toEqual([]);
		expect([
			await findJobWithHistory(db, queued),
			await findJobWithHistory(db, done),
			await findKeyInForce(db, keyId),
		]).toEqual([null, null, null]);
		const key = {
			keyId: anId("key"),
			tenantId,
			name: "k",
			keyHash: "a".repeat(64),
			scopes: [],
			expiresAt: null,
			makerId: null,
		};
		expect(await createApiKey(db, key, BY)).toBeNull();
		await expect(anEndpoint(tenantId)).rejects.toThrow("the tenant is unknown");
		expect((await listTenants(db, 100, null)).map((one) => one.tenantId)).not.toContain(tenantId);
		expect(await deleteTenant(db, tenantId, operator())).toBe(false);
	});

	it("keeps its row for an hour, and with it its keys out", async () => {
		const { tenantId } = await aFullTenant(CANARY);
		await deleteTenant(databaseAt(world.runtime.now()), tenantId, operator());
		const newJob = aNewJob({ tenantId });
		for (const waitMs of [MINUTE, 57 * MINUTE]) {
			await world.sweep(waitMs);
			expect(await submitJob(databaseAt(world.runtime.now()), newJob)).toEqual({ outcome: "deleted" });
			expect(await placesOf(tenantId)).toContain("tenants");
		}
		await world.sweep(2 * MINUTE);
		expect(await placesOf(tenantId)).not.toContain("tenants");
	});

	it("has its running call aborted within seconds, and its holder leaves nothing behind", async () => {
		const { tenantId } = await aTenant();
		const job = await aJob({ tenantId });
		const holder = world.start(aModel(slowly(10 * MINUTE, answered(CANARY))));
		const { dispositions, over } = holder.consuming(job);
		await world.advance(7 * SECOND);
		await deleteTenant(databaseAt(world.runtime.now()), tenantId, operator());
		await world.advance(5 * SECOND);
		await over;
		expect(dispositions).toEqual({ [job.jobId]: ACK });
		await sweepToTheEnd(world);
		expect([await placesOf(CANARY), await placesOf(tenantId)]).toEqual([[], ["audit_log"]]);
	});

	it.each(["before", "after"])(
		"is not brought back by a holder that stores its result %s the erasure",
		async (when) => {
			const world = new World();
			const { tenantId } = await aTenant();
			const job = await aJob({ tenantId });
			const holder = world.start(aModel(answered(CANARY)));
			// The holder learns nothing until its result is stored.
			holder.on(/d1 find held leases|d1 extend leases/, "hangs before", 100);
			holder.on(/r2 put/i, async (go) => {
				await deleteTenant(databaseAt(world.runtime.now()), tenantId, operator());
				if (when === "after") await world.sweep();
				await go();
			});
			const { over } = holder.consuming(job);
			expect(await world.until(over)).toBe(true);
			await sweepToTheEnd(world);
			expect([await placesOf(CANARY), await placesOf(tenantId)]).toEqual([[], ["audit_log"]]);
		},
	);

	it("has no message retried for a job that is due: it is acked", async () => {
		const { tenantId } = await aTenant();
		const due = await aJob({ tenantId, runAt: world.runtime.now() - MINUTE });
		await deleteTenant(databaseAt(world.runtime.now()), tenantId, operator());
		expect(await world.start().consume(due)).toEqual(ACK);
	});

	it("gets none of its pending webhooks: their messages are acked", async () => {
		const { tenantId, delivery } = await aFullTenant(CANARY);
		await deleteTenant(databaseAt(world.runtime.now()), tenantId, operator());
		expect(await world.start().dispatch(delivery)).toEqual(ACK);
		expect(world.received).toEqual([]);
	});
});

/** Kills the process at its call number `at`. */
function killedAt(process: Process, at: number, how: "dies before" | "dies after"): { isOver: () => boolean } {
	let calls = 0;
	process.on(/./, (go, call) => (calls++ === at ? FAULTS[how](go, call) : go()), Number.POSITIVE_INFINITY);
	return { isOver: () => calls <= at };
}

describe("the erasure", () => {
	it.each([
		["before", "dies before"],
		["after", "dies after"],
	] as const)(
		"survives the death of its sweep %s any call",
		async (_, how) => {
			for (let at = 0; ; at++) {
				await emptyAll();
				const world = new World();
				const { tenantId } = await aFullTenant(CANARY);
				await deleteTenant(databaseAt(world.runtime.now()), tenantId, operator());
				const process = world.start();
				const death = killedAt(process, at, how);
				await process.sweep();
				await sweepToTheEnd(world);
				expect([await placesOf(tenantId), await placesOf(CANARY)], `call ${at}`).toEqual([["audit_log"], []]);
				if (death.isOver()) break;
				expect(at).toBeLessThan(60);
			}
		},
		120_000,
	);

	it("goes on sweep by sweep, a bounded number of jobs each, and small tenants do not wait for large ones", async () => {
		const [large, small] = [await aTenant(), await aTenant()];
		const rows = `INSERT INTO jobs (tenant_id, id, status, models, model, credential, input, input_bytes, priority, timeout_ms,
			max_attempts, retain_ms, origin, created_at, run_at, deadline_ms, deadline_at, sweep_at)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
			SELECT ?1, 'job_' || printf('%026d', i), 'queued', '["m"]', 'm', 'm', '{}', 2, 5, 1, 1, 1, '', 1, 9e15, 1, 9e15, 9e15 FROM n`;
		await env.DB.prepare(rows).bind(large.tenantId, 10_700).run();
		await aJob({ tenantId: small.tenantId });
		for (const { tenantId } of [large, small])
			await deleteTenant(databaseAt(world.runtime.now()), tenantId, operator());
		const left = async (tenantId: string) =>
			(await env.DB.prepare("SELECT count(*) AS n FROM jobs WHERE tenant_id = ?1").bind(tenantId).first<number>("n")) ??
			0;

		await world.sweep();
		expect(await left(small.tenantId)).toBe(0);
		// Twenty pages at most; fewer where the order of the steps reserves more for those after it.
		const after = await left(large.tenantId);
		expect([after >= 10_700 - 19 * 500, after <= 10_700 - 10 * 500]).toEqual([true, true]);
		await world.sweep();
		expect(await left(large.tenantId)).toBe(0);
	});
});
