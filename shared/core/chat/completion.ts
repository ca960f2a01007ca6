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
import { contentText, speaks } from "./content.ts";
import { chatOf } from "./provider-shapes.ts";
import { errorIn, holdsNothing, openEnvelope } from "./response-envelope.ts";
import { rawUsageOf, readUsage, usageFields } from "./token-usage.ts";
import { wholeCalls, wholeFunction } from "./tool-calls.ts";

/** What a provider's 2xx body turned out to be. */
export type ParsedResponse =
	| { kind: "completion"; completion: ChatCompletion; usage: Usage | null }
	/** The provider reports a failure although its status said success: an error body, or an error event in a stream. */
	| { kind: "error"; body: Json; usage: Usage | null }
	/** It is complete, so it was paid for, but it cannot be used. Calling again would pay twice. */
	| { kind: "unreadable"; why: string; usage: Usage | null }
	/** It stopped before its end. */
	| { kind: "cut"; why: string; usage: Usage | null }
	/** No text, no tool call and no count is in it, so nothing was paid for. `isEmpty`: nothing else is in it, either. */
	| { kind: "nothing"; why: string; usage: null; isEmpty: boolean };

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
	if (holdsNothing(json)) return nothing("The response holds nothing.", true);
	const body = openEnvelope(json);
	if (body === null) return nothing("The response is not a JSON object.");
	const error = errorIn(body);
	if (error !== null) return { kind: "error", body: error, usage: readUsage(body.usage ?? body.usageMetadata) };

	const chat = chatOf(body);
	if (chat === null) return nothing("The response is not a chat completion in any known format.");
	const { choices, usage: _, ...rest } = chat;
	const rawUsage = rawUsageOf(chat) ?? undefined;
	const usage = readUsage(rawUsage);
	const wellFormed = (listOf(choices) ?? []).map(wellFormedChoice);
	const whole = wellFormed.filter((choice) => choice !== null);
	if (whole.some(isBrokenOff)) return { kind: "error", body: errorOfChoices(listOf(choices) ?? [], whole), usage };
	if (usage === null && !whole.some(isAnswer)) return nothing("The response has no text, no tool call and no usage.");
	if (wellFormed.length === 0) return unreadable("The response has no choices.", usage);
	if (whole.length < wellFormed.length) return unreadable("The response has a choice without a message.", usage);

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

function nothing(why: string, isEmpty = false) {
	return { kind: "nothing" as const, why, usage: null, isEmpty };
}

/** Words for the provider's trouble among the finish reasons, such as `network_error`. Others end an answer, known or not. */
const TROUBLE =
	/(^|_)(error|exception|fail(ed|ure)?|abort(ed)?|cancel(l?ed)?|time_?(out|d_out)|interrupt(ed)?|overload(ed)?|busy|unavailable|disconnect(ed)?|lost|reset|shutdown|crash(ed)?|kill(ed)?|preempt(ed)?|evict(ed)?|malformed|insufficient)(_|$)/i;

function isBrokenOff({ finish_reason: reason }: ChatChoice): boolean {
	return reason !== null && TROUBLE.test(reason.replace(/([a-z])([A-Z])|[\s-]/g, "$1_$2"));
}

/** Reasons that explain why a choice says nothing. */
const SILENT_ENDS: ReadonlySet<string> = new Set(["content_filter", "length", "refusal"]);

function isAnswer({ message: { role: _, ...message }, finish_reason: reason }: ChatChoice): boolean {
	return SILENT_ENDS.has(reason ?? "") || speaks(message);
}

/** Some routers end a choice with `finish_reason: "error"` and put the error into that choice. */
function errorOfChoices(choices: Json[], whole: ChatChoice[]): JsonObject {
	const error = choices.map((choice) => objectOf(objectOf(choice)?.error)).find((inside) => inside !== null);
	const reason = whole.find(isBrokenOff)?.finish_reason ?? "error";
	return { error: error ?? { code: reason, message: `The provider ended its response with "${reason}".` } };
}

/** Null: it has no message. */
function wellFormedChoice(value: Json, position: number): ChatChoice | null {
	const choice = objectOf(value);
	if (choice === null) return null;
	const message = messageOf(choice);
	if (message === null) return null;
	return {
		...choice,
		index: numberOf(choice.index) ?? position,
		message: wellFormedMessage(message),
		finish_reason: stringOf(choice.finish_reason),
	};
}

/** A filtered choice may come without one. */
function messageOf({ message, text, finish_reason: reason }: JsonObject): JsonObject | null {
	const known = objectOf(message);
	if (known !== null) return known;
	const content = stringOf(text);
	return content !== null || SILENT_ENDS.has(stringOf(reason) ?? "") ? { role: "assistant", content } : null;
}

function wellFormedMessage({ tool_calls: calls, function_call: old, ...message }: JsonObject): ChatChoice["message"] {
	// Content that came in parts is also kept as it came: images and citations do not fit in a string.
	const parts = listOf(message.content);
	const named = objectOf(old);
	return {
		...message,
		role: wordOf(message.role) ?? "assistant",
		content: contentText(message.content),
		...(parts === null ? {} : { content_parts: parts }),
		...(old === undefined ? {} : { function_call: named === null ? old : wholeFunction(named) }),
		...(calls === undefined || calls === null ? {} : { tool_calls: wholeCalls(calls) }),
	};
}
