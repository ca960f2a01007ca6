import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
	isCutJson,
	ResponseReader,
	type ResponseReaderOptions,
} from "../../../../../shared/core/chat/response-reader.ts";
import type { Json } from "../../../../../shared/core/json/json.ts";

const DEFAULTS = { id: "chatcmpl-job_1", created: 1_700_000_000, model: "asked/model" };
const bytesOf = (text: string) => new TextEncoder().encode(text);

function reader(options: Partial<ResponseReaderOptions> = {}) {
	return new ResponseReader({ saysEventStream: true, choicesRequested: 1, defaults: DEFAULTS, ...options });
}

function read(text: string, options: Partial<ResponseReaderOptions> & { isEnded?: boolean } = {}) {
	const { isEnded = true, ...rest } = options;
	const one = reader(rest);
	one.push(bytesOf(text));
	return one.end(isEnded);
}

const stream = (...events: (Json | "[DONE]")[]) =>
	events.map((event) => `data: ${event === "[DONE]" ? event : JSON.stringify(event)}\n\n`).join("");
const said = (content: string, index = 0) => ({ choices: [{ index, delta: { content }, finish_reason: null }] });
const finish = (reason = "stop", index = 0) => ({ choices: [{ index, delta: {}, finish_reason: reason }] });

const ROLE = { choices: [{ index: 0, delta: { role: "assistant", content: "", x: false }, finish_reason: null }] };
const USAGE = { choices: [], usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } };
/** As some servers end each chunk. */
const STOPPING = ["Hi", " you", "!"].map((content) => ({
	choices: [{ index: 0, delta: { content }, finish_reason: "stop" }],
}));

const TWO_CHOICES = stream(
	{ id: "c1", object: "chat.completion.chunk", created: 7, model: "m", ...said("Grüße, ") },
	said("你", 1),
	said("Welt 🌍"),
	said("好\u2028", 1),
	finish("stop", 1),
	finish("length"),
	USAGE,
	"[DONE]",
);

