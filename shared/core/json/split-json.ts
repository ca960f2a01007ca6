/** Reads JSON that some servers send in loose forms: several values in one text, or numbers that JSON does not have. */
import { type Json, parseJson } from "./json.ts";

/**
 * The objects and lists that follow each other in a text, such as lines of JSON, each as text. What stands between them is left
 * out. `rest`: what is left behind the last one, such as the start of another.
 */
export function splitJson(text: string): { values: string[]; rest: string } {
	const values: string[] = [];
	let depth = 0;
	let from = 0;
	let restFrom = 0;
	for (let at = 0; at < text.length; at++) {
		const char = text[at];
		if (depth > 0 && char === '"') at = endOfString(text, at);
		else if (char === "{" || char === "[") {
			if (depth === 0) from = at;
			depth++;
		} else if ((char === "}" || char === "]") && depth > 0) {
			depth--;
			if (depth > 0) continue;
			restFrom = at + 1;
			values.push(text.slice(from, restFrom));
		}
	}
	return { values, rest: text.slice(restFrom) };
}

/** The place of the quote that ends the string that begins at `from`; the end of the text where none does. */
export function endOfString(text: string, from: number): number {
	for (let at = from + 1; at < text.length; at++) {
		if (text[at] === "\\") at++;
		else if (text[at] === '"') return at;
	}
	return text.length;
}

/** Python's JSON writes these for log probabilities of minus infinity. */
const NOT_A_NUMBER = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g;

/** The value of JSON text, with null for what is no number of JSON; undefined if the text is not JSON. */
export function readJson(text: string): Json | undefined {
	const strict = parseJson(text);
	if (strict !== undefined || !/Infinity|NaN/.test(text)) return strict;
	return parseJson(text.replace(NOT_A_NUMBER, (token) => (token.startsWith('"') ? token : "null")));
}
