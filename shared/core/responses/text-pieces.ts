/** How a text is cut for a stream: the same way for every reader, whatever pieces the provider sent. */

const PIECE_UNITS = 16;

/** Pieces of 16 UTF-16 units; of 15 where the border would split a surrogate pair. Nothing for an empty text. */
export function* textPieces(text: string): Generator<string, void> {
	for (let from = 0; from < text.length; ) {
		let end = Math.min(from + PIECE_UNITS, text.length);
		if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end -= 1;
		yield text.slice(from, end);
		from = end;
	}
}

function isHighSurrogate(unit: number): boolean {
	return unit >= 0xd800 && unit <= 0xdbff;
}
