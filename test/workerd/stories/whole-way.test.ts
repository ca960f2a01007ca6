/** One job, the whole way, through the real Worker: HTTP in, the real queues, the simulated model, R2, a signed webhook. */
import { exports } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { call, createCaller, RECEIVER, receiveWebhooks } from "../support/real-service.ts";

const Job = z.looseObject({ id: z.string(), status: z.string(), result_url: z.string().nullable() });

const received = receiveWebhooks();
let key = "";
beforeAll(async () => {
	key = (await createCaller()).key;
});

describe("a submitted prompt", () => {
	it("comes back as a stored result and a signed webhook, and a poll shows the same", async () => {
		const submitted = Job.parse(
			await call(key, "POST", "/v1/jobs", {
				input: { messages: [{ role: "user", content: "Why is the sky blue?" }] },
				webhook: { url: RECEIVER },
			}),
		);
		expect(submitted.status).toBe("queued");
		const [post] = await vi.waitUntil(() => received.length > 0 && received, { timeout: 10_000 });
		const { secret } = z.object({ secret: z.string() }).parse(await call(key, "GET", "/v1/webhook_signing_secret"));
		const event = z
			.object({ type: z.string(), data: Job.extend({ result: z.unknown() }) })
			.parse(new Webhook(secret).verify(post?.body ?? "", post?.headers ?? {}));
		expect(event.type).toBe("job.succeeded");

		const polled = Job.parse(await call(key, "GET", `/v1/jobs/${submitted.id}`));
		const result = await call(key, "GET", `/v1/jobs/${submitted.id}/result`);
		expect({ ...event.data, result_url: null, result: null }).toEqual({ ...polled, result_url: null, result: null });
		expect(event.data.result).toEqual(result);
		expect(JSON.stringify(result)).toContain("Why is the sky blue?");
		const linked = await exports.default.fetch(event.data.result_url ?? "");
		expect(await linked.json()).toEqual(result);
	});

	it("of a hundred at once succeeds, with one webhook each", async () => {
		received.length = 0;
		const bodies = Array.from({ length: 100 }, (_, at) => ({
			input: { messages: [{ role: "user", content: `Number ${at}?` }], simulate: { latency_ms: 200 } },
			webhook: { url: RECEIVER, payload: "thin" },
		}));
		const jobs = await Promise.all(bodies.map(async (body) => Job.parse(await call(key, "POST", "/v1/jobs", body))));
		await vi.waitUntil(() => received.length >= 100, { timeout: 40_000, interval: 100 });
		const Event = z.object({ data: z.object({ id: z.string(), status: z.literal("succeeded") }) });
		const sent = received.map(({ body }) => Event.parse(JSON.parse(body)).data.id);
		expect(sent.toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
	}, 60_000);
});
