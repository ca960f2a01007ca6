/** A stored result: a chat completion, exactly as in the published JSON Schema. `readCompletion` builds it valid. */
import { z } from "zod";

const ChatChoice = z.looseObject({
	index: z.number(),
	message: z.looseObject({
		role: z.string(),
		content: z.union([z.string(), z.null()]).optional(),
		tool_calls: z.array(z.looseObject({})).optional(),
	}),
	finish_reason: z.union([z.string(), z.null()]),
});
export type ChatChoice = z.infer<typeof ChatChoice>;

export const ChatCompletion = z.looseObject({
	id: z.string(),
	object: z.string(),
	/** Unix seconds. */
	created: z.number(),
	model: z.string(),
	choices: z.array(ChatChoice),
	/** Absent if the provider sent no counts. */
	usage: z
		.looseObject({ prompt_tokens: z.number(), completion_tokens: z.number(), total_tokens: z.number() })
		.optional(),
});
export type ChatCompletion = z.infer<typeof ChatCompletion>;
