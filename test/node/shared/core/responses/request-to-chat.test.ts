/** Each file in `golden` has a request, what goes with it, and the body that a model is called with. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../../../../shared/core/json/json.ts";
import { inputItems } from "../../../../../shared/core/responses/input-items.ts";
import {
	chatRequest,
	PLAIN_DIALECT,
	type ResponseInput,
} from "../../../../../shared/core/responses/request-to-chat.ts";

interface Golden {
	request: JsonObject;
	context?: JsonObject[];
	referenced?: (JsonObject & { id: string })[];
	dialect?: Partial<typeof PLAIN_DIALECT>;
	chat: JsonObject;
}

const folder = join(import.meta.dirname, "golden");
const goldens = readdirSync(folder).map((name): [string, Golden] => [
	name.replace(".json", ""),
	JSON.parse(readFileSync(join(folder, name), "utf8")),
]);

function inputOf({ request, context = [], referenced = [] }: Omit<Golden, "chat">): ResponseInput {
	return { request, context, referenced: new Map(referenced.map((item) => [item.id, item])) };
}

describe("a request becomes the body of a chat completion", () => {
	it.each(goldens)("%s", (_, { chat, dialect, ...golden }) => {
		expect(chatRequest(inputOf(golden), { ...PLAIN_DIALECT, ...dialect })).toEqual({ ok: true, body: chat });
	});

	it("in at least 40 recorded ways", () => {
		expect(goldens.length).toBeGreaterThanOrEqual(40);
	});

	it.each(goldens)("alike when it is the context of the next request: %s", (_, { dialect, chat, ...golden }) => {
		const input = inputOf(golden);
		const next = { request: { input: [] }, context: inputItems(input, "0"), referenced: new Map() };
		const translated = chatRequest(next, { ...PLAIN_DIALECT, ...dialect });
		const carried = input.request.instructions ? (chat.messages as Json[]).slice(1) : chat.messages;
		expect(translated).toEqual({ ok: true, body: { messages: carried } });
	});
});

const message = (...content: Json[]): JsonObject => ({ input: [{ role: "user", content }] });
const item = (value: Json): JsonObject => ({ input: [{ role: "user", content: "Hi" }, value] });
const tool = (value: Json): JsonObject => ({ input: "Hi", tools: [value] });
const choice = (value: Json): JsonObject => ({
	input: "Hi",
	tools: [{ type: "function", name: "weather" }],
	tool_choice: value,
});
const field = (name: string, value: Json): JsonObject => ({ input: "Hi", [name]: value });

const REFUSED: [param: string, code: string, request: JsonObject][] = [
	["input", "invalid_request", {}],
	["input", "invalid_request", { input: "" }],
	["input", "invalid_request", { input: null }],
	["input", "invalid_request", { input: [] }],
	["input", "invalid_request", { input: 7 }],
	["input", "invalid_request", { input: [{ type: "reasoning", summary: [] }] }],
	["input[1]", "invalid_request", item("Hi")],
	["input[1].role", "invalid_request", item({ role: "tool", content: "Hi" })],
	["input[1].role", "invalid_request", item({ type: "message", content: "Hi" })],
	["input[1].content", "invalid_request", item({ role: "user" })],
	["input[1].type", "unsupported_value", item({ type: "web_search_call", id: "ws_1" })],
	["input[1].type", "unsupported_value", item({ type: "compaction", encrypted_content: "a" })],
	["input[1].id", "invalid_request", item({ type: "item_reference", id: "msg_7" })],
	["input[1].id", "invalid_request", item({ type: "item_reference" })],
	["input[1].call_id", "invalid_request", item({ type: "function_call_output", call_id: "c7", output: "a" })],
	["input[1].call_id", "invalid_request", item({ type: "custom_tool_call_output", output: "a" })],
	["input[1].call_id", "invalid_request", item({ type: "function_call", name: "a", arguments: "{}" })],
	["input[1].name", "invalid_request", item({ type: "function_call", call_id: "a", arguments: "{}" })],
	["input[1].arguments", "invalid_request", item({ type: "function_call", call_id: "a", name: "a", arguments: {} })],
	["input[0].content[0]", "invalid_request", message("Hi")],
	["input[0].content[0].text", "invalid_request", message({ type: "input_text" })],
	[
		"input[0].content[1].file_id",
		"unsupported_value",
		message({ type: "input_text", text: "a" }, image({ file_id: "f" })),
	],
	["input[0].content[0].image_url", "invalid_request", message(image({}))],
	["input[0].content[0].file_id", "unsupported_value", message(file({ file_id: "f" }))],
	["input[0].content[0].file_url", "unsupported_value", message(file({ file_url: "https://example.com/a" }))],
	["input[0].content[0].file_data", "invalid_request", message(file({}))],
	["input[0].content[0].type", "unsupported_value", message({ type: "refusal", refusal: "No." })],
	["input[1].content[0].type", "unsupported_value", item({ role: "assistant", content: [image({ image_url: "a" })] })],
	["instructions", "invalid_request", field("instructions", [])],
	["tools", "invalid_request", field("tools", {})],
	["tools[0]", "invalid_request", tool("weather")],
	["tools[0].type", "unsupported_value", tool({ type: "web_search" })],
	["tools[0].type", "unsupported_value", tool({ type: "mcp", server_label: "a" })],
	["tools[0].name", "invalid_request", tool({ type: "function" })],
	["tools[0].parameters", "invalid_request", tool({ type: "function", name: "a", parameters: "a" })],
	["tools[0].strict", "invalid_request", tool({ type: "function", name: "a", strict: "yes" })],
	["tools[0].defer_loading", "unsupported_value", tool({ type: "function", name: "a", defer_loading: true })],
	["tools[0].async", "unsupported_value", tool({ type: "custom", name: "a", async: true })],
	[
		"tools[0].allowed_callers",
		"unsupported_value",
		tool({ type: "custom", name: "a", allowed_callers: ["programmatic"] }),
	],
	["tools[0].format.type", "unsupported_value", tool({ type: "custom", name: "a", format: { type: "json" } })],
	["tool_choice", "invalid_request", choice("any")],
	["tool_choice.type", "unsupported_value", choice({ type: "web_search" })],
	["tool_choice.name", "invalid_request", choice({ type: "function", name: "time" })],
	["tool_choice.name", "invalid_request", choice({ type: "custom", name: "weather" })],
	["tool_choice.mode", "invalid_request", choice({ type: "allowed_tools", mode: "none", tools: [] })],
	[
		"tool_choice.tools[0].name",
		"invalid_request",
		choice({ type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "time" }] }),
	],
	["parallel_tool_calls", "invalid_request", field("parallel_tool_calls", "yes")],
	["text.format.type", "unsupported_value", field("text", { format: { type: "grammar" } })],
	["text.format.name", "invalid_request", field("text", { format: { type: "json_schema", schema: {} } })],
	["text.format.schema", "invalid_request", field("text", { format: { type: "json_schema", name: "a" } })],
	["text.stop", "unknown_parameter", field("text", { stop: "a" })],
	["reasoning.depth", "unknown_parameter", field("reasoning", { depth: 3 })],
	["reasoning.effort", "invalid_request", field("reasoning", { effort: 3 })],
	["max_output_tokens", "invalid_request", field("max_output_tokens", 15)],
	["max_output_tokens", "invalid_request", field("max_output_tokens", 16.5)],
	["top_logprobs", "invalid_request", field("top_logprobs", 21)],
	["include[1]", "invalid_request", field("include", ["reasoning.encrypted_content", "everything"])],
	["temperature", "invalid_request", field("temperature", 2.1)],
	["top_p", "invalid_request", field("top_p", "1")],
	["metadata", "invalid_request", field("metadata", { a: 1 })],
	["metadata", "invalid_request", field("metadata", { a: "b".repeat(513) })],
	["store", "invalid_request", field("store", "no")],
	["stream_options.include_usage", "unknown_parameter", field("stream_options", { include_usage: true })],
	["truncation", "unsupported_value", field("truncation", "auto")],
	["messages", "unknown_parameter", field("messages", [])],
	...["max_tool_calls", "conversation", "prompt", "moderation", "context_management", "access_programs", "image"].map(
		(name): [string, string, JsonObject] => [name, "unsupported_value", field(name, { id: "a" })],
	),
];

function image(more: JsonObject): JsonObject {
	return { type: "input_image", ...more };
}

function file(more: JsonObject): JsonObject {
	return { type: "input_file", ...more };
}

it("is sent once what the input has and refers to as well", () => {
	const question = { id: "a", role: "user", content: "Hi" };
	const request = { input: [question, { type: "item_reference", id: "a" }, { id: "a" }] };
	expect(chatRequest(inputOf({ request }))).toMatchObject({ body: { messages: [{ role: "user", content: "Hi" }] } });
});

describe("a request is refused by the path of its first fault", () => {
	it.each(REFUSED)("%s: %s: %j", (param, code, request) => {
		expect(chatRequest(inputOf({ request }))).toMatchObject({ ok: false, param, code });
	});
});

/** JSON with the words of the API in unlikely places. */
const NAMES = [...new Set(JSON.stringify([goldens, REFUSED]).match(/[a-z_]{3,}/g))];
const { value: anyJson } = fc.letrec<{ value: Json }>((tie) => ({
	value: fc.oneof(
		{ maxDepth: 5 },
		fc.constantFrom<Json[]>(null, true, 0, 17, "", "c1", ...NAMES),
		fc.array(tie("value"), { maxLength: 4 }),
		fc.dictionary(fc.constantFrom("type", "role", "content", "id", "call_id", ...NAMES, "__proto__"), tie("value"), {
			maxKeys: 5,
		}),
	),
}));
const anyObject = fc.dictionary(fc.constantFrom("input", "tools", "tool_choice", "text", ...NAMES), anyJson, {
	maxKeys: 6,
});

describe("any JSON", () => {
	it("is translated or refused by a path of its own, and never throws", () => {
		fc.assert(
			fc.property(anyObject, fc.array(anyObject, { maxLength: 3 }), (request, context) => {
				const translated = chatRequest({ request, context, referenced: new Map() });
				if (translated.ok) expect(translated.body.messages).not.toHaveLength(0);
				else
					expect(["previous_response_id", "input", ...Object.keys(request)]).toContain(
						/^\w+/.exec(translated.param)?.[0],
					);
			}),
			{ numRuns: 3000 },
		);
	});

	it("of half a million parts overflows no stack", () => {
		const content = Array.from({ length: 400_000 }, () => ({ type: "output_text", text: "a" }));
		const request = { input: [{ role: "assistant", content }] };
		expect(chatRequest(inputOf({ request })).ok).toBe(true);
	});
});
