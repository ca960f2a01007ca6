/**
 * Translates a request to the Responses API into the body of a chat completion. Nothing that would change the answer is left out
 * in silence: what chat completions cannot do is refused, by its path.
 */
import { type Json, type JsonObject, listOf } from "../json/json.ts";
import { ChatMessages } from "./chat-messages.ts";
import { addItems, type Referenced } from "./items.ts";
import { type Refusal, RequestCheck } from "./request-check.ts";
import { chatFields, type OutputLimitField } from "./request-fields.ts";
import { toolFields } from "./tools.ts";

/** A request, and what it means by `previous_response_id` and `item_reference`. */
export interface ResponseInput {
	request: JsonObject;
	/** The items of the Responses before it, in order. */
	context: readonly JsonObject[];
	referenced: Referenced;
}

/** What the route of the model decides. */
export interface ChatDialect {
	/** Whether the model takes its earlier thoughts, as `reasoning_content`. */
	keepsReasoning: boolean;
	outputLimit: OutputLimitField;
}

export const PLAIN_DIALECT: ChatDialect = { keepsReasoning: false, outputLimit: "max_completion_tokens" };

export type ChatRequest = { ok: true; body: JsonObject } | ({ ok: false } & Refusal);

export function chatRequest(
	{ request, context, referenced }: ResponseInput,
	{ keepsReasoning, outputLimit }: ChatDialect = PLAIN_DIALECT,
): ChatRequest {
	const check = new RequestCheck();
	const messages = new ChatMessages(keepsReasoning);
	const instructions = check.string(request.instructions, "instructions");
	if (instructions !== null && instructions !== "") messages.say("system", instructions);
	const fields = chatFields(request, outputLimit, check);
	const input = itemsOf(request.input, check);
	if (input.length + context.length === 0) check.refuse("input", "Required: text, or an array of items.");
	addItems(input, { messages, check, context, referenced });
	const tools = toolFields(request, check);
	const list = messages.toList();
	if (list.length === 0) check.refuse("input", "No item of it can be sent to a model.");
	if (check.refusal !== null) return { ok: false, ...check.refusal };
	return { ok: true, body: { ...fields, messages: list, ...tools } };
}

/** A text is a message of the user. */
function itemsOf(input: Json | undefined, check: RequestCheck): Json[] {
	if (typeof input === "string") return input === "" ? [] : [{ type: "message", role: "user", content: input }];
	if ((input ?? null) !== null && listOf(input) === null)
		check.refuse("input", "Must be a string or an array of items.");
	return listOf(input) ?? [];
}
