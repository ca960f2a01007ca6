/** A Response as clients of OpenAI read it: a function of the job's facts, the request as it was sent, and the answer. */
import { type Json, type JsonObject, numberOf, objectOf, wordOf } from "../json/json.ts";
import { type ResponseFacts, ulidOf } from "./facts.ts";
import { outputItems, outputText } from "./output-items.ts";
import { wantsLogprobs } from "./request-fields.ts";
import { errorOf, incompleteReason, isEnd, responseStatus } from "./response-status.ts";

/** @param answer null unless the job succeeded */
export function responseObject(facts: ResponseFacts, request: JsonObject, answer: JsonObject | null): JsonObject {
	const ulid = ulidOf(facts.jobId);
	const status = responseStatus(facts, answer);
	const reason = answer === null ? null : incompleteReason(answer);
	const settings = { ulid, isComplete: reason === null, wantsLogprobs: wantsLogprobs(request) };
	const output = answer === null ? [] : outputItems(answer, settings);
	const counts = usageOf(objectOf(answer?.usage));
	return {
		id: `resp_${ulid}`,
		object: "response",
		created_at: seconds(facts.createdAt),
		status,
		completed_at: status === "completed" && facts.finishedAt !== null ? seconds(facts.finishedAt) : null,
		error: status === "failed" && facts.error !== null ? errorOf(facts.error) : null,
		incomplete_details: reason === null ? null : { reason },
		...echoOf(request),
		model: wordOf(answer?.model) ?? facts.model,
		service_tier: wordOf(answer?.service_tier) ?? request.service_tier ?? "auto",
		output,
		output_text: outputText(output),
		usage: isEnd(status) ? (counts ?? NO_COUNTS) : null,
		holdfast: {
			job_id: facts.jobId,
			attempts: facts.attempt,
			model: facts.model,
			...(facts.error === null ? {} : { reason: facts.error.reason }),
			...(isEnd(status) && counts === null ? { usage: "unknown" } : {}),
		},
	};
}

function seconds(timeMs: number): number {
	return Math.floor(timeMs / 1000);
}

/** What the caller asked for, with OpenAI's defaults. */
function echoOf(request: JsonObject): JsonObject {
	const given = (name: string, otherwise: Json) => request[name] ?? otherwise;
	return {
		access_programs: null,
		background: given("background", false),
		instructions: given("instructions", null),
		max_output_tokens: given("max_output_tokens", null),
		max_tool_calls: null,
		metadata: given("metadata", {}),
		parallel_tool_calls: given("parallel_tool_calls", true),
		previous_response_id: given("previous_response_id", null),
		presence_penalty: given("presence_penalty", 0),
		frequency_penalty: given("frequency_penalty", 0),
		prompt_cache_key: given("prompt_cache_key", null),
		prompt_cache_retention: given("prompt_cache_retention", null),
		...((request.prompt_cache_options ?? null) === null ? {} : { prompt_cache_options: request.prompt_cache_options }),
		reasoning: { effort: null, summary: null, ...objectOf(request.reasoning) },
		safety_identifier: given("safety_identifier", null),
		store: given("store", true),
		temperature: given("temperature", 1),
		text: { format: { type: "text" }, ...withoutNulls(objectOf(request.text) ?? {}) },
		tool_choice: given("tool_choice", "auto"),
		tools: given("tools", []),
		top_logprobs: given("top_logprobs", 0),
		top_p: given("top_p", 1),
		truncation: given("truncation", "disabled"),
		user: given("user", null),
	};
}

function withoutNulls(object: JsonObject): JsonObject {
	return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}

/** Some clients fail at an end without an object. */
const NO_COUNTS = countsOf(0, 0, 0, 0, 0, 0);

/** Null: unknown. */
function usageOf(usage: JsonObject | null): JsonObject | null {
	if (usage === null) return null;
	const [input, output] = [objectOf(usage.prompt_tokens_details), objectOf(usage.completion_tokens_details)];
	const [cached, cacheWrite] = [numberOf(input?.cached_tokens) ?? 0, numberOf(input?.cache_write_tokens) ?? 0];
	const counts = [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens].map(
		(count) => numberOf(count) ?? 0,
	);
	const [inputTokens = 0, outputTokens = 0, total = 0] = counts;
	return countsOf(inputTokens, cached, cacheWrite, outputTokens, numberOf(output?.reasoning_tokens) ?? 0, total);
}

function countsOf(
	input: number,
	cached: number,
	cacheWrite: number,
	output: number,
	reasoning: number,
	total: number,
): JsonObject {
	return {
		input_tokens: input,
		input_tokens_details: { cached_tokens: cached, cache_write_tokens: cacheWrite },
		output_tokens: output,
		output_tokens_details: { reasoning_tokens: reasoning },
		total_tokens: total,
	};
}
