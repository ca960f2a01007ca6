/** An answer that calls a function. */
import { completion } from "../../support/answers.ts";

export function toolCall(name: string, args: object) {
	const { choices: _, ...head } = completion("");
	const call = { id: "call_1", type: "function", function: { name, arguments: JSON.stringify(args) } };
	const message = { role: "assistant", content: null, tool_calls: [call] };
	return { ...head, choices: [{ index: 0, message, finish_reason: "tool_calls" }] };
}
