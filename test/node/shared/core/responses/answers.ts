/** Answers as they are stored, and jobs around them. */
import type { JsonObject } from "../../../../../shared/core/json/json.ts";
import type { EndError, ResponseFacts } from "../../../../../shared/core/responses/facts.ts";

export const ULID = "01k000000000000000000000zz";

export function someFacts(more: Partial<ResponseFacts> = {}): ResponseFacts {
	return {
		jobId: `job_${ULID}`,
		status: "succeeded",
		models: ["gpt-5.5", "other"],
		model: "gpt-5.5",
		attempt: 1,
		createdAt: 1_700_000_000_400,
		startedAt: 1_700_000_001_000,
		finishedAt: 1_700_000_002_900,
		error: null,
		...more,
	};
}

export const THROTTLED: EndError = {
	status: 429,
	code: "rate_limit_exceeded",
	type: "rate_limit_error",
	message: "Slow down.",
	param: null,
	reason: "rate_limited",
};

export function answerOf(message: JsonObject, more: JsonObject = {}, finishReason = "stop"): JsonObject {
	return {
		id: "chatcmpl-1",
		object: "chat.completion",
		created: 1_700_000_002,
		model: "gpt-5.5-2026-04-01",
		choices: [{ index: 0, message: { role: "assistant", content: null, ...message }, finish_reason: finishReason }],
		usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 },
		...more,
	};
}

const functionCall = (id: string | null, args = '{"city":"Ulm"}') => ({
	...(id === null ? {} : { id }),
	type: "function",
	function: { name: "weather", arguments: args },
});

const TOKEN = {
	token: "Hi",
	logprob: -0.1,
	bytes: [72, 105],
	top_logprobs: [{ token: "Hi", logprob: -0.1, bytes: null }],
};

/** Name → answer; the request behind it is `REQUEST` unless it is named here. */
export const ANSWERS: Record<string, JsonObject> = {
	text: answerOf({ content: "The three laws of thermodynamics are simple." }),
	"no text": answerOf({}),
	"an empty text": answerOf({ content: "" }),
	"surrogate pairs": answerOf({ content: "x".repeat(15) + "😀".repeat(40) }),
	thoughts: answerOf({ reasoning_content: "Let me think about it for a while.", content: "42" }),
	"thoughts of another name": answerOf({ reasoning: "Hm.", content: "42" }),
	"thoughts alone": answerOf({ reasoning_content: "Hm." }, {}, "length"),
	refusal: answerOf({ refusal: "I cannot help with that, sorry." }),
	"text and refusal": answerOf({ content: "Well.", refusal: "No." }),
	citations: answerOf({
		content: "It is mild.",
		annotations: [
			{
				type: "url_citation",
				url_citation: { url: "https://example.com", title: "Ulm", start_index: 0, end_index: 5 },
			},
			{ type: "url_citation", url_citation: { url: "https://example.com/2" } },
			{ type: "file_citation" },
		],
	}),
	calls: answerOf(
		{ content: "", tool_calls: [functionCall("c1"), functionCall("c2", '{"city":"a rather long name of a town"}')] },
		{},
		"tool_calls",
	),
	"text and calls": answerOf({ content: "Let me see.", tool_calls: [functionCall("c1")] }, {}, "tool_calls"),
	"calls without ids of their own": answerOf(
		{
			tool_calls: [functionCall(null), functionCall("call_1"), functionCall("c"), functionCall("c"), functionCall("")],
		},
		{},
		"tool_calls",
	),
	"a custom call": answerOf(
		{
			tool_calls: [{ id: "c1", type: "custom", custom: { name: "sql", input: "SELECT 1 FROM towns;" } }, { value: 7 }],
		},
		{},
		"tool_calls",
	),
	"a call of old": answerOf({ function_call: { name: "weather", arguments: "{}" } }, {}, "function_call"),
	length: answerOf({ content: "The three laws" }, {}, "length"),
	"a filtered answer": answerOf({}, {}, "content_filter"),
	"details of usage": answerOf(
		{ content: "Hi" },
		{
			service_tier: "flex",
			usage: {
				prompt_tokens: 5,
				completion_tokens: 3,
				total_tokens: 8,
				prompt_tokens_details: { cached_tokens: 2, cache_write_tokens: 1 },
				completion_tokens_details: { reasoning_tokens: 1 },
			},
		},
	),
	"no usage": (({ usage: _, ...answer }) => answer)(answerOf({ content: "Hi" })),
	logprobs: {
		...answerOf({}),
		choices: [
			{
				index: 0,
				message: { role: "assistant", content: "Hi" },
				logprobs: { content: [TOKEN] },
				finish_reason: "stop",
			},
		],
	},
	"everything at once": answerOf(
		{
			reasoning_content: "Hm. ".repeat(20),
			content: "Well, ".repeat(30),
			refusal: "No.",
			tool_calls: [functionCall("c1"), { id: "c2", type: "custom", custom: { name: "sql", input: "" } }],
		},
		{},
		"length",
	),
	"no choice": { ...answerOf({}), choices: [] },
};

export function requestFor(name: string): JsonObject {
	return { model: "gpt-5.5", input: "Hi", ...(name === "logprobs" ? { top_logprobs: 1 } : {}) };
}
