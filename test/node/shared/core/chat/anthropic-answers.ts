/** Answers of Anthropic's Messages API, made here after its published types: each whole, and as the stream that says the same. */
import { type Json, type JsonObject, listOf, objectOf } from "../../../../../shared/core/json/json.ts";
import type { Case } from "./corpus.ts";

const USAGE = { input_tokens: 3, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 4 };
const text = (words: string, more: JsonObject = {}) => ({ type: "text", text: words, ...more });
const use = (id: string, input: JsonObject, name = "weather") => ({ type: "tool_use", id, name, input });
const called = (id: string, args: string, name = "weather") => ({
	...{ id, type: "function", function: { name, arguments: args } },
});
const THOUGHT = { type: "thinking", thinking: "Let me see.", signature: "c2ln" };
const HIDDEN = { type: "thinking", thinking: "", signature: "c2ln" };
const REDACTED = { type: "redacted_thinking", data: "b3BhcXVl" };
const CITED = text("The sky is blue.", {
	citations: [{ type: "char_location", cited_text: "blue", document_index: 0, start_char_index: 1, end_char_index: 5 }],
});
const SEARCH = [
	{ type: "server_tool_use", id: "srv_1", name: "web_search", input: { query: "sky" } },
	{
		type: "web_search_tool_result",
		tool_use_id: "srv_1",
		content: [{ type: "web_search_result", url: "https://a.test" }],
	},
];

interface Answer {
	name: string;
	/** Anthropic's message. */
	body: JsonObject & { content: JsonObject[] };
	outcome: Extract<Case["outcome"], object>;
}

function answer(name: string, content: JsonObject[], outcome: Answer["outcome"], more: JsonObject = {}): Answer {
	const head = { id: "msg_1", type: "message", role: "assistant", model: "claude-sonnet-5" };
	const end = { stop_reason: "end_turn", stop_sequence: null, stop_details: null };
	return {
		name,
		body: { ...head, content, ...end, usage: USAGE, ...more },
		outcome: { finish: "stop", total: 7, ...outcome },
	};
}

export const ANSWERS: Answer[] = [
	answer("a text", [text("Hällo.")], { message: { content: "Hällo." } }),
	answer("a text that cites nothing", [text("Hi", { citations: null })], { message: { content: "Hi" } }),
	answer("two texts", [text("H"), text("i")], { message: { content: "Hi" } }),
	answer("signed thoughts", [THOUGHT, text("Hi")], {
		message: { content: "Hi", reasoning_content: "Let me see.", content_blocks: [THOUGHT, text("Hi")] },
	}),
	answer("thoughts that are not shown", [HIDDEN, REDACTED, text("Hi")], {
		message: { content: "Hi", content_blocks: [HIDDEN, REDACTED, text("Hi")] },
	}),
	answer(
		"a call",
		[use("a", { city: "Ulm", days: [1, 2] })],
		{ message: { content: null, tool_calls: [called("a", '{"city":"Ulm","days":[1,2]}')] }, finish: "tool_calls" },
		{ stop_reason: "tool_use" },
	),
	answer(
		"calls behind thoughts and a text",
		[THOUGHT, text("Hm."), use("a", { x: 1 }), use("b", {}, "now")],
		{
			message: {
				...{ content: "Hm.", content_blocks: [THOUGHT, text("Hm."), use("a", { x: 1 }), use("b", {}, "now")] },
				tool_calls: [called("a", '{"x":1}'), called("b", "{}", "now")],
			},
			finish: "tool_calls",
		},
		{ stop_reason: "tool_use" },
	),
	answer("citations", [CITED], { message: { content: "The sky is blue.", content_blocks: [CITED] } }),
	answer(
		"a tool of Anthropic's own",
		[...SEARCH, text("Blue.")],
		{ message: { content: "Blue.", content_blocks: [...SEARCH, text("Blue.")] }, finish: "pause_turn" },
		{ stop_reason: "pause_turn" },
	),
	answer(
		"an end at the limit",
		[text("H")],
		{ message: { content: "H" }, finish: "length" },
		{ stop_reason: "max_tokens" },
	),
	answer(
		"a context window that is full",
		[text("H")],
		{ message: { content: "H" }, finish: "length" },
		{ stop_reason: "model_context_window_exceeded" },
	),
	answer("a stop", [text("H")], { message: { content: "H" } }, { stop_reason: "stop_sequence", stop_sequence: "END" }),
	answer(
		"a refusal",
		[],
		{ message: { content: null }, finish: "content_filter" },
		{ stop_reason: "refusal", stop_details: { type: "refusal", category: "bio", explanation: "No." } },
	),
	answer(
		"cached tokens",
		[text("Hi")],
		{ message: { content: "Hi" }, total: 110 },
		{
			usage: {
				...{ input_tokens: 3, cache_creation_input_tokens: 20, cache_read_input_tokens: 80, output_tokens: 7 },
				...{ output_tokens_details: { thinking_tokens: 2 }, server_tool_use: null, service_tier: "standard" },
			},
		},
	),
];