describe("a stream", () => {
	it("becomes the completion that would have come without streaming", () => {
		expect(read(TWO_CHOICES, { choicesRequested: 2 })).toEqual({
			kind: "completion",
			completion: {
				id: "c1",
				object: "chat.completion",
				created: 7,
				model: "m",
				choices: [
					{ index: 0, message: { role: "assistant", content: "Grüße, Welt 🌍" }, finish_reason: "length" },
					{ index: 1, message: { role: "assistant", content: "你好\u2028" }, finish_reason: "stop" },
				],
				usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
			},
			usage: { promptTokens: 3, completionTokens: 4, totalTokens: 7 },
		});
	});

	it("reads the same wherever it is split, inside a character too", () => {
		const whole = read(TWO_CHOICES, { choicesRequested: 2 });
		const bytes = bytesOf(TWO_CHOICES);
		fc.assert(
			fc.property(fc.uniqueArray(fc.nat(bytes.length), { maxLength: 200 }), (places) => {
				const one = reader({ choicesRequested: 2 });
				const cuts = [0, ...places.sort((a, b) => a - b), bytes.length];
				for (let at = 1; at < cuts.length; at++) one.push(bytes.subarray(cuts[at - 1], cuts[at]));
				expect(one.end(true)).toEqual(whole);
			}),
			{ seed: 7 },
		);
		const bytewise = reader({ choicesRequested: 2 });
		for (const byte of bytes) bytewise.push(Uint8Array.of(byte));
		expect(bytewise.end(true)).toEqual(whole);
	});

	it("is never whole at any byte before every choice has its end", () => {
		const bytes = bytesOf(TWO_CHOICES);
		const wholeFrom = bytesOf(TWO_CHOICES.slice(0, TWO_CHOICES.indexOf('"length"'))).length;
		for (let length = 0; length <= wholeFrom; length++) {
			const one = reader({ choicesRequested: 2 });
			one.push(bytes.subarray(0, length));
			expect(["cut", "nothing"]).toContain(one.end(true).kind);
		}
	});

	it.each<[string, string, string]>([
		["[DONE] without a finish reason", stream(said("Hi"), "[DONE]"), "completion"],
		["a finish reason without [DONE]", stream(said("Hi"), finish()), "completion"],
		["neither", stream(said("Hi")), "cut"],
		["[DONE] without any choice", stream("[DONE]"), "nothing"],
		["[DONE] behind a mere role", stream(ROLE, "[DONE]"), "nothing"],
		["[DONE] behind a finish reason alone", stream(ROLE, finish("length"), "[DONE]"), "completion"],
		["[DONE] behind nothing but counts", stream(ROLE, USAGE, "[DONE]"), "completion"],
		["[DONE] behind counts without a choice", stream(USAGE, "[DONE]"), "cut"],
		["a finish reason in each chunk, and its end", stream(...STOPPING), "completion"],
		["nothing at all", "", "nothing"],
		["comments alone", ": keep-alive\n\n: keep-alive\n\n", "nothing"],
		["an event cut in its middle", `${stream(said("Hi"))}data: {"choices":[{"delta":{"cont`, "cut"],
		["a garbled event in a whole stream", `data: {"cho\n\n${stream(said("Hi"), finish())}`, "unreadable"],
		["an error event", stream(said("Hi"), { error: { message: "x", type: "server_error" } }), "error"],
		["a named error event", `${stream(said("Hi"))}event: error\ndata: oops\n\n`, "error"],
		["an error after the end of every choice", stream(said("Hi"), finish(), { error: { message: "x" } }), "completion"],
		["an error body in place of a stream", '{"error":{"message":"x"}}', "error"],
		["a whole completion in place of a stream", '{"choices":[{"message":{"content":"Hi"}}]}', "completion"],
	])("with %s reads as it must", (_, text, kind) => {
		expect(read(text).kind).toBe(kind);
	});

	it.each<[string, Json[], ("reading" | "closing")[], boolean]>([
		["in each chunk", STOPPING, ["closing", "reading", "reading"], false],
		["in each chunk, then counts", [...STOPPING, USAGE], ["closing", "reading", "reading", "closing"], true],
		["before any text", [finish(), said("Hi"), finish()], ["reading", "reading", "reading"], false],
		["before any text, then counts", [finish(), USAGE], ["reading", "closing"], true],
		["behind counts that were not the last", [USAGE, ...STOPPING], ["reading", "closing", "reading", "reading"], false],
		["behind the text", [said("Hi"), finish(), ROLE], ["reading", "closing", "closing"], true],
		["with the only text", STOPPING.slice(0, 1), ["closing"], true],
	])("takes a finish reason %s for what it is", (_, events, states, isWhole) => {
		const one = reader();
		expect(events.map((event) => one.push(bytesOf(stream(event))))).toEqual(states);
		expect(one.end(false).kind).toBe(isWhole ? "completion" : "cut");
		expect(read(stream(...events)).kind).toBe("completion");
	});

	it.each<[string, boolean, boolean]>([
		["", true, true],
		[": ping\n\n", true, true],
		[stream("[DONE]"), false, true],
		[stream(ROLE, "[DONE]"), false, true],
		["", false, false],
		[stream(ROLE), false, false],
		[stream(said("Hi")), true, false],
		[stream(USAGE, "[DONE]"), true, false],
		["data: {\n\n", true, false],
	])("%j, whose body ended: %s, holds nothing at all: %s", (text, isEnded, isEmpty) => {
		const parsed = read(text, { isEnded });
		expect(parsed.kind).toBe(isEmpty ? "nothing" : "cut");
	});

	it("is not whole while a choice that was asked for is missing", () => {
		const text = stream(said("Hi"), finish());
		expect(read(text, { choicesRequested: 2 }).kind).toBe("cut");
		expect(read(text + stream("[DONE]"), { choicesRequested: 2 }).kind).toBe("completion");
	});

	it("is known by its text where the content type does not say so", () => {
		expect(read(stream(said("Hi"), finish()), { saysEventStream: false }).kind).toBe("completion");
		expect(read(`: hello\n\n${stream(said("Hi"), finish())}`, { saysEventStream: false }).kind).toBe("completion");
	});

	it("takes nothing that comes behind its end", () => {
		const whole = read(stream(said("Hi"), finish(), "[DONE]"));
		expect(read(stream(said("Hi"), finish(), "[DONE]", said("!"), { error: { message: "x" } }))).toEqual(whole);
	});

	it("settles at [DONE], without waiting for a connection that stays open", () => {
		const one = reader();
		expect(one.push(bytesOf(stream(said("Hi"))))).toBe("reading");
		expect(one.push(bytesOf(stream(finish())))).toBe("closing");
		expect(one.push(bytesOf(stream("[DONE]")))).toBe("settled");
	});

	it("takes blanks, comments, pings and bare roles for no progress", () => {
		const one = reader();
		one.push(bytesOf(stream(said("Hi"))));
		const { progress } = one;
		one.push(
			bytesOf(
				`: ping\n\nevent: ping\ndata: {"type":"ping"}\n\n${stream({ choices: [{ delta: { role: "assistant", content: "" } }] })}`,
			),
		);
		expect(one.progress).toBe(progress);
		one.push(bytesOf(stream(said("!"))));
		expect(one.progress).toBeGreaterThan(progress);
	});

	it("that is longer than can be kept is given up at once", () => {
		const one = reader({ charsMax: 100 });
		expect(one.push(bytesOf(stream(said("x".repeat(101)))))).toBe("settled");
		expect(one.end(false).kind).toBe("unreadable");
		expect(reader({ charsMax: 100 }).push(bytesOf(`data: ${"x".repeat(101)}`))).toBe("settled");
	});

	it("of 60,000 chunks with log probabilities is assembled in time that grows with their number alone", () => {
		const chunk = {
			choices: [{ index: 0, delta: { content: "x" }, logprobs: { content: [{ token: "x" }] }, finish_reason: null }],
		};
		const one = reader();
		const bytes = bytesOf(stream(chunk));
		for (let count = 0; count < 60_000; count++) one.push(bytes);
		one.push(bytesOf(stream("[DONE]")));
		const reading = one.end(true);
		expect(reading).toMatchObject({
			kind: "completion",
			completion: { choices: [{ message: { content: "x".repeat(60_000) } }] },
		});
	});
});

