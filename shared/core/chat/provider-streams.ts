/**
 * What one event of a stream says, in OpenAI's form: a chunk, whichever of OpenAI, Workers AI, Anthropic or Gemini sent
 * it. Stateless: all that must be remembered is remembered by the fold.
 */

import type { Json, JsonObject } from "../json/json.ts";
import { listOf, objectOf, parseJson, stringOf, wordOf } from "../json/json-guards.ts";
import { anthropicReason, geminiParts, geminiReason, workersAiToolCalls } from "./provider-shapes.ts";
import type { SseEvent } from "./sse.ts";

export type StreamEvent =
	| { kind: "chunk"; chunk: JsonObject }
	| { kind: "done" }
	| { kind: "error"; body: Json }
	/** Pings, block ends and events we do not know. */
	| { kind: "nothing" }
	/** Not JSON: something of the answer may be lost. */
	| { kind: "garbled" };

const NOTHING: StreamEvent = { kind: "nothing" };

export function readStreamEvent({ event, data }: SseEvent): StreamEvent {
	const text = data.trim();
	if (text === "" || event === "ping") return NOTHING;
	if (text === "[DONE]") return { kind: "done" };
	const body = parseJson(text);
	// An error event whose text is no JSON is an error all the same.
	if (event === "error") return { kind: "error", body: body ?? null };
	const said = objectOf(body);
	if (said === null) return { kind: "garbled" };
	if (said.type === "error" || said.object === "error" || hasError(said)) return { kind: "error", body: said };
	if (typeof said.type === "string" && !Array.isArray(said.choices)) return readAnthropic(said.type, said);
	return readChunk(said);
}

function hasError(said: JsonObject): boolean {
	const inside = objectOf(said.error);
	return wordOf(said.error) !== null || (inside !== null && Object.keys(inside).length > 0);
}

function readChunk(said: JsonObject): StreamEvent {
	if (Array.isArray(said.choices)) return { kind: "chunk", chunk: said };
	if (Array.isArray(said.candidates)) return { kind: "chunk", chunk: geminiChunk(said) };
	if (said.response !== undefined || said.tool_calls !== undefined)
		return { kind: "chunk", chunk: workersAiChunk(said) };
	if (objectOf(said.usage) !== null) return { kind: "chunk", chunk: said };
	return NOTHING;
}

/** `{response: "piece", tool_calls?, usage?}`; its end is `[DONE]` alone. */
function workersAiChunk({ response, tool_calls: calls, p: _padding, ...rest }: JsonObject): JsonObject {
	const piece =
		typeof response === "string" || response === null || response === undefined ? response : JSON.stringify(response);
	const delta: JsonObject = { content: piece ?? "" };
	if (listOf(calls)?.length) delta.tool_calls = workersAiToolCalls(calls);
	return { ...rest, choices: [{ index: 0, delta, finish_reason: rest.finish_reason ?? null }] };
}

/** Gemini streams answers of which each has only the next parts. */
function geminiChunk({ candidates, usageMetadata, responseId, modelVersion, ...rest }: JsonObject): JsonObject {
	const choices = (listOf(candidates) ?? []).map((value, position) => {
		const { content, finishReason, index, ...beside } = objectOf(value) ?? {};
		const { text, reasoning, calls } = geminiParts(content);
		const delta: JsonObject = { content: text };
		if (reasoning !== null) delta.reasoning_content = reasoning;
		// Gemini sends each call whole, so every one is new; its number within the chunk would join it to another's.
		if (calls.length > 0) delta.tool_calls = calls.map(withoutMadeUpId);
		return { ...beside, index: index ?? position, delta, finish_reason: geminiReason(finishReason) };
	});
	return { ...rest, id: responseId ?? null, model: modelVersion ?? null, usage: usageMetadata ?? null, choices };
}

function withoutMadeUpId(value: Json): Json {
	const { id, ...call } = objectOf(value) ?? {};
	return /^call_\d+$/.test(stringOf(id) ?? "") ? call : { id: id ?? null, ...call };
}

function readAnthropic(type: string, said: JsonObject): StreamEvent {
	switch (type) {
		case "message_start": {
			const { content: _, type: _type, role, usage, stop_reason: _reason, ...head } = objectOf(said.message) ?? {};
			const choices = [{ index: 0, delta: { role: role ?? "assistant" } }];
			return { kind: "chunk", chunk: { ...head, usage: usage ?? null, choices } };
		}
		case "content_block_start":
			return oneDelta(blockStart(said.index, objectOf(said.content_block)));
		case "content_block_delta":
			return oneDelta(blockDelta(said.index, objectOf(said.delta)));
		case "message_delta": {
			const reason = objectOf(said.delta)?.stop_reason;
			const choices = [{ index: 0, delta: {}, finish_reason: anthropicReason(reason) }];
			return { kind: "chunk", chunk: { stop_reason: reason ?? null, usage: said.usage ?? null, choices } };
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
