/** What providers have sent, in small: each body, and what must become of it. Made here, after public reports of bugs. */
import type { Json, JsonObject } from "../../../../../shared/core/json/json.ts";

export interface Case {
	kind: string;
	body: string;
	/** The only choice's message and finish reason; or the kind of failure. */
	outcome: { message: JsonObject; finish?: string | null; total?: number } | "error" | "unreadable" | "nothing" | "cut";
	code?: string;
}

export const sse = (...events: (Json | string)[]) =>
	events.map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`).join("");
export const delta = (more: Json, finish: string | null = null, beside: JsonObject = {}): JsonObject => ({
	choices: [{ index: 0, delta: more, finish_reason: finish, ...beside }],
});
const say = (content: Json, finish: string | null = null) => delta({ content }, finish);
const END = delta({}, "stop");
const whole = (message: Json, finish: string | null = "stop", more: JsonObject = {}) =>
	JSON.stringify({ choices: [{ index: 0, message, finish_reason: finish }], ...more });
const streamed = (...events: (Json | string)[]) => sse(...events, "[DONE]");

const HI = { content: "Hi" };
const text = (words: string) => ({ type: "text", text: words });
const call = (args: Json, more: JsonObject = {}) => ({
	index: 0,
	function: { name: "weather", arguments: args },
	...more,
});
const called = (...args: string[]) => ({
	tool_calls: args.map((one, at) => ({
		id: `call_${at}`,
		type: "function",
		function: { name: "weather", arguments: one },
	})),
});
const [ULM, BONN] = ['{"city":"Ulm"}', '{"city":"Bonn"}'];
const calls = (...list: Json[]) => delta({ tool_calls: list });
const USAGE = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };

const block = (index: number, content_block: Json) => ({ type: "content_block_start", index, content_block });
const blockDelta = (index: number, more: Json) => ({ type: "content_block_delta", index, delta: more });
const anthropic = (...events: Json[]) =>
	sse(
		{
			type: "message_start",
			message: { type: "message", role: "assistant", content: [], usage: { input_tokens: 3, output_tokens: 1 } },
		},
		...events,
		{ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 4 } },
		{ type: "message_stop" },
	);
const gemini = (...lists: Json[][]) =>
	sse(
		...lists.map((parts, at) => ({
			candidates: [{ content: { parts }, index: 0, ...(at === lists.length - 1 ? { finishReason: "STOP" } : {}) }],
		})),
	);
const THOUGHT = { thought: true, text: "Hm" };
const IMAGE = { inlineData: { mimeType: "image/png", data: "aGk=" } };

const kinds: Record<string, [body: string, outcome: Case["outcome"], code?: string][]> = {
	"a delta that changes its type": [
		[
			streamed(say([text("A")]), say("B"), say([text("C")]), END),
			{ message: { content: "ABC", content_parts: [text("AB"), text("C")] } },
		],
		[
			streamed(delta({ reasoning_content: "H" }), delta({ reasoning_content: [text("m")] }), say("Hi"), END),
			{ message: { ...HI, reasoning_content: "Hm" } },
		],
		[streamed(delta({ refusal: [text("N")] }), delta({ refusal: "o." }), END), { message: { refusal: "No." } }],
		[streamed(calls(call({})), calls({ index: 0, function: { arguments: ULM } }), END), { message: called(ULM) }],
		[streamed({ choices: [{ index: 0, delta: "H" }] }, say("i"), END), { message: HI }],
		[streamed({ choices: [{ index: 0, delta: [{ content: "H" }] }] }, say("i"), END), "unreadable"],
		[streamed({ choices: [{ index: 0, message: { content: "H" } }] }, say("i"), END), { message: HI }],
		[
			streamed(delta({ reasoning_content: "H" }), delta({ reasoning_content: { text: "m" } }), say("Hi"), END),
			{ message: { ...HI, reasoning_content: "Hm" } },
		],
		[
			streamed(calls(call(['{"city":'])), calls({ index: 0, function: { arguments: ['"Ulm"}'] } }), END),
			{ message: called(ULM) },
		],
	],
	"words that each chunk repeats": [
		[
			streamed(delta({ content: "H", channel: "final" }), delta({ content: "i", channel: "final" }), END),
			{ message: { ...HI, channel: "final" } },
		],
		[
			streamed(
				delta({ role: "assistant", content: "H", name: "bot" }),
				delta({ role: "assistant", content: "i", name: "bot" }),
				END,
			),
			{ message: { ...HI, role: "assistant", name: "bot" } },
		],
		[
			streamed(
				delta({ audio: { id: "a", data: "aG", transcript: "H" } }),
				delta({ audio: { id: "a", data: "k=", transcript: "i" } }),
				END,
			),
			{ message: { audio: { id: "a", data: "aGk=", transcript: "Hi" } } },
		],
	],
	"parallel calls under one index": [
		[
			streamed(calls(call(ULM, { id: "" })), calls(call(BONN, { id: "" })), delta({}, "tool_calls")),
			{ message: called(ULM, BONN), finish: "tool_calls" },
		],
		[streamed(calls(call({ city: "Ulm" })), calls(call({ city: "Bonn" })), END), { message: called(ULM, BONN) }],
		[
			streamed(calls({ ...call(ULM), index: null }, { ...call(BONN), index: null }), END),
			{ message: called(ULM, BONN) },
		],
		[streamed(calls(call("{}")), calls(call("{}")), END), { message: called("{}", "{}") }],
		...[undefined, "call_1"].map((id): [string, Case["outcome"]] => [
			streamed(
				calls(call("", { id: "call_0" })),
				calls({ index: 0, function: { arguments: ULM } }),
				calls({ index: 0, ...(id === undefined ? {} : { id }), function: { arguments: BONN } }),
				END,
			),
			{ message: called(ULM, BONN) },
		]),
		[
			streamed(calls(call("")), ...[ULM, ULM].map((args) => calls({ index: 0, function: { arguments: args } })), END),
			{ message: called(ULM) },
		],
	],
	"arguments that are no text": [
		[streamed(calls(call({ city: "Ulm" })), END), { message: called(ULM) }],
		[
			whole({ content: null, tool_calls: [{ function: { name: "weather", arguments: { city: "Ulm" } } }] }),
			{ message: called(ULM) },
		],
		[
			whole({ content: null, tool_calls: { function: { name: "weather", arguments: null } } }),
			{ message: called("{}") },
		],
		[whole({ content: null, tool_calls: [{ name: "weather", arguments: [] }] }), { message: called("{}") }],
		[
			whole({ content: null, function_call: { name: "weather", arguments: { city: "Ulm" } } }),
			{ message: { function_call: { name: "weather", arguments: ULM } } },
		],
		...["args", "parameters", "input"].flatMap((name): [string, Case["outcome"]][] => [
			[
				whole({ content: null, tool_calls: [{ function: { name: "weather", [name]: { city: "Ulm" } } }] }),
				{ message: called(ULM) },
			],
			[whole({ content: null, tool_calls: [{ name: "weather", [name]: ULM }] }), { message: called(ULM) }],
		]),
		[
			whole({ content: null, tool_calls: { 0: { name: "weather", arguments: ULM }, 1: call(BONN) } }),
			{ message: called(ULM, BONN) },
		],
		[whole({ content: null, tool_calls: JSON.stringify([call(ULM)]) }), { message: called(ULM) }],
		[
			streamed(delta({ function_call: { name: "weather", arguments: { city: "Ulm" } } }), END),
			{ message: { function_call: { name: "weather", arguments: ULM } } },
		],
	],
	"an early finish reason": [
		[sse(say("H", "stop"), say("i", "stop")), { message: HI }],
		[sse(delta({}, "stop"), say("Hi"), END), { message: HI }],
		[gemini([], [{ text: "Hi" }]).replace('"parts":[]', '"parts":[],"x":1'), { message: HI }],
	],
	"a finish reason that speaks of trouble": [
		"network_error",
		"server_error",
		"abort",
		"timed_out",
		"insufficient_system_resource",
		"MALFORMED_FUNCTION_CALL",
		"connection_lost",
		"NetworkError",
		"internal-error",
	].flatMap((reason): [string, Case["outcome"], string][] => [
		[streamed(say("Hi"), delta({}, reason)), "error", reason],
		[whole(HI, reason), "error", reason],
	]),
	"a last chunk without a delta": [
		[
			streamed(say("Hi"), { choices: [{ index: 0, finish_reason: "stop", logprobs: { content: [] } }] }),
			{ message: HI },
		],
		[streamed(say("H"), { choices: [{ index: 0, content: "i" }] }, END), "unreadable"],
	],
	"a field that every object has": [
		[
			streamed(delta({ content: "Hi", constructor: "x", toString: "y" }), END),
			{ message: { ...HI, constructor: "x" } },
		],
	],
	"a finish reason that is not known": [
		[streamed(say("Hi"), delta({}, "eos")), { message: HI, finish: "eos" }],
		[whole(HI, "COMPLETE"), { message: HI, finish: "COMPLETE" }],
	],
	"a line that is no part of the answer": [
		[streamed(": PROCESSING", say("Hi"), END), { message: HI }],
		[streamed("keep-alive", say("H"), "null", say("i"), "12", END), { message: HI }],
		[streamed("[PING]", say("Hi"), "ping {}", END), { message: HI }],
		[sse(say("Hi"), "[done]"), { message: HI }],
		[sse(...[say("Hi"), END].map((one) => JSON.stringify(JSON.stringify(one))), '"[DONE]"'), { message: HI }],
		[streamed(say("H"), '{"choices":[{"delta":{"content":"i"', END), "unreadable"],
	],
	"doubled framing": [
		[sse(...[say("H"), say("i"), END].map((one) => `data: ${JSON.stringify(one)}`), "data: [DONE]"), { message: HI }],
		[`data: ${sse(say("H"))}${sse(say("i"), END)}data:data:[DONE]\n\n`, { message: HI }],
		[sse(say("Hi"), END).replaceAll("data: ", "data: event: message\ndata: data: "), { message: HI }],
	],
	"a failure outside of `data`": [
		[`${sse(say("H"))}error: {"code":500,"message":"slot unavailable","type":"server_error"}\n\n`, "error"],
		[`${sse(say("H"))}{"error":{"code":500,"message":"boom"}}\n`, "error"],
		[`error: {"message":"boom"}\n\n`, "error"],
		[`${sse(say("H"))}event: error\ndata: boom\n\n`, "error"],
		[`${sse(say("H"))}event: Error\ndata: boom\n\n`, "error"],
		[sse(say("H"), 'error: {"message":"boom","code":"overloaded_error"}', "[DONE]"), "error", "overloaded_error"],
		[sse(say("H"), "[ERROR] boom", "[DONE]"), "error"],
		[`${sse(say("H"))}{"errors":[{"message":"boom"}]}\n\n`, "error"],
		[`${sse(say("H"))}{"detail":"boom"}\n\n`, "error"],
	],
	"a 200 without an answer": [
		[
			JSON.stringify({ choices: [{ index: 0, finish_reason: "content_filter" }] }),
			{ message: { content: null }, finish: "content_filter" },
		],
		[whole({ role: "assistant", content: "" }, "length"), { message: { content: "" }, finish: "length" }],
		[JSON.stringify({ choices: [] }), "nothing"],
		[JSON.stringify({ ok: false, message: "Warming up." }), "error"],
		[whole({ role: "assistant", content: null }), "nothing"],
		[streamed(delta({ role: "assistant", content: "" }), END), "nothing"],
		["<html>502</html>", "nothing"],
		["upstream warming up", "nothing"],
		[JSON.stringify({ code: 1301, msg: "The system found unsafe content." }), "error", "content_refused"],
		[sse({ code: 1301, msg: "The system found unsafe content." }), "error", "content_refused"],
		[
			JSON.stringify({ base_resp: { status_code: 1008, status_msg: "insufficient balance" }, choices: null }),
			"error",
			"1008",
		],
		[JSON.stringify({ error_code: 336_003, error_msg: "the length of messages must be odd" }), "error", "336003"],
		[
			JSON.stringify({
				choices: [],
				prompt_filter_results: [
					{ prompt_index: 0, content_filter_results: { hate: { filtered: true, severity: "high" } } },
				],
			}),
			"error",
			"content_filter",
		],
		[
			sse({ choices: [], prompt_filter_results: [{ content_filter_results: { jailbreak: { filtered: true } } }] }),
			"error",
			"content_filter",
		],
		[
			JSON.stringify({ code: 0, msg: "ok", data: { choices: [{ message: HI, finish_reason: "stop" }] } }),
			{ message: HI },
		],
		[
			JSON.stringify({ output: { text: "Hi", finish_reason: "stop" }, usage: { input_tokens: 3, output_tokens: 4 } }),
			{ message: HI, total: 7 },
		],
	],
	"usage elsewhere": [
		[JSON.stringify({ choices: [{ message: HI, finish_reason: "stop", usage: USAGE }] }), { message: HI, total: 7 }],
		[streamed(say("Hi"), delta({}, "stop", { usage: USAGE })), { message: HI, total: 7 }],
		[streamed(say("Hi"), { ...END, x_groq: { usage: USAGE } }), { message: HI, total: 7 }],
		[whole({ ...HI, usage: USAGE }), { message: HI, total: 7 }],
		[streamed(say("Hi"), { ...END, x_vendor: { usage: USAGE } }), { message: HI, total: 7 }],
		[whole(HI, "stop", { usage: { inputTokens: 3, outputTokens: 4 } }), { message: HI, total: 7 }],
		[whole(HI, "stop", { usage: { promptTokens: 3, completionTokens: 4, totalTokens: 7 } }), { message: HI, total: 7 }],
	],
	"what stands beside the text": [
		[
			anthropic(
				block(0, { type: "thinking", thinking: "", signature: "" }),
				blockDelta(0, { type: "thinking_delta", thinking: "Hm" }),
				blockDelta(0, { type: "signature_delta", signature: "c2ln" }),
				block(1, text("")),
				blockDelta(1, { type: "citations_delta", citation: { type: "char_location", cited_text: "x" } }),
				blockDelta(1, { type: "text_delta", text: "Hi" }),
				block(2, { type: "tool_use", id: "t1", name: "weather", input: {} }),
				blockDelta(2, { type: "input_json_delta", partial_json: ULM }),
			),
			{
				message: {
					...HI,
					reasoning_content: "Hm",
					content_blocks: [
						{ type: "thinking", thinking: "Hm", signature: "c2ln" },
						{ ...text("Hi"), citations: [{ type: "char_location", cited_text: "x" }] },
						{ type: "tool_use", id: "t1", name: "weather", input: { city: "Ulm" } },
					],
					tool_calls: [{ id: "t1", type: "function", function: { name: "weather", arguments: ULM } }],
				},
				total: 7,
			},
		],
		[
			gemini([THOUGHT], [{ text: "H" }], [{ text: "i" }, IMAGE]),
			{ message: { ...HI, reasoning_content: "Hm", content_parts: [THOUGHT, HI_PART(), IMAGE] } },
		],
		[
			gemini([{ text: "Hi" }], [{ text: "", thoughtSignature: "c2ln" }]),
			{ message: { ...HI, content_parts: [{ text: "Hi", thoughtSignature: "c2ln" }] } },
		],
		[
			JSON.stringify({ candidates: [{ content: { parts: [{ text: "Hi" }, IMAGE] }, finishReason: "STOP" }] }),
			{ message: { ...HI, content_parts: [HI_PART(), IMAGE] } },
		],
		[
			gemini(
				[{ functionCall: { name: "weather", args: { city: "Ulm" } } }],
				[{ functionCall: { name: "weather", args: { city: "Bonn" } } }],
			),
			{ message: called(ULM, BONN), finish: "tool_calls" },
		],
	],
	"a stream that is no SSE": [
		[[say("H"), say("i"), END].map((one) => JSON.stringify(one)).join("\n"), { message: HI }],
		[JSON.stringify([say("H"), say("i"), END]), { message: HI }],
		[streamed(`${JSON.stringify(say("H"))}${JSON.stringify(say("i"))}`, END), { message: HI }],
		[
			`data: ${JSON.stringify(say("H"))}\ndata: ${JSON.stringify(say("i"))}\ndata: ${JSON.stringify(END)}\n\n`,
			{ message: HI },
		],
		[[say("H"), say("i")].map((one) => JSON.stringify(one)).join("\n"), "cut"],
		[[say("H"), say("i"), END].map((one) => `\x1e${JSON.stringify(one)}\n`).join(""), { message: HI }],
	],
	"whole calls": [
		[
			whole({
				content: null,
				tool_calls: [
					{ function: { name: "weather", arguments: "" } },
					{ function: { name: "weather", arguments: ULM } },
				],
			}),
			{ message: called("{}", ULM) },
		],
		[
			whole({
				content: null,
				tool_calls: [{ id: "call_0", function: { name: "a", arguments: "{}" } }, { function: { name: "b" } }],
			}),
			{
				message: {
					tool_calls: [{ id: "call_0" }, { id: "call_1", type: "function", function: { name: "b", arguments: "{}" } }],
				},
			},
		],
	],
	"snapshots in the place of deltas": [
		[streamed(say("H"), say("Hi"), say("Hi you"), END), { message: { content: "Hi you" } }],
		[streamed(say("H"), say("Hi"), say("Hi!"), say("Hi!"), END), { message: { content: "Hi!" } }],
		[
			streamed(
				delta({ reasoning_content: "a" }),
				delta({ reasoning_content: "ab" }),
				delta({ reasoning_content: "abc" }),
				say("Hi"),
				END,
			),
			{ message: { ...HI, reasoning_content: "abc" } },
		],
		[
			streamed(delta({ refusal: "N" }), delta({ refusal: "No" }), delta({ refusal: "No." }), END),
			{ message: { refusal: "No." } },
		],
		[streamed(...["H", "Hi", "Hi!"].map((words) => say([text(words)])), END), { message: { content: "Hi!" } }],
		[streamed(...['{"c', '{"city":', ULM].map((args) => calls(call(args))), END), { message: called(ULM) }],
		[streamed(say("ha"), say("haha"), END), { message: { content: "hahaha" } }],
		[streamed(say("ha"), say("ha"), say("ha"), END), { message: { content: "hahaha" } }],
	],
	"two finish reasons": [
		[streamed(calls(call(ULM)), delta({}, "tool_calls"), END), { message: called(ULM), finish: "tool_calls" }],
		[streamed(say("Hi"), delta({}, "length"), delta({}, "length")), { message: HI, finish: "length" }],
		[
			streamed(calls(call(ULM)), delta({}, "tool_calls"), delta({}, "eos")),
			{ message: called(ULM), finish: "tool_calls" },
		],
		[
			streamed(delta({ function_call: { name: "weather", arguments: ULM } }), delta({}, "function_call"), END),
			{ message: {}, finish: "function_call" },
		],
		[streamed(say("Hi"), delta({}, "length"), END), { message: HI, finish: "length" }],
		[streamed(say("H"), delta({}, "length"), say("i"), END), { message: HI, finish: "stop" }],
	],
	"an empty object before the arguments": [
		[streamed(calls(call("{}")), calls({ index: 0, function: { arguments: ULM } }), END), { message: called(ULM) }],
		...["{}", "{ }\n", "\n{}\n", "{}{}", "null"].map((before): [string, Case["outcome"]] => [
			whole({ content: null, tool_calls: [{ function: { name: "weather", arguments: `${before}${ULM}` } }] }),
			{ message: called(ULM) },
		]),
		[
			whole({ content: null, function_call: { name: "weather", arguments: `{}${ULM}` } }),
			{ message: { function_call: { name: "weather", arguments: ULM } } },
		],
	],
	"numbers that JSON does not have": [
		[
			whole(HI).replace(
				'"index":0',
				'"index":0,"logprobs":{"content":[{"token":"NaN","logprob":-Infinity},{"token":"a","logprob":NaN}]}',
			),
			{ message: HI },
		],
		[
			sse(
				JSON.stringify(say("Hi")).replace(
					'"index":0',
					'"index":0,"logprobs":{"content":[{"token":"Hi","logprob":-Infinity}]}',
				),
				END,
			),
			{ message: HI },
		],
	],
};

function HI_PART() {
	return { text: "Hi" };
}

export const CASES: Case[] = Object.entries(kinds).flatMap(([kind, members]) =>
	members.map(([body, outcome, code]) => ({ kind, body, outcome, ...(code === undefined ? {} : { code }) })),
);
