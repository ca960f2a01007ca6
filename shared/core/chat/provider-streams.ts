/**
 * Reads one event of a stream as a chunk in OpenAI's form, whichever of OpenAI, Workers AI, Anthropic or Gemini sent it.
 * Stateless: the fold holds the state.
 */

import { type Json, type JsonObject, listOf, objectOf, parseJson, stringOf } from "../json/json.ts";
import { anthropicReason, geminiParts, geminiReason, hasError, workersAiToolCalls } from "./provider-shapes.ts";
import type { SseEvent } from "./sse.ts";

export type StreamEvent =
	| { kind: "chunk"; chunk: JsonObject }
	| { kind: "done" }
	| { kind: "error"; body: Json }
	/** Pings, block ends and events we do not know. */
	| { kind: "nothing" }
	/** Not JSON: something of the completion may be lost. */
	| { kind: "garbled" };

const NOTHING: StreamEvent = { kind: "nothing" };

export function readStreamEvent({ event, data }: SseEvent): StreamEvent {
	const text = data.trim();
	if (text === "" || event === "ping") return NOTHING;
	if (text === "[DONE]") return { kind: "done" };
	const json = parseJson(text);
	// An error event is an error even if its text is not JSON.
	if (event === "error") return { kind: "error", body: json ?? null };
	const body = objectOf(json);
	if (body === null) return { kind: "garbled" };
	if (body.type === "error" || body.object === "error" || hasError(body)) return { kind: "error", body };
	if (typeof body.type === "string" && !Array.isArray(body.choices)) return readAnthropic(body.type, body);
	return readChunk(body);
}

function readChunk(body: JsonObject): StreamEvent {
	if (Array.isArray(body.choices)) return { kind: "chunk", chunk: body };
	if (Array.isArray(body.candidates)) return { kind: "chunk", chunk: geminiChunk(body) };
	if (body.response !== undefined || body.tool_calls !== undefined)
		return { kind: "chunk", chunk: workersAiChunk(body) };
	if (objectOf(body.usage) !== null) return { kind: "chunk", chunk: body };
	return NOTHING;
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
		const { text, reasoning, calls } = geminiParts(content);
		const delta: JsonObject = { content: text };
		if (reasoning !== null) delta.reasoning_content = reasoning;
		// Gemini sends each call whole. An id made from its position in the chunk would merge it with a call of another chunk.
		if (calls.length > 0) delta.tool_calls = calls.map(withoutMadeUpId);
		return { ...beside, index: index ?? position, delta, finish_reason: geminiReason(finishReason) };
	});
	return { ...rest, id: responseId ?? null, model: modelVersion ?? null, usage: usageMetadata ?? null, choices };
}

function withoutMadeUpId(value: Json): Json {
	const { id, ...call } = objectOf(value) ?? {};
	return /^call_\d+$/.test(stringOf(id) ?? "") ? call : { id: id ?? null, ...call };
}

function readAnthropic(type: string, body: JsonObject): StreamEvent {
	switch (type) {
		case "message_start": {
			const { content: _, type: _type, role, usage, stop_reason: _reason, ...head } = objectOf(body.message) ?? {};
			const choices = [{ index: 0, delta: { role: role ?? "assistant" } }];
			return { kind: "chunk", chunk: { ...head, usage: usage ?? null, choices } };
		}
		case "content_block_start":
			return oneDelta(blockStart(body.index, objectOf(body.content_block)));
		case "content_block_delta":
			return oneDelta(blockDelta(body.index, objectOf(body.delta)));
		case "message_delta": {
			const reason = objectOf(body.delta)?.stop_reason;
			const choices = [{ index: 0, delta: {}, finish_reason: anthropicReason(reason) }];
			return { kind: "chunk", chunk: { stop_reason: reason ?? null, usage: body.usage ?? null, choices } };
		}
		case "message_stop":
			return { kind: "done" };
		default:
			return NOTHING;
	}
}

function oneDelta(delta: JsonObject | null): StreamEvent {
	return delta === null ? NOTHING : { kind: "chunk", chunk: { choices: [{ index: 0, delta }] } };
}

function blockStart(index: Json | undefined, block: JsonObject | null): JsonObject | null {
	if (block?.type === "text") return { content: block.text ?? "" };
	if (block?.type === "thinking") return { reasoning_content: block.thinking ?? "" };
	if (block?.type !== "tool_use") return null;
	const input = objectOf(block.input) ?? {};
	const args = Object.keys(input).length > 0 ? JSON.stringify(input) : "";
	const call = { id: block.id ?? null, type: "function", function: { name: block.name ?? "", arguments: args } };
	return { tool_calls: [{ index: index ?? null, ...call }] };
}

function blockDelta(index: Json | undefined, delta: JsonObject | null): JsonObject | null {
	switch (delta?.type) {
		case "text_delta":
			return { content: delta.text ?? "" };
		case "thinking_delta":
			return { reasoning_content: delta.thinking ?? "" };
		case "input_json_delta":
			return { tool_calls: [{ index: index ?? null, function: { arguments: delta.partial_json ?? "" } }] };
		default:
			return null;
	}
}
