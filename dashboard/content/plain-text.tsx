/** Text as it is, of any length: what is out of sight costs no layout. */
import { visible } from "../format/visible.ts";
import { lazyStyle, useSlices } from "./slices.ts";

const PIECE = 16_384;

/** Whole lines where a line is not longer than a piece. */
export function textPieces(text: string): string[] {
	const pieces: string[] = [];
	for (let at = 0; at < text.length; ) {
		const limit = Math.min(text.length, at + PIECE);
		const newline = limit === text.length ? -1 : text.lastIndexOf("\n", limit);
		const end = newline > at ? newline + 1 : limit;
		pieces.push(text.slice(at, end));
		at = end;
	}
	return pieces;
}

export function PlainText({ text, label }: { text: string; label: string }) {
	const pieces = useSlices(text, textPieces);
	return (
		// biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard.
		<section class="plain-text" tabIndex={0} aria-label={label}>
			{pieces.map((piece, index) => (
				<pre key={index} style={lazyStyle(piece, pieces.length)}>
					{visible(piece.replace(/\n$/, ""))}
				</pre>
			))}
		</section>
	);
}
