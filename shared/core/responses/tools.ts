/** Tools, and which of them a model may or must call, in the form of chat completions. */
import { type Json, type JsonObject, objectOf, stringOf } from "../json/json.ts";
import type { RequestCheck } from "./request-check.ts";

/** `tools`, `tool_choice` and `parallel_tool_calls`, where there are any: servers refuse the last without tools. */
export function toolFields(request: JsonObject, check: RequestCheck): JsonObject {
	const tools = check.list(request.tools, "tools").map((value, at) => chatTool(value, `tools[${at}]`, check));
	const choice = choiceOf(request.tool_choice, tools, check);
	const parallel = request.parallel_tool_calls ?? null;
	if (parallel !== null && typeof parallel !== "boolean") check.refuse("parallel_tool_calls", "Must be true or false.");
	return {
		...(tools.length === 0 ? {} : { tools }),
		...(choice === null ? {} : { tool_choice: choice }),
		...(parallel === null || tools.length === 0 ? {} : { parallel_tool_calls: parallel }),
	};
}

function chatTool(value: Json, path: string, check: RequestCheck): JsonObject {
	const tool = objectOf(value) ?? {};
	if (objectOf(value) === null) check.refuse(path, "Must be an object.");
	else if (tool.type !== "function" && tool.type !== "custom")
		check.unsupported(
			`${path}.type`,
			'Models behind chat completions call tools of type "function" and "custom" only.',
		);
	for (const field of ["defer_loading", "async"])
		if (tool[field] === true) check.unsupported(`${path}.${field}`, "Models behind chat completions cannot do this.");
	const callers = check.list(tool.allowed_callers, `${path}.allowed_callers`);
	if (callers.length > 0 && !callers.includes("direct"))
		check.unsupported(`${path}.allowed_callers`, "Only the model itself can call tools here.");
	return tool.type === "custom" ? customTool(tool, path, check) : functionTool(tool, path, check);
}

function functionTool(tool: JsonObject, path: string, check: RequestCheck): JsonObject {
	const description = check.string(tool.description, `${path}.description`);
	const parameters = check.object(tool.parameters, `${path}.parameters`);
	return {
		type: "function",
		function: {
			name: check.word(tool.name, `${path}.name`),
			...(description === null ? {} : { description }),
			...(parameters === null ? {} : { parameters }),
			...strictOf(tool, path, check),
		},
	};
}

/** Also of a schema for the answer. */
export function strictOf({ strict }: JsonObject, path: string, check: RequestCheck): JsonObject {
	if ((strict ?? null) === null) return {};
	if (typeof strict !== "boolean") check.refuse(`${path}.strict`, "Must be true or false.");
	return { strict: strict === true };
}

function customTool(tool: JsonObject, path: string, check: RequestCheck): JsonObject {
	const description = check.string(tool.description, `${path}.description`);
	const format = check.object(tool.format, `${path}.format`);
	return {
		type: "custom",
		custom: {
			name: check.word(tool.name, `${path}.name`),
			...(description === null ? {} : { description }),
			...(format === null ? {} : { format: inputFormat(format, `${path}.format`, check) }),
		},
	};
}

function inputFormat(format: JsonObject, path: string, check: RequestCheck): JsonObject {
	const { type, ...grammar } = format;
	if (type === "grammar") return { type, grammar };
	if (type !== "text") check.unsupported(`${path}.type`, 'Must be "text" or "grammar".');
	return { type: "text" };
}

const CHOICES: ReadonlySet<Json> = new Set(["none", "auto", "required"]);

/** Null: the model decides. */
function choiceOf(value: Json | undefined, tools: readonly JsonObject[], check: RequestCheck): Json | null {
	if (value === undefined || value === null) return null;
	// Servers refuse a choice without tools, and these two change nothing then.
	if (tools.length === 0 && (value === "none" || value === "auto")) return null;
	if (CHOICES.has(value)) return value;
	const choice = objectOf(value) ?? {};
	if (objectOf(value) === null) {
		check.refuse("tool_choice", 'Must be "none", "auto", "required" or an object.');
		return null;
	}
	if (choice.type === "allowed_tools") return allowedTools(choice, tools, check);
	return named(choice, "tool_choice", tools, check);
}

function allowedTools(choice: JsonObject, tools: readonly JsonObject[], check: RequestCheck): JsonObject {
	if (choice.mode !== "auto" && choice.mode !== "required")
		check.refuse("tool_choice.mode", 'Must be "auto" or "required".');
	const allowed = check
		.list(choice.tools, "tool_choice.tools")
		.map((value, at) => named(objectOf(value) ?? {}, `tool_choice.tools[${at}]`, tools, check));
	return { type: "allowed_tools", allowed_tools: { mode: choice.mode ?? null, tools: allowed } };
}

function named(choice: JsonObject, path: string, tools: readonly JsonObject[], check: RequestCheck): JsonObject {
	const type = stringOf(choice.type) ?? "";
	if (type !== "function" && type !== "custom") {
		check.unsupported(
			`${path}.type`,
			'Models behind chat completions choose tools of type "function" and "custom" only.',
		);
		return {};
	}
	const name = check.word(choice.name, `${path}.name`);
	const isKnown = tools.some((tool) => tool.type === type && objectOf(tool[type])?.name === name);
	if (!isKnown) check.refuse(`${path}.name`, "No tool of this type in `tools` has this name.");
	return { type, [type]: { name } };
}
