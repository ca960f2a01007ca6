/** The unmodified `openai` package drives jobs and registered endpoints with nothing but another `baseURL`. */
import OpenAI, { APIError } from "openai";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { runtime } from "../../../workers/runtime.ts";
import { aCaller } from "./caller.ts";
import { theServices } from "./services.ts";

let received: { body: string; headers: Headers }[] = [];
let answerOfReceiver: () => Promise<Response> = async () => new Response(null);
let asked: string[] = [];
type Server = (request: Request) => Promise<Response>;
let answerOf = (request: Request, server: Server) => server(request);

const { key } = await aCaller();
const { server } = theServices({
	runtime: {
		...runtime,
		fetch: async (_, init) => {
			received.push({ body: String(init.body), headers: new Headers(init.headers) });
			return await answerOfReceiver();
		},
	},
});
const client = new OpenAI({
	apiKey: key,
	baseURL: "https://jobs.test/v1",
	fetch: async (url, init) => {
		const request = new Request(url, init);
		asked.push(`${request.method} ${request.url.slice("https://jobs.test".length)}`);
		return await answerOf(request, server);
	},
});

/** Types are the service's own, and so not in the package's list: it sends them all the same. */
type EventTypes = OpenAI.Webhooks.WebhookCreateParams["event_types"];
const types = (...names: string[]) => z.custom<EventTypes>(Array.isArray).parse(names);
const FAILED = types("job.failed")[0] ?? "batch.failed";

const create = (name: string) =>
	client.webhooks.create({
		name,
		url: "https://crm.example.com/hook",
		event_types: types("job.succeeded", "job.failed"),
	});

describe("client.post", () => {
	const body = {
		model: "simulated/echo",
		input: { messages: [{ role: "user", content: "Why is the sky blue?" }] },
		delay_seconds: 3_600,
	};
	const post = async () => z.object({ id: z.string() }).parse(await client.post("/jobs", { body })).id;

	it("makes one job of a request that the package repeats by itself, and two of two", async () => {
		const counts: (string | null)[] = [];
		answerOf = async (request, server) => {
			counts.push(request.headers.get("x-stainless-retry-count"));
			const answer = await server(request);
			// The job is stored, and the package hears of a proxy that gave up.
			return counts.length > 2 ? answer : new Response(null, { status: 504, headers: { "retry-after-ms": "1" } });
		};
		const first = await post();
		const second = await post();
		answerOf = (request, server) => server(request);
		expect(counts).toEqual(["0", "1", "2", "0"]);
		const { data } = z.object({ data: z.array(z.object({ id: z.string() })) }).parse(await client.get("/jobs"));
		expect(data.map(({ id }) => id)).toEqual([second, first]);
	});
});

describe("client.webhooks", () => {
	it("creates, retrieves, updates and deletes an endpoint", async () => {
		const { signing_secret, ...made } = await create("crm");
		expect(signing_secret).toMatch(/^whsec_/);
		expect(made).toMatchObject({
			object: "webhook_endpoint",
			name: "crm",
			event_types: ["job.succeeded", "job.failed"],
		});
		expect(Math.abs(made.created_at - runtime.now() / 1000)).toBeLessThan(60);
		expect(await client.webhooks.retrieve(made.id)).toEqual(made);
		expect(await client.webhooks.update(made.id)).toEqual(made);
		const change = { name: "new", event_types: types("job.*") };
		expect(await client.webhooks.update(made.id, change)).toMatchObject({
			...made,
			...change,
			updated_at: expect.any(Number),
		});
		const deleted = { id: made.id, object: "webhook_endpoint.deleted", deleted: true };
		expect(await client.webhooks.delete(made.id)).toEqual(deleted);
		await expect(client.webhooks.retrieve(made.id)).rejects.toThrow(OpenAI.NotFoundError);
	});

	it("lists all endpoints, over as many pages as there are", async () => {
		const made = [await create("a"), await create("b"), await create("c")].map(({ id }) => id);
		asked = [];
		const seen: string[] = [];
		for await (const { id } of client.webhooks.list({ limit: 2 })) seen.push(id);
		expect(seen.sort()).toEqual(made.sort());
		expect(asked).toHaveLength(2);
		expect((await client.webhooks.list({ after: null })).data).toHaveLength(3);
		expect((await client.webhooks.list()).data).toHaveLength(3);
	});

	it("lists the types of events", async () => {
		expect(await client.webhooks.eventTypes.list()).toMatchObject({
			object: "list",
			data: expect.arrayContaining(["job.succeeded", "endpoint.disabled"]),
		});
	});

	it("tests an endpoint, and unwraps what arrives there with the secrets in force and no other", async () => {
		const { id, signing_secret: first } = await create("crm");
		received = [];
		const test = () => client.webhooks.test(id, { event_type: FAILED });
		expect(await test()).toEqual({
			object: "webhook_endpoint.test",
			webhook_endpoint_id: id,
			event_type: "job.failed",
			status_code: 200,
			success: true,
		});
		const unwrap = async (secret: string) => {
			const { body, headers } = received.at(-1) ?? { body: "", headers: new Headers() };
			return await client.webhooks.unwrap(body, headers, secret);
		};
		expect(await unwrap(first)).toMatchObject({ object: "event", type: "job.failed", data: { test: true } });

		const second = await client.webhooks.rotateSecret(id, { keep_old_secret_active_for_24_hours: true });
		await test();
		for (const secret of [first, second.signing_secret])
			expect(await unwrap(secret)).toMatchObject({ type: "job.failed" });
		const third = await client.webhooks.rotateSecret(id);
		await test();
		expect(await unwrap(third.signing_secret)).toMatchObject({ type: "job.failed" });
		for (const secret of [first, second.signing_secret]) {
			await expect(unwrap(secret)).rejects.toThrow(OpenAI.InvalidWebhookSignatureError);
		}
	});

	it("hears what is wrong, and does not ask in vain", async () => {
		const { id } = await create("crm");
		answerOfReceiver = async () => Promise.reject(new TypeError("no route to host"));
		asked = [];
		const unreachable = await client.webhooks.test(id, { event_type: FAILED }).catch((error: unknown) => error);
		expect(unreachable).toBeInstanceOf(OpenAI.ConflictError);
		expect(unreachable).toMatchObject({ code: "endpoint_unreachable", requestID: expect.stringMatching(/^req_/) });
		expect(asked).toEqual([`POST /v1/webhook_endpoints/${id}/test`]);
		const refused = await client.webhooks
			.update(id, { event_types: types("job.*", "*") })
			.catch((error: unknown) => error);
		expect(refused).toBeInstanceOf(APIError);
		expect(refused).toMatchObject({ status: 400, code: "invalid_request", param: "event_types.1" });
	});
});

it("client.models lists the models, and gets one by its name", async () => {
	answerOf = (request, server) => server(request);
	const ids = [];
	for await (const model of client.models.list()) ids.push(model.id);
	expect(ids).toEqual(["simulated/echo"]);
	expect(await client.models.retrieve("simulated/echo")).toMatchObject({ id: "simulated/echo", object: "model" });
});
