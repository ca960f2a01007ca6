/** One job, the whole way, through the real Worker: HTTP in, the real queues, the simulated model, R2, a signed webhook. */
import { env, exports } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";

const RECEIVER = "https://hooks.acme-receiver.com/jobs";
const Made = z.object({ id: z.string() });
const Job = z.looseObject({ id: z.string(), status: z.string(), result_url: z.string().nullable() });

const received: { headers: Record<string, string>; body: string }[] = [];
const { fetch: realFetch } = globalThis;
let key = "";

async function call(method: string, path: string, body?: object, bearer = key) {
	const answer = await exports.default.fetch(`https://jobs.test${path}`, {
		method,
		headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
		...(body === undefined ? {} : { body: JSON.stringify(body) }),
	});
	expect(answer.status, await answer.clone().text()).toBeLessThan(300);
	return await answer.json();
}

beforeAll(async () => {
	// The endpoint is somebody else's: its place is taken here, and nothing of ours.
	globalThis.fetch = async (input, init) => {
		const request = new Request(input, init);
		if (request.url !== RECEIVER) throw new TypeError(`nothing answers at ${request.url}`);
		received.push({ headers: Object.fromEntries(request.headers), body: await request.text() });
		return new Response("thanks");
	};
	const tenant = Made.parse(await call("POST", "/v1/admin/tenants", { name: "acme" }, env.ADMIN_TOKEN));
	const made = await call("POST", `/v1/admin/tenants/${tenant.id}/keys`, { name: "k" }, env.ADMIN_TOKEN);
	key = z.object({ key: z.string() }).parse(made).key;
});

afterAll(() => {
	globalThis.fetch = realFetch;
});

describe("a submitted prompt", () => {
	it("comes back as a stored result and a signed webhook, and a poll shows the same", async () => {
		const submitted = Job.parse(
			await call("POST", "/v1/jobs", {
				input: { messages: [{ role: "user", content: "Why is the sky blue?" }] },
				webhook: { url: RECEIVER },
			}),
		);
		expect(submitted.status).toBe("queued");
		const [post] = await vi.waitUntil(() => received.length > 0 && received, { timeout: 10_000 });
		const { secret } = z.object({ secret: z.string() }).parse(await call("GET", "/v1/webhook_signing_secret"));
		const event = z
			.object({ type: z.string(), data: Job.extend({ result: z.unknown() }) })
			.parse(new Webhook(secret).verify(post?.body ?? "", post?.headers ?? {}));
		expect(event.type).toBe("job.succeeded");

		const polled = Job.parse(await call("GET", `/v1/jobs/${submitted.id}`));
		const result = await call("GET", `/v1/jobs/${submitted.id}/result`);
		expect({ ...event.data, result_url: null, result: null }).toEqual({ ...polled, result_url: null, result: null });
		expect(event.data.result).toEqual(result);
		expect(JSON.stringify(result)).toContain("Why is the sky blue?");
		const linked = await exports.default.fetch(event.data.result_url ?? "");
		expect(await linked.json()).toEqual(result);
	});

	it("of a hundred at once is answered, each told once", async () => {
		received.length = 0;
		const bodies = Array.from({ length: 100 }, (_, at) => ({
			input: { messages: [{ role: "user", content: `Number ${at}?` }], simulate: { latency_ms: 200 } },
			webhook: { url: RECEIVER, payload: "thin" },
		}));
		const jobs = await Promise.all(bodies.map(async (body) => Job.parse(await call("POST", "/v1/jobs", body))));
		await vi.waitUntil(() => received.length >= 100, { timeout: 40_000, interval: 100 });
		const told = received.map(({ body }) =>
			z.object({ data: Made.extend({ status: z.string() }) }).parse(JSON.parse(body)),
		);
		expect(told.map(({ data }) => data.id).toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
		expect(new Set(told.map(({ data }) => data.status))).toEqual(new Set(["succeeded"]));
	}, 60_000);
});
