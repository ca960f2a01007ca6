import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../../../../shared/core/json/json.ts";
import type { ResponseFacts } from "../../../../../shared/core/responses/facts.ts";
import { responseObject } from "../../../../../shared/core/responses/response-object.ts";
import { ANSWERS, requestFor, someFacts, THROTTLED, ULID } from "./answers.ts";

const part = (text: string, more: JsonObject = {}) => ({
	type: "output_text",
	text,
	annotations: [],
	logprobs: [],
	...more,
});
const said = (...content: Json[]) => ({
	id: `msg_${ULID}`,
	type: "message",
	role: "assistant",
	status: "completed",
	content,
});
const thought = (text: string) => ({
	id: `rs_${ULID}`,
	type: "reasoning",
	summary: [{ type: "summary_text", text }],
	status: "completed",
});
const call = (at: number, callId: string, args = '{"city":"Ulm"}') => ({
	id: `fc_${ULID}_${at}`,
	type: "function_call",
	call_id: callId,
	name: "weather",
	arguments: args,
	status: "completed",
});
const refusal = (text: string) => ({ type: "refusal", refusal: text });
const incomplete = (...items: JsonObject[]) => items.map((item) => ({ ...item, status: "incomplete" }));
const cited = (url: string, title: string, end: number) => ({
	type: "url_citation",
	url,
	title,
	start_index: 0,
	end_index: end,
});

const OUTPUTS: Record<string, Json[]> = {
	text: [said(part("The three laws of thermodynamics are simple."))],
	"no text": [said(part(""))],
	"an empty text": [said(part(""))],
	"surrogate pairs": [said(part("x".repeat(15) + "😀".repeat(40)))],
	thoughts: [thought("Let me think about it for a while."), said(part("42"))],
	"thoughts of another name": [thought("Hm."), said(part("42"))],
	"thoughts alone": incomplete(thought("Hm.")),
	refusal: [said(refusal("I cannot help with that, sorry."))],
	"text and refusal": [said(part("Well."), refusal("No."))],
	citations: [
		said(
			part("It is mild.", {
				annotations: [cited("https://example.com", "Ulm", 5), cited("https://example.com/2", "", 0)],
			}),
		),
	],
	calls: [call(0, "c1"), call(1, "c2", '{"city":"a rather long name of a town"}')],
	"text and calls": [said(part("Let me see.")), call(0, "c1")],
	"calls without ids of their own": [
		call(0, `call_${ULID}_0`),
		call(1, `call_${ULID}_1`),
		call(2, "c"),
		call(3, `call_${ULID}_3`),
		call(4, `call_${ULID}_4`),
	],
	"a custom call": [
		{ id: `ctc_${ULID}_0`, type: "custom_tool_call", call_id: "c1", name: "sql", input: "SELECT 1 FROM towns;" },
	],
	"a call of old": [call(0, `call_${ULID}_0`, "{}")],
	length: incomplete(said(part("The three laws"))),
	"a filtered answer": incomplete(said(part(""))),
	"details of usage": [said(part("Hi"))],
	"no usage": [said(part("Hi"))],
	logprobs: [
		said(
			part("Hi", {
				logprobs: [
					{ token: "Hi", logprob: -0.1, bytes: [72, 105], top_logprobs: [{ token: "Hi", logprob: -0.1, bytes: [] }] },
				],
			}),
		),
	],
	"everything at once": [
		...incomplete(thought("Hm. ".repeat(20)), said(part("Well, ".repeat(30)), refusal("No.")), call(0, "c1")),
		{ id: `ctc_${ULID}_1`, type: "custom_tool_call", call_id: "c2", name: "sql", input: "" },
	],
	"no choice": [said(part(""))],
};

function objectFor(name: string, request = requestFor(name)): JsonObject {
	return responseObject(someFacts(), request, ANSWERS[name] ?? {});
}

describe("the items of an answer", () => {
	it.each(Object.keys(ANSWERS))("%s", (name) => {
		expect(objectFor(name).output).toEqual(OUTPUTS[name]);
	});

	it("have log probabilities only where the request asks for them", () => {
		expect(objectFor("logprobs", { input: "Hi" }).output).toEqual([said(part("Hi"))]);
		const request = { input: "Hi", include: ["message.output_text.logprobs"] };
		expect(objectFor("logprobs", request).output).toEqual(OUTPUTS.logprobs);
	});
});

