/**
 * Reads an event of a stream as chunks in OpenAI's form, whichever of OpenAI, Workers AI, Anthropic or Gemini sent it. Anthropic's
 * blocks and Gemini's parts stay as they are until the stream is whole. Stateless: the fold holds the state.
 */

import { type Json, type JsonObject, listOf, objectOf, wordOf } from "../json/json.ts";
import { readJson, splitJson } from "../json/split-json.ts";
import { anthropicReason, geminiReason, hasError, workersAiToolCalls } from "./provider-shapes.ts";
import { errorIn } from "./response-envelope.ts";
import type { SseEvent } from "./sse.ts";
import { rawUsageOf } from "./token-usage.ts";

export type StreamEvent =
	| { kind: "chunk"; chunk: JsonObject }
	| { kind: "done" }
	| { kind: "error"; body: Json }
	/** JSON that cannot be read: something of the completion may be lost. */
	| { kind: "garbled" };

function isDone(text: string): boolean {
	return text.toUpperCase() === "[DONE]";
}

/** Some proxies frame each event twice. */
const FRAMING = /^[ \t]*(?:data:[ \t]*)*(?:event|id|retry):.*$|^[ \t]*(?:data:[ \t]*)+/gm;

/**
 * Most events are one chunk. Some servers put several into one, and some put words there that only keep the connection alive:
 * what does not begin as JSON is no part of a completion.
 */