/** The message of the only choice. */
function messageOf(text: string) {
	const parsed = read(text);
	if (parsed.kind !== "completion") throw new Error(parsed.kind);
	return parsed.completion.choices[0]?.message;
}
const calls = (...tool_calls: Json[]) => ({ choices: [{ index: 0, delta: { tool_calls } }] });
const aCall = (id: string, name: string, args: string) => ({
	id,
	type: "function",
	function: { name, arguments: args },
});

describe("tool calls of a stream", () => {
	it("are assembled by index, out of pieces that interleave", () => {
		const text = stream(
			calls({ index: 0, ...aCall("a", "f", "") }),
			calls({ index: 1, ...aCall("b", "g", '{"y"') }),
			calls({ index: 0, function: { arguments: '{"x":' } }),
			calls({ index: 0, function: { arguments: "1}" } }, { index: 1, function: { arguments: ":2}" } }),
			finish("tool_calls"),
		);
		expect(messageOf(text)).toMatchObject({ tool_calls: [aCall("a", "f", '{"x":1}'), aCall("b", "g", '{"y":2}')] });
	});

	it("keep a name that is repeated in every piece", () => {
		const text = stream(
			calls({ index: 0, ...aCall("a", "f", "{") }),
			calls({ index: 0, ...aCall("a", "f", "}") }),
			finish(),
		);
		expect(messageOf(text)).toMatchObject({ tool_calls: [aCall("a", "f", "{}")] });
	});

	it("stay apart where all have the index 0, or none", () => {
		const two = [aCall("a", "f", '{"x":1}'), aCall("b", "f", '{"x":2}')];
		const zeros = stream(...two.map((call) => calls({ index: 0, ...call })), finish());
		expect(messageOf(zeros)).toMatchObject({ tool_calls: two });
		expect(messageOf(stream(...two.map((call) => calls(call)), finish()))).toMatchObject({ tool_calls: two });
	});
});

