import Ajv2020 from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChatCompletion } from "../../../../../shared/core/chat/chat-completion.ts";
import { readCompletion } from "../../../../../shared/core/chat/completion.ts";
import type { Json } from "../../../../../shared/core/json/json.ts";
import schema from "../../../fixtures/chat-output.schema.json" with { type: "json" };
import exampleOutput from "../../../fixtures/example-output.text.json" with { type: "json" };

const published = new Ajv2020().compile(schema);
const DEFAULTS = { id: "chatcmpl-job_1", created: 1_700_000_000, model: "asked/model" };
const read = (body: Json) => readCompletion(body, DEFAULTS);

/** The stored object, seen to be valid. */
function answerTo(body: Json) {
	const reading = read(body);
	if (reading.kind !== "completion") throw new Error(`not an answer: ${reading.kind}`);
	expect(published(reading.completion)).toBe(true);
	return reading.completion;
}
const USAGE = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
const onlyChoice = (message: Json, finish_reason: Json) => [{ index: 0, message, finish_reason }];

describe("readCompletion", () => {
	it("keeps an OpenAI answer as it came: all choices, tool calls, refusals and unknown fields", () => {
		const body = {
			id: "chatcmpl-9",
			object: "chat.completion",
			created: 5,
			model: "other-model-2026",
			choices: [
				{
					index: 0,
					message: {
						role: "assistant",
						content: null,
						tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{}" } }],
					},
					finish_reason: "tool_calls",
					logprobs: null,
				},
				{
					index: 1,
					message: { role: "assistant", content: null, refusal: "No.", annotations: [] },
					finish_reason: "stop",
				},
			],
			usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, x: { y: 1 } },
			service_tier: "flex",
			system_fingerprint: null,
		};
		expect(answerTo(body)).toEqual(body);
	});

	it("makes the published example a completion with its text", () => {
		expect(answerTo(exampleOutput)).toEqual({
			id: DEFAULTS.id,
			object: "chat.completion",
			created: DEFAULTS.created,
			model: DEFAULTS.model,
			choices: onlyChoice({ role: "assistant", content: exampleOutput.text }, null),
		});
	});

	const HI = { role: "assistant", content: "Hi" };
	const called = (id: string) => {
		const call = { id, type: "function", function: { name: "f", arguments: '{"a":1}' } };
		return { role: "assistant", content: null, tool_calls: [call] };
	};
	const text = (words: string) => ({ type: "text", text: words });
	const thinking = { type: "thinking", thinking: "Hm", signature: "s" };
	const toolUse = { type: "tool_use", id: "toolu_1", name: "f", input: { a: 1 } };
	const shapes: [name: string, body: Json, message: Json, finishReason: Json][] = [
		["{response}", { response: "Hi" }, HI, null],
		["a Workers AI envelope", { result: { response: "Hi" }, success: true, errors: [], messages: [] }, HI, null],
		["an envelope around a completion", { result: { choices: onlyChoice(HI, "stop") }, success: true }, HI, "stop"],
		[
			"a completed run behind the gateway",
			{ state: "Completed", result: { choices: onlyChoice(HI, "stop") } },
			HI,
			"stop",
		],
		["an envelope around bare text", { result: "Hi", success: true }, HI, null],
		["{response} of JSON mode", { response: { a: 1 } }, { role: "assistant", content: '{"a":1}' }, null],
		[
			"Workers AI tool calls",
			{ response: null, tool_calls: [{ name: "f", arguments: { a: 1 } }] },
			called("call_0"),
			null,
		],
		[
			"Anthropic text",
			{ type: "message", role: "assistant", content: [text("H"), text("i")], stop_reason: "end_turn" },
			HI,
			"stop",
		],
		["Anthropic cut by max_tokens", { content: [text("Hi")], stop_reason: "max_tokens" }, HI, "length"],
		["Anthropic tool use", { content: [toolUse], stop_reason: "tool_use" }, called("toolu_1"), "tool_calls"],
		[
			"Anthropic thinking",
			{ content: [thinking, text("Hi")], stop_reason: "end_turn" },
			{ ...HI, reasoning_content: "Hm", content_blocks: [thinking, text("Hi")] },
			"stop",
		],
		[
			"Gemini text",
			{
				candidates: [
					{ content: { role: "model", parts: [{ text: "Hm", thought: true }, { text: "Hi" }] }, finishReason: "STOP" },
				],
			},
			{ ...HI, reasoning_content: "Hm" },
			"stop",
		],
		[
			"a Gemini function call",
			{
				candidates: [
					{ content: { parts: [{ functionCall: { name: "f", args: { a: 1 } } }] }, finishReason: "STOP", index: 0 },
				],
			},
			called("call_0"),
			"tool_calls",
		],
		[
			"Gemini stopped for safety",
			{ candidates: [{ finishReason: "SAFETY" }] },
			{ role: "assistant", content: null },
			"content_filter",
		],
		["a choice with text alone", { choices: [{ text: "Hi", index: 0, finish_reason: "stop" }] }, HI, "stop"],
		[
			"content in parts",
			{ choices: onlyChoice({ role: "assistant", content: [text("Hi")] }, "stop") },
			{ ...HI, content_parts: [text("Hi")] },
			"stop",
		],
		[
			"null where the schema wants a list",
			{ choices: onlyChoice({ content: "Hi", tool_calls: null }, "stop") },
			HI,
			"stop",
		],
		[
			"a tool call that is no object",
			{ choices: onlyChoice({ content: null, tool_calls: ["search", { id: "a" }] }, "tool_calls") },
			{ role: "assistant", content: null, tool_calls: [{ value: "search" }, { id: "a" }] },
			"tool_calls",
		],
		[
			"a filtered answer",
			{ choices: onlyChoice({ role: "assistant", content: "" }, "content_filter") },
			{ role: "assistant", content: "" },
			"content_filter",
		],
	];
	it.each(shapes)("reads %s", (_, body, message, finishReason) => {
		expect(answerTo(body).choices).toMatchObject([{ index: 0, finish_reason: finishReason }]);
		const [choice] = ChatCompletion.parse(answerTo(body)).choices;
		expect(choice?.message).toEqual(message);
	});

	it("keeps the fields that stand beside any shape", () => {
		expect(answerTo({ text: "Hi", citations: ["a"] })).toMatchObject({ citations: ["a"] });
		expect(answerTo({ content: [text("Hi")], stop_reason: "end_turn", container: { id: "c" } })).toMatchObject({
			stop_reason: "end_turn",
			container: { id: "c" },
		});
		const candidates = [{ content: { parts: [{ text: "Hi" }] } }];
		expect(answerTo({ candidates, responseId: "r", modelVersion: "gemini-9" })).toMatchObject({
			id: "r",
			model: "gemini-9",
		});
	});

	it("gives the usage in all three numbers or not at all", () => {
		expect(answerTo({ text: "Hi", usage: { input_tokens: 1, output_tokens: 2 } }).usage).toMatchObject({
			prompt_tokens: 1,
			completion_tokens: 2,
			total_tokens: 3,
		});
		expect(
			answerTo({ text: "Hi", usage: { prompt_tokens: -1, completion_tokens: 2, total_tokens: 1 } }),
		).not.toHaveProperty("usage");
		expect(answerTo({ text: "Hi", usage: null })).not.toHaveProperty("usage");
	});

	it.each<[string, Json]>([
		["no choices", { choices: [], usage: USAGE }],
		["a choice without message", { choices: [{ index: 0 }], usage: USAGE }],
		["a choice that is no object beside one that is", { choices: ["Hi", { message: { content: "Hi" } }] }],
		["a nesting that could not be stored", JSON.parse(`{"text":"Hi","x":${"[".repeat(5000)}${"]".repeat(5000)}}`)],
	])("calls %s unreadable", (_, body) => {
		expect(read(body).kind).toBe("unreadable");
	});

	it.each<[string, Json]>([
		["an empty object", {}],
		["no choices", { choices: [] }],
		["a choice without message", { choices: [{ index: 0 }] }],
		["a choice that is no object", { choices: ["Hi"] }],
		["an end without text or usage", { choices: onlyChoice({ content: "" }, "stop") }],
		["another object", { hello: 1 }],
		["a list", [1]],
		["bare text", "Hi"],
		["null", null],
	])("takes %s for nothing that was paid for", (_, body) => {
		expect(read(body).kind).toBe("nothing");
	});

	it.each<[string, Json]>([
		["an error body", { error: { message: "Overloaded", type: "overloaded_error" } }],
		["a bare error", { error: "model crashed" }],
		["Anthropic's error", { type: "error", error: { type: "api_error", message: "x" } }],
		["an envelope without success", { success: false, result: null, errors: [{ code: 3040, message: "x" }] }],
		[
			"a choice that ended in an error",
			{ choices: [{ message: { content: "H" }, finish_reason: "error", error: { code: 502 } }] },
		],
		["a prompt that Gemini blocked", { promptFeedback: { blockReason: "SAFETY" } }],
	])("takes %s with a 200 for the error it is", (_, body) => {
		expect(read(body).kind).toBe("error");
	});

	it("is an answer in spite of an error that is null", () => {
		expect(read({ error: null, text: "Hi" }).kind).toBe("completion");
	});

	it("never stores what the published schema refuses, whatever the provider answers", () => {
		const value = fc.jsonValue({ maxDepth: 2 });
		const choice = fc.record(
			{
				index: value,
				message: fc.record({ role: value, content: value, tool_calls: value }, { requiredKeys: [] }),
				finish_reason: value,
				text: value,
			},
			{ requiredKeys: [] },
		);
		const usage = fc.record(
			{
				prompt_tokens: value,
				completion_tokens: value,
				total_tokens: value,
				input_tokens: fc.nat(),
				output_tokens: fc.nat(),
			},
			{ requiredKeys: [] },
		);
		const body = fc.record(
			{
				id: value,
				object: value,
				created: value,
				model: value,
				choices: fc.oneof(fc.array(choice), value),
				text: value,
				response: value,
				content: value,
				candidates: value,
				usage: fc.oneof(usage, value),
				usageMetadata: value,
			},
			{ requiredKeys: [] },
		);
		let answers = 0;
		fc.assert(
			fc.property(body, (generated) => {
				const reading = read(JSON.parse(JSON.stringify(generated)));
				if (reading.kind !== "completion") return;
				answers++;
				expect(published(reading.completion)).toBe(true);
				expect(ChatCompletion.safeParse(reading.completion).success).toBe(true);
			}),
			{ numRuns: 3000, seed: 7 },
		);
		expect(answers).toBeGreaterThan(300);
	});
});
