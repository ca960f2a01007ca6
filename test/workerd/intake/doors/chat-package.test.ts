/** The unmodified `openai` package gets chat completions with nothing but another `baseURL`, from the real Worker. */
import { exports } from "cloudflare:workers";
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { JobList } from "../../../../shared/api/job.ts";
import { aCaller, refusalOf, send, sendTo } from "../caller.ts";
import { submitted } from "../jobs.ts";
import { withWatchedQueue } from "../services.ts";

const { key } = await aCaller();
let asked: Request[] = [];
const client = new OpenAI({
	apiKey: key,
	baseURL: "https://jobs.test/v1",
	fetch: async (url, init) => {
		const request = new Request(url, init);
		asked.push(request.clone());
		return await exports.default.fetch(request);
	},
});

const MESSAGES = [{ role: "user" as const, content: "Why is the sky blue?" }];
async function jobs() {
	return JobList.parse((await send("GET", "/v1/jobs", { key })).body).data;
}

const Facts = z.object({ holdfast: z.object({ job_id: z.string(), attempts: z.number(), model: z.string() }) });

describe("client.chat.completions.create", () => {
	it("gets the answer in the official shape, and the job behind it is one like any other", async () => {
		asked = [];
		const completion = await client.chat.completions.create({
			model: "simulated/echo",
			messages: MESSAGES,
			metadata: { team: "blue" },
		});
		expect(completion).toMatchObject({
			id: expect.stringMatching(/^chatcmpl-[0-9a-z]{26}$/),
			object: "chat.completion",
			created: expect.any(Number),
			model: "simulated/echo",
			choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant" } }],
			usage: {
				prompt_tokens: expect.any(Number),
				completion_tokens: expect.any(Number),
				total_tokens: expect.any(Number),
			},
		});
		expect(completion.choices[0]?.message.content).toContain("Why is the sky blue?");
		const { holdfast } = Facts.parse(completion);
		expect(holdfast).toEqual({
			job_id: completion.id.replace("chatcmpl-", "job_"),
			attempts: 1,
			model: "simulated/echo",
		});
		expect(asked).toHaveLength(1);
		expect((await jobs())[0]).toMatchObject({
			id: holdfast.job_id,
			door: "chat",
			status: "succeeded",
			priority: 7,
			metadata: { team: "blue" },
		});
		const input = await send("GET", `/v1/jobs/${holdfast.job_id}/input`, { key });
		expect(input.body).toEqual({ messages: MESSAGES });
	});

	it("streams deltas that join to the stored answer, with token counts and an end", async () => {
		const content = "Rayleigh \u{1F308} ".repeat(5);
		const stream = await client.chat.completions.create({
			model: "simulated/echo",
			messages: [{ role: "user", content }],
			stream: true,
			stream_options: { include_usage: true },
		});
		const chunks = [];
		for await (const chunk of stream) chunks.push(chunk);
		const [first] = chunks;
		expect(first).toMatchObject({
			object: "chat.completion.chunk",
			choices: [{ delta: { role: "assistant", content: "" } }],
		});
		const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
		const stored = await send("GET", `/v1/jobs/${first?.id.replace("chatcmpl-", "job_")}/result`, { key });
		expect(stored.body).toMatchObject({ choices: [{ message: { content: text } }] });
		expect(text).toContain(content);
		expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
		expect(chunks.at(-2)).toMatchObject({ choices: [{ finish_reason: "stop" }] });
		expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: expect.any(Number) } });
	});

	it("accumulates what it streams, by the package's own helper", async () => {
		const runner = client.chat.completions.stream({ model: "simulated/echo", messages: MESSAGES });
		expect((await runner.finalChatCompletion()).choices[0]?.message.content).toContain("Why is the sky blue?");
	});
});

