import Ajv2020 from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChatInput, withNullContents } from "../../../../../shared/core/chat/chat-input.ts";
import schema from "../../../fixtures/chat-input.schema.json" with { type: "json" };
import exampleInput from "../../../fixtures/example-input.json" with { type: "json" };

const published = new Ajv2020().compile(schema);
const accepts = (body: unknown) => ChatInput.safeParse(body).success;

/** Values around every bound and of every wrong type. */
const anyValue = fc.oneof(
	fc.constantFrom(-2.001, -2, -1, -0, 0, 0.5, 1, 1.0001, 2, 2.0001, 1e300, true, false, null, "", "tool", "assistant"),
	fc.double({ noNaN: true, noDefaultInfinity: true }),
	fc.jsonValue({ maxDepth: 2 }),
);

/** Mostly right, so that a body with one thing wrong is as likely as one with none. */
const mostly = (right: fc.Arbitrary<unknown>) =>
	fc.oneof({ weight: 15, arbitrary: right }, { weight: 1, arbitrary: anyValue });
const between = (min: number, max: number) => mostly(fc.double({ min, max, noNaN: true }));

const message = fc.record(
	{
		role: mostly(fc.constantFrom("system", "developer", "user", "assistant", "tool")),
		content: mostly(fc.oneof(fc.string(), fc.constant(null), fc.array(anyValue))),
		name: anyValue,
		tool_calls: anyValue,
	},
	{ requiredKeys: ["role", "content"] },
);

const body = fc.record(
	{
		messages: mostly(fc.array(mostly(message), { maxLength: 2 })),
		temperature: between(0, 2),
		max_tokens: between(0.1, 1e9),
		max_completion_tokens: between(0.1, 1e9),
		top_p: between(0, 1),
		frequency_penalty: between(-2, 2),
		presence_penalty: between(-2, 2),
		stream: mostly(fc.boolean()),
		stream_options: mostly(fc.record({ include_usage: mostly(fc.boolean()) }, { requiredKeys: [] })),
		tools: mostly(fc.array(anyValue)),
		tool_choice: anyValue,
		response_format: anyValue,
		simulate: anyValue,
		constructor: anyValue,
	},
	{ requiredKeys: [] },
);

/** Only what JSON can say: what a body is after it was sent. */
const sent = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("ChatInput", () => {
	it("gives every body the classification of the published JSON Schema", () => {
		let accepted = 0;
		fc.assert(
			fc.property(fc.oneof({ weight: 20, arbitrary: body }, anyValue), (value) => {
				const asSent = sent(value);
				const classification = published(asSent);
				if (classification) accepted++;
				expect(accepts(asSent)).toBe(classification);
			}),
			{ numRuns: 3000, seed: 7 },
		);
		// Neither classification is rare among them.
		expect(3000 - accepted).toBeGreaterThan(300);
		expect(accepted).toBeGreaterThan(300);
	});

	const bounds: [field: string, good: unknown[], bad: unknown[]][] = [
		["temperature", [0, 2, 0.1], [-0.01, 2.01, "1", null]],
		["max_tokens", [0.5, 1e300], [0, -1, null]],
		["max_completion_tokens", [0.5, 1e300], [0, -1, null]],
		["top_p", [0, 1], [-0.01, 1.01]],
		["frequency_penalty", [-2, 2], [-2.01, 2.01]],
		["presence_penalty", [-2, 2], [-2.01, 2.01]],
		["stream", [true, false], ["true", null, 1]],
		["stream_options", [{}, { include_usage: true }], [{ other: 1 }, { include_usage: 1 }, null]],
		["tools", [[], [1, null]], [{}, null]],
		["messages", [[], [{ role: "tool", content: [] }]], [null, [{ role: "user" }], [{ role: "bot", content: "" }]]],
	];
	it.each(bounds)("bounds %s as the published schema does, and no stricter", (field, good, bad) => {
		for (const value of good) {
			expect(accepts({ messages: [], [field]: value })).toBe(true);
			expect(published({ messages: [], [field]: value })).toBe(true);
		}
		for (const value of bad) {
			expect(accepts({ messages: [], [field]: value })).toBe(false);
			expect(published({ messages: [], [field]: value })).toBe(false);
		}
	});

	it("takes a message without content where it has tool calls, and sends it on with null", () => {
		const calls = { role: "assistant", tool_calls: [{ id: "a", text: '"content":' }] };
		const user = { role: "user", content: 'a, {"b"]' };
		const input = { messages: [user, calls, { ...calls, content: "x" }, calls], seed: 1 };
		expect(accepts(input)).toBe(true);
		for (const bad of [{ role: "user" }, { ...calls, tool_calls: [] }, { ...calls, tool_calls: null }])
			expect(accepts({ messages: [bad] })).toBe(false);
		for (const text of [JSON.stringify(input), JSON.stringify(input, null, 2)]) {
			const bytes = new TextEncoder().encode(`${text} `);
			const sentOn = JSON.parse(new TextDecoder().decode(withNullContents(bytes, ChatInput.parse(input))));
			expect(published(sentOn)).toBe(true);
			expect(sentOn).toEqual({ ...input, messages: input.messages.map((message) => ({ content: null, ...message })) });
		}
		const whole = new TextEncoder().encode(JSON.stringify({ messages: [user] }));
		expect(withNullContents(whole, { messages: [{ role: "user", content: "a" }] })).toBe(whole);
	});

	it("passes unlisted fields untouched, at the top and in messages", () => {
		const input = { messages: [{ role: "user", content: "a", x: { y: [null] } }], seed: 1, simulate: { fail: "what" } };
		expect(ChatInput.parse(input)).toEqual(input);
	});

	it("takes the published example and thousands of messages", () => {
		expect(accepts(exampleInput)).toBe(true);
		expect(accepts({ messages: Array.from({ length: 5000 }, () => ({ role: "user", content: "a" })) })).toBe(true);
	});
});
