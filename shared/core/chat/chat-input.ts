/**
 * The body of a chat completion request, checked as far as the published JSON Schema, except for messages without content. The
 * provider decides about fractional or huge `max_tokens` and the number of messages. Unlisted fields pass unchanged, among them
 * `simulate`. A test compares this schema with the JSON Schema: change both or neither.
 */
import { z } from "zod";
import { elementsOf, JsonBody } from "../json/json-body.ts";

export const MESSAGE_ROLES = ["system", "developer", "user", "assistant", "tool"] as const;

/** Without `content` if it carries tool calls, which the published schema refuses: it is sent on with null. */
const Message = z
	.looseObject({
		role: z.enum(MESSAGE_ROLES),
		content: z.union([z.string(), z.null(), z.array(z.unknown())]).optional(),
	})
	.refine(({ content, tool_calls: calls }) => content !== undefined || (Array.isArray(calls) && calls.length > 0), {
		path: ["content"],
		error: "This field is required, except in a message with `tool_calls`.",
	});

export const ChatInput = z.looseObject({
	messages: z.array(Message),
	temperature: z.number().min(0).max(2).optional(),
	max_tokens: z.number().gt(0).optional(),
	max_completion_tokens: z.number().gt(0).optional(),
	top_p: z.number().min(0).max(1).optional(),
	frequency_penalty: z.number().min(-2).max(2).optional(),
	presence_penalty: z.number().min(-2).max(2).optional(),
	stream: z.boolean().optional(),
	stream_options: z.strictObject({ include_usage: z.boolean().optional() }).optional(),
	tools: z.array(z.unknown()).optional(),
	tool_choice: z.unknown().optional(),
	response_format: z.unknown().optional(),
});

export type ChatInput = z.infer<typeof ChatInput>;

const ADDED = new TextEncoder().encode('"content":null,');

/** `input` with `content: null` in each message that lacks it; itself if none does. @param parsed the same */
export function withNullContents(input: Uint8Array, parsed: Pick<ChatInput, "messages"> | null): Uint8Array {
	if (parsed === null || parsed.messages.every(({ content }) => content !== undefined)) return input;
	const places = elementsOf(new JsonBody(input).bytesOf("messages") ?? new Uint8Array())
		.filter((message) => new JsonBody(message).bytesOf("content") === null)
		.map((message) => message.byteOffset - input.byteOffset + 1);
	const whole = new Uint8Array(input.byteLength + places.length * ADDED.byteLength);
	let from = 0;
	let at = 0;
	for (const place of [...places, input.byteLength]) {
		whole.set(input.subarray(from, place), at);
		at += place - from;
		from = place;
		if (at === whole.byteLength) break;
		whole.set(ADDED, at);
		at += ADDED.byteLength;
	}
	return whole;
}
