/** The client inside workerd, against the real service: each method once, each response held to the API's description. */
import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { Holdfast, type Job, JobCancelled, NotFound } from "../../../client/index.ts";
import { SCOPES } from "../../../shared/core/tenants/api-key.ts";
import { describeApi, operationAt } from "../../support/api-description.ts";
import { ADMIN, aCaller, checkAnswer } from "../intake/caller.ts";

const description = await describeApi();
const called = new Set<string>();

/** Sends to the service in this isolate, and notes the operation that responds. */
async function watchedFetch(url: string, init: RequestInit): Promise<Response> {
	const response = await exports.default.fetch(new Request(url, init));
	const { pathname, search } = new URL(url);
	const method = init.method ?? "GET";
	const { status, headers } = response;
	const text = await response.text();
	const isJson = text !== "" && status !== 206 && headers.get("content-type")?.startsWith("application/json");
	checkAnswer(method, pathname + search, { status, headers, text, body: isJson ? JSON.parse(text) : undefined });
	called.add(operationAt(description, method, pathname)?.id ?? `${method} ${pathname}`);
	return new Response(status === 204 || status === 304 ? null : text, { status, headers });
}

const { tenantId, key, keyId } = await aCaller([...SCOPES]);
const options = { baseUrl: "https://jobs.test", fetch: watchedFetch };
const holdfast = new Holdfast({ ...options, apiKey: key });
const operator = new Holdfast({ ...options, apiKey: ADMIN }).admin;

const input = { messages: [{ role: "user" as const, content: "Why is the sky blue?" }] };
const later = { input, delay_seconds: 3_600 };
const ALL = ["input", "result", "attempts", "deliveries"] as const;

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
	const list = [];
	for await (const item of items) list.push(item);
	return list;
}

