import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { JobBody } from "../../../shared/api/job.ts";
import { Database } from "../../../shared/db/database.ts";
import { finishJobs } from "../../../shared/db/jobs/finish-jobs.ts";
import { resultKey } from "../../../shared/storage/keys.ts";
import { ObjectStore } from "../../../shared/storage/object-store.ts";
import { runtime } from "../../../workers/runtime.ts";
import { finalizationOf, type StoredJob } from "../../support/job-of.ts";
import { aDelivery, aJob, reload, reloadDelivery } from "../support/a-job.ts";
import { interceptedD1, watchedD1 } from "../support/watched-d1.ts";
import { aCaller, errorOf, refusalOf, send, sendTo } from "./caller.ts";
import { aSucceededJob, COMPLETION, jobIn, jobsOf, PROMPT, submitted } from "./jobs.ts";
import { BROKEN_R2, theServices, withWatchedQueue } from "./services.ts";

const { key, tenantId } = await aCaller();

const cancel = (id: string) => send("POST", `/v1/jobs/${id}/cancel`, { key });
const retry = (id: string, json?: object, headers: Record<string, string> = {}) =>
	send("POST", `/v1/jobs/${id}/retry`, { key, json, headers });
const erase = (id: string) => send("DELETE", `/v1/jobs/${id}`, { key });
const reloaded = async (id: string): Promise<JobBody> => jobIn(await send("GET", `/v1/jobs/${id}`, { key }));

