import { env } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { JobBody } from "../../../shared/api/job.ts";
import type { Config } from "../../../shared/core/config.ts";
import { EVENT_TYPES } from "../../../shared/core/webhooks/events.ts";
import { runtime } from "../../../workers/runtime.ts";
import { disable } from "../support/an-endpoint.ts";
import { aCaller, errorOf, limit, refusalOf, send, sendTo } from "./caller.ts";
import { theServices } from "./services.ts";

afterEach(() => {
	vi.restoreAllMocks();
});

const Created = z.object({ id: z.string(), signing_secret: z.string() });
const Event = z.object({ id: z.string(), type: z.string(), data: z.record(z.string(), z.unknown()) }).loose();

const { key, tenantId } = await aCaller();
await limit(tenantId, { webhook_endpoints: null });

async function created(json: object = {}) {
	const whole = { name: "crm", url: "https://crm.example.com/hook", event_types: ["job.failed"], ...json };
	return Created.parse((await send("POST", "/v1/webhook_endpoints", { key, json: whole })).body);
}

/** The API where `answer` is what receivers say, and what was sent to them. */
function withReceiver(answer: () => Promise<Response>, config: Partial<Config> = {}) {
	const received: { url: string; body: string; headers: Record<string, string> }[] = [];
	const fetch = async (url: string, init: RequestInit) => {
		received.push({ url, body: String(init.body), headers: Object.fromEntries(new Headers(init.headers)) });
		return await answer();
	};
	const { server } = theServices({ config, runtime: { ...runtime, fetch } });
	const test = (id: string, json: unknown = { event_type: "job.failed" }) =>
		sendTo(server, "POST", `/v1/webhook_endpoints/${id}/test`, { key, json });
	return { received, test };
}

const ok = async () => new Response("thanks");