describe("the client", () => {
	it("runs a job, watches it, and reads all that came of it", async () => {
		const webhook = { url: "http://127.0.0.1:9/hook" };
		const submitted = await holdfast.jobs.submit({ input, webhook, metadata: { team: "blue" } });
		const seen: Job[] = await all(holdfast.jobs.watch(submitted.id));
		expect(seen.at(-1)).toMatchObject({ id: submitted.id, status: "succeeded" });
		const answer = await holdfast.jobs.answer(await holdfast.jobs.wait(submitted));
		const whole = await holdfast.jobs.get(submitted.id, { include: [...ALL] });
		expect(whole).toMatchObject({ input, result: answer.completion, attempts: [{ outcome: "succeeded" }] });
		expect(answer.text).not.toBe("");
		expect(await holdfast.jobs.input(submitted.id)).toEqual(input);
		const size = JSON.stringify(input).length;
		expect(await holdfast.jobs.excerpt(submitted.id, "input", 12)).toEqual({ text: '{"messages":', size });
		expect(await holdfast.jobs.excerpt(submitted.id, "input", 9_999)).toEqual({ text: JSON.stringify(input), size });
		expect(await holdfast.jobs.attempts(submitted.id)).toEqual(whole.attempts);
		const [delivery] = await holdfast.jobs.deliveries(submitted.id);
		expect(await holdfast.deliveries.get(delivery?.id ?? "")).toMatchObject({ job_id: submitted.id });
		await holdfast.deliveries.redeliver(delivery?.id ?? "");
		expect(await holdfast.jobs.redeliver(submitted.id)).toHaveLength(1);

		const again = await holdfast.jobs.retry(submitted.id, { delay_seconds: 3_600 });
		expect(await all(holdfast.jobs.list({ retryOf: submitted.id }))).toMatchObject([{ id: again.id }]);
		await holdfast.jobs.cancel(again.id);
		await expect(holdfast.jobs.answer(await holdfast.jobs.wait(again))).rejects.toThrow(JobCancelled);
		await holdfast.jobs.delete(again.id);
		await expect(holdfast.jobs.get(again.id)).rejects.toThrow(NotFound);
		await expect(holdfast.jobs.get("../keys")).rejects.toThrow(NotFound);
	});

	it("makes one job of a submission that is sent twice", async () => {
		const twice = () => holdfast.jobs.submit(later, { idempotencyKey: "once" });
		expect((await twice()).id).toBe((await twice()).id);
	});

	it("runs a batch and lists it by its metadata, page by page, with results", async () => {
		const items = Array.from({ length: 5 }, (_, nth) => ({ input, metadata: { batch: "1", nth: `${nth}` } }));
		const ended = await all(holdfast.batch(items, { concurrency: 2 }));
		expect(ended.map(({ ok }) => ok)).toEqual(Array(5).fill(true));
		const filters = { status: ["succeeded" as const], metadata: { batch: "1" }, include: "result" as const };
		const listed = await all(holdfast.jobs.list({ ...filters, limit: 2, order: "asc" }));
		expect(listed).toHaveLength(5);
		for (const { result } of listed) expect(result?.choices).toHaveLength(1);
		expect((await holdfast.jobs.list({ ...filters, limit: 2 })).data).toHaveLength(2);
		expect((await holdfast.usage.list({ limit: 1 })).data).toMatchObject([{ succeeded: 6 }]);
	});

	it("manages endpoints and secrets", async () => {
		const made = await holdfast.endpoints.create({
			name: "crm",
			url: "http://127.0.0.1:9/crm",
			event_types: ["job.succeeded"],
		});
		expect(await all(holdfast.endpoints.list())).toMatchObject([{ id: made.id }]);
		expect(await holdfast.endpoints.update(made.id, { name: "CRM" })).toMatchObject({ name: "CRM" });
		expect(await holdfast.endpoints.get(made.id)).toMatchObject({ name: "CRM" });
		const rotated = await holdfast.endpoints.rotateSecret(made.id);
		expect(rotated.signing_secret).not.toBe(made.signing_secret);
		await expect(holdfast.endpoints.test(made.id, "job.succeeded")).rejects.toThrow();
		expect(await holdfast.endpoints.enable(made.id)).toMatchObject({ status: "enabled" });
		await holdfast.endpoints.recover(made.id, { since: new Date().toISOString() });
		const filter = { status: ["pending" as const], eventType: "job.failed", createdAfter: new Date(0) };
		expect(await all(holdfast.endpoints.deliveries(made.id, filter))).toEqual([]);
		expect(await all(holdfast.deliveries.list({ ...filter, endpointId: made.id, limit: 1 }))).toEqual([]);
		expect(await holdfast.endpoints.eventTypes()).toContain("job.succeeded");
		expect(await holdfast.endpoints.delete(made.id)).toMatchObject({ deleted: true });
		const { secret } = await holdfast.webhooks.signingSecret();
		expect((await holdfast.webhooks.rotateSigningSecret()).secret).not.toBe(secret);
	});

	it("manages keys, and says whose its own is", async () => {
		expect(await holdfast.health()).toEqual({ status: "ok" });
		expect(await holdfast.session()).toMatchObject({ tenant: { id: tenantId }, key: { id: keyId } });
		expect(await holdfast.signIn(key)).toMatchObject({ key: { id: keyId } });
		await holdfast.signOut();
		const made = await holdfast.keys.create({ name: "ci" });
		expect(await holdfast.keys.get(made.id)).toMatchObject({ name: "ci" });
		await holdfast.keys.revoke(made.id);
		expect(await all(holdfast.keys.list({ order: "asc", limit: 1 }))).toHaveLength(2);
		expect(await holdfast.stats()).toHaveProperty("open");
		expect((await holdfast.backlog.list({ by: "hour", since: "2026-01-02T03:04:05Z" })).data).toEqual([]);
		const [model] = await all(holdfast.models.list());
		expect(await holdfast.models.get(model?.id ?? "")).toEqual(model);
		expect((await holdfast.audit.list({ limit: 1 })).data).toMatchObject([{ action: "key.revoked" }]);
	});

	it("serves the operator", async () => {
		const { id } = await operator.createTenant({ name: "acme" });
		expect(await operator.updateTenant(id, { name: "Acme" })).toMatchObject({ name: "Acme" });
		expect(await operator.tenant(id)).toMatchObject({ name: "Acme" });
		expect((await operator.tenants({ limit: 1 })).data).toHaveLength(1);
		const made = await operator.createKey(id, { name: "first" });
		expect(await all(operator.keys(id))).toMatchObject([{ id: made.id }]);
		await operator.revokeKey(made.id);
		expect((await operator.auditLog(id)).data[0]).toMatchObject({ action: "key.revoked" });
		await operator.deleteTenant(id);
		expect(await operator.status()).toHaveProperty("object");
		expect(await operator.session()).toEqual({ object: "operator_session", expires_at: null });
		expect(await operator.signIn(ADMIN)).toHaveProperty("expires_at");
		await operator.signOut();
	});

	it("has called every operation of the API, but for the documentation's, and those that OpenAI's package calls", () => {
		const others = /^(\/docs|\/openapi.json|\/v1\/chat\/completions|\/v1\/responses)/;
		const operations = description.operations.filter(({ path }) => !others.test(path));
		expect([...called].sort()).toEqual(operations.map(({ id }) => id).sort());
	});
});
