/** Responses and their events, as clients that others wrote read them. */
import { createOpenAI } from "@ai-sdk/openai";
import { HumanMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { Agent, OpenAIProvider, Runner, tool } from "@openai/agents";
import { tool as aiTool, generateText, jsonSchema, streamText } from "ai";
import { describe, expect, it } from "vitest";
import { type JsonObject, objectOf } from "../../shared/core/json/json.ts";
import { chatRequest } from "../../shared/core/responses/request-to-chat.ts";
import { eventFrame, responseEvents } from "../../shared/core/responses/response-events.ts";
import { responseObject } from "../../shared/core/responses/response-object.ts";
import { answerOf, someFacts } from "../node/shared/core/responses/answers.ts";

const SPOKEN = answerOf({ reasoning_content: "Let me think about it.", content: "It is mild in Ulm today." });
const CALLING = answerOf(
	{ tool_calls: [{ id: "c1", type: "function", function: { name: "weather", arguments: '{"city":"Ulm"}' } }] },
	{},
	"tool_calls",
);

/** A service that answers each request in turn, streamed or whole. `chats`: what the models would have been asked. */
function service(...answers: JsonObject[]) {
	const chats: JsonObject[] = [];
	const fetch = async (_: RequestInfo | URL, init?: RequestInit) => {
		const request: JsonObject = await new Response(init?.body ?? null).json();
		const chat = chatRequest({ request, context: [], referenced: new Map() });
		if (!chat.ok) return Response.json({ error: { message: chat.problem, param: chat.param } }, { status: 400 });
		const answer = answers[chats.length] ?? SPOKEN;
		chats.push(chat.body);
		const facts = someFacts({ jobId: `job_01k00000000000000000000${String(chats.length).padStart(3, "0")}` });
		if (request.stream !== true) return Response.json(responseObject(facts, request, answer));
		const frames = [...responseEvents(facts, request, answer)].map(eventFrame);
		const headers = { "content-type": "text/event-stream" };
		return new Response(`${frames.join("")}data: [DONE]\n\n`, { headers });
	};
	return { chats, fetch, options: { baseURL: "http://localhost/v1", apiKey: "key", fetch } };
}

describe("the AI SDK", () => {
	it("generates text, with thoughts and usage", async () => {
		const { options, chats } = service(SPOKEN);
		const result = await generateText({ model: createOpenAI(options)("gpt-5.5"), prompt: "Hi" });
		expect(result.text).toBe("It is mild in Ulm today.");
		expect(result.reasoningText).toBe("Let me think about it.");
		expect(result.usage).toMatchObject({ inputTokens: 5, outputTokens: 3 });
		expect(chats).toMatchObject([{ messages: [{ role: "user", content: "Hi" }] }]);
	});

	it("streams text, with thoughts and usage", async () => {
		const result = streamText({ model: createOpenAI(service(SPOKEN).options)("gpt-5.5"), prompt: "Hi" });
		const kinds = new Map<string, string>();
		for await (const part of result.fullStream)
			if (part.type === "text-delta" || part.type === "reasoning-delta")
				kinds.set(part.type, (kinds.get(part.type) ?? "") + part.text);
			else if (part.type === "error") throw part.error;
		expect(Object.fromEntries(kinds)).toEqual({
			"reasoning-delta": "Let me think about it.",
			"text-delta": "It is mild in Ulm today.",
		});
		expect(await result.usage).toMatchObject({ inputTokens: 5, outputTokens: 3 });
		expect(await result.finishReason).toBe("stop");
	});

	it.each([
		["streamed", true],
		["whole", false],
	])("calls a tool and goes on with its output: %s", async (_, isStreamed) => {
		const { options, chats } = service(CALLING, SPOKEN);
		const call = {
			model: createOpenAI(options)("gpt-5.5"),
			prompt: "How is it in Ulm?",
			tools: {
				weather: aiTool({
					inputSchema: jsonSchema<{ city: string }>({ type: "object", properties: { city: { type: "string" } } }),
					execute: async () => "mild",
				}),
			},
			stopWhen: ({ steps }: { steps: unknown[] }) => steps.length === 2,
			// References to items need a service that has them.
			providerOptions: { openai: { store: false } },
		};
		const text = isStreamed ? await streamText(call).text : (await generateText(call)).text;
		expect(text).toBe("It is mild in Ulm today.");
		const [, second] = chats;
		expect(second?.messages).toMatchObject([
			{ role: "user" },
			{ role: "assistant", tool_calls: [{ id: "c1", function: { name: "weather" } }] },
			{ role: "tool", tool_call_id: "c1" },
		]);
	});
});

describe("LangChain", () => {
	const model = (answer: JsonObject) => {
		const { baseURL, apiKey, fetch } = service(answer).options;
		return new ChatOpenAI({ model: "gpt-5.5", apiKey, useResponsesApi: true, configuration: { baseURL, fetch } });
	};

	it("is answered, with calls", async () => {
		const answer = await model(CALLING).invoke([new HumanMessage("Hi")]);
		expect(answer.tool_calls).toMatchObject([{ id: "c1", name: "weather", args: { city: "Ulm" } }]);
	});

	it("streams text", async () => {
		let text = "";
		for await (const chunk of await model(SPOKEN).stream([new HumanMessage("Hi")])) text += chunk.text;
		expect(text).toBe("It is mild in Ulm today.");
	});
});

describe("the Agents SDK", () => {
	it.each([
		["streamed", true],
		["whole", false],
	])("runs an agent with a tool: %s", async (_, isStreamed) => {
		const { options, chats } = service(CALLING, SPOKEN);
		const { OpenAI } = await import("openai");
		const runner = new Runner({
			modelProvider: new OpenAIProvider({ openAIClient: new OpenAI(options), useResponses: true }),
			tracingDisabled: true,
		});
		const weather = tool({
			name: "weather",
			description: "The weather",
			strict: false,
			parameters: {
				type: "object",
				properties: { city: { type: "string" } },
				required: [],
				additionalProperties: true,
			},
			execute: async () => "mild",
		});
		const agent = new Agent({ name: "a", instructions: "Be brief.", model: "gpt-5.5", tools: [weather] });
		const output = isStreamed ? await streamed(runner, agent) : (await runner.run(agent, "Hi")).finalOutput;
		expect(output).toBe("It is mild in Ulm today.");
		expect(chats[1]?.messages).toMatchObject([
			{ role: "system", content: "Be brief." },
			{ role: "user", content: "Hi" },
			{ role: "assistant", tool_calls: [{ id: "c1" }] },
			{ role: "tool", tool_call_id: "c1", content: "mild" },
		]);
		expect(objectOf(chats[0])?.tools).toHaveLength(1);
	});
});

async function streamed(runner: Runner, agent: Agent): Promise<unknown> {
	const result = await runner.run(agent, "Hi", { stream: true });
	for await (const _ of result);
	await result.completed;
	return result.finalOutput;
}
