/** What the model saw, as a list of items: those of the Responses before, then the request's own. */
import { type Json, type JsonObject, listOf, objectOf, wordOf } from "../json/json.ts";
import { typeOf } from "./items.ts";
import type { ResponseInput } from "./request-to-chat.ts";

/**
 * Items in order, each with an id. An item without one is named after its place in the request.
 * @param ulid the job's
 */
export function inputItems({ request, context, referenced }: ResponseInput, ulid: string): JsonObject[] {
	const items = [...context];
	const seen = new Set(context.map(({ id }) => id));
	for (const [at, value] of ownItems(request.input).entries()) {
		const item = objectOf(value) ?? {};
		const isReference = typeOf(item) === "item_reference";
		if (isReference && seen.has(item.id ?? null)) continue;
		const found = isReference ? referenced.get(wordOf(item.id) ?? "") : item;
		if (found === undefined) continue;
		const own = wordOf(found.id);
		const id = own === null || seen.has(own) ? `msg_${ulid}_i${at}` : own;
		seen.add(id);
		items.push(wholeItem(found, id));
	}
	return items;
}

/** What the next Response has before its own input. @param output the items of the answer */
export function contextAfter(input: ResponseInput, ulid: string, output: readonly JsonObject[]): JsonObject[] {
	return [...inputItems(input, ulid), ...output];
}

/** The ids that `input` refers to and the context does not have: the caller of this module looks them up. */
export function missingReferences(request: JsonObject, context: readonly JsonObject[]): string[] {
	const seen = new Set(context.map(({ id }) => id));
	const items = ownItems(request.input).map((value) => objectOf(value) ?? {});
	const ids = items.flatMap((item) => (typeOf(item) === "item_reference" ? (wordOf(item.id) ?? []) : []));
	return [...new Set(ids)].filter((id) => !seen.has(id));
}

function ownItems(input: Json | undefined): Json[] {
	if (typeof input === "string") return input === "" ? [] : [{ role: "user", content: input }];
	return listOf(input ?? null) ?? [];
}

function wholeItem(item: JsonObject, id: string): JsonObject {
	const type = typeOf(item);
	if (type !== "message") return { ...item, id, type };
	const { content } = item;
	const kind = item.role === "assistant" ? "output_text" : "input_text";
	const more = kind === "output_text" ? { annotations: [] } : {};
	const parts = typeof content === "string" ? [{ type: kind, text: content, ...more }] : (content ?? []);
	return { status: "completed", ...item, id, type, content: parts };
}