describe("POST /v1/jobs/{id}/cancel", () => {
	it("cancels a queued job before its start, and gives the same answer ever after", async () => {
		const { id, version } = await submitted(key);
		const first = await cancel(id);
		expect(first.status).toBe(200);
		expect(jobIn(first)).toMatchObject({
			status: "cancelled",
			cancellation: "before_start",
			version: version + 1,
			error: null,
		});
		expect(jobIn(first).finished_at).not.toBeNull();
		expect((await cancel(id)).body).toEqual(first.body);
		expect(await reloaded(id)).toEqual(jobIn(first));
	});

	it("records no call where the holder took over only to fail the job", async () => {
		const job = await aJob({ tenantId, status: "running", attempt: 6, maxAttempts: 5, createdAt: runtime.now() });
		expect(jobIn(await cancel(job.jobId))).toMatchObject({ status: "cancelled", attempt: 5 });
		expect(await reload(job)).toMatchObject({ attempts: [] });
	});

	it("takes an empty body that comes as a stream, as HTTP clients send it", async () => {
		const { id } = await submitted(key);
		const raw = new Blob([]).stream();
		const answer = await send("POST", `/v1/jobs/${id}/cancel`, { key, raw, headers: { "content-type": "" } });
		expect(answer.status).toBe(200);
	});

	it("cancels a running job in flight, and keeps the call in its history", async () => {
		const { jobId } = await aJob({ tenantId, status: "running", createdAt: runtime.now() });
		const first = await cancel(jobId);
		expect(jobIn(first)).toMatchObject({ status: "cancelled", cancellation: "in_flight" });
		expect((await cancel(jobId)).body).toEqual(first.body);
		expect((await send("GET", `/v1/jobs/${jobId}/attempts`, { key })).body).toMatchObject({
			data: [{ number: 1, counted: true, outcome: "cancelled", model: "simulated/echo" }],
		});
		expect((await send("GET", `/v1/jobs/${jobId}/result`, { key })).status).toBe(409);
	});

	it("comes too late for a final job, says so, and stores nothing", async () => {
		for (const status of ["succeeded", "failed", "expired"] as const) {
			const { jobId } = await aJob({ tenantId, status });
			const before = await reload({ tenantId, jobId });
			for (const answer of [await cancel(jobId), await cancel(jobId)]) {
				expect(answer.status).toBe(200);
				expect(jobIn(answer)).toMatchObject({ status, cancellation: "too_late", version: 1 });
			}
			expect(await reload({ tenantId, jobId })).toEqual(before);
			expect((await reloaded(jobId)).cancellation).toBeNull();
		}
	});

	it("takes a body, if it is an empty object", async () => {
		const { id } = await submitted(key);
		expect(
			(await send("POST", `/v1/jobs/${id}/cancel`, { key, raw: "x", headers: { "content-type": "text/plain" } }))
				.status,
		).toBe(415);
		expect((await send("POST", `/v1/jobs/${id}/cancel`, { key, json: [] })).status).toBe(400);
		expect((await reloaded(id)).status).toBe("queued");
		expect((await send("POST", `/v1/jobs/${id}/cancel`, { key, json: {} })).status).toBe(200);
	});

	it("inserts a delivery for each webhook that subscribes, and enqueues it once", async () => {
		const url = "https://receiver.example.com/hook";
		const { id } = await submitted(key, { webhook: { url } });
		const deaf = await submitted(key, { webhook: { url, events: ["job.succeeded"] } });
		const { server, sent } = withWatchedQueue("DELIVERY_QUEUE");
		const answers = await Promise.all(
			[id, id, id, deaf.id].map((one) => sendTo(server, "POST", `/v1/jobs/${one}/cancel`, { key })),
		);
		for (const answer of answers) expect(jobIn(answer)).toMatchObject({ cancellation: "before_start", version: 2 });
		expect(await sent()).toMatchObject([[{ tenantId, deliveryId: expect.stringContaining(id.slice(4)) }]]);
		expect((await send("GET", `/v1/jobs/${id}/deliveries`, { key })).body).toMatchObject({
			data: [{ event_type: "job.cancelled", url, status: "pending" }],
			has_more: false,
		});
		expect((await send("GET", `/v1/jobs/${deaf.id}/deliveries`, { key })).body).toMatchObject({ data: [] });
	});

	it.each([
		["fails", () => Promise.reject(new Error("queue is down"))],
		["hangs", () => new Promise<never>(() => {})],
	])("does not wait for the queue: its send %s", async (_, sendBatch) => {
		const { id } = await submitted(key, { webhook: { url: "https://receiver.example.com/hook" } });
		const { server } = theServices({}, { DELIVERY_QUEUE: new Proxy(env.DELIVERY_QUEUE, { get: () => sendBatch }) });
		expect((await sendTo(server, "POST", `/v1/jobs/${id}/cancel`, { key })).status).toBe(200);
	});

	it("ends a job once, however many cancel it while it completes", async () => {
		for (let round = 0; round < 8; round++) {
			const job = await aJob({ tenantId, status: "running", createdAt: runtime.now() });
			const completion = async () => {
				// Now sooner, now later than those who cancel have read the job, or written it.
				for (let look = 0; look < round % 4; look++) await reload(job);
				return await complete(job);
			};
			const [completed, ...answers] = await Promise.all([
				completion(),
				...Array.from({ length: 8 }, () => cancel(job.jobId)),
			]);
			const end = await reloaded(job.jobId);
			expect(end).toMatchObject({ status: completed ? "succeeded" : "cancelled", version: 2 });
			const cancellation = completed ? "too_late" : "in_flight";
			for (const answer of answers)
				expect(jobIn(answer)).toMatchObject({ status: end.status, cancellation, version: 2 });
		}
	});

	it("keeps its word where the answer of D1 was lost", async () => {
		const { id } = await submitted(key);
		const d1 = watchedD1(env.DB, (results) => {
			// The transaction that ends a job, which has committed by now.
			if (results.length === 3) throw new Error("D1_ERROR: Network connection lost.");
		});
		const { server } = theServices({ db: new Database(d1, runtime) });
		expect((await sendTo(server, "POST", `/v1/jobs/${id}/cancel`, { key })).status).toBe(503);
		expect(jobIn(await cancel(id))).toMatchObject({ status: "cancelled", cancellation: "before_start" });
	});
});

async function complete(job: StoredJob): Promise<boolean> {
	const [finished] = await finishJobs(new Database(env.DB, runtime), [finalizationOf(job)]);
	return finished?.done === true;
}

