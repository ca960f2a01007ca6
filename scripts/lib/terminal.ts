/** Terminal output of the scripts: coloured on a terminal, plain elsewhere. */
import { styleText } from "node:util";

/** An error that the user can act on: printed as its message, without a stack. */
export class PlainError extends Error {}

export function say(text = ""): void {
	console.log(text);
}

// `styleText` returns plain text when stdout is not a terminal or NO_COLOR is set.
export const bold = (text: string): string => styleText("bold", text);
export const dim = (text: string): string => styleText("dim", text);
export const green = (text: string): string => styleText("green", text);

export function complain(error: unknown): void {
	const text = error instanceof PlainError ? error.message : error instanceof Error ? error.stack : String(error);
	console.error(styleText("red", text ?? "", { stream: process.stderr }));
}
