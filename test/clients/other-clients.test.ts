/** Clients of others than OpenAI: the Vercel AI SDK, LangChain, and OpenAI's own agents. */
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { ChatOpenAI } from "@langchain/openai";
import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } from "@openai/agents";
import { generateText, streamText } from "ai";
import { describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { answering, completion } from "../support/answers.ts";
import { aModel, callsOf } from "./support/provider.ts";
import { toolCall } from "./support/tool-call.ts";

const { url, key } = inject("service");
const baseURL = `${url}/v1`;
const prompt = "Why?";
setTracingDisabled(true);

describe.each([
	{ name: "@ai-sdk/openai, Responses", model: (id: string) => createOpenAI({ baseURL, apiKey: key })(id) },
	{ name: "@ai-sdk/openai, chat", model: (id: string) => createOpenAI({ baseURL, apiKey: key }).chat(id) },
	{
		name: "@ai-sdk/openai-compatible",
		model: (id: string) =>
			createOpenAICompatible({ name: "holdfast", baseURL, apiKey: key, includeUsage: true }).chatModel(id),
	},
])("the Vercel AI SDK by $name", ({ model }) => {
	it("generates text, with usage", async () => {
		const { text, usage } = await generateText({ model: model(aModel(answering(completion("Because.")))), prompt });
		expect(text).toBe("Because.");
		expect(usage).toMatchObject({ inputTokens: 3, outputTokens: 2 });
	});

	it("streams text, with usage", async () => {
		const long = "Because the sky scatters blue light more than red.";
		const result = streamText({ model: model(aModel(answering(completion(long)))), prompt });
		let text = "";
		for await (const piece of result.textStream) text += piece;
		expect(text).toBe(long);
		expect(await result.finishReason).toBe("stop");
		expect(await result.usage).toMatchObject({ inputTokens: 3, outputTokens: 2 });
	});
});

describe("LangChain", () => {
	const chat = (model: string) => new ChatOpenAI({ model, apiKey: key, configuration: { baseURL } });

	it("invokes a model", async () => {
		const answer = await chat(aModel(answering(completion("Because.")))).invoke(prompt);
		expect(answer.text).toBe("Because.");
		expect(answer.usage_metadata).toMatchObject({ input_tokens: 3, output_tokens: 2 });
	});

	it("streams a model's answer", async () => {
		const long = "Because the sky scatters blue light more than red.";
		let text = "";
		for await (const piece of await chat(aModel(answering(completion(long)))).stream(prompt)) text += piece.text;
		expect(text).toBe(long);
	});
});

describe("OpenAI's agents", () => {
	it("run a tool that the model calls, and end with its answer", async () => {
		const model = aModel(answering(toolCall("look_up", { word: "holdfast" })), answering(completion("A root.")));
		const modelProvider = new OpenAIProvider({ apiKey: key, baseURL, useResponses: false });
		const looked: string[] = [];
		const lookUp = tool({
			name: "look_up",
			description: "Looks a word up",
			parameters: z.object({ word: z.string() }),
			execute: async ({ word }) => {
				looked.push(word);
				return "The root of a seaweed";
			},
		});
		const agent = new Agent({ name: "Reader", instructions: "Use the tool.", model, tools: [lookUp] });
		const { finalOutput } = await new Runner({ modelProvider }).run(agent, "What is a holdfast?");
		expect({ finalOutput, looked, calls: callsOf(model).length }).toEqual({
			finalOutput: "A root.",
			looked: ["holdfast"],
			calls: 2,
		});
	});
});