describe("POST /v1/jobs/{id}/retry", () => {
	it("makes a new job of all that the old one was submitted with", async () => {
		const fields = {
			model: ["simulated/a", "simulated/b"],
			webhook: { url: "https://receiver.example.com/hook", events: ["job.failed"], payload: "thin" },
			priority: 1,
			gateway: { cache_ttl: 60 },
			metadata: { team: "blue" },
			deadline_seconds: 60,
			timeout_seconds: 1.5,
			max_attempts: 2,
			retain_seconds: 3,
			input: { zeta: 1, ...PROMPT, simulate: { latency_ms: 1 } },
		};
		const { id } = await submitted(key, fields);
		await cancel(id);
		const answer = await retry(id, { delay_seconds: 3_600 });
		const again = jobIn(answer);
		expect([answer.status, answer.headers.get("location")]).toEqual([202, `/v1/jobs/${again.id}`]);
		expect(again).toMatchObject({
			retry_of: id,
			status: "queued",
			attempt: 0,
			cancellation: null,
			version: 1,
			finished_at: null,
		});
		expect(again.id).not.toBe(id);
		const kept = [
			"models",
			"input",
			"inputBytes",
			"webhook",
			"priority",
			"gateway",
			"metadata",
			"timeoutMs",
			"maxAttempts",
			"retainMs",
			"deadlineMs",
		] as const;
		const [old, fresh] = [await reload({ tenantId, jobId: id }), await reload({ tenantId, jobId: again.id })];
		for (const name of kept) expect(fresh?.[name], name).toEqual(old?.[name]);
	});

	it("invents no settings that the old job did not have", async () => {
		const { id } = await submitted(key);
		await cancel(id);
		const again = jobIn(await retry(id, { delay_seconds: 3_600 }));
		expect(await reload({ tenantId, jobId: again.id })).toMatchObject({ gateway: null, webhook: null, metadata: null });
	});

	it("runs at once without a body, and waits for the end if asked", async () => {
		const { id } = await submitted(key, {
			run_at: new Date(runtime.now() + 3_600_000).toISOString(),
			delay_seconds: undefined,
		});
		await cancel(id);
		const answer = await retry(id, undefined, { prefer: "wait=30" });
		expect([answer.status, jobIn(answer).status, jobIn(answer).retry_of]).toEqual([200, "succeeded", id]);
	});

	it("takes overrides, validated like a submission", async () => {
		const { id } = await submitted(key, { priority: 1, metadata: { a: "b" } });
		await cancel(id);
		const input = { messages: [], other: true };
		const again = jobIn(await retry(id, { delay_seconds: 3_600, model: "simulated/x", input, metadata: {} }));
		expect(again).toMatchObject({ model: "simulated/x", metadata: {}, priority: 1 });
		expect((await reload({ tenantId, jobId: again.id }))?.input).toBe(JSON.stringify(input));
		for (const [param, json] of [
			["input.messages", { input: {} }],
			["input", { input: null }],
			["priority", { priority: 10 }],
			["model", { model: "gpt-unknown" }],
			["webhook.url", { webhook: { url: "gopher://x" } }],
			["retry_of", { retry_of: id }],
		] as const) {
			const answer = await retry(id, json);
			expect([answer.status, errorOf(answer).param], param).toEqual([400, param]);
		}
	});

	it("copies a large input, so that either job may be erased", async () => {
		const input = { messages: [{ role: "user", content: "x".repeat(50_000) }] };
		const { id } = await submitted(key, { input });
		await cancel(id);
		const again = await reload({ tenantId, jobId: jobIn(await retry(id, { delay_seconds: 3_600 })).id });
		const old = await reload({ tenantId, jobId: id });
		const objects = new ObjectStore(env.RESULTS, runtime);
		expect((await erase(id)).status).toBe(204);
		expect(await objects.text(old?.inputKey ?? "")).toBeNull();
		expect(await objects.text(again?.inputKey ?? "")).toBe(JSON.stringify(input));
	});

	it("answers 503, and makes no job, where the old input cannot be read", async () => {
		const other = await aCaller();
		const job = await aJob({ tenantId: other.tenantId, status: "failed", inputKey: "inputs/2026-01-02/gone" });
		const answer = await send("POST", `/v1/jobs/${job.jobId}/retry`, { key: other.key });
		expect([answer.status, errorOf(answer).code]).toEqual([503, "storage_unavailable"]);
		expect(await jobsOf(other.key)).toHaveLength(1);
	});

	it("answers not_final while the old job is under way", async () => {
		const { id } = await submitted(key);
		expect(errorOf(await retry(id)).code).toBe("not_final");
		const { jobId } = await aJob({ tenantId, status: "running", createdAt: runtime.now() });
		expect(errorOf(await retry(jobId)).code).toBe("not_final");
	});

	it("makes one job under an Idempotency-Key", async () => {
		const { id } = await submitted(key);
		await cancel(id);
		const answers = await Promise.all(
			Array.from({ length: 10 }, () => retry(id, { delay_seconds: 3_600 }, { "idempotency-key": "again" })),
		);
		expect(new Set(answers.map((answer) => jobIn(answer).id)).size).toBe(1);
	});

	it("gives the same job under an Idempotency-Key once the old one is erased", async () => {
		const { id } = await submitted(key);
		await cancel(id);
		const again = () => retry(id, { delay_seconds: 3_600 }, { "idempotency-key": "erased-since" });
		const first = jobIn(await again());
		expect((await erase(id)).status).toBe(204);
		const replay = await again();
		expect([replay.headers.get("idempotent-replayed"), jobIn(replay).id]).toEqual(["true", first.id]);
		expect((await retry(id, {}, { "idempotency-key": "new" })).status).toBe(404);
		await cancel(first.id);
		await erase(first.id);
		expect(errorOf(await again()).code).toBe("job_erased");
	});
});

