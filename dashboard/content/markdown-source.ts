/**
 * Markdown of unknown origin, made safe to parse: answers that are too long or nested too deep stay text, and the rest is parsed in
 * pieces, because the parser's time grows faster than its text.
 */

const CHARACTERS_MAX = 150_000;
export const DEPTH_MAX = 100;
/** A piece ends at the next blank line, and at the latest at the second number, wherever that is. */
const PIECE = 2_000;
const PIECE_MAX = 8_000;
/** Of one paragraph, cell or heading: the parser compares each with all that follow. */
const INLINE_CHARACTERS_MAX = 5_000;
const INLINE_MARKS_MAX = 400;

/** Why a text is not shown as markdown. Null: it can be. */
export function whyPlain(text: string): "long" | "deep" | null {
	if (text.length > CHARACTERS_MAX) return "long";
	return text.split("\n").some((line) => depthOf(line) > DEPTH_MAX) ? "deep" : null;
}

/** How many quotes and lists a line may open. */
function depthOf(line: string): number {
	const prefix = /^(?:[ \t>*+-]|\d{1,9}[.)](?=\s|$))*/.exec(line)?.[0] ?? "";
	const columns = prefix.replaceAll("\t", "    ").length;
	const markers = prefix.match(/>|[*+-](?=\s|$)|\d[.)]/g)?.length ?? 0;
	return Math.max(markers, Math.floor(columns / 2));
}

/** Whether the parser gets to see what is inside of a paragraph. */
export function isInlineSafe(text: string): boolean {
	return text.length <= INLINE_CHARACTERS_MAX && (text.match(/[*_~[\]<`!]/g)?.length ?? 0) <= INLINE_MARKS_MAX;
}

/** The text in pieces, each of whole blocks where that is possible. */
export function piecesOf(text: string): string[] {
	const pieces: string[] = [];
	let piece: string[] = [];
	let length = 0;
	let fence: string | null = null;
	const end = () => {
		if (piece.length > 0) pieces.push(piece.join("\n"));
		piece = [];
		length = 0;
	};
	for (const line of text.replaceAll(/\r\n?/g, "\n").split("\n").flatMap(cutLine)) {
		const isStart = fence === null && length > PIECE && (piece.at(-1) ?? "").trim() === "" && /^\S/.test(line);
		if (isStart || (length > PIECE_MAX && fence === null)) end();
		fence = fenceAfter(fence, line);
		piece.push(line);
		length += line.length + 1;
	}
	end();
	return pieces;
}

function cutLine(line: string): string[] {
	if (line.length <= PIECE_MAX) return [line];
	return Array.from({ length: Math.ceil(line.length / PIECE_MAX) }, (_, nth) =>
		line.slice(nth * PIECE_MAX, (nth + 1) * PIECE_MAX),
	);
}

/** The fence of code that is open after `line`. Null: none. */
function fenceAfter(open: string | null, line: string): string | null {
	const found = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line);
	const [, marks = "", rest = ""] = found ?? [];
	if (open === null) return found === null || (marks.startsWith("`") && rest.includes("`")) ? null : marks;
	return marks.startsWith(open) && rest.trim() === "" ? null : open;
}

/** Where a link of an answer leads. Null: nowhere that a page may be sent to. */
export function targetOf(href: string): string | null {
	if (!/^https?:\/\//i.test(href) || !URL.canParse(href)) return null;
	const url = new URL(href);
	// A name before an @ looks like the host, and is not.
	return url.username === "" && url.password === "" ? url.href : null;
}
