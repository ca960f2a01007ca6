/** One form of tool calls, whatever the provider sent: an id, a type, and arguments as JSON text. */
import { type Json, type JsonObject, listOf, objectOf, parseJson, wordOf } from "../json/json.ts";

/** A list of objects, whatever the provider sent in its place. What is no object is kept as its `value`. */
export function wholeCalls(value: Json): JsonObject[] {
	const calls = listOf(value) ?? [value];
	const ids = new Set(calls.map((call) => wordOf(objectOf(call)?.id)));
	let made = 0;
	const newId = () => {
		while (ids.has(`call_${made}`)) made++;
		return `call_${made++}`;
	};
	return calls.map((call) => wholeCall(objectOf(call), call, newId));
}

function wholeCall(call: JsonObject | null, value: Json, newId: () => string): JsonObject {
	if (call === null) return { value };
	const id = wordOf(call.id) ?? newId();
	const type = wordOf(call.type) ?? "function";
	const named = objectOf(call.function);
	if (named !== null) return { ...call, id, type, function: wholeFunction(named) };
	const { name, arguments: args, parameters, ...rest } = call;
	const isBare = wordOf(name) !== null && type === "function";
	return isBare
		? { ...rest, id, type, function: wholeFunction({ name: name ?? null, arguments: args ?? parameters ?? null }) }
		: { ...call, id };
}

/** A function's name and arguments, of a tool call or of the `function_call` of old. */
export function wholeFunction(named: JsonObject): JsonObject {
	return { ...named, arguments: argumentsText(named.arguments) };
}

const NOTHING = "{}";

/** JSON text of what was sent. */
function argumentsText(args: Json | undefined): string {
	if (args === undefined || args === null || args === "" || (Array.isArray(args) && args.length === 0)) return NOTHING;
	if (typeof args !== "string") return JSON.stringify(args);
	// Some servers begin a stream of arguments with an empty object.
	const rest = args.startsWith(NOTHING) ? args.slice(NOTHING.length) : "";
	return rest.trim() !== "" && parseJson(rest) !== undefined ? rest : args;
}
