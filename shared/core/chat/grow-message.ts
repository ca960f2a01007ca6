/**
 * Grows a message from the deltas of a stream. Lists grow in place: copying 100,000 logprobs for each new one would take minutes,
 * so a delta belongs to the message once it is added.
 */
import { type Json, type JsonObject, listOf, numberOf, objectOf, parseJson, stringOf, wordOf } from "../json/json.ts";
import { contentText } from "./content.ts";
import { callList } from "./tool-calls.ts";

/** Fields of a delta that come in pieces of text. Any other string, such as a name, is repeated or replaced by the last one. */
const TEXTS: ReadonlySet<string> = new Set([
	...["content", "text", "refusal", "arguments", "transcript", "data"],
	...["reasoning", "reasoning_content", "reasoning_text", "thinking", "summary"],
	// Of Anthropic's blocks.
	...["partial_json", "signature"],
]);

type GrowText = (key: string, before: Json, more: Json) => Json;

const appended: GrowText = (key, before, more) => (TEXTS.has(key) ? appendText(key, before, more) : more);
/** Beside a delta there are words, such as a filter's severity, and no pieces of text. */
export const replaced: GrowText = (_key, _before, more) => more;

/** Adds a delta: text is appended, lists grow, objects grow within, anything else is replaced. */
export function grow(known: JsonObject, delta: JsonObject, growText = appended): JsonObject {
	const grown = { ...known };
	for (const [key, more] of Object.entries(delta)) {
		const before = grown[key];
		const growOwnList = OWN_LISTS.get(key);
		if (growOwnList !== undefined) {
			if (more !== null)
				grown[key] = growOwnList(
					listOf(before) ?? [],
					key === "tool_calls" ? callList(more) : (listOf(more) ?? [more]),
				);
		} else if (before === undefined || before === null || before === "") grown[key] = more ?? before ?? null;
		else if (more !== null && more !== "") grown[key] = grownValue(key, before, more, growText);
	}
	return grown;
}

function grownValue(key: string, before: Json, more: Json, growText: GrowText): Json {
	if (Array.isArray(before) && Array.isArray(more)) {
		for (const member of more) growList(before, member, growText);
		return before;
	}
	const [into, from] = [objectOf(before), objectOf(more)];
	if (into === null || from === null || (key === "content" && hasParts(before))) return growText(key, before, more);
	return grow(into, from, growText);
}

/** A member with an index of its own, or with a name as its id, continues the one that has the same. */
function growList(list: Json[], value: Json, growText: GrowText): void {
	const member = objectOf(value);
	const key = member === null ? null : ownKey(member);
	const isSame = (known: JsonObject | null) => known !== null && ownKey(known) === key && known.type === member?.type;
	const at = key === null ? -1 : list.findLastIndex((known) => isSame(objectOf(known)));
	const known = objectOf(list[at]);
	if (known === null || member === null) list.push(value);
	else list[at] = grow(known, member, growText);
}

/** Some servers send a token's number as the id of its logprobs, where it comes more than once. */
function ownKey({ index, id }: JsonObject): number | string | null {
	return numberOf(index) ?? wordOf(id);
}

/** Text after text; where one of them has another type, the text of both in order. Content that has parts keeps them. */
function appendText(key: string, before: Json, more: Json): Json {
	if (typeof before === "string" && typeof more === "string") return joined(before, more);
	if (key !== "content" || !(hasParts(before) || hasParts(more))) return textOf(before) + textOf(more);
	const parts = partsOf(before);
	const last = objectOf(parts.at(-1));
	if (typeof more === "string" && last?.type === "text" && typeof last.text === "string") last.text += more;
	else for (const part of partsOf(more)) parts.push(part);
	return parts;
}

function hasParts(content: Json): boolean {
	return Array.isArray(content) || typeof objectOf(content)?.type === "string";
}

function partsOf(content: Json): Json[] {
	return listOf(content) ?? [hasParts(content) ? content : { type: "text", text: textOf(content) }];
}

function textOf(value: Json): string {
	const isNothing = Object.keys(objectOf(value) ?? { any: value }).length === 0;
	return isNothing ? "" : (stringOf(objectOf(value)?.text) ?? contentText(value) ?? "");
}

