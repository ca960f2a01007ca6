/** What the scripts say, and how: plain text where nobody watches, a little colour where somebody does. */
import { styleText } from "node:util";

/** Something the person at the terminal can act on: printed as it stands, without a stack. */
export class PlainError extends Error {}

export function say(text = ""): void {
	console.log(text);
}

// `styleText` leaves the text alone when stdout is not a terminal or NO_COLOR is set.
export const bold = (text: string): string => styleText("bold", text);
export const dim = (text: string): string => styleText("dim", text);
export const green = (text: string): string => styleText("green", text);

export function complain(error: unknown): void {
	const text = error instanceof PlainError ? error.message : error instanceof Error ? error.stack : String(error);
	console.error(styleText("red", text ?? "", { stream: process.stderr }));
}