describe("a Response", () => {
	it("has every field that clients read, with the defaults of what the request leaves out", () => {
		expect(objectFor("text")).toEqual({
			id: `resp_${ULID}`,
			object: "response",
			created_at: 1_700_000_000,
			status: "completed",
			completed_at: 1_700_000_002,
			error: null,
			incomplete_details: null,
			access_programs: null,
			background: false,
			instructions: null,
			max_output_tokens: null,
			max_tool_calls: null,
			metadata: {},
			parallel_tool_calls: true,
			previous_response_id: null,
			presence_penalty: 0,
			frequency_penalty: 0,
			prompt_cache_key: null,
			prompt_cache_retention: null,
			reasoning: { effort: null, summary: null },
			safety_identifier: null,
			store: true,
			temperature: 1,
			text: { format: { type: "text" } },
			tool_choice: "auto",
			tools: [],
			top_logprobs: 0,
			top_p: 1,
			truncation: "disabled",
			user: null,
			model: "gpt-5.5-2026-04-01",
			service_tier: "auto",
			output: OUTPUTS.text,
			output_text: "The three laws of thermodynamics are simple.",
			usage: {
				input_tokens: 5,
				input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
				output_tokens: 3,
				output_tokens_details: { reasoning_tokens: 0 },
				total_tokens: 8,
			},
			holdfast: { job_id: `job_${ULID}`, attempts: 1, model: "gpt-5.5" },
		});
	});

	it("repeats the request as it was sent, without what only this service knows", () => {
		const request: JsonObject = {
			...{
				background: true,
				instructions: "A",
				max_output_tokens: 99,
				metadata: { a: "b" },
				parallel_tool_calls: false,
			},
			...{
				previous_response_id: "resp_1",
				temperature: 0,
				top_p: 0,
				top_logprobs: 2,
				truncation: "disabled",
				user: "u",
			},
			...{ presence_penalty: 1, frequency_penalty: 1, prompt_cache_key: "k", prompt_cache_retention: "24h" },
			...{ safety_identifier: "s", store: false, tool_choice: "none", prompt_cache_options: { mode: "explicit" } },
			tools: [{ type: "function", name: "weather", strict: null }],
			reasoning: { effort: "low", summary: "auto" },
			text: { format: { type: "json_object" }, verbosity: "low" },
		};
		expect(objectFor("text", { ...request, input: "Hi" })).toMatchObject(request);
		expect(objectFor("text", { ...request, holdfast: { priority: 1 } }).holdfast).not.toHaveProperty("priority");
		expect(objectFor("text", { text: { format: null, verbosity: null } }).text).toEqual({ format: { type: "text" } });
	});

	it("shows the details of usage, and the tier, that the provider named", () => {
		expect(objectFor("details of usage")).toMatchObject({
			service_tier: "flex",
			usage: {
				input_tokens_details: { cached_tokens: 2, cache_write_tokens: 1 },
				output_tokens_details: { reasoning_tokens: 1 },
			},
		});
	});

	it("says that usage is unknown beside counts of zero, which clients cannot do without", () => {
		expect(objectFor("no usage")).toMatchObject({ usage: { total_tokens: 0 }, holdfast: { usage: "unknown" } });
	});
});

const STATUSES: [string, Partial<ResponseFacts>, string | null, JsonObject][] = [
	["never started", { status: "queued", startedAt: null }, null, { status: "queued", usage: null }],
	["running", { status: "running" }, null, { status: "in_progress", completed_at: null, usage: null }],
	["queued again", { status: "queued" }, null, { status: "in_progress" }],
	["answered", {}, "text", { status: "completed" }],
	["answered with calls", {}, "calls", { status: "completed" }],
	["answered with a call of old", {}, "a call of old", { status: "completed" }],
	["cut at its limit", {}, "length", { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } }],
	["filtered", {}, "a filtered answer", { status: "incomplete", incomplete_details: { reason: "content_filter" } }],
	["cancelled", { status: "cancelled" }, null, { status: "cancelled", error: null, output: [], completed_at: null }],
	[
		"throttled to the end",
		{ status: "expired", error: THROTTLED },
		null,
		{
			status: "failed",
			error: { code: "rate_limit_exceeded", message: "Slow down." },
			holdfast: { reason: "rate_limited" },
		},
	],
	...([400, 404, 413, 422] as const).map((status): [string, Partial<ResponseFacts>, null, JsonObject] => [
		`refused with ${status}`,
		{ status: "failed", error: { ...THROTTLED, status, code: "invalid_request", param: "input" } },
		null,
		{ status: "failed", error: { code: "invalid_prompt", param: "input" } },
	]),
	...([502, 504, 500] as const).map((status): [string, Partial<ResponseFacts>, null, JsonObject] => [
		`failed with ${status}`,
		{ status: "failed", error: { ...THROTTLED, status, code: "provider_failed" } },
		null,
		{ status: "failed", error: { code: "server_error" } },
	]),
	[
		"against its schema",
		{ status: "failed", error: { ...THROTTLED, status: 422, code: "output_invalid" } },
		null,
		{ error: { code: "server_error" } },
	],
];

describe("the status of a Response whose job is", () => {
	it.each(STATUSES)("%s", (_, facts, answer, shown) => {
		const response = responseObject(
			someFacts(facts),
			{ input: "Hi" },
			answer === null ? null : (ANSWERS[answer] ?? null),
		);
		expect(response).toMatchObject(shown);
	});
});