describe("DELETE /v1/jobs/{id}", () => {
	it("erases row, input, result and history, and the job is unknown from then on", async () => {
		const input = { messages: [{ role: "user", content: "x".repeat(50_000) }] };
		const done = jobIn(await send("POST", "/v1/jobs", { key, json: { input }, headers: { prefer: "wait=30" } }));
		const job = await reload({ tenantId, jobId: done.id });
		expect(await env.RESULTS.head(resultKey({ tenantId, jobId: done.id }))).not.toBeNull();
		const answer = await erase(done.id);
		expect([answer.status, answer.text]).toEqual([204, ""]);
		expect(await reload({ tenantId, jobId: done.id })).toBeNull();
		expect(await env.RESULTS.head(resultKey({ tenantId, jobId: done.id }))).toBeNull();
		expect(await env.RESULTS.head(job?.inputKey ?? "")).toBeNull();
		for (const path of ["", "/result", "/attempts", "/deliveries"]) {
			expect((await send("GET", `/v1/jobs/${done.id}${path}`, { key })).status).toBe(404);
		}
		expect((await erase(done.id)).status).toBe(404);
		expect((await jobsOf(key)).map(({ id }) => id)).not.toContain(done.id);
	});

	it("erases the copies of its input that lost submissions of the same request left, and no other job's", async () => {
		const json = { input: { messages: [{ role: "user", content: "x".repeat(50_000) }] } };
		const sendLosing = async (times: number) => {
			const headers = { "idempotency-key": "lost" };
			let left = times;
			const d1 = interceptedD1(env.DB, {
				async call([first], run) {
					if (first?.name.startsWith("submit job") && left-- > 0) throw new Error("D1_ERROR: Network connection lost.");
					return await run();
				},
			});
			const { server } = theServices({ db: new Database(d1, runtime) });
			return await sendTo(server, "POST", "/v1/jobs", { key, json, headers: { ...headers, prefer: "wait=30" } });
		};
		const prefix = `inputs/${new Date().toISOString().slice(0, 10)}/${tenantId}/`;
		const copies = async () => (await env.RESULTS.list({ prefix })).objects.map((object) => object.key);
		const before = await copies();
		expect((await sendLosing(2)).status).toBe(503);
		const { id } = jobIn(await sendLosing(0));
		const other = jobIn(await send("POST", "/v1/jobs", { key, json, headers: { prefer: "wait=30" } }));
		expect((await copies()).length).toBe(before.length + 3);
		expect((await erase(id)).status).toBe(204);
		expect((await copies()).length).toBe(before.length + 1);
		expect(await env.RESULTS.head((await reload({ tenantId, jobId: other.id }))?.inputKey ?? "")).not.toBeNull();
	});

	it("refuses while the job is not final", async () => {
		const { id } = await submitted(key);
		const running = await aJob({ tenantId, status: "running", createdAt: runtime.now() });
		for (const jobId of [id, running.jobId]) {
			expect(refusalOf(await erase(jobId))).toMatchObject({ status: 409, code: "not_final" });
		}
		expect((await reloaded(id)).status).toBe("queued");
	});

	it("skips the deliveries that are still pending", async () => {
		const job = await aSucceededJob(tenantId);
		const pending = await aDelivery(job, { nextAttemptAt: runtime.now() + 3_600_000 });
		expect((await erase(job.jobId)).status).toBe(204);
		expect(await reloadDelivery(pending)).toMatchObject({ status: "skipped", nextAttemptAt: null });
	});

	it("makes the job unreadable although R2 fails, and leaves word to delete the objects", async () => {
		const job = await aSucceededJob(tenantId);
		const { server } = theServices({}, { RESULTS: BROKEN_R2 });
		expect((await sendTo(server, "DELETE", `/v1/jobs/${job.jobId}`, { key })).status).toBe(204);
		expect((await send("GET", `/v1/jobs/${job.jobId}/result`, { key })).status).toBe(404);
		const word = await env.DB.prepare("SELECT keys FROM tombstones WHERE keys LIKE ?1").bind(`%${job.jobId}%`).all();
		expect(word.results).toHaveLength(1);
		expect(await (await env.RESULTS.get(resultKey(job)))?.text()).toBe(COMPLETION);
	});

	it("happens once among many at a time", async () => {
		const job = await aSucceededJob(tenantId);
		const statuses = (await Promise.all(Array.from({ length: 8 }, () => erase(job.jobId)))).map(({ status }) => status);
		expect(statuses.sort()).toEqual([204, ...Array.from({ length: 7 }, () => 404)]);
	});
});
