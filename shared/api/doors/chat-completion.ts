/** Chat completions as OpenAI's API has them. */
import { z } from "@hono/zod-openapi";
import { ChatCompletion as StoredCompletion } from "../../core/chat/chat-completion.ts";
import { ChatInput } from "../../core/chat/chat-input.ts";
import { jobIdOf } from "../../core/doors/door-ids.ts";
import { listOf as jsonList, objectOf, parseJson, stringOf, wordOf } from "../../core/json/json.ts";
import { elementsOf, JsonBody } from "../../core/json/json-body.ts";
import { filteredQuery } from "../job.ts";
import { after, limit, listOf } from "../page.ts";
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

export const ChatCompletionList = listOf(ChatCompletionBody).openapi("ChatCompletionList");

export const ChatCompletionDeleted = z
	.object({ id: z.string(), object: z.literal("chat.completion.deleted"), deleted: z.literal(true) })
	.openapi("ChatCompletionDeleted");

export const UpdateChatCompletion = z.strictObject({ metadata: Metadata.nullable() }).openapi("UpdateChatCompletion");

/** As OpenAI's API has it: the newest last. */
const order = z.enum(["asc", "desc"]).default("asc");

const isCompletionId = (id: string) => jobIdOf("chat", id) !== null;

export const chatCompletionsQuery = filteredQuery({
	limit,
	after: after(isCompletionId, "Must be the id of a chat completion, `chatcmpl-…`."),
	order,
	model: z.string().optional().describe("The model that answered."),
});

const MESSAGE_ID = /^(chatcmpl-.+)-(\d{1,6})$/;

export const chatMessagesQuery = z.strictObject({
	limit,
	after: after((id) => isCompletionId(MESSAGE_ID.exec(id)?.[1] ?? ""), "Must be the id of a message, `chatcmpl-…-0`."),
	order,
});

const ChatMessage = z.looseObject({
	id: z.string(),
	role: z.string(),
	content: z.string().nullable(),
	content_parts: z.array(z.unknown()).nullable().describe("The content, if it came in parts."),
});

export const ChatMessageList = listOf(ChatMessage).openapi("ChatMessageList");

/** A page of the messages of a request. Only those are parsed. @param input the body of the request */
export function viewMessages(
	completionId: string,
	input: Uint8Array,
	query: z.infer<typeof chatMessagesQuery>,
): z.infer<typeof ChatMessageList> {
	const all = [...elementsOf(new JsonBody(input).bytesOf("messages") ?? new Uint8Array()).entries()];
	const isAscending = query.order === "asc";
	const last = query.after === undefined ? null : Number(MESSAGE_ID.exec(query.after)?.[2]);
	const left = all.filter(([at]) => last === null || (isAscending ? at > last : at < last));
	const page = (isAscending ? left : left.reverse()).slice(0, query.limit);
	const data = page.map(([at, bytes]) => viewMessage(`${completionId}-${at}`, bytes));
	const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
	return { object: "list", data, has_more: left.length > page.length, ...ends };
}

function viewMessage(id: string, bytes: Uint8Array): z.infer<typeof ChatMessage> {
	const message = objectOf(parseJson(new TextDecoder().decode(bytes))) ?? {};
	return {
		...message,
		id,
		role: wordOf(message.role) ?? "user",
		content: stringOf(message.content),
		content_parts: jsonList(message.content),
	};
}
