/** JSON with stored JSON in it, which is copied as it is: parsed, it would take a multiple of its size in memory. */
import type { Context, TypedResponse } from "hono";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import type { IntakeEnv } from "../services.ts";

export type Stored = ReadableStream<Uint8Array> | Uint8Array;

/** The pieces of an object: `value` as JSON, with more members at its end. A member without pieces is null. */
export function spliced(value: object, members: Record<string, Stored[] | null>): Stored[] {
	const text = JSON.stringify(value);
	const added = Object.entries(members).flatMap(([name, pieces]) => [
		utf8(`,${JSON.stringify(name)}:`),
		...(pieces ?? [utf8("null")]),
	]);
	return [utf8(text.slice(0, -1)), ...added, utf8("}")];
}

/** The pieces of an array, of the pieces of its items. */
export function splicedList(items: Stored[][]): Stored[] {
	return [utf8("["), ...items.flatMap((item, at) => (at === 0 ? item : [utf8(","), ...item])), utf8("]")];
}

/** Trusts the caller that the pieces are a `Body`, as its schema describes it. */
export function jsonOf<Body>(c: Context<IntakeEnv>, pieces: Stored[]): Response & TypedResponse<Body, 200, "json"> {
	c.header("content-type", "application/json");
	const stream = streamOf(pieces);
	const response: Response = c.newResponse(stream, 200);
	return response as Response & TypedResponse<Body, 200, "json">;
}

/** Reads a stream among the pieces only when the reader has come to it. */
function streamOf(pieces: Stored[]): ReadableStream<Uint8Array> {
	const chunks = chunksOf(pieces);
	return new ReadableStream<Uint8Array>({
		async pull(controller) {
			const { value } = await chunks.next();
			if (value === undefined) controller.close();
			else controller.enqueue(value);
		},
		async cancel() {
			await Promise.all(pieces.map((piece) => (piece instanceof Uint8Array ? null : cancelled(piece))));
		},
	});
}

async function* chunksOf(pieces: Stored[]): AsyncGenerator<Uint8Array, undefined> {
	for (const piece of pieces) {
		if (piece instanceof Uint8Array) yield piece;
		else for await (const chunk of piece) yield chunk;
	}
}

/** One that is being read is ended by its reader. */
async function cancelled(stream: ReadableStream<Uint8Array>): Promise<void> {
	if (!stream.locked) await stream.cancel();
}
