/** Text of unknown origin. */

const HIDDEN = /[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/g;

/** Characters that turn text around, and so make a reader see another text, are shown by their numbers. */
export function visible(text: string): string {
	return text.replaceAll(HIDDEN, (one) => `[U+${one.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}
