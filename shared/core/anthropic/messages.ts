/**
 * A chat's messages as Anthropic takes them: instructions apart, and turns of user and assistant, in which neighbours of one role
 * are one turn. Results of tools are the user's, and come first in the turn.
 */
import { isSameJson, type Json, type JsonObject, listOf, objectOf, stringOf, wordOf } from "../json/json.ts";
import { blocksOf, textBlocks, withCache } from "./content.ts";
import type { Conversion } from "./conversion.ts";

export interface Conversation {
	/** The texts of system and developer messages, in order. */
	instructions: string[];
	/** Messages in Anthropic's form. */
	turns: JsonObject[];
}

type Role = "user" | "assistant";

interface Turn {
	role: Role;
	blocks: JsonObject[];
}

export function conversationOf(messages: readonly Json[], conversion: Conversion): Conversation {
	const instructions: string[] = [];
	const turns: Turn[] = [];
	const add = (role: Role, blocks: JsonObject[]) => {
		const last = turns.at(-1);
		if (last?.role === role) for (const block of blocks) last.blocks.push(block);
		else if (blocks.length > 0) turns.push({ role, blocks });
	};
	for (const [at, value] of messages.entries()) {
		const [message, path] = [objectOf(value) ?? {}, `messages.${at}`];
		if (wordOf(message.name) !== null && message.role !== "tool")
			conversion.refuse(`${path}.name`, "Anthropic's models know no names of participants but those in the content.");
		switch (message.role) {
			case "system":
			case "developer":
				instructions.push(...textsOf(message.content, path, conversion));
				break;
			case "assistant":
				add("assistant", assistantBlocks(message, path, conversion));
				break;
			case "tool":
				add("user", [toolResult(message, path, conversion)]);
				break;
			default:
				add("user", blocksOf(message.content, `${path}.content`, conversion));
		}
	}
	if (turns.length === 0)
		conversion.refuse("messages", "Anthropic's models need a message of the user that is not empty.");
	return { instructions, turns: turns.map(messageOf) };
}

/** Several parts of one message are one text. */
function textsOf(content: Json | undefined, path: string, conversion: Conversion): string[] {
	const blocks = blocksOf(content, `${path}.content`, conversion);
	if (!blocks.every((block) => block.type === "text"))
		conversion.refuse(`${path}.content`, "Anthropic's models take instructions as text only.");
	const text = blocks.map((block) => stringOf(block.text) ?? "").join("");
	return text === "" ? [] : [text];
}

function messageOf({ role, blocks }: Turn): JsonObject {
	const [first] = blocks;
	const isText = blocks.length === 1 && first?.type === "text" && first.cache_control === undefined;
	if (isText) return { role, content: first.text ?? "" };
	const isResult = (block: JsonObject) => block.type === "tool_result";
	const results = role === "user" ? blocks.filter(isResult) : [];
	const others = role === "user" ? blocks.filter((block) => !isResult(block)) : blocks;
	return { role, content: [...results, ...others] };
}

/** An answer of Anthropic that was stored with its blocks goes back as it came, unless it was edited: its thoughts are signed. */
function assistantBlocks(message: JsonObject, path: string, conversion: Conversion): JsonObject[] {
	for (const field of ["audio", "function_call"])
		if ((message[field] ?? null) !== null)
			conversion.refuse(`${path}.${field}`, "Anthropic's models have no counterpart of it.");
	const translated = [
		...blocksOf(message.content, `${path}.content`, conversion),
		...textBlocks(conversion.stringAt(message.refusal, `${path}.refusal`)),
		...(listOf(message.tool_calls) ?? []).flatMap((call, at) => toolUse(call, `${path}.tool_calls.${at}`, conversion)),
	];
	const own = (listOf(message.content_blocks) ?? []).map(objectOf).filter((block) => block !== null);
	if (own.length === 0 || !saysTheSame(own, translated)) return translated;
	return own.filter((block) => block.type !== "text" || wordOf(block.text) !== null);
}

/** Whether Anthropic's own blocks have the texts and calls of the message, beside thoughts and the like. */
function saysTheSame(own: JsonObject[], translated: JsonObject[]): boolean {
	return (
		translated.every(({ type }) => type === "text" || type === "tool_use") &&
		textIn(own) === textIn(translated) &&
		isSameJson(callsIn(own), callsIn(translated))
	);
}

function textIn(blocks: JsonObject[]): string {
	return blocks.map(({ type, text }) => (type === "text" ? (stringOf(text) ?? "") : "")).join("");
}

function callsIn(blocks: JsonObject[]): JsonObject[] {
	const calls = blocks.filter(({ type }) => type === "tool_use");
	return calls.map(({ id, name, input }) => ({ id: id ?? null, name: name ?? null, input: input ?? null }));
}

function toolUse(value: Json, path: string, conversion: Conversion): JsonObject[] {
	const call = objectOf(value) ?? {};
	const named = objectOf(call.function);
	const [id, name] = [wordOf(call.id), wordOf(named?.name)];
	const param = `${path}.function.arguments`;
	const input = conversion.parseArguments(conversion.stringAt(named?.arguments, param) ?? "", param);
	if (name === null) conversion.refuse(`${path}.function`, "Anthropic's models know calls of functions only.");
	if (id === null) conversion.refuse(`${path}.id`, "Anthropic's models need the id of each call.");
	if (id === null || name === null || input === null) return [];
	return withCache(call, { type: "tool_use", id: ownId(id), name, input });
}

function toolResult(message: JsonObject, path: string, conversion: Conversion): JsonObject {
	const id = wordOf(message.tool_call_id);
	if (id === null)
		conversion.refuse(`${path}.tool_call_id`, "Anthropic's models need the id of the call whose result it is.");
	const blocks = blocksOf(message.content, `${path}.content`, conversion);
	const content = typeof message.content === "string" ? message.content : blocks;
	const result: JsonObject = { type: "tool_result", tool_use_id: ownId(id ?? "") };
	return blocks.length === 0 ? result : { ...result, content };
}

/** Ids that other providers made may have characters that Anthropic refuses. */
function ownId(id: string): string {
	return id.replace(/[^\w-]/g, "_");
}
