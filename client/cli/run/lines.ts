/** Lines of bytes. Line feeds alone end a line: text may have every other separator in it. */
export interface RawLine {
	/** From 1. */
	number: number;
	bytes: Buffer;
	/** Where the line begins, and where the next one does. */
	start: number;
	end: number;
	/** False: it is the last one, without a line feed. */
	isWhole: boolean;
}

const LINE_FEED = 10;

export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<RawLine, void> {
	let [number, start] = [1, 0];
	let parts: Uint8Array[] = [];
	for await (const chunk of chunks) {
		let from = 0;
		for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, from)) {
			const bytes = Buffer.concat([...parts, chunk.subarray(from, at)]);
			const end = start + bytes.byteLength + 1;
			yield { number, bytes, start, end, isWhole: true };
			parts = [];
			number += 1;
			start = end;
			from = at + 1;
		}
		if (from < chunk.byteLength) parts.push(chunk.subarray(from));
	}
	const bytes = Buffer.concat(parts);
	if (bytes.byteLength > 0) yield { number, bytes, start, end: start + bytes.byteLength, isWhole: false };
}
