import { describe, expect, it } from "vitest";
import { chunksOf } from "../../../../../shared/core/doors/chat-chunks.ts";
import type { JsonObject } from "../../../../../shared/core/json/json.ts";

const HEAD = { id: "chatcmpl-1", object: "chat.completion", created: 1, model: "m" };
const USAGE = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
const completion = (...messages: JsonObject[]): JsonObject => ({
	...HEAD,
	choices: messages.map((message, index) => ({ index, message, finish_reason: "stop" })),
	usage: USAGE,
});
const deltas = (...messages: JsonObject[]) =>
	[...chunksOf(completion(...messages), false)].flatMap(({ choices }) => JSON.parse(JSON.stringify(choices)));
const joined = (field: string, message: JsonObject) =>
	deltas(message)
		.map(({ delta }) => delta[field] ?? "")
		.join("");

describe("the chunks of a completion", () => {
	it.each(["content", "refusal", "reasoning_content"])("join to its %s, in short pieces", (field) => {
		const text = "why ".repeat(30);
		const message = { role: "assistant", content: null, [field]: text };
		expect(joined(field, message)).toBe(text);
		expect(deltas(message).length).toBeGreaterThan(5);
	});

	it("begin with the role and end with the reason, choice by choice", () => {
		const all = deltas({ role: "assistant", content: "a" }, { role: "assistant", content: "b" });
		expect(all).toMatchObject([
			{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null },
			{ index: 0, delta: { content: "a" } },
			{ index: 0, delta: {}, finish_reason: "stop" },
			{ index: 1, delta: { role: "assistant", content: "" } },
			{ index: 1, delta: { content: "b" } },
			{ index: 1, delta: {}, finish_reason: "stop" },
		]);
	});

	it("give a tool call its name first, and then its arguments", () => {
		const named = { name: "find", arguments: '{"city": "Uppsala, in Sweden"}' };
		const calls = deltas({
			role: "assistant",
			content: null,
			tool_calls: [{ id: "c1", type: "function", function: named }],
		}).flatMap(({ delta }) => delta.tool_calls ?? []);
		expect(calls[0]).toEqual({ index: 0, id: "c1", type: "function", function: { name: "find", arguments: "" } });
		expect(calls.map((call: { function: { arguments: string } }) => call.function.arguments).join("")).toBe(
			named.arguments,
		);
	});

	it("carry usage in one more chunk, only where it is asked for", () => {
		const chunks = [...chunksOf(completion({ role: "assistant", content: "a" }), true)];
		expect(chunks.at(-1)).toMatchObject({ choices: [], usage: USAGE });
		expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
		expect([...chunksOf(completion({ content: "a" }), false)].some((chunk) => "usage" in chunk)).toBe(false);
	});

	it("are a few thousand at most for a text", () => {
		expect(deltas({ content: "x".repeat(1_000_000) }).length).toBeLessThan(5_000);
	});
});
