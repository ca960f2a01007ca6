/**
 * The body of a chat completion request, checked exactly as far as the published JSON Schema. The provider decides about
 * fractional or huge `max_tokens` and the number of messages. Unlisted fields pass unchanged, among them `simulate`, which
 * only the simulated provider reads. A test compares this schema with the JSON Schema; change both or neither.
 */
import { z } from "zod";

export const MESSAGE_ROLES = ["system", "developer", "user", "assistant", "tool"] as const;

const Message = z.looseObject({
	role: z.enum(MESSAGE_ROLES),
	content: z.union([z.string(), z.null(), z.array(z.unknown())]),
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
