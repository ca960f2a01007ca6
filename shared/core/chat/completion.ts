/**
 * Makes a chat completion of any provider's answer: an object that is valid against the published output schema by
 * construction. Whole choices, tool calls, refusals and every field we do not know survive.
 */

import type { Json, JsonObject } from "../json/json.ts";
import { listOf, nestsDeeperThan, numberOf, objectOf, stringOf, wordOf } from "../json/json-guards.ts";
import type { Usage } from "../upstreams/failures.ts";
import { chatOf } from "./provider-shapes.ts";
import { readUsage, usageFields } from "./token-usage.ts";

/** What a provider's 2xx body turned out to be. */
export type ParsedResponse =
	| { kind: "completion"; completion: JsonObject; usage: Usage | null }
	/** The provider reports a failure although its status said success: an error body, or an error event in a stream. */
	| { kind: "error"; body: Json; usage: Usage | null }
	/** It came whole, so it was paid for, but cannot be used. Calling again would pay twice. */
	| { kind: "unreadable"; why: string; usage: Usage | null }
	/** It stopped before its end. */
	| { kind: "cut"; why: string; usage: Usage | null };

/** For what the provider left out. */
export interface CompletionDefaults {
	id: string;
	/** Unix seconds. */
	created: number;
	model: string;
}

/** Real answers nest some ten levels deep. `JSON.stringify` gives up at some thousands, which would lose the answer later. */
const DEPTH_MAX = 256;

/** Reads a whole JSON body that came with a 2xx status. */
export function readCompletion(body: Json, defaults: CompletionDefaults): ParsedResponse {
	if (nestsDeeperThan(body, DEPTH_MAX)) return unreadable("The answer is nested too deep.");
	const answer = openEnvelope(body);
	if (answer === null) return unreadable("The answer is not a JSON object.");
	if (reportsError(answer)) return { kind: "error", body: answer, usage: readUsage(answer.usage) };
	const blocked = geminiBlock(answer);
	if (blocked !== null) return { kind: "error", body: blocked, usage: readUsage(answer.usageMetadata) };

	const chat = chatOf(answer);
	if (chat === null) return unreadable("The answer has none of the shapes of a completion.");
	const { choices, usage: rawUsage, ...rest } = chat;
	const usage = readUsage(rawUsage);
	const wellFormed = (listOf(choices) ?? []).map(wellFormedChoice);
	if (wellFormed.length === 0) return unreadable("The answer has no choices.", usage);
	const whole = wellFormed.filter((choice) => choice !== null);
	if (whole.length < wellFormed.length) return unreadable("The answer has a choice without a message.", usage);
	if (whole.some((choice) => choice.finish_reason === "error"))
		return { kind: "error", body: errorOfChoices(whole), usage };

	const completion: JsonObject = {
		...rest,
		id: wordOf(rest.id) ?? defaults.id,
		object: wordOf(rest.object) ?? "chat.completion",
		created: numberOf(rest.created) ?? defaults.created,
		model: wordOf(rest.model) ?? defaults.model,
		choices: whole,
	};
	const counted = usageFields(rawUsage);
	if (counted !== null) completion.usage = counted;
	return { kind: "completion", completion, usage };
}

function unreadable(why: string, usage: Usage | null = null): ParsedResponse {
	return { kind: "unreadable", why, usage };
}

/** Workers AI's REST answers come as `{result, success, errors}`; a bare string inside is the text. */
function openEnvelope(body: Json): JsonObject | null {
	const outer = objectOf(body);
	if (outer === null || outer.success !== true || outer.result === undefined) return outer;
	const text = stringOf(outer.result);
	return text === null ? objectOf(outer.result) : { text };
}

function reportsError(answer: JsonObject): boolean {
	if (answer.success === false || answer.type === "error" || answer.object === "error") return true;
	if (listOf(answer.choices)?.length) return false;
	const inside = objectOf(answer.error);
	return wordOf(answer.error) !== null || (inside !== null && Object.keys(inside).length > 0);
}

/** Gemini answers a prompt that it will not serve with no candidates and a reason. */
function geminiBlock(answer: JsonObject): JsonObject | null {
	const reason = wordOf(objectOf(answer.promptFeedback)?.blockReason);
	if (reason === null || listOf(answer.candidates)?.length) return null;
	return { error: { code: "content_filter", message: `The provider blocked the prompt: ${reason}.` } };
}

/** Some routers end a choice with `finish_reason: "error"` and say there what went wrong. */
function errorOfChoices(choices: JsonObject[]): JsonObject {
	const told = choices.map((choice) => objectOf(choice.error)).find((error) => error !== null);
	return { error: told ?? { message: "The provider ended the answer with an error." } };
}

/** Null: there is no message in it. */
function wellFormedChoice(value: Json, position: number): JsonObject | null {
	const choice = objectOf(value);
	if (choice === null) return null;
	const text = stringOf(choice.text);
	const message = objectOf(choice.message) ?? (text === null ? null : { role: "assistant", content: text });
	if (message === null) return null;
	return {
		...choice,
		index: numberOf(choice.index) ?? position,
		message: wellFormedMessage(message),
		finish_reason: stringOf(choice.finish_reason),
	};
}

function wellFormedMessage(message: JsonObject): JsonObject {
	const { tool_calls: toolCalls, ...rest } = message;
	const wellFormed: JsonObject = {
		...rest,
		role: wordOf(message.role) ?? "assistant",
		content: contentText(message.content),
	};
	// Content that came in parts is also kept as it came: images and citations do not fit in a string.
	if (listOf(message.content) !== null && message.content !== undefined) wellFormed.content_parts = message.content;
	const calls = toolCalls === undefined || toolCalls === null ? null : (listOf(toolCalls) ?? [toolCalls]);
	if (calls !== null) wellFormed.tool_calls = calls;
	return wellFormed;
}

/** A string, or null for no content. An object is what some providers make of JSON mode: its text is the content. */
export function contentText(content: Json | undefined): string | null {
	if (content === undefined || content === null) return null;
	if (typeof content === "string") return content;
	const parts = listOf(content);
	if (parts === null) return JSON.stringify(content);
	return parts.map((part) => stringOf(part) ?? stringOf(objectOf(part)?.text) ?? "").join("");
}
