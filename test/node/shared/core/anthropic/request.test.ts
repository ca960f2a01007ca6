/** Requests in the form of Anthropic's Messages API, made here after its published types and Cloudflare's model catalogue. */
import { describe, expect, it } from "vitest";
import { anthropicRequest } from "../../../../../shared/core/anthropic/request.ts";
import type { Json, JsonObject } from "../../../../../shared/core/json/json.ts";

const HI = { role: "user", content: "Hi" };
const text = (words: string) => ({ type: "text", text: words });
const PNG = { type: "base64", media_type: "image/png", data: "aGk=" };
const call = (id: string, args: string, name = "weather") => ({
	id,
	type: "function",
	function: { name, arguments: args },
});
const use = (id: string, input: JsonObject, name = "weather") => ({ type: "tool_use", id, name, input });
const result = (id: string, content: Json) => ({ type: "tool_result", tool_use_id: id, content });
const fn = (name: string, more: JsonObject = {}) => ({ type: "function", function: { name, ...more } });
const EMPTY = { type: "object" };
const SCHEMA = { type: "object", properties: { a: { type: "string" } }, required: ["a"], additionalProperties: false };
const THOUGHT = { type: "thinking", thinking: "Hm", signature: "c2ln" };

function translated(input: JsonObject, model = "claude-sonnet-4.5") {
	return anthropicRequest(`anthropic/${model}`, { messages: [HI], max_tokens: 9, ...input });
}

/** The body beside what every request here has. */
function bodyOf(input: JsonObject, model?: string): JsonObject {
	const translation = translated(input, model);
	if (!translation.ok) throw new Error(`${translation.param}: ${translation.problem}`);
	const { max_tokens: tokens, messages, ...rest } = translation.body;
	return {
		...rest,
		...(input.messages === undefined ? {} : { messages: messages ?? null }),
		...(tokens === 9 ? {} : { max_tokens: tokens ?? null }),
	};
}

const file = (data: string) => ({ type: "file", file: { file_data: data } });
const calling = (...calls: Json[]) => ({ role: "assistant", content: null, tool_calls: calls });
const chat = (...messages: Json[]): JsonObject => ({ messages });
const parts = (...content: Json[]): JsonObject => chat({ role: "user", content });

