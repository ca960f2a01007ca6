/** Terminal output of the scripts: coloured on a terminal, plain elsewhere. Text of others cannot command the terminal. */
import { styleText } from "node:util";

/** An error that the user can act on: printed as its message, without a stack. */
export class PlainError extends Error {}

export function say(text = ""): void {
	console.log(printable(text));
}

// `styleText` returns plain text when stdout is not a terminal or NO_COLOR is set.
export const bold = (text: string): string => styleText("bold", text);
export const dim = (text: string): string => styleText("dim", text);
export const green = (text: string): string => styleText("green", text);

export function complain(error: unknown): void {
	const text = error instanceof PlainError ? error.message : error instanceof Error ? error.stack : String(error);
	console.error(styleText("red", printable(text ?? ""), { stream: process.stderr }));
}

/** One line of foreign text, such as a model's name: control characters appear as their escapes. */
export function escapeControls(text: string): string {
	return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, escaped);
}

/** What the styles above and the red of errors consist of. */
const STYLES: ReadonlySet<string> = new Set([1, 2, 22, 31, 32, 39].map((code) => `\u001b[${code}m`));

/** Lines of our own with foreign text in them: line breaks, tabs and the styles above stay. */
export function printable(text: string): string {
	return text.replace(/[\p{Cc}\p{Bidi_Control}](\[\d+m)?/gu, (found, rest = "") =>
		found === "\n" || found === "\t" || STYLES.has(found) ? found : escaped(found) + rest,
	);
}

function escaped(text: string): string {
	return `\\u${text.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
