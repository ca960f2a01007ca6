/** One form of tool calls, whatever the provider sent: an id, a type, and arguments as JSON text. */
import { type Json, type JsonObject, listOf, objectOf, parseJson, wordOf } from "../json/json.ts";

/** The calls in a list, in an object by their positions, in JSON text of these, or one alone. */
export function callList(value: Json): readonly Json[] {
	const read = typeof value === "string" ? (parseJson(value) ?? value) : value;
	const members = Object.entries(objectOf(read) ?? {});
	const isByPosition = members.length > 0 && members.every(([key]) => /^\d+$/.test(key));
	return listOf(read) ?? (isByPosition ? members.map(([, call]) => call) : [read]);
}

/** A list of objects, whatever the provider sent in its place. What is no object is kept as its `value`. */
export function wholeCalls(value: Json): JsonObject[] {
	const calls = callList(value);
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
	const { name, arguments: args, ...rest } = call;
	const isBare = wordOf(name) !== null && type === "function";
	if (!isBare) return { ...call, id };
	const { arguments: text, ...beside } = wholeFunction({ ...rest, arguments: args ?? null });
	return { ...beside, id, type, function: { name: name ?? null, arguments: text ?? NOTHING } };
}

/** A function's name and arguments, of a tool call or of the `function_call` of old. */
export function wholeFunction(named: JsonObject): JsonObject {
	if (isSet(named.arguments)) return { ...named, arguments: argumentsText(named.arguments) };
	const other = OTHER_NAMES.find((name) => isSet(named[name]));
	if (other === undefined) return { ...named, arguments: NOTHING };
	const { [other]: args, ...rest } = named;
	return { ...rest, arguments: argumentsText(args) };
}

/** Where some servers have the arguments. */
const OTHER_NAMES = ["args", "parameters", "input"];

function isSet(args: Json | undefined): boolean {
	return args !== undefined && args !== null && args !== "";
}

const NOTHING = "{}";

/** JSON text of what was sent. */
function argumentsText(args: Json | undefined): string {
	if (args === undefined || args === null || args === "" || (Array.isArray(args) && args.length === 0)) return NOTHING;
	// Pieces of JSON text in a list are one text.
	const pieces = listOf(args)?.every((piece) => typeof piece === "string") ? (listOf(args) ?? []).join("") : null;
	if (pieces !== null && parseJson(pieces) !== undefined) return argumentsText(pieces);
	if (typeof args !== "string") return JSON.stringify(args);
	// Some servers begin a stream of arguments with an empty object, or with null.
	const rest = /^\s*(?:\{\s*\}|null)\s*(\S[\s\S]*)$/.exec(args)?.[1];
	const text = rest === undefined ? args : argumentsText(rest);
	return parseJson(text) === undefined ? args : text;
}