describe("POST /v1/webhook_endpoints/{id}/test", () => {
	it.each(EVENT_TYPES)("sends a sample of %s, signed and marked as a test", async (type) => {
		const { id, signing_secret } = await created();
		const { received, test } = withReceiver(ok);
		const answer = await test(id, { event_type: type });
		expect([answer.status, answer.body]).toEqual([
			200,
			{ object: "webhook_endpoint.test", webhook_endpoint_id: id, event_type: type, status_code: 200, success: true },
		]);
		const [sent] = received;
		expect([received.length, sent?.url]).toEqual([1, "https://crm.example.com/hook"]);
		const event = Event.parse(new Webhook(signing_secret).verify(sent?.body ?? "", sent?.headers ?? {}));
		expect(event).toMatchObject({ id: sent?.headers["webhook-id"], object: "event", type, data: { test: true } });
		expect(event.id).toMatch(/^evt_[0-9a-z]{26}$/);
		if (type === "endpoint.disabled") expect(event.data).toMatchObject({ id, object: "webhook_endpoint" });
		else expect(JobBody.safeParse(event.data).error).toBeUndefined();
	});

	it("is as thin as the endpoint asked for, and about a job that does not exist", async () => {
		const { id } = await created({ payload: "thin" });
		const { received, test } = withReceiver(ok);
		await test(id);
		const { data } = Event.parse(JSON.parse(received[0]?.body ?? ""));
		expect(data).toEqual({ id: `job_${"0".repeat(26)}`, object: "job", status: "failed", test: true });
		expect((await send("GET", `/v1/jobs/${data.id}`, { key })).status).toBe(404);
	});

	it.each([204, 299, 301, 404, 410, 429, 500])("shows an answer of %i, and counts it for nothing", async (status) => {
		const { id } = await created();
		const before = (await send("GET", `/v1/webhook_endpoints/${id}`, { key })).body;
		const { received, test } = withReceiver(async () => new Response(null, { status, headers: { location: "/" } }));
		expect((await test(id)).body).toMatchObject({ status_code: status, success: true });
		expect(received).toHaveLength(1);
		expect((await send("GET", `/v1/webhook_endpoints/${id}`, { key })).body).toEqual(before);
		expect((await send("GET", `/v1/webhook_endpoints/${id}/deliveries`, { key })).body).toMatchObject({ data: [] });
	});

	it("says why there was no answer", async () => {
		const { id } = await created();
		const { test } = withReceiver(async () => Promise.reject(new TypeError("getaddrinfo ENOTFOUND")));
		const answer = await test(id);
		expect([answer.status, errorOf(answer)]).toMatchObject([
			409,
			{ code: "endpoint_unreachable", message: expect.stringContaining("getaddrinfo ENOTFOUND") },
		]);
	});

	it("gives up on an endpoint that does not answer in time", async () => {
		const { id } = await created();
		const { services } = theServices();
		const hung = {
			...runtime,
			timer: (ms: number, onTime: () => void) => {
				if (ms === 20_000) queueMicrotask(onTime);
				return () => undefined;
			},
			fetch: (_: string, init: RequestInit) =>
				new Promise<Response>((_, reject) => {
					const stop = () => reject(new Error("aborted"));
					if (init.signal?.aborted) stop();
					init.signal?.addEventListener("abort", stop);
				}),
		};
		const { server } = theServices({ db: services.db, runtime: hung });
		const path = `/v1/webhook_endpoints/${id}/test`;
		const answer = await sendTo(server, "POST", path, { key, json: { event_type: "job.failed" } });
		expect([answer.status, errorOf(answer).message]).toEqual([409, expect.stringContaining("within 20 s")]);
	});

	it("sends nothing to an address that the rules have come to refuse", async () => {
		const { id } = await created({ url: "http://127.0.0.1:9000/hook" });
		const { received, test } = withReceiver(ok, { allowInsecureWebhooks: false });
		const answer = await test(id);
		expect([answer.status, errorOf(answer).code, received]).toEqual([409, "endpoint_unreachable", []]);
		expect(errorOf(answer).message).toContain("https://");
	});

	it("sends nothing that it cannot sign, and says what to do", async () => {
		const { id, signing_secret } = await created();
		const errors = vi.spyOn(console, "error").mockImplementation(() => undefined);
		const { received, test } = withReceiver(ok, { signingKeys: ["another-signing-key-another-signing-key"] });
		const answer = await test(id);
		expect([answer.status, errorOf(answer).code, received]).toEqual([409, "endpoint_unreachable", []]);
		expect(errorOf(answer).message).toContain("Rotate the secret");
		expect(JSON.stringify([errors.mock.calls, answer.text])).not.toContain(signing_secret.slice(6));
	});

	it("reaches a disabled endpoint too, which is how its owner sees that it is mended", async () => {
		const { id } = await created();
		const row = await env.DB.prepare("SELECT tenant_id FROM webhook_endpoints WHERE id = ?1").bind(id).first();
		expect(row).toEqual({ tenant_id: tenantId });
		await disable({ tenantId, endpointId: id });
		const { test } = withReceiver(ok);
		expect((await test(id)).body).toMatchObject({ status_code: 200 });
		expect((await send("GET", `/v1/webhook_endpoints/${id}`, { key })).body).toMatchObject({ status: "disabled" });
	});

	it("signs with the old secret too, while it is kept", async () => {
		const { id, signing_secret: old } = await created();
		const json = { keep_old_secret_active_for_24_hours: true };
		const rotated = await send("POST", `/v1/webhook_endpoints/${id}/rotate_secret`, { key, json });
		const { received, test } = withReceiver(ok);
		await test(id);
		for (const secret of [old, Created.parse(rotated.body).signing_secret]) {
			expect(new Webhook(secret).verify(received[0]?.body ?? "", received[0]?.headers ?? {})).toBeDefined();
		}
		await send("POST", `/v1/webhook_endpoints/${id}/rotate_secret`, { key });
		await test(id);
		expect(() => new Webhook(old).verify(received[1]?.body ?? "", received[1]?.headers ?? {})).toThrow();
	});

	it("sends a host no more than its limit, and says of the others when to come again", async () => {
		const { id } = await created({ url: "https://limited.example.com/hook" });
		let [refused, release] = [0, () => {}];
		const held = new Promise<void>((resolve) => {
			release = resolve;
		});
		const { received, test } = withReceiver(() => held.then(ok), { webhookLimit: { atOnce: 5, aSecond: 10 } });
		const tests = Array.from({ length: 12 }, async () => {
			const answer = await test(id);
			if (answer.status !== 429) return;
			expect(refusalOf(answer)).toMatchObject({ code: "rate_limited", param: null });
			expect(answer.headers.get("retry-after")).toBe("1");
			refused += 1;
			if (refused === 7) release();
		});
		await Promise.all(tests);
		expect([received.length, refused]).toEqual([5, 7]);
	});

	it.each<[unknown, string]>([
		[{}, "event_type"],
		[{ event_type: "job.*" }, "event_type"],
		[{ event_type: "batch.completed" }, "event_type"],
		[{ event_type: ["job.failed"] }, "event_type"],
		[{ event_type: "job.failed", url: "https://evil.example.com/" }, "url"],
	])("refuses %j, and sends nothing", async (json, param) => {
		const { id } = await created();
		const { received, test } = withReceiver(ok);
		const answer = await test(id, json);
		expect([answer.status, errorOf(answer).param, received]).toEqual([400, param, []]);
	});
});
