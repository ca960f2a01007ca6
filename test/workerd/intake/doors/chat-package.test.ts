/** The unmodified `openai` package gets chat completions with nothing but another `baseURL`, from the real Worker. */
import { exports } from "cloudflare:workers";
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { JobList } from "../../../../shared/api/job.ts";
import { aCaller, send } from "../caller.ts";

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