describe("streams of other makers", () => {
	it("assemble refusals and reasoning", () => {
		const delta = (more: Json) => ({ choices: [{ index: 0, delta: more }] });
		const text = stream(
			delta({ reasoning_content: "H" }),
			delta({ reasoning_content: "m" }),
			delta({ refusal: "No" }),
			delta({ refusal: "." }),
			finish(),
		);
		expect(messageOf(text)).toMatchObject({ reasoning_content: "Hm", refusal: "No." });
	});

	it("read Workers AI's", () => {
		const text = stream(
			{ response: "H" },
			{ response: "i", p: "padding" },
			{ response: "", usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } },
			"[DONE]",
		);
		expect(read(text)).toMatchObject({
			kind: "completion",
			usage: { totalTokens: 3 },
			completion: { choices: [{ message: { content: "Hi" } }] },
		});
		expect(read(stream({ response: "H" })).kind).toBe("cut");
	});

	it("read Anthropic's, tool calls and the usage of two events included", () => {
		const block = (index: number, content_block: Json) => ({ type: "content_block_start", index, content_block });
		const delta = (index: number, more: Json) => ({ type: "content_block_delta", index, delta: more });
		const start = {
			type: "message_start",
			message: {
				id: "msg_1",
				type: "message",
				role: "assistant",
				model: "claude",
				content: [],
				usage: { input_tokens: 9, output_tokens: 1 },
			},
		};
		const text = stream(
			start,
			{ type: "ping" },
			block(0, { type: "text", text: "" }),
			delta(0, { type: "text_delta", text: "Hi" }),
			block(1, { type: "tool_use", id: "toolu_1", name: "f", input: {} }),
			delta(1, { type: "input_json_delta", partial_json: '{"a": 1234' }),
			delta(1, { type: "input_json_delta", partial_json: "567890123456789}" }),
			block(2, { type: "tool_use", id: "toolu_2", name: "g", input: {} }),
			{ type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 20 } },
			{ type: "message_stop" },
		);
		expect(read(text)).toMatchObject({
			kind: "completion",
			usage: { promptTokens: 9, completionTokens: 20, totalTokens: 29 },
			completion: {
				id: "msg_1",
				model: "claude",
				object: "chat.completion",
				choices: [
					{
						finish_reason: "tool_calls",
						message: {
							role: "assistant",
							content: "Hi",
							tool_calls: [aCall("toolu_1", "f", '{"a": 1234567890123456789}'), aCall("toolu_2", "g", "{}")],
						},
					},
				],
			},
		});
		expect(read(stream(start, delta(0, { type: "text_delta", text: "Hi" })))).toMatchObject({
			kind: "cut",
			usage: { promptTokens: 9 },
		});
		expect(read(stream(start, { type: "error", error: { type: "overloaded_error" } })).kind).toBe("error");
	});

	it("read Gemini's", () => {
		const part = (parts: Json, more = {}) => ({
			candidates: [{ content: { parts }, index: 0, ...more }],
			modelVersion: "gemini-9",
		});
		const one = { functionCall: { name: "f", args: { a: 1 } } };
		const text = stream(part([{ text: "H" }]), part([{ text: "i" }]), part([one]), {
			...part([one], { finishReason: "STOP" }),
			usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2, totalTokenCount: 3 },
		});
		expect(read(text)).toMatchObject({
			kind: "completion",
			usage: { totalTokens: 3 },
			completion: { model: "gemini-9", choices: [{ finish_reason: "tool_calls", message: { content: "Hi" } }] },
		});
		expect(messageOf(text)).toMatchObject({
			tool_calls: [{ function: { arguments: '{"a":1}' } }, { function: { arguments: '{"a":1}' } }],
		});
	});
});

describe("a body in one piece", () => {
	it.each<[string, string, boolean, string]>([
		["a completion behind blanks that kept the connection alive", '\n \n{"text":"Hi"}', true, "completion"],
		["a completion behind a byte order mark", '\ufeff{"text":"Hi"}', true, "completion"],
		["a whole completion on a connection that broke", '{"text":"Hi"}', false, "completion"],
		["nothing", "", true, "nothing"],
		["blanks", " \n", true, "nothing"],
		["JSON that stops within a string", '{"text":"Hi', true, "cut"],
		["JSON that stops between brackets", '{"text":"}"', true, "cut"],
		["malformed JSON", '{"text":Hi}', true, "unreadable"],
		["HTML", "<html>502</html>", true, "nothing"],
		["HTML on a connection that broke", "<html>50", false, "cut"],
		["plain words", "ok", true, "nothing"],
	])("that is %s reads as it must", (_, text, isEnded, kind) => {
		expect(read(text, { saysEventStream: false, isEnded }).kind).toBe(kind);
	});

	it("of 5 MB is an answer; of more than can be kept it is given up before its end", () => {
		expect(read(JSON.stringify({ text: "x".repeat(5 * 1024 * 1024) }), { saysEventStream: false }).kind).toBe(
			"completion",
		);
		const one = reader({ saysEventStream: false });
		const mebibyte = new Uint8Array(1024 * 1024).fill(0x7b);
		let pushed = 0;
		while (pushed < 50 && one.push(mebibyte) !== "settled") pushed++;
		expect(pushed).toBe(16);
		expect(one.end(false).kind).toBe("unreadable");
	});

	it("counts as cut wherever JSON is cut, and only then", () => {
		const text = JSON.stringify({ a: ['x"\\', { b: [1, {}] }], c: "{" });
		for (let length = 1; length < text.length; length++) expect(isCutJson(text.slice(0, length))).toBe(true);
		expect(isCutJson(text)).toBe(false);
	});
});
