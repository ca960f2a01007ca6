/** A response that was streamed without the caller's asking is stored as the one that would have come whole. */
import { describe, expect, it } from "vitest";
import { ResponseReader } from "../../../../../shared/core/chat/response-reader.ts";
import type { Json, JsonObject } from "../../../../../shared/core/json/json.ts";

const HEAD = { id: "chatcmpl-1", created: 1_790_000_000, model: "gpt-5.5-2026-04-23", system_fingerprint: "fp_1" };
const USAGE = {
	...{ prompt_tokens: 9, completion_tokens: 12, total_tokens: 21 },
	completion_tokens_details: { reasoning_tokens: 4 },
};

interface Choice extends JsonObject {
	message: JsonObject;
}

/** Read from text that arrives in pieces of 7 bytes. */
function read(text: string, choicesRequested: number) {
	const defaults = { id: "ours", created: 1, model: "ours" };
	const reader = new ResponseReader({ saysEventStream: text.startsWith("data:"), choicesRequested, defaults });
	const bytes = new TextEncoder().encode(text);
	for (let at = 0; at < bytes.length; at += 7) reader.push(bytes.slice(at, at + 7));
	return reader.end(true);
}

/** As OpenAI streams it: first the role, then each field in pieces, choice by choice in turn, the reason last. */
function streamOf(choices: Choice[]): string {
	const chunk = (index: number, delta: JsonObject, more: JsonObject = {}) => ({
		...HEAD,
		object: "chat.completion.chunk",
		choices: [{ index, delta, finish_reason: null, ...more }],
		usage: null,
		obfuscation: "xxx",
	});
	const turns = choices.map(({ message, logprobs, finish_reason }, index) => [
		chunk(index, { role: "assistant", content: message.content === null ? null : "", refusal: null }),
		...deltasOf(message).map((delta) => chunk(index, delta)),
		...(logprobs === undefined
			? []
			: logprobDeltas(Object(logprobs)).map((some) => chunk(index, {}, { logprobs: some }))),
		chunk(index, {}, { finish_reason: finish_reason ?? null }),
	]);
	const longest = Math.max(...turns.map(({ length }) => length));
	const inTurn = Array.from({ length: longest }, (_, nth) => turns.flatMap((turn) => turn[nth] ?? [])).flat();
	const events = [...inTurn, { ...HEAD, choices: [], usage: USAGE }].map((event) => JSON.stringify(event));
	return [...events, "[DONE]"].map((data) => `data: ${data}\n\n`).join("");
}

function deltasOf({ content, refusal, tool_calls, function_call }: JsonObject): JsonObject[] {
	const named = function_call === undefined ? null : Object(function_call);
	return [
		...piecesOf(content).map((piece) => ({ content: piece })),
		...piecesOf(refusal).map((piece) => ({ refusal: piece })),
		...(Array.isArray(tool_calls) ? tool_calls : []).flatMap((call, index) => {
			const { id, type, function: named } = Object(call);
			const begun = { index, id, type, function: { name: named.name, arguments: "" } };
			const more = piecesOf(named.arguments).map((piece) => ({ index, function: { arguments: piece } }));
			return [begun, ...more].map((delta) => ({ tool_calls: [delta] }));
		}),
		...(named === null ? [] : [{ function_call: { name: named.name, arguments: "" } }]),
		...piecesOf(named?.arguments).map((piece) => ({ function_call: { arguments: piece } })),
	];
}

const piecesOf = (text: unknown) => (typeof text === "string" ? (text.match(/.{1,3}/gsu) ?? []) : []);
const logprobDeltas = ({ content, refusal }: { content: JsonObject[]; refusal: null }) =>
	content.map((token) => ({ content: [token], refusal }));

const message = (more: JsonObject): JsonObject => ({ role: "assistant", content: null, refusal: null, ...more });
const call = (id: string, city: string) => ({
	...{ id, type: "function" },
	function: { name: "weather", arguments: JSON.stringify({ city }) },
});
const token = (text: string) => ({
	...{ token: text, logprob: -0.1, bytes: [...new TextEncoder().encode(text)] },
	top_logprobs: [{ token: text, logprob: -0.1, bytes: null }],
});

const ANSWERS: [string, Choice[]][] = [
	["text", [{ message: message({ content: "Grüße, 🌍.\n\n你好\u2028" }), finish_reason: "stop" }]],
	[
		"two tool calls",
		[
			{
				message: message({ tool_calls: [call("call_a", "Ulm"), call("call_b", "Bonn")] }),
				finish_reason: "tool_calls",
			},
		],
	],
	[
		"text beside a tool call",
		[{ message: message({ content: "Let me see.", tool_calls: [call("call_a", "Ulm")] }), finish_reason: "stop" }],
	],
	[
		"three choices",
		["One.", "Two, longer.", ""].map((content, index) => ({
			...{ index, message: message({ content }) },
			finish_reason: index === 1 ? "length" : "stop",
		})),
	],
	[
		"logprobs",
		[
			{
				message: message({ content: "Hi you" }),
				logprobs: { content: [token("Hi"), token(" you")], refusal: null },
				finish_reason: "stop",
			},
		],
	],
	["a refusal", [{ message: message({ refusal: "I cannot help with that." }), finish_reason: "stop" }]],
	[
		"a legacy function call",
		[
			{
				message: message({ function_call: { name: "weather", arguments: '{"city":"Ulm"}' } }),
				finish_reason: "function_call",
			},
		],
	],
];

