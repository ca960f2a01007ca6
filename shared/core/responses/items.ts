/** Input items as messages of a chat. */
import { type Json, type JsonObject, listOf, objectOf, stringOf } from "../json/json.ts";
import type { ChatMessages } from "./chat-messages.ts";
import { chatContent, saidIn } from "./content.ts";
import type { RequestCheck } from "./request-check.ts";

/** Items that earlier Responses had, by their ids. */
export type Referenced = ReadonlyMap<string, JsonObject>;

export interface Conversation {
	messages: ChatMessages;
	check: RequestCheck;
	/** Items of the Responses before this one, which the model sees already. */
	context: readonly JsonObject[];
	/** Items outside of the context that the input refers to. */
	referenced: Referenced;
}

/** `item_reference` is the one type that may be left out where there is an id, and `message` where there is a role. */
export function typeOf(item: JsonObject): Json {
	if ((item.type ?? null) !== null) return item.type ?? null;
	return (item.role ?? null) === null && typeof item.id === "string" ? "item_reference" : "message";
}

/** Adds the items at `input`, behind those of the context. */
export function addItems(input: Json[], { messages, check, context, referenced }: Conversation): void {
	const callIds = new Set<string>();
	const seen = new Set<Json>();
	const add = (item: JsonObject, path: string) => {
		if (typeof item.id === "string") seen.add(item.id);
		switch (typeOf(item)) {
			case "message":
				return addMessage(item, path, messages, check);
			case "function_call":
			case "custom_tool_call":
				callIds.add(stringOf(item.call_id) ?? "");
				return messages.answer({ calls: [chatCall(item, path, check)] });
			case "function_call_output":
			case "custom_tool_call_output":
				return addOutput(item, path, messages, check, callIds);
			case "reasoning":
				return messages.answer({ thoughts: thoughtsIn(item) });
		}
		check.unsupported(
			`${path}.type`,
			"Models behind chat completions know messages, calls of functions and custom tools.",
		);
	};
	// A refused item of the context would be a fault of ours: earlier requests were checked in this way.
	for (const item of context) add(item, "previous_response_id");
	for (const [at, value] of input.entries()) {
		const path = `input[${at}]`;
		const item = check.object(value, path) ?? {};
		if (objectOf(value) === null) check.refuse(path, "Must be an object.");
		else if (typeOf(item) !== "item_reference") add(item, path);
		else if (!seen.has(item.id ?? null)) {
			const found = referenced.get(check.word(item.id, `${path}.id`));
			if (found === undefined) check.refuse(`${path}.id`, "No item of an earlier Response has this id.");
			else add(found, path);
		}
	}
}

const ROLES: ReadonlySet<string> = new Set(["user", "system", "developer", "assistant"]);

function addMessage(item: JsonObject, path: string, messages: ChatMessages, check: RequestCheck): void {
	const role = check.word(item.role, `${path}.role`);
	if (!ROLES.has(role)) check.refuse(`${path}.role`, 'Must be "user", "system", "developer" or "assistant".');
	if (role === "assistant") messages.answer(saidIn(item.content, `${path}.content`, check));
	else messages.say(role, chatContent(item.content, `${path}.content`, check));
}

function chatCall(item: JsonObject, path: string, check: RequestCheck): JsonObject {
	const id = check.word(item.call_id, `${path}.call_id`);
	const name = check.word(item.name, `${path}.name`);
	if (typeOf(item) === "custom_tool_call")
		return { id, type: "custom", custom: { name, input: check.string(item.input, `${path}.input`) ?? "" } };
	const args = check.string(item.arguments, `${path}.arguments`) ?? "";
	return { id, type: "function", function: { name, arguments: args } };
}

function addOutput(
	item: JsonObject,
	path: string,
	messages: ChatMessages,
	check: RequestCheck,
	callIds: ReadonlySet<string>,
): void {
	const callId = check.word(item.call_id, `${path}.call_id`);
	if (!callIds.has(callId)) check.refuse(`${path}.call_id`, "No call before this output has this id.");
	messages.toolOutput(callId, chatContent(item.output, `${path}.output`, check));
}

/** The summary, or else the content; encrypted thoughts can be read by their provider's own API alone. */
function thoughtsIn(item: JsonObject): string[] {
	const parts = [listOf(item.summary), listOf(item.content)].find((list) => (list?.length ?? 0) > 0) ?? [];
	return parts.flatMap((part) => stringOf(objectOf(part)?.text) ?? []);
}
