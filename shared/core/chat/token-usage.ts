/**
 * Token counts under each provider's names. Never estimated: a count that is missing, negative, fractional or beyond the
 * safe integers makes the whole usage unknown. Only a missing total is computed.
 */

import { type Json, type JsonObject, listOf, objectOf } from "../json/json.ts";
import type { Usage } from "../upstreams/failures.ts";
import type { ChatCompletion } from "./chat-completion.ts";

/** The counts in a provider's usage object: OpenAI's and Workers AI's names, Anthropic's, or Gemini's. Null: unknown. */
export function readUsage(raw: Json | undefined): Usage | null {
	const usage = objectOf(raw);
	if (usage === null) return null;
	const prompt =
		usage.prompt_tokens ?? usage.promptTokenCount ?? usage.promptTokens ?? usage.inputTokens ?? anthropicPrompt(usage);
	const named = usage.completion_tokens ?? usage.completionTokens ?? usage.outputTokens;
	const completion = named ?? geminiCompletion(usage) ?? usage.output_tokens;
	if (!isCount(prompt) || !isCount(completion)) return null;
	const total = usage.total_tokens ?? usage.totalTokenCount ?? usage.totalTokens ?? prompt + completion;
	if (!isCount(total)) return null;
	return { promptTokens: prompt, completionTokens: completion, totalTokens: total };
}

/** Where a body or a chunk has its usage: by itself, or as some servers send it, in a choice, its message, or a field of their own. */
export function rawUsageOf(body: JsonObject): JsonObject | null {
	const choices = (listOf(body.choices) ?? []).map(objectOf);
	const inside = choices.flatMap((choice) => [
		choice?.usage,
		objectOf(choice?.message)?.usage,
		objectOf(choice?.delta)?.usage,
	]);
	const ofMembers = Object.values(body).map((member) => objectOf(member)?.usage);
	const places = [body.usage, ...ofMembers, ...inside, listOf(body.usage)?.[0]];
	return places.map(objectOf).find((usage) => usage !== null) ?? null;
}

/** The three counts of the published schema, beside any others that the provider sent. */
export function usageFields(raw: Json | undefined): ChatCompletion["usage"] | null {
	const usage = readUsage(raw);
	if (usage === null) return null;
	return {
		...anthropicDetails(objectOf(raw) ?? {}),
		...objectOf(raw),
		prompt_tokens: usage.promptTokens,
		completion_tokens: usage.completionTokens,
		total_tokens: usage.totalTokens,
	};
}

/** Anthropic's counts of what is part of others, under OpenAI's names. */
function anthropicDetails({ cache_read_input_tokens: cached, output_tokens_details: details }: JsonObject): JsonObject {
	const thought = objectOf(details)?.thinking_tokens;
	return {
		...(isCount(cached) ? { prompt_tokens_details: { cached_tokens: cached } } : {}),
		...(isCount(thought) ? { completion_tokens_details: { reasoning_tokens: thought } } : {}),
	};
}

/** Anthropic's `input_tokens` excludes tokens written to and read from its cache. */
function anthropicPrompt(usage: JsonObject): Json | undefined {
	const parts = [usage.input_tokens, usage.cache_creation_input_tokens ?? 0, usage.cache_read_input_tokens ?? 0];
	return sum(parts);
}

/** Gemini counts thoughts separately from candidates, and omits counts of zero. */
function geminiCompletion(usage: JsonObject): Json | undefined {
	if (usage.promptTokenCount === undefined) return undefined;
	return sum([usage.candidatesTokenCount ?? 0, usage.thoughtsTokenCount ?? 0]);
}

/** Undefined if any part is not a count. */
function sum(parts: (Json | undefined)[]): number | undefined {
	let total = 0;
	for (const part of parts) {
		if (!isCount(part)) return undefined;
		total += part;
	}
	return total;
}

function isCount(value: Json | undefined): value is number {
	return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