/** Lists whose members continue each other in ways of their own. */
const OWN_LISTS: ReadonlyMap<string, (known: Json[], more: readonly Json[]) => Json[]> = new Map([
	["tool_calls", growCalls],
	["content_blocks", growBlocks],
	["gemini_parts", growParts],
]);

/** Anthropic's blocks: one with a type begins, one without continues the last that has its index. */
function growBlocks(known: Json[], more: readonly Json[]): Json[] {
	for (const value of more) {
		const block = objectOf(value) ?? {};
		const at = known.findLastIndex((one) => objectOf(one)?.index === block.index);
		const begun = block.type === undefined ? objectOf(known[at]) : null;
		if (begun === null) known.push(block);
		else known[at] = grow(begun, block);
	}
	return known;
}

/** Gemini's parts: text continues text of the same kind, until a signature ends it. Any other part is whole. */
function growParts(known: Json[], more: readonly Json[]): Json[] {
	for (const value of more) {
		const [last, part] = [objectOf(known.at(-1)), objectOf(value)];
		const isContinued =
			typeof last?.text === "string" &&
			typeof part?.text === "string" &&
			last.thought === part.thought &&
			last.thoughtSignature === undefined;
		if (isContinued) known[known.length - 1] = grow(last, part);
		else known.push(value);
	}
	return known;
}

function growCalls(known: readonly Json[], deltas: readonly Json[]): Json[] {
	let calls = [...known];
	for (const value of deltas) {
		const delta = objectOf(value);
		if (delta === null) continue;
		const at = callOf(calls, delta);
		const call = objectOf(calls[at]);
		if (call === null) calls = [...calls, delta];
		else if (!isBehindWhole(call, delta)) calls = calls.with(at, grow(call, delta));
		// Behind complete arguments, others are those of another call, and the same are a repetition.
		else if (argumentsOf(call) !== argumentsOf(delta)) calls = [...calls, nextCall(call, delta)];
	}
	return calls;
}

/**
 * The position of the call that a delta continues; -1 for a new one. Its `index` decides. Some providers send no index, or 0
 * for every call: then a name with another id, or after arguments that are complete, starts a new call, and a piece without a
 * name continues the last one.
 */
function callOf(calls: readonly Json[], delta: JsonObject): number {
	const index = numberOf(delta.index);
	const id = wordOf(delta.id);
	const isNamed = wordOf(objectOf(delta.function)?.name) !== null;
	if (index === null) {
		if (id !== null) return calls.findLastIndex((call) => objectOf(call)?.id === id);
		return isNamed ? -1 : calls.length - 1;
	}
	const at = calls.findLastIndex((call) => objectOf(call)?.index === index);
	const known = objectOf(calls[at]);
	const knownId = wordOf(known?.id);
	const isOther = id !== null && knownId !== null && knownId !== id;
	return isNamed && (isOther || isWhole(argumentsOf(known), argumentsOf(delta))) ? -1 : at;
}

/** Pieces that are objects are pieces of one. */
function isBehindWhole(call: JsonObject, delta: JsonObject): boolean {
	const more = stringOf(objectOf(delta.function)?.arguments)?.trim() ?? "";
	return more.startsWith("{") && isWhole(argumentsOf(call), more);
}

/** Without a name of its own it has the one of the call before. */
function nextCall(before: JsonObject, delta: JsonObject): JsonObject {
	const name = objectOf(before.function)?.name ?? null;
	return { ...delta, function: { name, ...objectOf(delta.function) } };
}

/** Whether arguments are complete, so that `more` is another call's. Some servers begin with an empty object. */
function isWhole(args: string, more: string): boolean {
	return more !== "" && isComplete(args) && (args !== "{}" || more === "{}");
}

function argumentsOf(call: JsonObject | null): string {
	const args = objectOf(call?.function)?.arguments;
	return stringOf(args) ?? (objectOf(args) === null ? "" : JSON.stringify(args));
}

function isComplete(args: string): boolean {
	return args.endsWith("}") && parseJson(args) !== undefined;
}

/** How much text may consist of pieces, which take up to 27 bytes a character. */
const PIECES_CHARS_MAX = 65_536;

function joined(before: string, more: string): string {
	const text = before + more;
	const isDue = Math.floor(before.length / PIECES_CHARS_MAX) < Math.floor(text.length / PIECES_CHARS_MAX);
	// V8 joins the pieces for the pattern, which matches no text that is due.
	return isDue && /^$/.test(text) ? "" : text;
}