export function readStreamEvents({ event, data }: SseEvent): StreamEvent[] {
	const text = data.replace(FRAMING, "").trim();
	if (text === "" || event === "ping") return [];
	const json = isDone(text) ? undefined : readJson(text);
	// An error event is an error even if its text is not JSON.
	if (/^error$/i.test(event)) return [{ kind: "error", body: json ?? { error: text } }];
	if (json !== undefined) return readAll(json);
	if (isDone(text)) return [{ kind: "done" }];
	const named = /^\[?error\]?:?\s+(.+)$/is.exec(text)?.[1];
	if (named !== undefined) return [{ kind: "error", body: readJson(named) ?? { error: named } }];
	if (!/^[[{]/.test(text)) return mayHoldText(text) ? [{ kind: "garbled" }] : [];
	const { values, rest } = splitJson(text);
	return [...values, rest].flatMap(readText);
}

function readText(text: string): StreamEvent[] {
	if (isDone(text)) return [{ kind: "done" }];
	const json = readJson(text);
	if (json !== undefined) return readAll(json);
	return mayHoldText(text) ? [{ kind: "garbled" }] : [];
}

/** Whether text that cannot be read may be a piece of a completion: it begins as an object, or has a name that one may have. */
export function mayHoldText(text: string): boolean {
	return /^\s*\{|"(choices|message|content|delta|text|response|candidates|output|tool_calls)"\s*:/.test(text);
}

function readAll(json: Json): StreamEvent[] {
	// JSON text of JSON text.
	if (typeof json === "string" && /^\s*[[{]/.test(json)) return readText(json);
	return (listOf(json) ?? [json]).flatMap(readEach);
}

function readEach(json: Json): StreamEvent[] {
	const body = objectOf(json);
	if (body === null) return [];
	if (body.object === "error" || hasError(body)) return [{ kind: "error", body }];
	if (chunkOf(body) === null && (listOf(body.errors)?.length || wordOf(body.detail) !== null))
		return [{ kind: "error", body }];
	const isTyped = typeof body.type === "string" && body.type !== "error" && !Array.isArray(body.choices);
	if (isTyped) return readAnthropic(body);
	const chunk = chunkOf(body);
	if (chunk !== null) return isMisplaced(chunk) ? [{ kind: "garbled" }] : [{ kind: "chunk", chunk }];
	const error = errorIn(body);
	if (error !== null) return [{ kind: "error", body: error }];
	return mayHoldDelta(body) ? [{ kind: "garbled" }] : [];
}

/** Log probabilities have a list named `content`, and no text. */
function mayHoldDelta(value: Json): boolean {
	return /"delta":|"content":"[^"]/.test(JSON.stringify(value));
}

/** A choice has its text where no choice has it. */
function isMisplaced({ choices }: JsonObject): boolean {
	return (listOf(choices) ?? []).some((value) => {
		const choice = objectOf(value);
		const isRead = [choice?.delta, choice?.message, choice?.text].some(
			(one) => typeof one === "string" || objectOf(one),
		);
		return !isRead && mayHoldDelta(value);
	});
}

/** Null: nothing of a completion is in it. */
function chunkOf(body: JsonObject): JsonObject | null {
	if (Array.isArray(body.choices)) return body;
	if (Array.isArray(body.candidates)) return geminiChunk(body);
	if (body.response !== undefined || body.tool_calls !== undefined) return workersAiChunk(body);
	return rawUsageOf(body) === null ? null : body;
}

/** `{response: "piece", tool_calls?, usage?}`; only `[DONE]` ends the stream. */
function workersAiChunk({ response, tool_calls: calls, p: _padding, ...rest }: JsonObject): JsonObject {
	const piece =
		typeof response === "string" || response === null || response === undefined ? response : JSON.stringify(response);
	const delta: JsonObject = { content: piece ?? "" };
	if (listOf(calls)?.length) delta.tool_calls = workersAiToolCalls(calls);
	return { ...rest, choices: [{ index: 0, delta, finish_reason: rest.finish_reason ?? null }] };
}

/** Each of Gemini's chunks holds only the next parts. */
function geminiChunk({ candidates, usageMetadata, responseId, modelVersion, ...rest }: JsonObject): JsonObject {
	const choices = (listOf(candidates) ?? []).map((value, position) => {
		const { content, finishReason, index, ...beside } = objectOf(value) ?? {};
		const delta = { gemini_parts: listOf(objectOf(content)?.parts) ?? [] };
		return { ...beside, index: index ?? position, delta, finish_reason: geminiReason(finishReason) };
	});
	return { ...rest, id: responseId ?? null, model: modelVersion ?? null, usage: usageMetadata ?? null, choices };
}

function readAnthropic(body: JsonObject): StreamEvent[] {
	switch (body.type) {
		case "message_start": {
			const { content, type: _type, role, usage, stop_reason: _reason, ...head } = objectOf(body.message) ?? {};
			const blocks = (listOf(content) ?? []).map((block, index) => ({ ...objectOf(block), index }));
			const choices = [{ index: 0, delta: { role: role ?? "assistant", content_blocks: blocks } }];
			return [{ kind: "chunk", chunk: { ...head, usage: usage ?? null, choices } }];
		}
		case "content_block_start":
			return oneBlock(body.index, objectOf(body.content_block));
		case "content_block_delta":
			return oneBlock(body.index, blockDelta(objectOf(body.delta)));
		case "message_delta": {
			const { type: _, delta, usage, ...beside } = body;
			const end = objectOf(delta) ?? {};
			const choices = [{ index: 0, delta: {}, finish_reason: anthropicReason(end.stop_reason) }];
			return [{ kind: "chunk", chunk: { ...beside, ...end, usage: usage ?? null, choices } }];
		}
		case "message_stop":
			return [{ kind: "done" }];
		default:
			return [];
	}
}

function oneBlock(index: Json | undefined, block: JsonObject | null): StreamEvent[] {
	if (block === null) return [];
	const delta = { content_blocks: [{ ...block, index: index ?? 0 }] };
	return [{ kind: "chunk", chunk: { choices: [{ index: 0, delta }] } }];
}

/** Without its type, which is that of the delta and not of the block. */
function blockDelta(delta: JsonObject | null): JsonObject | null {
	const { type, citation, ...rest } = delta ?? {};
	if (delta === null) return null;
	return type === "citations_delta" && citation !== undefined ? { citations: [citation] } : rest;
}