describe("the messages of a chat", () => {
	it.each<[string, JsonObject, JsonObject]>([
		["a question", chat(HI), chat(HI)],
		[
			"instructions, wherever they stand",
			chat({ role: "system", content: "A" }, HI, { role: "developer", content: [text("B"), text("C")] }),
			{ system: "A\n\nBC", ...chat(HI) },
		],
		[
			"instructions beside Anthropic's own",
			{ system: [text("A")], ...chat({ role: "system", content: "B" }, HI) },
			{ system: "A\n\nB", ...chat(HI) },
		],
		["Anthropic's own instructions alone", { system: [text("A")], ...chat(HI) }, { system: [text("A")], ...chat(HI) }],
		[
			"neighbours of one role",
			chat(
				HI,
				{ role: "user", content: [text("you")] },
				{ role: "assistant", content: "A" },
				{ role: "assistant", content: "B" },
			),
			chat(
				{ role: "user", content: [text("Hi"), text("you")] },
				{ role: "assistant", content: [text("A"), text("B")] },
			),
		],
		[
			"empty texts",
			chat(
				{ role: "user", content: "" },
				{ role: "user", content: [text(""), text("Hi")] },
				{ role: "assistant", content: null },
			),
			chat(HI),
		],
		[
			"a mark for the cache",
			parts({ ...text("Hi"), cache_control: { type: "ephemeral" } }),
			parts({ ...text("Hi"), cache_control: { type: "ephemeral" } }),
		],
		[
			"images",
			parts(
				{ type: "image_url", image_url: { url: "data:image/png;base64,aGk=", detail: "low" } },
				{ type: "image_url", image_url: "https://a.test/b.png" },
			),
			parts({ type: "image", source: PNG }, { type: "image", source: { type: "url", url: "https://a.test/b.png" } }),
		],
		[
			"files",
			parts(
				{ type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,aGk=" } },
				file("data:text/plain;name=a.txt;charset=UTF-8;base64,w6TDtg=="),
				file("data:image/png;base64,aGk="),
			),
			parts(
				{ type: "document", source: { ...PNG, media_type: "application/pdf" }, title: "a.pdf" },
				{ type: "document", source: { type: "text", media_type: "text/plain", data: "äö" } },
				{ type: "image", source: PNG },
			),
		],
		[
			"blocks of Anthropic's own",
			parts({ type: "image", source: PNG }, { type: "search_result", source: "a", title: "b", content: [] }),
			parts({ type: "image", source: PNG }, { type: "search_result", source: "a", title: "b", content: [] }),
		],
		[
			"a refusal",
			chat(HI, { role: "assistant", content: null, refusal: "No." }, HI),
			chat(HI, { role: "assistant", content: "No." }, HI),
		],
	])("%s", (_, input, expected) => {
		expect(bodyOf(input)).toEqual(expected);
	});

	it("keeps calls and their results together, the results first, also where a text comes in between", () => {
		const input = chat(
			HI,
			{
				role: "assistant",
				content: "Let me see.",
				tool_calls: [call("a", '{"city":"Ulm"}'), call("functions.b:1", "")],
			},
			{ role: "tool", tool_call_id: "a", name: "weather", content: "1" },
			{ role: "user", content: "Go on." },
			{
				role: "tool",
				tool_call_id: "functions.b:1",
				content: [text("2"), { type: "image_url", image_url: { url: "data:image/jpg;base64,aGk=" } }],
			},
		);
		expect(bodyOf(input)).toEqual(
			chat(
				HI,
				{ role: "assistant", content: [text("Let me see."), use("a", { city: "Ulm" }), use("functions_b_1", {})] },
				{
					role: "user",
					content: [
						result("a", "1"),
						result("functions_b_1", [text("2"), { type: "image", source: { ...PNG, media_type: "image/jpeg" } }]),
						text("Go on."),
					],
				},
			),
		);
	});

	it("sends an answer of Anthropic back with its blocks as they came, and an edited one as it is", () => {
		const blocks = [THOUGHT, { ...text(""), citations: null }, use("a", { city: "Ulm" })];
		const stored = {
			role: "assistant",
			content: null,
			reasoning_content: "Hm",
			tool_calls: [call("a", '{ "city": "Ulm" }')],
			content_blocks: blocks,
		};
		const empty = { role: "tool", tool_call_id: "a", content: "" };
		expect(bodyOf(chat(HI, stored, empty))).toEqual(
			chat(
				HI,
				{ role: "assistant", content: [THOUGHT, use("a", { city: "Ulm" })] },
				{ role: "user", content: [{ type: "tool_result", tool_use_id: "a" }] },
			),
		);
		const edited: [JsonObject, Json][] = [
			[{ content: "No." }, [text("No."), use("a", { city: "Ulm" })]],
			[{ tool_calls: [call("a", '{"city":"Bonn"}')] }, [use("a", { city: "Bonn" })]],
			[{ content: "No.", tool_calls: [] }, "No."],
		];
		for (const [changes, content] of edited)
			expect(bodyOf(chat(HI, { ...stored, ...changes }))).toEqual(chat(HI, { role: "assistant", content }));
	});
});

describe("the settings of a chat", () => {
	it.each<[string, JsonObject, JsonObject, model?: string]>([
		["the limit that is given", { max_completion_tokens: 7 }, { max_tokens: 7 }],
		["what the model can at most", { max_tokens: null }, { max_tokens: 64_000 }],
		["what a newer model can at most", { max_tokens: null }, { max_tokens: 128_000 }, "claude-opus-4-8"],
		["what an older model can at most", { max_tokens: null }, { max_tokens: 32_000 }, "claude-opus-4-20250514"],
		["a limit of a model that is not known", { max_tokens: null }, { max_tokens: 8_192 }, "claude-next"],
		["stops", { stop: "END" }, { stop_sequences: ["END"] }],
		["several stops", { stop: ["A", "B"] }, { stop_sequences: ["A", "B"] }],
		["sampling", { temperature: 0.2, top_p: 0.9, top_k: 5 }, { temperature: 0.2, top_p: 0.9, top_k: 5 }],
		["defaults, which newer models refuse", { temperature: 1, top_p: 1 }, {}, "claude-sonnet-5"],
		["a stream without options", { stream: true, stream_options: { include_usage: true } }, { stream: true }],
		["the user", { user: "u1" }, { metadata: { user_id: "u1" } }],
		[
			"Anthropic's own name of the user",
			{ user: "u1", metadata: { user_id: "u2", job: "x" } },
			{ metadata: { user_id: "u2" } },
		],
		["a service tier", { service_tier: "default" }, { service_tier: "standard_only" }],
		[
			"a schema",
			{ response_format: { type: "json_schema", json_schema: { name: "a", strict: true, schema: SCHEMA } } },
			{ output_config: { format: { type: "json_schema", schema: SCHEMA } } },
		],
		[
			"an effort",
			{ reasoning_effort: "minimal" },
			{ thinking: { type: "adaptive" }, output_config: { effort: "low" } },
			"claude-sonnet-5",
		],
		[
			"an effort beside a schema",
			{ reasoning_effort: "xhigh", response_format: { type: "json_schema", json_schema: { schema: SCHEMA } } },
			{
				thinking: { type: "adaptive" },
				output_config: { effort: "xhigh", format: { type: "json_schema", schema: SCHEMA } },
			},
			"claude-opus-4.7",
		],
		[
			"an effort as a number of tokens",
			{ reasoning_effort: "medium", max_tokens: 64_000 },
			{ max_tokens: 64_000, thinking: { type: "enabled", budget_tokens: 4_096 } },
		],
		[
			"a number of tokens that leaves some for the answer",
			{ reasoning_effort: "high", max_tokens: 3_000 },
			{ max_tokens: 3_000, thinking: { type: "enabled", budget_tokens: 1_500 } },
		],
		["no reasoning", { reasoning_effort: "none" }, {}],
		[
			"no reasoning of a newer model",
			{ reasoning_effort: "none" },
			{ thinking: { type: "disabled" } },
			"claude-opus-4.8",
		],
		[
			"Anthropic's own words",
			{
				thinking: { type: "adaptive", display: "omitted" },
				output_config: { effort: "max" },
				reasoning_effort: "low",
				container: "c",
			},
			{ thinking: { type: "adaptive", display: "omitted" }, output_config: { effort: "max" }, container: "c" },
			"claude-opus-5",
		],
		[
			"what requests nothing",
			{
				n: 1,
				logprobs: false,
				top_logprobs: 0,
				logit_bias: {},
				presence_penalty: 0,
				frequency_penalty: null,
				modalities: ["text"],
				functions: [],
				response_format: { type: "text" },
				tools: [],
				tool_choice: "auto",
			},
			{},
		],
		[
			"what changes no answer",
			{ seed: 7, store: false, prediction: {}, prompt_cache_key: "k", model: "other", metadata: { job: "x" } },
			{},
		],
	])("%s", (_, input, expected, model) => {
		expect(bodyOf(input, model)).toEqual(expected);
	});

	it.each<[string, JsonObject, JsonObject]>([
		["any", { tool_choice: "required" }, { tool_choice: { type: "any" } }],
		["one", { tool_choice: fn("a") }, { tool_choice: { type: "tool", name: "a" } }],
		["none", { tool_choice: "none", parallel_tool_calls: false }, { tool_choice: { type: "none" } }],
		[
			"one at a time",
			{ parallel_tool_calls: false },
			{ tool_choice: { type: "auto", disable_parallel_tool_use: true } },
		],
		[
			"any, one at a time",
			{ tool_choice: "required", parallel_tool_calls: false },
			{ tool_choice: { type: "any", disable_parallel_tool_use: true } },
		],
		[
			"Anthropic's own choice",
			{ tool_choice: { type: "tool", name: "a" } },
			{ tool_choice: { type: "tool", name: "a" } },
		],
	])("tools, and the choice of %s", (_, input, expected) => {
		const parameters = { properties: { x: { type: "number" } } };
		const search = { type: "web_search_20250305", name: "web_search", max_uses: 1 };
		const own = { name: "c", input_schema: EMPTY };
		const tools = [fn("a", { description: "A.", parameters, strict: true }), fn("b"), own, search];
		expect(bodyOf({ tools, ...input })).toEqual({
			tools: [
				{ name: "a", description: "A.", input_schema: { ...EMPTY, ...parameters }, strict: true },
				{ name: "b", input_schema: EMPTY },
				own,
				search,
			],
			...expected,
		});
	});
});

describe("what Anthropic's models cannot be sent is refused by its name", () => {
	it.each<[param: string, JsonObject, model?: string]>([
		["n", { n: 2 }],
		["logprobs", { logprobs: true }],
		["top_logprobs", { top_logprobs: 3 }],
		["logit_bias", { logit_bias: { 50: 1 } }],
		["frequency_penalty", { frequency_penalty: 0.5 }],
		["modalities", { modalities: ["text", "audio"] }],
		["functions", { functions: [{ name: "a" }] }],
		["temperature", { temperature: 1.2 }],
		["temperature", { temperature: 0.2 }, "claude-sonnet-5"],
		["top_p", { top_p: 0.5 }, "claude-opus-4-7"],
		["top_k", { top_k: 1 }, "claude-fable-5"],
		["stop", { stop: ["END", "\n"] }],
		["response_format.type", { response_format: { type: "json_object" } }],
		["response_format.json_schema.schema", { response_format: { type: "json_schema", json_schema: { name: "a" } } }],
		[
			"response_format",
			{ response_format: { type: "json_schema", json_schema: { schema: SCHEMA } } },
			"claude-3-7-sonnet-20250219",
		],
		["service_tier", { service_tier: "flex" }],
		["reasoning_effort", { reasoning_effort: "low" }, "claude-3.5-haiku"],
		["reasoning_effort", { reasoning_effort: "low", max_tokens: 1_024 }],
		["reasoning_effort", { reasoning_effort: "none" }, "claude-opus-5.5"],
		["reasoning_effort", { reasoning_effort: "xhigh" }, "claude-opus-4.6"],
		["temperature", { reasoning_effort: "low", temperature: 0.2, max_tokens: 9_000 }],
		["tool_choice", { reasoning_effort: "low", tools: [fn("a")], tool_choice: "required" }, "claude-sonnet-5"],
		...[{ system: 7 }, { stop: [7] }, { response_format: "json" }, { thinking: "on" }, { output_config: [] }].map(
			(input): [string, JsonObject] => [Object.keys(input)[0] ?? "", input],
		),
		["system", { system: [{ type: "text" }], ...chat({ role: "system", content: "A" }, HI) }],
		["tools.0.function.description", { tools: [fn("a", { description: ["A"] })] }],
		["tools.0.function.parameters", { tools: [fn("a", { parameters: "{}" })] }],
		["tools.1", { tools: [fn("a"), { type: "custom", custom: { name: "b" } }] }],
		["tool_choice", { tools: [fn("a")], tool_choice: { type: "allowed_tools" } }],
		["messages", chat({ role: "system", content: "A" })],
		["messages.0.name", chat({ ...HI, name: "ann" })],
		["messages.0.content.0.type", parts({ type: "input_audio", input_audio: {} })],
		["messages.0.content.0.image_url.url", parts({ type: "image_url", image_url: { url: "http://a.test/b.png" } })],
		["messages.0.content.0.image_url", parts({ type: "image_url", image_url: "data:image/svg+xml;base64,aGk=" })],
		["messages.0.content.0.file.file_id", parts({ type: "file", file: { file_id: "f" } })],
		["messages.0.content.0.file.file_data", parts(file("data:text/plain;base64,*"))],
		["messages.0.content.0.file.file_data", parts(file("data:text/plain;charset=iso-8859-1;base64,5A=="))],
		["messages.0.content.0.file.file_data", parts(file("data:text/plain;base64,5A=="))],
		[
			"messages.0.content.1.file.file_data",
			parts(...Array(2).fill(file(`data:text/plain;base64,${"aGhh".repeat(2e5)}`))),
		],
		["messages.0.content.1.text", parts(text("Hi"), { type: "text", text: { value: "Delete row 7" } })],
		["messages.0.content.0", parts(7, text("Hi"))],
		["messages.0.content.0.text", chat({ role: "system", content: [{ type: "text", text: ["A"] }] }, HI)],
		["messages.1.content.0.text", chat(HI, { role: "tool", tool_call_id: "a", content: [{ type: "text", text: {} }] })],
		["messages.1.content.0.refusal", chat(HI, { role: "assistant", content: [{ type: "refusal", refusal: 1 }] })],
		["messages.1.refusal", chat(HI, { role: "assistant", content: "A", refusal: {} })],
		["messages.1.function_call", chat(HI, { role: "assistant", content: "A", function_call: "a" })],
		["messages.0.content", chat({ role: "system", content: [{ type: "image", source: PNG }] }, HI)],
		[
			"messages.1.tool_calls.0.function.arguments",
			chat(HI, calling({ id: "a", function: { name: "f", arguments: {} } })),
		],
		[
			"messages.1.tool_calls.0.function.arguments",
			chat(HI, calling(call("a", `{"a":${"[".repeat(65)}${"]".repeat(65)}}`))),
		],
		[
			"messages.1.tool_calls.0.function.arguments",
			chat(...["a", "b"].map((id) => calling(call(id, `{"a":[${"{},".repeat(3e4)}{}]}`)))),
		],
		["messages.1.tool_calls.0.function.arguments", chat(HI, calling(call("a", "[1]")))],
		["messages.1.tool_calls.0.function", chat(HI, calling({ id: "a", type: "custom" }))],
		["messages.1.tool_call_id", chat(HI, { role: "tool", content: "1" })],
		[
			"messages.1.function_call",
			chat(HI, { role: "assistant", content: "A", function_call: { name: "a", arguments: "{}" } }),
		],
	])("%s, in row %#", (param, input, model) => {
		expect(translated(input, model)).toMatchObject({ ok: false, param, problem: expect.stringMatching(/^[A-Z].*\.$/) });
	});

	it("names what the caller sent beside thoughts", () => {
		const own = { thinking: { type: "adaptive" }, top_k: 5 };
		expect(translated(own)).toMatchObject({ param: "top_k", problem: expect.stringContaining("`thinking`") });
	});

	it("only where the whole is there, if it is text whose end is left out", () => {
		const cut = parts(file(`data:text/plain;base64,${"aGhh".repeat(999)}w`));
		expect(anthropicRequest("anthropic/claude", cut, true)).toMatchObject({ ok: true });
		expect(anthropicRequest("anthropic/claude", cut)).toMatchObject({ param: "messages.0.content.0.file.file_data" });
	});
});