/** The events of the stream that says the same. */
export function eventsOf({
	content,
	stop_reason,
	stop_sequence,
	stop_details,
	usage,
	...head
}: Answer["body"]): JsonObject[] {
	const delta = {
		stop_reason: stop_reason ?? null,
		stop_sequence: stop_sequence ?? null,
		stop_details: stop_details ?? null,
	};
	const { output_tokens_details: _, ...started } = objectOf(usage) ?? {};
	const empty = { stop_reason: null, stop_sequence: null, stop_details: null };
	return [
		{ type: "message_start", message: { ...head, content: [], ...empty, usage: { ...started, output_tokens: 1 } } },
		{ type: "ping" },
		...content.flatMap((block, index) => [
			{ type: "content_block_start", index, content_block: begun(block) },
			...deltasOf(block).map((more) => ({ type: "content_block_delta", index, delta: more })),
			{ type: "content_block_stop", index },
		]),
		{ type: "message_delta", delta, usage: usage ?? null },
		{ type: "message_stop" },
	];
}

function begun(block: JsonObject): JsonObject {
	switch (block.type) {
		case "text":
			return { ...block, text: "", ...(listOf(block.citations) === null ? {} : { citations: [] }) };
		case "thinking":
			return { ...block, thinking: "", signature: "" };
		case "tool_use":
		case "server_tool_use":
			return { ...block, input: {} };
		default:
			return block;
	}
}

function deltasOf(block: JsonObject): JsonObject[] {
	const json = JSON.stringify(block.input) ?? "";
	switch (block.type) {
		case "text":
			return [
				...(listOf(block.citations) ?? []).map((citation) => ({ type: "citations_delta", citation })),
				...piecesOf(block.text).map((piece) => ({ type: "text_delta", text: piece })),
			];
		case "thinking":
			return [
				...piecesOf(block.thinking).map((piece) => ({ type: "thinking_delta", thinking: piece })),
				{ type: "signature_delta", signature: block.signature ?? "" },
			];
		case "tool_use":
		case "server_tool_use":
			return ["", ...piecesOf(json === "{}" ? "" : json)].map((partial_json) => ({
				type: "input_json_delta",
				partial_json,
			}));
		default:
			return [];
	}
}

function piecesOf(words: Json | undefined): string[] {
	return String(words).match(/.{1,3}/gsu) ?? [];
}

export const streamOf = (events: JsonObject[]) =>
	events.map((event) => `event: ${String(event.type)}\ndata: ${JSON.stringify(event)}\n\n`).join("");

export const ANTHROPIC_CASES: Case[] = ANSWERS.flatMap(({ name, body, outcome }) => [
	{ kind: `Anthropic, ${name}`, body: JSON.stringify(body), outcome },
	{ kind: `Anthropic, ${name}, streamed`, body: streamOf(eventsOf(body)), outcome },
]);
