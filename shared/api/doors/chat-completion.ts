/** Chat completions as OpenAI's API has them. */
import { z } from "@hono/zod-openapi";
import { ChatCompletion as StoredCompletion } from "../../core/chat/chat-completion.ts";
import { ChatInput } from "../../core/chat/chat-input.ts";
import { Metadata, modelName } from "../submit-job.ts";
import { Extension, HoldfastFacts } from "./door.ts";

/** Clients send null for what they leave out. What is not listed passes through unchanged, and the provider decides about it. */
export const CreateChatCompletion = z
	.looseObject({
		model: modelName.nullish().describe("DEFAULT_MODEL by default."),
		messages: ChatInput.shape.messages.min(1),
		stream: z.boolean().nullish(),
		stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
		n: z.number().int().min(1).max(128).nullish(),
		store: z.boolean().nullish().describe("Whether `GET /v1/chat/completions` lists the answer."),
		metadata: Metadata.nullish(),
		holdfast: Extension.optional(),
	})
	.openapi("CreateChatCompletion");

export const ChatCompletionBody = StoredCompletion.extend({
	metadata: z.record(z.string(), z.string()),
	holdfast: HoldfastFacts,
}).openapi("ChatCompletionAnswer");