describe("stored chat completions", () => {
	const create = (extras: object = {}, content = "Why?") =>
		client.chat.completions.create({ model: "simulated/echo", messages: [{ role: "user", content }], ...extras });

	it("are listed, oldest first, if their callers asked for it, and filtered by metadata", async () => {
		const first = await create({ store: true, metadata: { team: "blue" } });
		const second = await create({ store: true, metadata: { team: "red" } });
		await create();
		const listed: string[] = [];
		for await (const { id } of client.chat.completions.list({ limit: 1 })) listed.push(id);
		expect(listed).toEqual([first.id, second.id]);
		const red = await client.chat.completions.list({ metadata: { team: "red" } });
		expect(red.data.map(({ id }) => id)).toEqual([second.id]);
		expect((await client.chat.completions.list({ order: "desc", model: "simulated/echo" })).data[0]?.id).toBe(
			second.id,
		);
		expect((await client.chat.completions.list({ model: "simulated/other" })).data).toEqual([]);
	});

	it("are got by their ids, stored or not, and change only their metadata", async () => {
		const made = await create({ metadata: { team: "blue" } });
		expect(await client.chat.completions.retrieve(made.id)).toEqual(made);
		const changed = await client.chat.completions.update(made.id, { metadata: { team: "red" } });
		expect(changed).toEqual({ ...made, metadata: { team: "red" } });
		expect(await client.chat.completions.retrieve(made.id)).toEqual(changed);
	});

	it("have the messages of their requests, page by page", async () => {
		const parts = [{ type: "text" as const, text: "How?" }];
		const { id } = await client.chat.completions.create({
			model: "simulated/echo",
			messages: [
				{ role: "system", content: "Be brief." },
				{ role: "user", content: parts },
			],
		});
		const messages = [];
		for await (const message of client.chat.completions.messages.list(id, { limit: 1 })) messages.push(message);
		expect(messages).toEqual([
			{ id: `${id}-0`, role: "system", content: "Be brief.", content_parts: null },
			{ id: `${id}-1`, role: "user", content: null, content_parts: parts },
		]);
	});

	it("are erased with their jobs, and unknown from then on", async () => {
		const { id } = await create();
		expect(await client.chat.completions.delete(id)).toEqual({ id, object: "chat.completion.deleted", deleted: true });
		await expect(client.chat.completions.retrieve(id)).rejects.toThrow(OpenAI.NotFoundError);
		expect((await send("GET", `/v1/jobs/${id.replace("chatcmpl-", "job_")}`, { key })).status).toBe(404);
	});

	it("are not final at first: 409, which the client repeats; and no job of another door is one", async () => {
		const { server } = withWatchedQueue("JOB_QUEUE");
		const body = { messages: MESSAGES };
		const call = { key, json: body, signal: AbortSignal.abort() };
		const left = await sendTo(server, "POST", "/v1/chat/completions", call);
		const id = (left.headers.get("holdfast-job") ?? "").replace("job_", "chatcmpl-");
		for (const method of ["GET", "DELETE"]) {
			const answer = await send(method, `/v1/chat/completions/${id}`, { key });
			expect(refusalOf(answer)).toMatchObject({ status: 409, code: "not_final" });
			expect([answer.headers.get("retry-after"), answer.headers.get("x-should-retry")]).toEqual(["1", "true"]);
		}
		const native = await submitted(key);
		expect((await send("GET", `/v1/chat/completions/${native.id.replace("job_", "chatcmpl-")}`, { key })).status).toBe(
			404,
		);
	});
});

describe("a request", () => {
	it.each([
		[{ holdfast: { nonsense: 1 } }, 400, "unknown_parameter", "holdfast.nonsense"],
		[{ holdfast: { deadline_seconds: 86_401 } }, 400, "invalid_request", "holdfast.deadline_seconds"],
		[{ holdfast: { models: ["nobody/served"] } }, 404, "model_not_found", "holdfast.models.0"],
		[{ model: "nobody/served" }, 404, "model_not_found", "model"],
		[{ messages: [] }, 400, "invalid_request", "messages"],
		[{ n: 129 }, 400, "invalid_request", "n"],
		[{ api_base: "https://x.test" }, 400, "invalid_request", "api_base"],
	])("with %j is refused, and the field is named as the caller wrote it", async (fields, status, code, param) => {
		const answer = await send("POST", "/v1/chat/completions", { key, json: { messages: MESSAGES, ...fields } });
		expect(refusalOf(answer)).toMatchObject({ status, code, param });
	});

	it("may have nulls, as OpenAI's packages send them, and fields that only the model knows; what is for this service is not sent on", async () => {
		const nulls = { stream: null, store: null, metadata: null, stream_options: null, temperature: null };
		const own = { holdfast: { max_attempts: 3 }, model: "simulated/echo" };
		const json = { messages: MESSAGES, ...nulls, ...own, odd_field: { a: 1 } };
		const answer = await send("POST", "/v1/chat/completions", { key, json });
		expect(answer.status, answer.text).toBe(200);
		const { holdfast } = Facts.parse(answer.body);
		const input = await send("GET", `/v1/jobs/${holdfast.job_id}/input`, { key });
		expect(input.body).toEqual({ messages: MESSAGES, temperature: null, odd_field: { a: 1 } });
		expect((await send("GET", `/v1/jobs/${holdfast.job_id}`, { key })).body).toMatchObject({ max_attempts: 3 });
	});

	it("with store: false keeps its answer for ten minutes", async () => {
		const answer = await send("POST", "/v1/chat/completions", { key, json: { messages: MESSAGES, store: false } });
		const { holdfast } = Facts.parse(answer.body);
		const job = await send("GET", `/v1/jobs/${holdfast.job_id}`, { key });
		expect(job.body).toMatchObject({ retain_seconds: 600 });
	});
});
