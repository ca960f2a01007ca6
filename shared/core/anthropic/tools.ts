/** Tools, and which of them a model may or must call, in Anthropic's form. */
import { type Json, type JsonObject, listOf, objectOf, wordOf } from "../json/json.ts";
import { withCache } from "./content.ts";
import type { Refuse } from "./conversion.ts";

/** `tools` and `tool_choice`, where there are any. */
export function toolFields(input: JsonObject, refuse: Refuse): JsonObject {
	const tools = (listOf(input.tools) ?? []).flatMap((tool, at) => toolOf(tool, `tools.${at}`, refuse));
	if (tools.length === 0) return {};
	const isParallel = input.parallel_tool_calls !== false;
	const choice = choiceOf(input.tool_choice, refuse) ?? (isParallel ? null : { type: "auto" });
	if (choice === null) return { tools };
	const isSingle = !isParallel && choice.type !== "none";
	return { tools, tool_choice: isSingle ? { ...choice, disable_parallel_tool_use: true } : choice };
}

function toolOf(value: Json, path: string, refuse: Refuse): JsonObject[] {
	const tool = objectOf(value) ?? {};
	const { name, description, parameters, strict } = objectOf(tool.function) ?? {};
	if ((description ?? null) !== null && typeof description !== "string")
		refuse(`${path}.function.description`, "Anthropic's models take a string.");
	if ((parameters ?? null) !== null && objectOf(parameters) === null)
		refuse(`${path}.function.parameters`, "Anthropic's models take a JSON Schema that is an object.");
	if (tool.type === "function" && wordOf(name) !== null) {
		return withCache(tool, {
			name: name ?? "",
			...(wordOf(description) === null ? {} : { description: description ?? "" }),
			input_schema: { type: "object", ...objectOf(parameters) },
			...(strict === true ? { strict } : {}),
		});
	}
	// In Anthropic's own form: a schema, or the type of one of its tools, such as `web_search_20250305`.
	const isOwn = objectOf(tool.input_schema) !== null || /_\d{8}$/.test(wordOf(tool.type) ?? "");
	if (isOwn) return [tool];
	refuse(path, "Anthropic's models take functions with a name only.");
	return [];
}

const CHOICES: Readonly<Record<string, string>> = { auto: "auto", none: "none", required: "any" };
const OWN_CHOICES: ReadonlySet<Json | undefined> = new Set(["auto", "any", "tool", "none"]);

/** Null: the caller left it to the model. */
function choiceOf(value: Json | undefined, refuse: Refuse): JsonObject | null {
	if (value === undefined || value === null) return null;
	const word = typeof value === "string" ? CHOICES[value] : undefined;
	if (word !== undefined) return { type: word };
	const choice = objectOf(value);
	const name = wordOf(objectOf(choice?.function)?.name);
	if (choice?.type === "function" && name !== null) return { type: "tool", name };
	if (choice !== null && OWN_CHOICES.has(choice.type)) return choice;
	refuse("tool_choice", 'Anthropic\'s models take "auto", "none", "required" or one function.');
	return null;
}
