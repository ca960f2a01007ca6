/**
 * Turns any provider's response into a chat completion that is valid against the published output schema by construction.
 * All choices, tool calls, refusals and unknown fields are kept.
 */
import {
	type Json,
	type JsonObject,
	listOf,
	nestsDeeperThan,
	numberOf,
	objectOf,
	stringOf,
	wordOf,
} from "../json/json.ts";
import type { Usage } from "../upstreams/failures.ts";
import type { ChatChoice, ChatCompletion } from "./chat-completion.ts";
import { chatOf, hasError } from "./provider-shapes.ts";
import { readUsage, usageFields } from "./token-usage.ts";

/** What a provider's 2xx body turned out to be. */
export type ParsedResponse =
	| { kind: "completion"; completion: ChatCompletion; usage: Usage | null }
	/** The provider reports a failure although its status said success: an error body, or an error event in a stream. */
	| { kind: "error"; body: Json; usage: Usage | null }
	/** It is complete, so it was paid for, but it cannot be used. Calling again would pay twice. */
	| { kind: "unreadable"; why: string; usage: Usage | null; isEmpty?: true }
	/** It stopped before its end. */
	| { kind: "cut"; why: string; usage: Usage | null; isEmpty?: true };

/** Values for fields that the provider left out. */
export interface CompletionDefaults {
	id: string;
	/** Unix seconds. */
	created: number;
	model: string;
}

/** Real responses nest some ten levels deep. `JSON.stringify` fails at some thousands, which would lose the result later. */
const DEPTH_MAX = 256;

/** Reads a whole JSON body that came with a 2xx status. */
export function readCompletion(json: Json, defaults: CompletionDefaults): ParsedResponse {
	if (nestsDeeperThan(json, DEPTH_MAX)) return unreadable("The response is nested too deeply.");
	if (holdsNothing(json)) return { ...unreadable("The response holds nothing."), isEmpty: true };
	const body = openEnvelope(json);
	if (body === null) return unreadable("The response is not a JSON object.");
	if (reportsError(body)) return { kind: "error", body, usage: readUsage(body.usage) };
	const blocked = geminiBlock(body);
	if (blocked !== null) return { kind: "error", body: blocked, usage: readUsage(body.usageMetadata) };

	const chat = chatOf(body);
	if (chat === null) return unreadable("The response is not a chat completion in any known format.");
	const { choices, usage: rawUsage, ...rest } = chat;
	const usage = readUsage(rawUsage);
	const wellFormed = (listOf(choices) ?? []).map(wellFormedChoice);
	if (wellFormed.length === 0) return unreadable("The response has no choices.", usage);
	const whole = wellFormed.filter((choice) => choice !== null);
	if (whole.length < wellFormed.length) return unreadable("The response has a choice without a message.", usage);
	if (whole.some((choice) => choice.finish_reason === "error")) {
		return { kind: "error", body: errorOfChoices(listOf(choices) ?? []), usage };
	}

	const counted = usageFields(rawUsage);
	const completion: ChatCompletion = {
		...rest,
		id: wordOf(rest.id) ?? defaults.id,
		object: wordOf(rest.object) ?? "chat.completion",
		created: numberOf(rest.created) ?? defaults.created,
		model: wordOf(rest.model) ?? defaults.model,
		choices: whole,
		...(counted === null ? {} : { usage: counted }),
	};
	return { kind: "completion", completion, usage };
}

function unreadable(why: string, usage: Usage | null = null) {
	return { kind: "unreadable" as const, why, usage };
}

/**
 * Workers AI's REST responses come as `{result, success, errors}`, some models behind the gateway respond with
 * `{state: "Completed", result}`. A bare string inside is the text.
 */
function openEnvelope(json: Json): JsonObject | null {
	const outer = objectOf(json);
	if (outer === null || !isEnvelope(outer) || outer.result === undefined) return outer;
	const text = stringOf(outer.result);
	return text === null ? objectOf(outer.result) : { text };
}

function isEnvelope(body: JsonObject): boolean {
	return body.success === true || body.state === "Completed";
}

/** `{}`, or an envelope around it. */
function holdsNothing(json: Json): boolean {
	const outer = objectOf(json);
	const inside = outer !== null && isEnvelope(outer) ? (outer.result ?? {}) : json;
	return inside === "" || Object.keys(objectOf(inside) ?? { any: inside }).length === 0;
}

function reportsError(body: JsonObject): boolean {
	if (body.success === false || body.type === "error" || body.object === "error") return true;
	return !listOf(body.choices)?.length && hasError(body);
}

/** Gemini responds to a prompt that it blocks with a reason and no candidates. */
function geminiBlock(body: JsonObject): JsonObject | null {
	const reason = wordOf(objectOf(body.promptFeedback)?.blockReason);
	if (reason === null || listOf(body.candidates)?.length) return null;
	return { error: { code: "content_filter", message: `The provider blocked the prompt: ${reason}.` } };
}

/** Some routers end a choice with `finish_reason: "error"` and put the error into that choice. */
function errorOfChoices(choices: Json[]): JsonObject {
	const error = choices.map((choice) => objectOf(objectOf(choice)?.error)).find((inside) => inside !== null);
	return { error: error ?? { message: "The provider ended its response with an error." } };
}

/** Null: it has no message. */
function wellFormedChoice(value: Json, position: number): ChatChoice | null {
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

function wellFormedMessage({ tool_calls: toolCalls, ...message }: JsonObject): ChatChoice["message"] {
	// Content that came in parts is also kept as it came: images and citations do not fit in a string.
	const parts = listOf(message.content);
	const calls = toolCalls === undefined || toolCalls === null ? null : (listOf(toolCalls) ?? [toolCalls]).map(asObject);
	return {
		...message,
		role: wordOf(message.role) ?? "assistant",
		content: contentText(message.content),
		...(parts === null ? {} : { content_parts: parts }),
		...(calls === null ? {} : { tool_calls: calls }),
	};
}

/** Whatever a provider puts in the place of an object is kept as its `value`. */
function asObject(value: Json): JsonObject {
	return objectOf(value) ?? { value };
}

/** A string, or null for no content. In JSON mode some providers send an object: its JSON text is the content. */
export function contentText(content: Json | undefined): string | null {
	if (content === undefined || content === null) return null;
	if (typeof content === "string") return content;
	const parts = listOf(content);
	if (parts === null) return JSON.stringify(content);
	return parts.map((part) => stringOf(part) ?? stringOf(objectOf(part)?.text) ?? "").join("");
}
