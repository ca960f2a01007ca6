/** The only way to the user's terminal. What others wrote appears as it is, and commands nothing. */
import { styleText } from "node:util";
import type { Environment } from "./profiles.ts";

/** Where output goes. */
export interface Stream {
	write(text: string): unknown;
	isTTY?: boolean | undefined;
	columns?: number | undefined;
}

export type Style = "bold" | "dim" | "red" | "green" | "yellow";

const COLUMNS = 80;
const CLEAR_LINE = "\r\u001b[K";

export class Terminal implements Stream {
	readonly isTTY: boolean;
	readonly #stream: Stream;
	readonly #isEscaped: boolean;
	readonly #isColored: boolean;
	#isDrawn = false;

	/** @param isForPeople whether text is escaped elsewhere than on a terminal too */
	constructor(stream: Stream, env: Environment, isForPeople: boolean) {
		this.isTTY = stream.isTTY === true;
		this.#stream = stream;
		this.#isEscaped = this.isTTY || isForPeople;
		this.#isColored = this.isTTY && !env.NO_COLOR && env.TERM !== "dumb";
	}

	get columns(): number {
		return this.#stream.columns || COLUMNS;
	}

	write(text: string, style?: Style): void {
		this.#stream.write(this.#shown(text, style));
	}

	/** Replaces the line that it drew last. Nothing elsewhere than on a terminal. */
	redraw(line: string, style?: Style): void {
		if (!this.isTTY || (line === "" && !this.#isDrawn)) return;
		this.#isDrawn = line !== "";
		this.#stream.write(CLEAR_LINE + this.#shown(fitted(onOneLine(line), this.columns - 1), style));
	}

	#shown(text: string, style: Style | undefined): string {
		const plain = this.#isEscaped ? shown(text) : text;
		return style !== undefined && this.#isColored ? styleText(style, plain, { validateStream: false }) : plain;
	}
}

/** Characters that a terminal would obey, or that change the order of text, as their escapes, which are those of JSON. */
export function shown(text: string): string {
	return text.replaceAll(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, (found) =>
		found === "\n" || found === "\t" ? found : `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
	);
}

export function onOneLine(text: string): string {
	return shown(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}

const SEGMENTER = new Intl.Segmenter("en", { granularity: "grapheme" });
const WIDE =
	/^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}])|\ufe0f/u;
const NARROW = /^[\x20-\x7e]*$/;

/** How many columns a terminal needs for it. */
export function widthOf(text: string): number {
	if (NARROW.test(text)) return text.length;
	let width = 0;
	for (const { segment } of SEGMENTER.segment(text)) width += widthOfOne(segment);
	return width;
}

function widthOfOne(grapheme: string): number {
	if (/^[\p{M}\p{Cf}]+$/u.test(grapheme)) return 0;
	return WIDE.test(grapheme) ? 2 : 1;
}

/** Cut to a width, with an ellipsis. */
export function fitted(text: string, width: number): string {
	if (widthOf(text) <= width) return text;
	let [kept, left] = ["", width - 1];
	for (const { segment } of SEGMENTER.segment(text)) {
		left -= widthOfOne(segment);
		if (left < 0) break;
		kept += segment;
	}
	return `${kept}…`;
}