describe("a stream is assembled into the same completion, with its usage, as came whole:", () => {
	it.each(ANSWERS)("%s", (_, choices) => {
		const whole = {
			...HEAD,
			object: "chat.completion",
			choices: choices.map((choice, index) => ({ index, ...choice })),
			usage: USAGE,
		};
		const streamed = read(streamOf(choices), choices.length);
		expect(streamed).toEqual(read(JSON.stringify(whole), choices.length));
		expect(streamed).toMatchObject({
			kind: "completion",
			completion: { choices, usage: USAGE },
			usage: { totalTokens: 21 },
		});
	});
});

describe("what some servers send otherwise in a stream", () => {
	const assembled = (...choices: JsonObject[]) => {
		const chunks = [...choices, { delta: {}, finish_reason: "stop" }].map((choice) => ({
			choices: [{ index: 0, ...choice }],
		}));
		const text = [...chunks.map((chunk) => JSON.stringify(chunk)), "[DONE]"]
			.map((data) => `data: ${data}\n\n`)
			.join("");
		const result = read(text, 1);
		return result.kind === "completion" ? result.completion.choices[0] : null;
	};
	const named = (args: Json, more: JsonObject = {}) => ({
		delta: {
			tool_calls: [{ index: 0, id: "", type: "function", function: { name: "weather", arguments: args }, ...more }],
		},
	});

	it("a content filter's result in each chunk is kept once, as the last chunk has it", () => {
		const outcome = (severity: string) => ({ content_filter_results: { hate: { filtered: false, severity } } });
		const choice = assembled(
			{ delta: { content: "Hi" }, ...outcome("safe") },
			{ delta: { content: "!" }, ...outcome("safe") },
		);
		expect(choice).toMatchObject({ message: { content: "Hi!" }, ...outcome("safe") });
	});

	it("whole calls under one index are calls of their own, and a name in each piece is still one call", () => {
		const [ulm, bonn] = ['{"city":"Ulm"}', '{"city":"Bonn"}'];
		const calls = (...args: string[]) => args.map((text) => ({ function: { name: "weather", arguments: text } }));
		expect(assembled(named(ulm), named(bonn))).toMatchObject({ message: { tool_calls: calls(ulm, bonn) } });
		expect(assembled(named('{"city":'), named('"Ulm"}'), named(""))).toMatchObject({
			message: { tool_calls: calls(ulm) },
		});
	});

	const text = (words: string) => ({ type: "text", text: words });
	it.each<[string, Json[], string, Json | undefined]>([
		["parts, then text", [[text("A")], "B", "C"], "ABC", [text("ABC")]],
		[
			"text, then parts",
			["A", [text("B"), { type: "image" }], "C"],
			"ABC",
			[text("A"), text("B"), { type: "image" }, text("C")],
		],
		["one part, then text", [text("A"), "B"], "AB", [text("AB")]],
		[
			"parts with an index",
			[[{ index: 0, ...text("A") }], [{ index: 0, ...text("B") }]],
			"AB",
			[{ index: 0, ...text("AB") }],
		],
		["part after part", [text("A"), text("B")], "AB", [text("A"), text("B")]],
		["an object, then text", [{ a: 1 }, "B"], '{"a":1}B', undefined],
	])("content that changes its type keeps its text in order: %s", (_, contents, content, parts) => {
		const message: JsonObject = { role: "assistant", content };
		if (parts !== undefined) message.content_parts = parts;
		expect(assembled(...contents.map((piece) => ({ delta: { content: piece } })))).toMatchObject({ message });
	});

	it("text is text wherever its type changes, and words that each chunk repeats are kept once", () => {
		const detail = (more: JsonObject) => [{ type: "reasoning.text", index: 0, format: "v1", ...more }];
		const delta = (piece: string, more: JsonObject) => ({
			delta: {
				channel: "final",
				role: "assistant",
				refusal: piece,
				reasoning_details: detail({ text: piece }),
				...more,
			},
		});
		const choice = assembled(
			delta("A", { reasoning: "X", citations: ["a"] }),
			delta("B", { reasoning: [text("Y")], citations: ["b"] }),
			delta("C", { reasoning: "Z" }),
		);
		expect(choice).toMatchObject({
			message: {
				channel: "final",
				refusal: "ABC",
				reasoning: "XYZ",
				citations: ["a", "b"],
				reasoning_details: detail({ text: "ABC" }),
			},
		});
		expect(assembled(named({}), named('{"city":'), named('"Ulm"}'))).toMatchObject({
			message: { tool_calls: [{ function: { arguments: '{"city":"Ulm"}' } }] },
		});
	});

	it("logprobs of one token that came twice are kept twice", () => {
		const logprobs = (...content: Json[]) => ({ delta: { content: "ha" }, logprobs: { content } });
		const ha = { id: 9906, token: "ha", logprob: -0.1 };
		expect(assembled(logprobs(ha), logprobs(ha))).toMatchObject({ logprobs: { content: [ha, ha] } });
	});

	it("a filter's list in each chunk is kept once, member by member", () => {
		const list = (filtered: boolean) => ({ content_filter_results: { custom_blocklists: [{ id: "x", filtered }] } });
		expect(assembled({ delta: { content: "Hi" }, ...list(true) }, { delta: {}, ...list(false) })).toMatchObject(
			list(false),
		);
	});

	it("arguments that are an object become JSON text", () => {
		const [ulm, bonn] = [{ city: "Ulm" }, { city: "Bonn" }];
		const calls = [ulm, bonn].map((args) => ({ function: { arguments: JSON.stringify(args) } }));
		expect(assembled(named(ulm), named(bonn))).toMatchObject({ message: { tool_calls: calls } });
	});
});
