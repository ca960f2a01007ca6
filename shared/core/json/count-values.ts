/** Counts the values of a JSON text without making them. */
import { endOfString } from "./split-json.ts";

/** Exact but for empty arrays and objects, which count twice. */
export function countValues(text: string): number {
	let count = 1;
	for (let at = 0; at < text.length; at++) {
		const char = text[at];
		if (char === '"') at = endOfString(text, at);
		else if (char === "," || char === "{" || char === "[") count++;
	}
	return count;
}
