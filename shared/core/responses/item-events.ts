/** The events that build one output item: added, its text in pieces, done. Numbers are given by the writer. */
import { type JsonObject, listOf, objectOf, stringOf } from "../json/json.ts";

export type UnnumberedEvent = JsonObject & { type: string };

/** @param index of the item in the output */
export function* itemEvents(item: JsonObject, index: number): Generator<UnnumberedEvent, void> {
	yield { type: "response.output_item.added", output_index: index, item: begun(item) };
	const at = { item_id: item.id ?? null, output_index: index };
	switch (item.type) {
		case "reasoning":
			for (const [part, value] of (listOf(item.summary) ?? []).entries())
				yield* summaryEvents(stringOf(objectOf(value)?.text) ?? "", { ...at, summary_index: part });
			break;
		case "message":
			for (const [part, value] of (listOf(item.content) ?? []).entries())
				yield* partEvents(objectOf(value) ?? {}, { ...at, content_index: part });
			break;
		case "function_call":
			yield* argumentEvents(item, at);
			break;
		case "custom_tool_call":
			yield* inputEvents(stringOf(item.input) ?? "", at);
	}
	yield { type: "response.output_item.done", output_index: index, item };
}

/** An item before its first piece. */
function begun(item: JsonObject): JsonObject {
	switch (item.type) {
		case "reasoning":
			return { ...item, status: "in_progress", summary: [] };
		case "message":
			return { ...item, status: "in_progress", content: [] };
		case "function_call":
			return { ...item, status: "in_progress", arguments: "" };
		default:
			return { ...item, input: "" };
	}
}

function* summaryEvents(text: string, at: JsonObject): Generator<UnnumberedEvent, void> {
	yield { type: "response.reasoning_summary_part.added", ...at, part: { type: "summary_text", text: "" } };
	for (const delta of textPieces(text)) yield { type: "response.reasoning_summary_text.delta", ...at, delta };
	yield { type: "response.reasoning_summary_text.done", ...at, text };
	yield { type: "response.reasoning_summary_part.done", ...at, part: { type: "summary_text", text } };
}

function* partEvents(part: JsonObject, at: JsonObject): Generator<UnnumberedEvent, void> {
	if (part.type === "refusal") yield* refusalEvents(part, stringOf(part.refusal) ?? "", at);
	else yield* textEvents(part, stringOf(part.text) ?? "", at);
}

function* textEvents(part: JsonObject, text: string, at: JsonObject): Generator<UnnumberedEvent, void> {
	const empty = { ...part, text: "", annotations: [], logprobs: [] };
	yield { type: "response.content_part.added", ...at, part: empty };
	for (const delta of textPieces(text)) yield { type: "response.output_text.delta", ...at, delta, logprobs: [] };
	for (const [index, annotation] of (listOf(part.annotations) ?? []).entries())
		yield { type: "response.output_text.annotation.added", ...at, annotation_index: index, annotation };
	yield { type: "response.output_text.done", ...at, text, logprobs: part.logprobs ?? [] };
	yield { type: "response.content_part.done", ...at, part };
}

function* refusalEvents(part: JsonObject, refusal: string, at: JsonObject): Generator<UnnumberedEvent, void> {
	yield { type: "response.content_part.added", ...at, part: { ...part, refusal: "" } };
	for (const delta of textPieces(refusal)) yield { type: "response.refusal.delta", ...at, delta };
	yield { type: "response.refusal.done", ...at, refusal };
	yield { type: "response.content_part.done", ...at, part };
}

function* argumentEvents({ name, arguments: args }: JsonObject, at: JsonObject): Generator<UnnumberedEvent, void> {
	const text = stringOf(args) ?? "";
	for (const delta of textPieces(text)) yield { type: "response.function_call_arguments.delta", ...at, delta };
	yield { type: "response.function_call_arguments.done", ...at, name: name ?? null, arguments: text };
}

function* inputEvents(input: string, at: JsonObject): Generator<UnnumberedEvent, void> {
	for (const delta of textPieces(input)) yield { type: "response.custom_tool_call_input.delta", ...at, delta };
	yield { type: "response.custom_tool_call_input.done", ...at, input };
}

/** Every reader gets the same pieces, whatever the provider sent. */
export const PIECE_UNITS = 16;

/** Pieces of 16 UTF-16 units, or of `units`; of one less where the border would split a surrogate pair. Nothing for an empty text. */
export function* textPieces(text: string, units = PIECE_UNITS): Generator<string, void> {
	for (let from = 0; from < text.length; ) {
		let end = Math.min(from + units, text.length);
		if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end -= 1;
		yield text.slice(from, end);
		from = end;
	}
}

function isHighSurrogate(unit: number): boolean {
	return unit >= 0xd800 && unit <= 0xdbff;
}
