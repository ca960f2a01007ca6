/**
 * What a stored result looks like: a chat completion, exactly as the published JSON Schema has it. For documentation and
 * for readers; whoever makes one builds it valid (`readCompletion`).
 */
import { z } from "zod";

const Choice = z.looseObject({
	index: z.number(),
	message: z.looseObject({
		role: z.string(),
		content: z.union([z.string(), z.null()]).optional(),
		tool_calls: z.array(z.unknown()).optional(),
	}),
	finish_reason: z.union([z.string(), z.null()]),
});

export const ChatOutput = z.looseObject({
	id: z.string(),
	object: z.string(),
	/** Unix seconds. */
	created: z.number(),
	model: z.string(),
	choices: z.array(Choice),
	/** Absent where the provider did not say. */
	usage: z
		.looseObject({ prompt_tokens: z.number(), completion_tokens: z.number(), total_tokens: z.number() })
		.optional(),
});

export type ChatOutput = z.infer<typeof ChatOutput>;
